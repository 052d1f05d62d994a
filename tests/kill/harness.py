"""The real daemon under load from a separate client, ended again and again: by SIGKILL, by SIGTERM, by a failpoint.

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
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx2

from engine import failpoints
from engine.senders import AT_ONCE
from engine.store import Reports

PERMITS = AT_ONCE
"""How many permits may be in flight when the process dies: one for each message under way on a route."""
CLIENTS = 16
STORE = "pointbell.db"
PAUSE_S = 0.05
"""How long a client waits that was answered 503; less than it is asked to, for the harder test."""

ONLY_TAKEN_IN = 0.25
"""The share of ends at a moment counted in acknowledgements. A daemon that has just begun may not have sent by then."""
LOOK_S = 0.005
"""How often somebody looks how far the relay's log has come."""

CONFIG = """\
programme: {{name: Kill Test, timezone: Europe/Warsaw, locale: en}}
store: {store}
http: {{host: 127.0.0.1, port: {port}, min_free: {min_free}}}
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
    ends: str = "kills"
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
            f"{self.policy}: {self.kills} {self.ends}, {self.acknowledged} events acknowledged "
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

    async def until(self, count: int) -> None:
        """Wait until it has taken so many mails."""
        while self.taken() < count:  # noqa: ASYNC110 - what is waited for happens in another process.
            await asyncio.sleep(LOOK_S)

    def taken(self) -> int:
        """How many mails it has taken."""
        return self._log.read_bytes().count(b"\n") if self._log.exists() else 0

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

    async def start(self, faults: str = "") -> None:
        """Start, with faults armed, and wait until it listens."""
        self._process = await self._spawn("run", faults=faults)
        self._reader = asyncio.create_task(self._read(self._process))
        ready, _ = await asyncio.wait(
            [asyncio.create_task(self.up.wait()), self._reader], return_when=asyncio.FIRST_COMPLETED
        )
        assert self._reader not in ready, (self._folder / "daemon.log").read_text(encoding="utf-8")[-2000:]

    @property
    def pid(self) -> int:
        return self._process.pid

    async def through(self, work: Coroutine[None, None, None]) -> None:
        """Do something during which it must not end."""
        task = asyncio.ensure_future(work)
        await asyncio.wait({task, self._reader}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            raise AssertionError((self._folder / "daemon.log").read_text(encoding="utf-8")[-2000:])

    async def kill(self) -> None:
        """End it as the kernel does when memory is short."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> None:
        """Ask it to end, as systemd does; it must, and say that all is well."""
        assert await self._end(signal.SIGTERM) == 0

    async def died(self) -> int:
        """Wait until it has ended by itself; the exit code."""
        code = await self._process.wait()
        self.up.clear()
        await self._reader
        return code

    async def _end(self, number: int) -> int:
        self.up.clear()
        os.kill(self._process.pid, number)
        return await self.died()

    async def finish(self) -> None:
        """Let a last daemon do what is left."""
        process = await self._spawn("run", "--until-idle")
        await self._read(process)
        assert await process.wait() == 0

    async def _spawn(self, *words: str, faults: str = "") -> asyncio.subprocess.Process:
        config = str(self._folder / "config.yaml")
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "engine", *words, "--config", config,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, failpoints.VARIABLE: faults},
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
        self.refused = 0
        """Posts that were answered 503."""
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

    async def until_refused(self, count: int) -> None:
        """Wait until so many posts were answered 503."""
        async with self._more:
            await self._more.wait_for(lambda: self.refused >= count)

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
        if reply.status_code == 503:
            await self._wait_after_503()
        return reply.is_success

    async def _wait_after_503(self) -> None:
        async with self._more:
            self.refused += 1
            self._more.notify_all()
        await asyncio.sleep(PAUSE_S)


async def prove(folder: Path, *, kills: int, policy: str, seed: int) -> Counts:
    """Kill the daemon ``kills`` times at random moments of a load, let a last one finish, and count."""
    return await _under_load(folder, kills, policy, seed, Daemon.kill, "kills")


async def prove_stops(folder: Path, *, stops: int, seed: int) -> Counts:
    """The same with SIGTERM: what was begun is finished, so that nothing is unknown."""
    return await _under_load(folder, stops, "park", seed, Daemon.terminate, "stops")


async def _under_load(
    folder: Path, ends: int, policy: str, seed: int, end: Callable[[Daemon], Awaitable[None]], name: str
) -> Counts:
    random = Random(seed)
    async with loaded(folder, policy, random) as (sink, daemon, load):
        await daemon.start()
        load.start()
        for _ in range(ends):
            await daemon.through(_a_while(sink, load, random))
            await end(daemon)
            await daemon.start()
        await load.stop()
        await end(daemon)
        await daemon.finish()
    return count(folder, sink, load, kills=ends + 1, policy=policy, ends=name)


async def _a_while(sink: Sink, load: Load, random: Random) -> None:
    """Until so many more are acknowledged, or so many mails are out: both come early, late, and in between."""
    if random.random() < ONLY_TAKEN_IN:
        await load.until(len(load.acknowledged) + random.randint(1, 150))
    else:
        await sink.until(sink.taken() + random.randint(1, 100))


async def prove_points(folder: Path, *, faults: Sequence[str], policy: str, seed: int) -> Counts:
    """Have the daemon killed by one failpoint after the other, under load."""
    async with loaded(folder, policy, Random(seed)) as (sink, daemon, load):
        load.start()
        for fault in faults:
            await daemon.start(fault)
            assert await daemon.died() == -signal.SIGKILL, fault
        await daemon.start()
        await load.until(len(load.acknowledged) + 50)
        await load.stop()
        await daemon.terminate()
        await daemon.finish()
    return count(folder, sink, load, kills=len(faults), policy=policy, ends="failpoints")


@asynccontextmanager
async def loaded(
    folder: Path, policy: str, random: Random, *, min_free: str = "0 B", store: str = STORE
) -> AsyncIterator[tuple[Sink, Daemon, Load]]:
    """A programme, its relay, its daemon and its clients, none but the relay started yet."""
    sink = Sink(folder / "sink.log")
    port = free_port()
    write_programme(folder, port=port, smtp=sink.port, policy=policy, min_free=min_free, store=store)
    daemon = Daemon(folder)
    load = Load(port, daemon, random)
    await sink.start()
    try:
        yield sink, daemon, load
    finally:
        await load.stop()
        await sink.stop()


def count(
    folder: Path, sink: Sink, load: Load, *, kills: int = 1, policy: str = "park", ends: str, store: str = STORE
) -> Counts:
    mails = sink.mails()
    reports = Reports(folder / store)
    unknown = {row["address"].partition("@")[0] for row in reports.notifications(state="unknown", limit=10**6)}
    reports.close()
    lost = sorted(load.acknowledged - set(mails) - unknown)
    return Counts(
        policy=policy,
        kills=kills,
        ends=ends,
        acknowledged=len(load.acknowledged),
        repeated_posts=load.repeated,
        delivered=sum(mails.values()),
        lost=len(lost),
        duplicates=sum(count - 1 for count in mails.values()),
        unknown=len(unknown),
        unknown_bound=kills * PERMITS,
        lost_ids=lost[:10],
    )


def write_programme(folder: Path, *, port: int, smtp: int, policy: str, min_free: str, store: str) -> None:
    text = CONFIG.format(port=port, smtp=smtp, policy=policy, min_free=min_free, store=store)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
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
