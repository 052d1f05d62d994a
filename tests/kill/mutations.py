"""What keeps promises is taken away, one piece at a time, in a copy of the tree: a test must notice each.

``python -m tests.kill.mutations`` prints what was caught, and ends with 1 where something was not.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
COPIED = ("engine", "tests", "rules", "templates", "config.yaml", "pyproject.toml", "README.md", "docs")
FAILED = 1
"""What pytest ends with when tests fail; anything else means that the mutation is no longer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One piece taken away: in each file what stood there, and what stands there instead."""

    name: str
    edits: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...]
    """Those that guard it."""


MUTATIONS = (
    Mutation(
        name="a delivery is answered before it is stored",
        edits=(
            (
                "engine/pipeline.py",
                "news = await self.store.add_events([_received(part) for part in unpack(body)])",
                "news = [asyncio.ensure_future(self.store.add_events([_received(part) for part in unpack(body)]))]",
            ),
        ),
        tests=("tests/web/test_ingest.py",),
    ),
    Mutation(
        name="how an attempt ended is not noted",
        edits=(
            ("engine/pipeline.py", "await self._record([outcome_of(message, delivery, self.now(), wait)])", "pass"),
        ),
        tests=("tests/test_pipeline.py",),
    ),
    Mutation(
        name="what is under way is not waited for",
        edits=(
            ("engine/worker.py", "loop().time() + drain.total_seconds()", "loop().time() + 0 * drain.total_seconds()"),
        ),
        tests=("tests/test_worker.py",),
    ),
    Mutation(
        name="the permit is not asked for",
        edits=(("engine/pipeline.py", "given = await self.store.permit(message, self.now())", "given = True"),),
        tests=("tests/test_pipeline.py", "tests/test_hard_cases.py"),
    ),
    Mutation(
        name="a permit is given to whoever once had the lease",
        edits=(("engine/store/attempts.py", "            notification.c.leased_until > _NOW,\n", ""),),
        tests=("tests/store/test_outbox.py",),
    ),
    Mutation(
        name="a permit is given twice",
        edits=(
            (
                "engine/store/attempts.py",
                "stands(notification.c.state, _CLAIMED),\n            notification.c.leased",
                "stands(notification.c.state, _CLAIMED, _PERMITTED),\n            notification.c.leased",
            ),
        ),
        tests=("tests/store/test_outbox.py",),
    ),
    Mutation(
        name="deliveries have no unique key",
        edits=(
            ("engine/store/schema.py", '    UniqueConstraint("source", "key"),\n', ""),
            ("engine/store/events.py", '.on_conflict_do_nothing(index_elements=["source", "key"])', ""),
        ),
        tests=("tests/store/test_events.py",),
    ),
    Mutation(
        name="messages have no unique key",
        edits=(
            ("engine/store/schema.py", 'Column("key", String, nullable=False, unique=True)', 'Column("key", String)'),
            (
                "engine/store/settle.py",
                'queued = statement.on_conflict_do_update(index_elements=["key"], set_=fresh, where=_never_left())',
                "queued = statement if fresh else None",
            ),
        ),
        tests=("tests/store/test_outbox.py",),
    ),
    Mutation(
        name="a message that was sent is queued anew under its key",
        edits=(("engine/store/settle.py", ", set_=fresh, where=_never_left())", ", set_=fresh)"),),
        tests=("tests/store/test_outbox.py", "tests/test_pipeline.py", "tests/faults/test_failpoints.py"),
    ),
    Mutation(
        name="an attempt to decide is not counted before it is made",
        edits=(("engine/store/events.py", "attempts=event.c.attempts + 1", "attempts=event.c.attempts"),),
        tests=("tests/store/test_events.py",),
    ),
    Mutation(
        name="an attempt to send is not counted",
        edits=(
            (
                "engine/store/attempts.py",
                'attempts=notification.c.attempts + bindparam("tries")',
                'attempts=notification.c.attempts + 0 * bindparam("tries")',
            ),
        ),
        tests=("tests/store/test_outbox.py",),
    ),
    Mutation(
        name="whoever has lost a claim may settle",
        edits=(
            ("engine/store/settle.py", "or_(_CLAIM.is_(None), event.c.claimed_until == _CLAIM)", "_CLAIM == _CLAIM"),
        ),
        tests=("tests/store/test_events.py",),
    ),
    Mutation(
        name="a reminder's generation is not looked at",
        edits=(("engine/store/clockwork.py", """{row['about']}:{row['generation']}\"\n""", """{row['about']}\"\n"""),),
        tests=("tests/test_hard_cases.py", "tests/test_pipeline.py", "tests/store/test_timers.py"),
    ),
    Mutation(
        name="a reminder about a date that has moved goes all the same",
        edits=(("engine/decide/due.py", "isinstance(day, date) and day != due.about", "day is due"),),
        tests=("tests/test_hard_cases.py", "tests/decide"),
    ),
    Mutation(
        name="a group is not one transaction",
        edits=(
            (
                "engine/store/sqlite.py",
                'connection.exec_driver_sql("BEGIN IMMEDIATE")',
                "connection",
            ),
        ),
        tests=("tests/store/test_writer.py",),
    ),
    Mutation(
        name="one unit that fails is answered for all of its group",
        edits=(
            ("engine/store/writer.py", "if len(group) == 1:", "if group:"),
            (
                "engine/store/writer.py",
                "[(group[0], _plain(failed.error))]",
                "[(unit, _plain(failed.error)) for unit in group]",
            ),
        ),
        tests=("tests/store/test_writer.py",),
    ),
    Mutation(
        name="who vanished with a permit is taken for not having sent",
        edits=(
            (
                "engine/store/outbox.py",
                "state=case((_AGAIN, _unless_withdrawn(_QUEUED)), else_=NotificationState.UNKNOWN.value)",
                "state=_unless_withdrawn(_QUEUED)",
            ),
        ),
        tests=("tests/store/test_outbox.py", "tests/test_worker.py"),
    ),
    Mutation(
        name="the wall clock is believed whatever it says",
        edits=(("engine/clock.py", "return wall if abs(wall - due) <= JUMP else due", "return wall if due else due"),),
        tests=("tests/test_clock.py",),
    ),
    Mutation(
        name="deliveries are taken in until the disk is full",
        edits=(("engine/workshop.py", "if short := self.disk.short():", "if short := None:"),),
        tests=("tests/faults/test_storage.py",),
    ),
)  # fmt: skip


WHOLE = Mutation(
    name="nothing is taken away", edits=(), tests=tuple(sorted({test for one in MUTATIONS for test in one.tests}))
)
"""What is caught says something only where the guards are content with the tree as it is."""


def caught(mutation: Mutation) -> bool:
    """Whether a test fails in a copy of the tree without the piece."""
    with tempfile.TemporaryDirectory(prefix="pointbell-mutation-") as name:
        copy = Path(name)
        _copy(copy)
        for file, stood, stands in mutation.edits:
            text = (copy / file).read_text(encoding="utf-8")
            if text.count(stood) != 1:
                raise LookupError(f"{mutation.name}: {file} has {text.count(stood)} times {stood!r}")
            (copy / file).write_text(text.replace(stood, stands), encoding="utf-8")
        return _fails(copy, mutation.tests)


def _copy(to: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to / name)


def _fails(root: Path, tests: tuple[str, ...]) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600, check=False)
    if ended.returncode not in (0, FAILED):
        raise RuntimeError(f"pytest ended with {ended.returncode}:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    return ended.returncode == FAILED


def main() -> int:
    """Try all; how it should end."""
    if caught(WHOLE):
        print("the tests fail in a copy of the tree as it is: mend that first")
        return 1
    survivors = []
    for mutation in MUTATIONS:
        seen = caught(mutation)
        print(f"{'caught  ' if seen else 'SURVIVED'}  {mutation.name}", flush=True)
        survivors += [] if seen else [mutation.name]
    print(f"caught {len(MUTATIONS) - len(survivors)} of {len(MUTATIONS)}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
