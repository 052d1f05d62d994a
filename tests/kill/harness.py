"""The real daemon under load from a separate client, killed with SIGKILL again and again.

The judge is the client's own list of acknowledged events and the mail sink's own log; Pointbell's database is asked
only for the messages it lists as ``unknown``.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx2

from engine.store import Reports

PERMITS = 5
"""How many permits may be in flight when the process dies: one per connection of the pool (its default)."""
CLIENTS = 16

CONFIG = """\
programme: {{name: Kill Test, timezone: Europe/Warsaw, locale: en}}
store: pointbell.db
http: {{host: 127.0.0.1, port: {port}}}
sources:
  load: {{producer: native, unsigned: true}}
channels:
  email: {{kind: email, host: 127.0.0.1, port: {smtp}, tls: none, from: "Club <club@example.org>"}}
delivery: {{mode: live, on_ambiguous: {policy}}}
brand: {{name: Kill Test, postal_address: "1 Loop Street"}}
"""
RULE = """\
rule: points-added
on: points_added
send: points-added
"""
TEMPLATE = """\
---
subject: "{{ event.points }} points"
---
<p>Hello, {{ event.points }} points are yours.</p>
"""


@dataclass(slots=True)
class Counts:
    """What the two logs say."""

    policy: str
    kills: int = 0
    acknowledged: int = 0
    repeated_posts: int = 0
    delivered: int = 0
    lost: int = 0
    duplicates: int = 0
    unknown: int = 0
    unknown_bound: int = 0
    lost_ids: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.policy}: {self.kills} kills, {self.acknowledged} events acknowledged "
            f"({self.repeated_posts} posted again), {self.delivered} mails in the sink, lost {self.lost}, "
            f"duplicates {self.duplicates}, unknown {self.unknown} (bound {self.unknown_bound})"
        )


def free_port() -> int:
    """A loopback port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Sink:
    """A mail server in a process of its own, which notes every mail before it says 250."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.port = free_port()

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.smtp_sink", "--port", str(self.port), "--log", str(self._log),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        await self._process.stdout.readline()

    async def stop(self) -> None:
        self._process.terminate()
        await self._process.wait()

    def mails(self) -> Counter[str]:
        """How many mails each recipient got."""
        lines = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        return Counter(json.loads(line)["recipient"].partition("@")[0] for line in lines)


class Daemon:
    """The real ``pointbell run``, started and killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.up = asyncio.Event()
        """Set while the daemon says that it listens."""

    async def start(self) -> None:
        self._process = await self._spawn("run")
        self._reader = asyncio.create_task(self._read(self._process))
        ready, _ = await asyncio.wait(
            [asyncio.create_task(self.up.wait()), self._reader], return_when=asyncio.FIRST_COMPLETED
        )
        assert self._reader not in ready, (self._folder / "daemon.log").read_text(encoding="utf-8")[-2000:]

    async def kill(self) -> None:
        self.up.clear()
        os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        await self._reader

    async def finish(self) -> None:
        """Let a last daemon do what is left."""
        process = await self._spawn("run", "--until-idle")
        await self._read(process)
        assert await process.wait() == 0

    async def _spawn(self, *words: str) -> asyncio.subprocess.Process:
        config = str(self._folder / "config.yaml")
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "engine", *words, "--config", config,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Keep the daemon's log, and notice when it listens."""
        assert process.stdout is not None
        with (self._folder / "daemon.log").open("ab") as log:
            async for line in process.stdout:
                log.write(line)
                if b"listening" in line:
                    self.up.set()


class Load:
    """Clients that post events without end and remember what was acknowledged."""

    def __init__(self, port: int, daemon: Daemon, random: Random) -> None:
        self._url = f"http://127.0.0.1:{port}/ingest/load"
        self._daemon = daemon
        self._random = random
        self._next = 0
        self.acknowledged: set[str] = set()
        self.repeated = 0
        self._more = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._client()) for _ in range(CLIENTS)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until(self, count: int) -> None:
        """Wait until so many events are acknowledged."""
        async with self._more:
            await self._more.wait_for(lambda: len(self.acknowledged) >= count)

    async def _client(self) -> None:
        async with httpx2.AsyncClient(timeout=10) as client:
            while True:
                self._next += 1
                await self._post_until_acknowledged(client, f"e{self._next}")

    async def _post_until_acknowledged(self, client: httpx2.AsyncClient, name: str) -> None:
        body = _event(name)
        while not await self._post(client, body):
            self.repeated += 1
        if self._random.random() < 0.1:
            self.repeated += 1
            await self._post(client, body)
        async with self._more:
            self.acknowledged.add(name)
            self._more.notify_all()

    async def _post(self, client: httpx2.AsyncClient, body: bytes) -> bool:
        try:
            reply = await client.post(self._url, content=body)
        except httpx2.HTTPError:
            await self._daemon.up.wait()
            return False
        return reply.is_success


async def prove(folder: Path, *, kills: int, policy: str, seed: int) -> Counts:
    """Kill the daemon ``kills`` times at random moments of a load, let a last one finish, and count."""
    random = Random(seed)
    sink = Sink(folder / "sink.log")
    port = free_port()
    _programme(folder, port=port, smtp=sink.port, policy=policy)
    daemon = Daemon(folder)
    load = Load(port, daemon, random)
    await sink.start()
    try:
        await daemon.start()
        load.start()
        for _ in range(kills):
            await load.until(len(load.acknowledged) + random.randint(1, 150))
            await daemon.kill()
            await daemon.start()
        await load.stop()
        await daemon.kill()
        await daemon.finish()
    finally:
        await load.stop()
        await sink.stop()
    return _count(folder, sink, load, kills=kills + 1, policy=policy)


def _count(folder: Path, sink: Sink, load: Load, *, kills: int, policy: str) -> Counts:
    mails = sink.mails()
    reports = Reports(folder / "pointbell.db")
    unknown = {row["address"].partition("@")[0] for row in reports.notifications(state="unknown", limit=10**6)}
    reports.close()
    lost = sorted(load.acknowledged - set(mails) - unknown)
    return Counts(
        policy=policy,
        kills=kills,
        acknowledged=len(load.acknowledged),
        repeated_posts=load.repeated,
        delivered=sum(mails.values()),
        lost=len(lost),
        duplicates=sum(count - 1 for count in mails.values()),
        unknown=len(unknown),
        unknown_bound=kills * PERMITS,
        lost_ids=lost[:10],
    )


def _programme(folder: Path, *, port: int, smtp: int, policy: str) -> None:
    (folder / "config.yaml").write_text(CONFIG.format(port=port, smtp=smtp, policy=policy), encoding="utf-8")
    (folder / "rules").mkdir()
    (folder / "rules" / "points.yaml").write_text(RULE, encoding="utf-8")
    template = folder / "templates" / "points-added"
    template.mkdir(parents=True)
    (template / "email.en.html").write_text(TEMPLATE, encoding="utf-8")


def _event(name: str) -> bytes:
    said = {
        "id": name,
        "type": "points_added",
        "member": {"id": name, "email": f"{name}@example.org"},
        "card": {"id": f"card-{name}", "balance": 10},
        "data": {"points": 10},
    }
    return json.dumps(said).encode()
