"""Rules and templates rewritten under load, whole, half and broken, and read again all the while.

The judge is the client's own list, the mail sink's log, and what stood on the disk: whatever was decided must have been
decided under a set that was there whole.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from engine.office import connect, socket_path
from engine.office.daemon import Reload
from engine.ruleset.load import fingerprint

from .harness import STORE, Counts, count, loaded

RULES = "rules/points.yaml"
WORDS = "templates/points-added/email.en.html"
BROKEN = 0.3
"""The share of readings that meet a broken or half-written file."""

_RULE = "description: set {number}\nrule: points-added\non: points_added\nsend: points-added\n"
_WORDS = '---\nsubject: "{{{{ event.points }}}} points, set {number}"\n---\n<p>{{{{ event.points }}}} are yours.</p>\n'


@dataclass(slots=True, kw_only=True)
class Reloads:
    """What came of it."""

    counts: Counts
    good: int = 0
    bad: int = 0
    surprises: list[str] = field(default_factory=list)
    """Readings that did not end as what was on the disk deserved."""
    read: int = 0
    """Readings that the daemon tells of, with those it began by itself."""
    starts: int = 0
    sets: int = 0
    """Sets that something was decided under."""
    strangers: set[str] = field(default_factory=set)
    """Those among them that were never on the disk."""

    def __str__(self) -> str:
        return (
            f"{self.good + self.bad} reloads asked for, {self.bad} of them of broken files ({self.read} read in all), "
            f"{len(self.surprises)} ended otherwise than they should; {self.counts.acknowledged} events acknowledged, "
            f"lost {self.counts.lost}, duplicates {self.counts.duplicates}; decided under {self.sets} sets, "
            f"{len(self.strangers)} of them never there whole; daemon started {self.starts} time(s)"
        )


class Editor:
    """Somebody who saves files as the worst editors do: cut off, then written bit by bit."""

    def __init__(self, folder: Path, random: Random) -> None:
        self._folder = folder
        self._random = random
        self._number = 0
        self._whole = {path: (folder / path).read_bytes() for path in (RULES, WORDS)}
        self.sets = {fingerprint(self._whole)}
        """What was there whole, by its hash."""

    async def good(self) -> None:
        """Save another version of one of the files."""
        self._number += 1
        path = self._random.choice((RULES, WORDS))
        text = (_RULE if path == RULES else _WORDS).format(number=self._number).encode()
        # What the file will be counts as soon as its last byte is there.
        self.sets.add(fingerprint({**self._whole, path: text}))
        await self._save(path, text, self._cut(path, text))
        self._whole[path] = text

    async def broken(self) -> Callable[[], Awaitable[None]]:
        """Leave one of the files as nobody can use it; how to mend it."""
        path = self._random.choice((RULES, WORDS))
        text = self._whole[path]
        bad = self._random.choice(
            (text[: self._cut(path, text)], b"", text.replace(b"points", b"pionts"), b"\xff" + text, b"{{ [" + text)
        )
        (self._folder / path).write_bytes(bad)
        return lambda: self._save(path, text, len(bad) if text.startswith(bad) else 0)

    def _cut(self, path: str, text: bytes) -> int:
        """Where a file can be cut off so that what is left means nothing."""
        return self._random.randrange(1, text.index(b"points-added\n") if path == RULES else text.index(b"\n---"))

    async def _save(self, path: str, text: bytes, cut: int) -> None:
        with (self._folder / path).open("wb", buffering=0) as file:
            await asyncio.sleep(0)
            file.write(text[:cut])
            await asyncio.sleep(0)
            file.write(text[cut:])


async def prove_reloads(folder: Path, *, reloads: int, seed: int, settings: str = "") -> Reloads:
    """Have the daemon read its rules so often, with a share of broken ones, while clients post; and count."""
    random = Random(seed)
    async with loaded(folder, "park", random) as (sink, daemon, load):
        config = folder / "config.yaml"
        config.write_text(config.read_text(encoding="utf-8") + settings, encoding="utf-8")
        editor, done = Editor(folder, random), Reloads(counts=Counts(policy="park"))
        await daemon.start()
        load.start()
        await daemon.through(_edit(folder, editor, done, reloads, random))
        await load.until(len(load.acknowledged) + 20)
        await load.stop()
        await daemon.terminate()
        await daemon.finish()
    done.counts = count(folder, sink, load, ends="reloads")
    _look_back(folder, editor, done)
    return done


async def _edit(folder: Path, editor: Editor, done: Reloads, reloads: int, random: Random) -> None:
    async with connect(socket_path(folder / STORE)) as office:
        assert office is not None
        deserved = [number >= reloads * BROKEN for number in range(reloads)]
        for good in random.sample(deserved, reloads):
            mend = await (editor.good if good else editor.broken)()
            answer = await office.ask(Reload())
            if answer.good is not good or answer.ruleset not in editor.sets:
                done.surprises.append(f"good: {good}, {answer.model_dump_json()}")
            done.good, done.bad = done.good + good, done.bad + (not good)
            if mend is not None:
                await mend()


def _look_back(folder: Path, editor: Editor, done: Reloads) -> None:
    with closing(sqlite3.connect(folder / STORE)) as database:
        decided = "SELECT ruleset FROM decision UNION SELECT ruleset FROM event WHERE ruleset IS NOT NULL"
        used = {row[0] for row in database.execute(decided)}
    done.sets, done.strangers = len(used), used - editor.sets
    said = [_event(line) for line in (folder / "daemon.log").read_text(encoding="utf-8").splitlines()]
    done.starts = said.count("listening")
    done.read = said.count("reloaded") + said.count("reload failed")


def _event(line: str) -> str:
    return str(json.loads(line).get("event")) if line.startswith("{") else ""
