"""Where a daemon's time goes, by the parts people know: samples of py-spy, each counted for its innermost part."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from . import needs
from .processes import bound_to_us

RATE = 100
"""Samples per second."""

PARTS = (
    ("commit (fsync included)", r"do_commit \("),
    ("store: take the event", r"\(engine/store/events\.py|add_events"),
    ("store: facts, load", r"load(_\w+)? \(engine/store/facts\.py|Store\.load"),
    ("store: facts, save", r"\(engine/store/facts\.py"),
    ("store: queue the message", r"_queue\b.* \(engine/store/settle\.py"),
    ("store: decisions", r"_row \(engine/store/settle\.py"),
    ("store: settle, the rest", r"\(engine/store/settle\.py"),
    ("store: claim, permit, record", r"\(engine/store/outbox\.py"),
    ("store: writer and the rest", r"\(engine/store/"),
    ("words: text of the HTML", r"text_of \(|_Reader\.|\(html/parser\.py|\(_markupbase\.py"),
    ("words: leftovers", r"\(engine/ruleset/leftovers\.py|_refuse_leftovers"),
    ("words: plain text", r"\(engine/ruleset/plaintext\.py"),
    ("words: filters (Babel)", r"\(engine/ruleset/filters\.py|\(babel/"),
    ("words: CSS inlining, native", r"^Template\._words \("),
    ("words: Jinja", r"\(jinja2/|\(engine/ruleset/|root \(|block_\w+ \(|_produce \("),
    ("decide: the view", r"\(engine/language/views\.py|\(engine/language/scope\.py"),
    ("decide: conditions", r"\(engine/language/"),
    ("decide: reminders", r"\(engine/decide/reminders\.py|\(engine/decide/due\.py"),
    ("decide: address", r"\(email_validator/|address_of \("),
    ("decide: the rest", r"\(engine/decide/|\(engine/(deciding|model)\.py"),
    ("mail bytes", r"\(engine/deliver/(mime|identity|signing)\.py"),
    ("SMTP", r"\(engine/deliver/|\(engine/sending\.py|\(aiosmtplib/"),
    ("read the event", r"\(engine/ingest/"),
    ("HTTP", r"\(uvicorn/|\(engine/web/"),
    ("metrics and log", r"\(engine/(metrics|observer|logs)\.py|\(prometheus_client/|\(structlog/"),
    ("children", r"\(engine/children|\(multiprocessing/"),
    ("pipeline and worker", r"\(engine/(pipeline|worker|senders|settling|settlement|deciders|workshop|office/\w+)\.py"),
    ("event loop", r"\(asyncio/|uvloop"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part's share of the samples."""

    part: str
    python: float
    """Of those in which a thread held the interpreter: what the part costs in Python."""
    busy: float
    """Of those in which a thread was busy in any way; waiting for the disk or for a free core counts."""
    example: str
    """The innermost function most often seen in it."""


class Profile:
    """Samples a process and its children while it works; ``stop`` tells what was seen."""

    def __init__(self, pid: int, folder: Path, seconds: float = 300.0) -> None:
        spy = shutil.which("py-spy", path=str(Path(needs.python()).parent))
        if spy is None:
            raise needs.Missing("py-spy is not in the peers' environment")
        self._outs = {option: folder / f"samples{option}.txt" for option in ("--gil", "")}
        command = [spy, "record", "--pid", str(pid), "--duration", str(int(seconds)), "--rate", str(RATE)]
        command += ["--subprocesses", "--nonblocking", "--format", "raw"]
        self._samplers = [
            subprocess.Popen(
                bound_to_us([*command, *filter(None, [option]), "--output", str(out)]),
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )
            for option, out in self._outs.items()
        ]  # fmt: skip

    def stop(self) -> list[Share]:
        """End the sampling; the parts, the largest first.

        Raises:
            Missing: this machine lets nobody look into processes.
        """
        for sampler in self._samplers:
            sampler.send_signal(signal.SIGINT)
        said = [sampler.communicate(timeout=60)[1] for sampler in self._samplers]
        if not all(out.exists() for out in self._outs.values()):
            raise needs.Missing(f"py-spy could not look into the process (it needs ptrace): {said[0].strip()[-300:]}")
        python, busy = (out.read_text(encoding="utf-8") for out in self._outs.values())
        return shares(python, busy)


def shares(python: str, busy: str) -> list[Share]:
    """From py-spy's raw format: frames from the outermost in, separated by semicolons, and a count."""
    held, working = _parts(python), _parts(busy)
    totals = sum(count.total() for count in held.values()), sum(count.total() for count in working.values())
    found = [
        Share(
            part=part,
            python=held[part].total() / (totals[0] or 1),
            busy=working[part].total() / (totals[1] or 1),
            example=(held[part] or working[part]).most_common(1)[0][0],
        )
        for part in held | working
    ]
    return sorted(found, key=lambda one: (one.python, one.busy), reverse=True)


def part_of(frames: list[str]) -> str:
    """The part the innermost known frame belongs to."""
    for frame in reversed(frames):
        for part, pattern in PARTS:
            if re.search(pattern, frame):
                return part
    return "the rest"


def _parts(samples: str) -> defaultdict[str, Counter[str]]:
    """By part, how often which function was the innermost."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in samples.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [re.sub(r":\d+\)$", ")", frame) for frame in stack.split(";") if not frame.startswith("process ")]
        frames = frames or ["outside Python"]
        found[part_of(frames)][frames[-1]] += int(count)
    return found
