"""``ingest`` and ``replay``: deliveries from files, and deliveries once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from ..config import Config
from ..ingest import SourceSettings
from ..model import Telling
from ..office import Office
from ..office.intake import Ingest, Replay
from ..pipeline import utc_now
from ..store import EventState, NotificationState, Reports, Span
from ..tools.event_files import read_pieces, type_of_name
from ..tools.intake import TakenIn, Trouble, source_named, take_in
from .files import opened, size_of
from .shell import (
    CANNOT_RUN,
    FINDINGS,
    HERE,
    LARGEST,
    ConfigOption,
    JsonOption,
    counted,
    programme_at,
    progress_bar,
    removed,
    say,
    say_error,
    show,
    show_json,
    zone_of,
)
from .work import NOTHING, NOTHING_YET, Come, add_numbers, asking, in_words, settled, since, tally, tell_mode

LISTED = 20
"""Bodies with trouble that are named; the others are counted."""
_EVERYTHING = 1_000_000
_LEFT_ALONE = "Nothing is decided yet: pointbell run --until-idle does it."
_LEFT_TO_DAEMON = "The daemon decides them now: pointbell status shows how it stands."
_AT_ONCE = 500
_REPLAYABLE = frozenset({EventState.QUARANTINED, EventState.DECIDED, EventState.IGNORED})


def ingest(
    files: Annotated[list[Path], typer.Argument(help="JSON, JSON lines or a JSON list; - reads standard input.")],
    *,
    source: Annotated[str | None, typer.Option(help="By default the first in config.yaml.")] = None,
    kind: Annotated[
        str | None, typer.Option("--type", help="For bodies without one; else as the file is named.")
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="They only inform: facts and reminders follow, nobody is told.")
    ] = False,
    any_age: Annotated[
        bool, typer.Option("--any-age", help="Tell of them however old they are; else see delivery.max_age.")
    ] = False,
    process: Annotated[bool, typer.Option(help="Also decide, and do all other work that is due.")] = True,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Take in events from files, as if the producer had delivered them, and do the work that is due.

    No signature is asked of a file. What cannot be read is stored too, set aside, and named by its place. A message
    is really sent only where config.yaml's delivery.mode says so, and of events that are older than its
    delivery.max_age nobody is told.
    """
    if history and any_age:
        say_error("--history tells nobody, --any-age tells of everything: choose one")
        raise typer.Exit(CANNOT_RUN)
    telling = Telling.HISTORY if history else Telling.ANYWAY if any_age else Telling.NEWS
    config = programme_at(config_path)
    chosen = source_named(config.sources(), source)
    taken = TakenIn()

    async def work(office: Office) -> tuple[str, Come]:
        mode = await tell_mode(office)
        before, numbers = tally(config) if office.alone else NOTHING_YET, list[Span]()
        for file in files:
            wanted = Ingest(source=chosen.name, bodies=(), type_hint=kind or type_of_name(file.name), telling=telling)
            await _take_in(office, file, chosen, wanted, taken, numbers)
        if process:
            await settled(office)
        elif not as_json:
            say(_LEFT_ALONE if office.alone else _LEFT_TO_DAEMON)
        return mode, since(before, tally(config, None if office.alone else numbers))

    mode, come = asking(config, work)
    _report(taken, come, mode, processed=process, as_json=as_json)
    if taken.quarantined or taken.refused:
        raise typer.Exit(FINDINGS)


def replay(
    seqs: Annotated[list[int] | None, typer.Argument(metavar="[SEQ]...", max=LARGEST, help="These deliveries.")] = None,
    *,
    quarantined: Annotated[bool, typer.Option("--quarantined", help="All that are set aside.")] = False,
    held: Annotated[bool, typer.Option("--held", help="All whose message is held by its template.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which.")] = False,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Put deliveries back in line and decide them anew. What has been sent is not sent again."""
    if not (seqs or quarantined or held):
        say_error("say which deliveries: their numbers, --quarantined or --held")
        raise typer.Exit(CANNOT_RUN)
    config = programme_at(config_path)
    wanted, unknown = _wanted(config, seqs or [], quarantined=quarantined, held=held)
    for seq in unknown:
        say_error(_why_not(config, seq))
    again, come = (
        (0, NOTHING) if dry_run or not wanted else asking(config, lambda office: _replay(config, office, wanted))
    )
    aside = _set_aside(config, wanted) if again else {}
    if as_json:
        counts = {"deliveries": wanted, "replayed": again, "dry_run": dry_run, "unknown": unknown}
        show_json({**counts, "quarantined": [{"seq": seq, "reason": why} for seq, why in aside.items()], **come})
    elif dry_run:
        show(f"{_deliveries(len(wanted))} would be replayed: {', '.join(map(str, wanted)) or 'none'}")
    else:
        show(f"{_deliveries(again)} replayed. {in_words(come)}")
        for seq, why in aside.items():
            show(f"{seq} is set aside again: {why}")
    if unknown or aside:
        raise typer.Exit(FINDINGS)


async def _take_in(  # noqa: PLR0917 - a file, and where what comes of it is noted
    office: Office, file: Path, source: SourceSettings, wanted: Ingest, taken: TakenIn, numbers: list[Span]
) -> None:
    """Hand in the bodies of one file as ``wanted`` says; ``numbers`` gets those of the new deliveries."""

    async def hand_in(bodies: Sequence[bytes]) -> list[bool]:
        stored = await office.ask(wanted.model_copy(update={"bodies": tuple(bodies)}))
        add_numbers(numbers, (number for number in stored.numbers if number is not None))
        return [number is not None for number in stored.numbers]

    with opened(file) as handle, progress_bar(file.name, size_of(file)) as bar:
        await take_in(
            str(file),
            read_pieces(file.name, handle),
            source=source,
            type_hint=wanted.type_hint,
            hand_in=hand_in,
            now=utc_now,
            taken=taken,
            progress=lambda: bar.update(bar.task_ids[0], completed=handle.tell() if handle.seekable() else None),
        )


async def _replay(config: Config, office: Office, seqs: Sequence[int]) -> tuple[int, Come]:
    await tell_mode(office)
    asked: list[Span] = []
    add_numbers(asked, seqs)
    about = None if office.alone else asked
    before, again = tally(config, about), 0
    for start in range(0, len(seqs), _AT_ONCE):
        again += (await office.ask(Replay(seqs=tuple(seqs[start : start + _AT_ONCE])))).replayed
    await settled(office)
    return again, since(before, tally(config, about))


def _wanted(config: Config, seqs: list[int], *, quarantined: bool, held: bool) -> tuple[list[int], list[int]]:
    """The deliveries meant, and those numbers that mean none."""
    with closing(Reports(config.database)) as reports:
        found = {seq: reports.event(seq) for seq in seqs}
        known = [seq for seq, row in found.items() if row is not None and _replayable(row[0])]
        if quarantined:
            known += [row["seq"] for row in reports.events(state=EventState.QUARANTINED, limit=_EVERYTHING)]
        if held:
            rows = reports.notifications(state=NotificationState.HELD, limit=_EVERYTHING)
            known += [row["event_seq"] for row in rows]
    return sorted(set(known)), [seq for seq in seqs if seq not in known]


def _replayable(row: Mapping[str, Any]) -> bool:
    return row["state"] in _REPLAYABLE and row["emptied_at"] is None


def _why_not(config: Config, seq: int) -> str:
    with closing(Reports(config.database)) as reports:
        found = reports.event(seq)
    if found is not None and found[0]["emptied_at"]:
        gone = removed(found[0]["emptied_at"], "its body", zone_of(config))
        return f"delivery {seq} cannot be replayed: {gone}"
    return f"there is no delivery {seq} that could be replayed: pointbell events list shows which there are"


def _set_aside(config: Config, seqs: Sequence[int]) -> dict[int, str]:
    """Those of the deliveries that are quarantined, and why."""
    with closing(Reports(config.database)) as reports:
        rows = reports.events(state=EventState.QUARANTINED, limit=_EVERYTHING)
    return {row["seq"]: row["note"] for row in reversed(rows) if row["seq"] in set(seqs)}


def _report(taken: TakenIn, come: Come, mode: str, *, processed: bool, as_json: bool) -> None:
    if as_json:
        counts = {"mode": mode, "new": taken.new, "repeated": taken.repeated, "processed": processed}
        troubles = {"quarantined": _plain(taken.quarantined), "refused": _plain(taken.refused)}
        show_json({**counts, **troubles, **come})
        return
    _name(taken.quarantined, "stored and set aside")
    _name(taken.refused, "not stored")
    parts = [f"{taken.new} new", f"{taken.repeated} repeated", f"{len(taken.quarantined)} set aside"]
    if taken.refused:
        parts.append(f"{len(taken.refused)} too large")
    total = taken.new + taken.repeated + len(taken.refused)
    show(f"{_deliveries(total)}: {', '.join(parts)}.")
    if processed:
        show(in_words(come))


def _name(troubles: Sequence[Trouble], what: str) -> None:
    for trouble in troubles[:LISTED]:
        place = f"{trouble.file}, {trouble.place}" if trouble.place else trouble.file
        show(f"{place}: {what}: {trouble.reason}")
    if len(troubles) > LISTED:
        show(f"... and {len(troubles) - LISTED} more {what}")


def _plain(troubles: Sequence[Trouble]) -> list[dict[str, str]]:
    return [{"file": one.file, "place": one.place, "reason": one.reason} for one in troubles]


def _deliveries(count: int) -> str:
    return counted(count, "delivery")
