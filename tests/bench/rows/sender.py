"""Ready mails to smtp-sink over twenty connections: our channel and pool, aiosmtplib alone, Postfix's smtp-source."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .. import needs
from ..measure import Goal, Plan, Row
from ..processes import Died, Process, free_port
from ..sink import Sink
from .message_bytes import channel, message

CONNECTIONS = 20
NEAR, FAR = 20_000, 1_500
ROUND_TRIP_MS = 20
AIOSMTPLIB, POSTFIX = "aiosmtplib alone", "Postfix smtp-source -d -s 20"


@dataclass(frozen=True, slots=True)
class Sent:
    """One client, once."""

    per_second: float
    cpu_us: float


Client = Callable[[int, int, Path], Sent]


def run(plan: Plan) -> list[Row]:
    """On loopback, then over a round trip of 20 ms."""
    with tempfile.TemporaryDirectory(prefix="pointbell-bench-") as folder:
        mail = Path(folder, "mail.eml")
        mail.write_bytes(channel().prepare(message(700)))
        near = _in_turns(plan, mail, plan.count(NEAR), far=False)
        far = _in_turns(plan, mail, plan.count(FAR), far=True)
    what = f"SMTP sender, {CONNECTIONS} connections"
    return [
        _row(what, near, AIOSMTPLIB, Goal(at_least=4)),
        _row(what, near, POSTFIX, Goal(at_least=1.2)),
        _row(f"{what}: CPU", near, AIOSMTPLIB, None, cpu=True),
        _row(f"SMTP sender, {ROUND_TRIP_MS} ms away", far, AIOSMTPLIB, Goal(at_least=3.5)),
        _row(f"SMTP sender, {ROUND_TRIP_MS} ms away", far, POSTFIX, None),
    ]


def _in_turns(plan: Plan, mail: Path, mails: int, *, far: bool) -> dict[str, list[Sent]]:
    found: dict[str, list[Sent]] = {name: [] for name in CLIENTS}
    for turn in range(plan.rounds):
        for name, client in CLIENTS.items():
            with _server(far=far) as port:
                sent = client(port, mails, mail)
            found[name].append(sent)
            where = f"{ROUND_TRIP_MS} ms away" if far else "near"
            figures = f"{sent.per_second:,.0f} mails/s, {sent.cpu_us:,.0f} us of CPU"
            plan.say(f"   {turn + 1}/{plan.rounds} {where}, {name}: {figures}")
    return found


@contextmanager
def _server(*, far: bool):
    """A fresh sink's port, or that of a slow way to it."""
    with ExitStack() as stack:
        sink = stack.enter_context(Sink(counting=False))
        if not far:
            yield sink.port
            return
        port = free_port()
        words = ["--listen", str(port), "--to", str(sink.port), "--ms", str(ROUND_TRIP_MS // 2)]
        relay = Process("delay", [sys.executable, "-m", "tests.bench.delay", *words], cwd=needs.ROOT)
        stack.callback(relay.stop)
        relay.wait_for_port(port)
        yield port


def _python(module: str) -> Client:
    def client(port: int, mails: int, mail: Path) -> Sent:
        command = [sys.executable, "-m", module, str(port), str(mails), str(CONNECTIONS), str(mail)]
        done = subprocess.run(command, cwd=needs.ROOT, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise Died(f"{module} failed: {done.stderr[-1500:]}")
        seen = json.loads(done.stdout)
        return Sent(mails / seen["seconds"], seen["cpu"] / mails * 1e6)

    return client


def _smtp_source(port: int, mails: int, mail: Path) -> Sent:
    tools = needs.tools()
    size, addresses = str(mail.stat().st_size), ("-f", "club@example.org", "-t", "anna@example.org")
    load = ("-d", "-s", str(CONNECTIONS), "-m", str(mails), "-l", size)
    command = [tools.path("smtp-source"), *load, *addresses, f"127.0.0.1:{port}"]
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, env=tools.environment, capture_output=True, text=True, timeout=300, check=False)
    seconds, after = time.perf_counter() - start, os.times()
    if done.returncode:
        raise Died(f"smtp-source failed: {done.stderr[-1500:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Sent(mails / seconds, cpu / mails * 1e6)


CLIENTS: Mapping[str, Client] = {
    AIOSMTPLIB: _python("tests.bench.peers.smtp_client"),
    "ours": _python("tests.bench.smtp_client"),
    POSTFIX: _smtp_source,
}


def _row(what: str, found: Mapping[str, list[Sent]], peer: str, aim: Goal | None, *, cpu: bool = False) -> Row:
    ours, theirs = ([one.cpu_us if cpu else one.per_second for one in found[name]] for name in ("ours", peer))
    return Row(what=what, unit="us/mail" if cpu else "mails/s", peer=peer, ours_rounds=tuple(ours),
               peer_rounds=tuple(theirs), aim=aim)  # fmt: skip
