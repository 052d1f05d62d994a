"""Everything a daemon does with its database and its relay, again and again, while faults strike.

Who posts notes what was acknowledged, in a file of his own; the mail sink notes what it took. The verdict is made of
these two: each acknowledged name is owed exactly one mail, at once or when its reminder is due. Pointbell's database is
asked only for the messages it lists as ``unknown``.
"""

from __future__ import annotations

import asyncio
import io
import json
import multiprocessing
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine import failpoints
from engine.config import load_config
from engine.daemon import assemble
from engine.decide.moving import Arrival
from engine.errors import StoreBusy
from engine.ingest import Delivery
from engine.logs import make_log
from engine.model import Snapshot
from engine.store import (
    Came,
    ImportedFile,
    Kind,
    Messages,
    NotificationState,
    Pause,
    Queued,
    Reached,
    Reports,
    Retention,
    Ruling,
    Scope,
    Verdict,
    limit_of,
)
from engine.tools.simulation import SimulatedClock
from tests.kill.harness import CONFIG, PERMITS, RULE, TEMPLATE, free_port

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LEASES_ARE_OVER = timedelta(minutes=25)
REMINDERS_ARE_OUT = timedelta(days=10)
AT_START = frozenset({"restored", "begin", "secret", "recover", "fail_other_routes", "note", "noted"})
"""Units that are asked for before anything works."""
REMINDER = """\
rule: points-expire-soon
on: {before: card.next_expiration_date, by: [7 days], at: "09:00"}
send: points-expire-soon
"""
SOON = """\
---
subject: "Your points expire soon"
---
<p>Hello, points of yours expire on {{ card.next_expiration_date | date }}.</p>
"""
_START = multiprocessing.get_context("forkserver")
_START.set_forkserver_preload(["tests.faults.life"])


def programme(folder: Path, *, smtp: int, policy: str) -> None:
    """A rule that tells at once, and one that reminds."""
    text = CONFIG.format(port=free_port(), smtp=smtp, policy=policy, min_free="0 B", store="pointbell.db")
    (folder / "config.yaml").write_text(text + "workers: 0\n", encoding="utf-8")
    (folder / "rules").mkdir()
    (folder / "rules" / "added.yaml").write_text(RULE + 'if: "event.points >= 5"\n', encoding="utf-8")
    (folder / "rules" / "soon.yaml").write_text(REMINDER, encoding="utf-8")
    for name, words in (("points-added", TEMPLATE), ("points-expire-soon", SOON)):
        (folder / "templates" / name).mkdir(parents=True)
        (folder / "templates" / name / "email.en.html").write_text(words, encoding="utf-8")


class Acknowledged:
    """The names that were acknowledged, in a file: what a process has noted before it was killed stays noted."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "acknowledged.txt"

    def names(self) -> list[str]:
        return self._path.read_text(encoding="utf-8").split() if self._path.exists() else []

    def note(self, name: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")


class Life:
    """A workshop, told time, and somebody who insists."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self._folder = folder
        self._stack = AsyncExitStack()
        self.clock = SimulatedClock(now)
        self.acknowledged = Acknowledged(folder)

    async def open(self) -> None:
        """Open until it opens."""
        config, log = load_config(self._folder / "config.yaml", {}), make_log(io.StringIO())
        self.shop = await insisted(
            lambda: self._stack.enter_async_context(assemble(config, log, self.clock.now)),
        )

    async def close(self) -> None:
        await self._stack.aclose()
        self._stack = AsyncExitStack()

    async def round(self) -> None:
        """Post, decide, send, and do whatever else the database is asked for."""
        await self._post()
        await self._import()
        await self.work()
        await self._errands()
        await self.work()

    async def later(self, time: timedelta) -> None:
        """Let time pass, so that the leases of what was lost are over, and do what is due then."""
        self.clock.move(self.clock.now() + time)
        await self.work()

    async def until_all_is_out(self) -> None:
        """Let the days pass, stopping wherever something is due."""
        end = self.clock.now() + REMINDERS_ARE_OUT
        while (due := await self.shop.store.next_due()) is not None and due <= end:
            self.clock.move(due + timedelta(seconds=1))
            await self.work()

    async def work(self) -> None:
        await insisted(self.shop.worker.until_idle)

    async def _post(self) -> None:
        """Two names that are told at once, one that is reminded. What was not acknowledged is posted again."""
        count = len(self.acknowledged.names())
        source = self.shop.pipeline.sources["load"]
        for number, points in ((count, 10), (count + 1, 1), (count + 2, 10)):
            said = _event(f"e{number}", points, self._expires())
            body = Delivery(source=source, headers={}, body=said, received_at=self.clock.now())
            await insisted(lambda body=body: self.shop.accept(body))
            self.acknowledged.note(f"e{number}")

    async def _import(self) -> None:
        """A member and a card out of a file, who is owed a reminder."""
        # A name of its own: after a death in between, the next life posts an event under that number, and both tell.
        name, imports, now = f"i{len(self.acknowledged.names())}", self.shop.store.imports, self.clock.now()
        file = ImportedFile(kind="cards", name="cards.csv", digest=name, weighed_at=now, rows=1)
        begun = await insisted(lambda: imports.begin(file, now, restart=False))
        reached = Reached(number=begun.number, rows=1)
        member = Snapshot(id=name, as_of=now, fields={"email": f"{name}@example.org"})
        await insisted(lambda: imports.members([member], reached, now))
        await insisted(lambda: self.shop.store.import_members([member], now))
        said = {
            "holder_id": name, "balance": 50, "next_expiration_points": 10, "next_expiration_date": self._expires()
        }  # fmt: skip
        card = Arrival(snapshot=Snapshot(id=f"card-{name}", as_of=now, fields=said))
        mover = imports.mover(self.shop.pipeline.ruleset, now, catch_up=False)
        await insisted(lambda: imports.cards([card], mover, reached, now))
        await insisted(lambda: imports.rows(Reached(number=begun.number, rows=1, last=True), now, lambda _: Came()))
        self.acknowledged.note(name)

    async def _errands(self) -> None:
        """The rest of the verbs. What was decided is decided again; a pause and a resolution are about nobody."""
        store, now = self.shop.store, self.clock.now()
        names = self.acknowledged.names()[-4:]
        seqs = (await insisted(lambda: store.numbers("load", names))).values()
        limit = limit_of(Kind.BODIES, Retention(bodies=timedelta(days=3650)), now)
        nobody = Queued(
            key="nobody", channel="email", route="email", address="nobody@example.org", payload=b"", attempts=0,
            lease="none", on_ambiguous="park",
        )  # fmt: skip
        pause = Pause(id=0, scope=Scope.RULE, name="nobody", reason="test", since=now, until=now + timedelta(hours=1))
        ruling = Ruling(verdict=Verdict.DROP, because="test", by="test", at=now, routes=["email"])
        failed = Messages(states=(NotificationState.FAILED,))
        for errand in (
            lambda: store.beat(now), store.check, store.newest, store.next_due,
            lambda: store.left(10**9, ["email"], now, 10),
            lambda: store.note("errand", "done"), lambda: store.noted("errand"),
            lambda: store.cards_after("", 10),
            lambda: store.quarantine(0, "nobody"), lambda: store.drop_events([0], "nobody"),
            lambda: store.replay(seqs),
            lambda: store.withhold(nobody, now),
            lambda: store.pause(pause), lambda: store.end_pauses(None, now),
            lambda: store.resolve(failed, ruling, 0, 10),
            lambda: store.tidy(Kind.BODIES, [], limit),
        ):  # fmt: skip
            await insisted(errand)

    def _expires(self):
        return (self.clock.now() + timedelta(days=9)).date()


async def insisted(work):
    """Ask again for as long as it is refused."""
    while True:
        try:
            return await work()
        except (StoreBusy, OSError):
            continue


def _event(name, points, expires):
    said = {
        "id": name,
        "type": "points_added",
        "member": {"id": name, "email": f"{name}@example.org"},
        "card": {"id": f"card-{name}", "balance": 10},
        "data": {"points": points},
    }
    if points == 1:
        said["card"] |= {"next_expiration_date": expires.isoformat(), "next_expiration_points": 10}
    return json.dumps(said).encode()


# --- lives that end ---


def killed(folder: Path, point: str, now: datetime) -> int:
    """Live in a process of its own until the point kills it; its exit code."""
    process = _START.Process(target=_live, args=(folder, point, now))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _live(folder: Path, point: str, now: datetime) -> None:
    asyncio.run(_until_killed(folder, point, now))


async def _until_killed(folder: Path, point: str, now: datetime) -> None:
    life = Life(folder, now)
    failpoints.arm(f"{point}=crash")
    await life.open()
    await life.round()
    await life.close()


@asynccontextmanager
async def unharmed():
    """No fault outlives its test."""
    try:
        yield
    finally:
        failpoints.arm("")


# --- the verdict ---


@dataclass(slots=True)
class Walk:
    """What was walked, and what the two logs say."""

    policy: str
    points: list[str] = field(default_factory=list)
    """Of all that was armed, what struck."""
    missed: list[str] = field(default_factory=list)
    """What was armed and never reached."""
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    unknown: int = 0

    @property
    def bound(self) -> int:
        """How many messages may have been between permit and record when something struck."""
        return PERMITS * len(self.points)

    @property
    def violations(self) -> list[str]:
        """What must not be."""
        found = [f"lost {name}" for name in self.lost] + [f"never reached {point}" for point in self.missed]
        allowed = 0 if self.policy == "park" else self.bound
        found += [f"twice {name}" for name in self.duplicates] if len(self.duplicates) > allowed else []
        most = self.bound if self.policy == "park" else 0
        return found + ([f"{self.unknown} unknown of {most}"] if self.unknown > most else [])

    def __str__(self) -> str:
        return (
            f"{self.policy}: {len(self.points)} faults struck, {self.acknowledged} names acknowledged, "
            f"lost {len(self.lost)}, duplicates {len(self.duplicates)}, unknown {self.unknown} (bound {self.bound}), "
            f"violations {len(self.violations)}"
        )

    def judge(self, folder: Path, mails) -> None:
        """Compare what was acknowledged with what arrived."""
        names = Acknowledged(folder).names()
        reports = Reports(folder / "pointbell.db")
        listed = [row["address"].partition("@")[0] for row in reports.notifications(state="unknown", limit=10**6)]
        reports.close()
        self.acknowledged, self.unknown = len(names), len(listed)
        self.lost = [name for name in names if not mails[name] and name not in listed]
        self.duplicates = [name for name, count in mails.items() for _ in range(count - 1)]
