"""Bringing a file in: weigh it, say what it will bring, ask, and hand it over batch by batch."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

import typer

from ..config import Config
from ..errors import ImportFileError
from ..office import Office
from ..office.imports import BeginImport, Brought, Kind, Plan, Where
from ..pipeline import utc_now
from ..store import Ground, held_at
from ..tools.cells import BadCell, Dates
from ..tools.importing import Table, bring_in, digest_of, weigh
from ..tools.spool import Spool
from ..tools.table_file import Format, Rejected, Sheet, TableRow, guess_format, read_table
from .files import STDIN, opened, size_of
from .import_options import Options
from .rejects import Rejects
from .shell import (
    CANNOT_RUN,
    FINDINGS,
    counted,
    counting_bar,
    local_time,
    programme_at,
    progress_bar,
    say,
    say_error,
    show,
    show_json,
    zone_of,
)
from .work import asking

T = TypeVar("T")

LISTED = 20
"""Rejected lines that are named; ``--rejects`` has them all."""
ALONE, BESIDE = 2_000, 500
"""Rows of a batch: while a daemon works on the same database, webhooks wait no longer than for a small one."""
_STALE = timedelta(hours=1)


class Job(Protocol[T]):
    """What is particular to one kind of file."""

    @property
    def kind(self) -> Kind: ...
    @property
    def sheet(self) -> Sheet: ...
    @property
    def manner(self) -> str:
        """What else a file has to have in common with itself to be the same one."""
        ...

    def read(self, row: TableRow, as_of: datetime) -> T: ...
    def key(self, item: T) -> str:
        """What it is about: the database is written in the order of these."""
        ...

    def weigh(self, batch: Sequence[T]) -> None: ...
    def forecast(self) -> list[str]: ...
    def plain(self) -> dict[str, Any]: ...
    async def hand_in(self, office: Office, batch: Sequence[T], where: Where) -> Brought: ...
    def told(self, came: Brought, rows: int) -> str:
        """What was done, as the beginning of a sentence: ``12 cards imported``."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What a job is made with."""

    config: Config
    ground: Ground
    dates: Dates
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file that can be read twice."""

    name: str
    path: Path
    form: Format
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run(Generic[T]):
    """One run of an import command."""

    job: Job[T]
    options: Options
    ground: Ground
    rejects: Rejects
    held: datetime | None
    """The time for which the files hold, where somebody says so."""
    now: datetime
    zone: ZoneInfo


def run_import(make: Callable[[Workplace], Job[T]], options: Options) -> None:
    """Weigh the files, say what they will bring, and bring them in.

    Raises:
        typer.Exit: with 1 where some lines cannot be used, or nobody wants the file to come in.
        ImportFileError: a file as a whole cannot be used; nothing of it was imported.
    """
    config, now = programme_at(options.config_path), utc_now()
    dates = _dates(config, options)
    held = _held(options, dates, now)
    with ExitStack() as stack:
        ground = stack.enter_context(closing(Ground(config.database)))
        job = stack.enter_context(closing(make(Workplace(config=config, ground=ground, dates=dates, now=now))))
        rejects = stack.enter_context(closing(_rejects(options)))
        run = _Run(job=job, options=options, ground=ground, rejects=rejects, held=held, now=now, zone=zone_of(config))
        files = [stack.enter_context(_readable(path, job, options)) for path in options.files]
        spools = [stack.enter_context(closing(Spool[T]())) for _ in files]
        good = sum(_weigh(file, spool, run) for file, spool in zip(files, spools, strict=True))
        rejects.close()
        if not _wanted(job, good, rejects, options):
            return
        came = asking(config, lambda office: _bring(office, list(zip(files, spools, strict=True)), run))
    _report(job, came, good, rejects, options)
    if rejects.count:
        raise typer.Exit(FINDINGS)


def _weigh(file: _File, spool: Spool[T], run: _Run[T]) -> int:
    """Count what the file says, and keep it to be brought in; how many of its rows can be used."""
    job = run.job

    def count(batch: Sequence[T]) -> None:
        job.weigh(batch)
        if not run.options.dry_run:
            spool.add((job.key(item), item) for item in batch)

    brought = run.ground.brought(run.job.kind, file.digest)
    if run.held is None and not brought:
        _tell_age(file, run)
    as_of = held_at(brought, run.held, run.now)
    with opened(file.path) as handle, progress_bar(f"Weighing {file.name}", size_of(file.path)) as bar:
        weighed = weigh(
            _table(file, job, run.options).items(handle, as_of),
            count,
            lambda one: run.rejects.add(file.name, one),
            lambda: bar.update(bar.task_ids[0], completed=handle.tell()),
        )
    return weighed.good


def _tell_age(file: _File, run: _Run[T]) -> None:
    """What the file says counts as of now, and would win over events that came in since it was written."""
    changed = datetime.fromtimestamp(file.path.stat().st_mtime, UTC)
    if run.now - changed > _STALE:
        say(
            f"{file.name} was last changed on {local_time(changed, run.zone)}, and counts as of now: --as-of says when "
            "it was written, so that events since then win over it."
        )


async def _bring(office: Office, files: Sequence[tuple[_File, Spool[T]]], run: _Run[T]) -> Brought:
    came = Brought()
    for file, spool in files:
        came += await _bring_one(office, file, spool, run)
    # Also where nothing is new: the run that was broken off may have left something to plan.
    await office.ask(Plan())
    return came


async def _bring_one(office: Office, file: _File, spool: Spool[T], run: _Run[T]) -> Brought:
    job = run.job
    ask = BeginImport(kind=job.kind, name=file.name, digest=file.digest, as_of=run.held, weighed_at=run.now)
    begun = await office.ask(ask.model_copy(update={"rows": spool.count, "restart": run.options.restart}))
    if begun.rows:
        ended = local_time(begun.before, run.zone)
        say(f"{file.name}: going on after row {begun.rows:,}, where the run of {ended} was broken off.")
    elif begun.before is not None:
        say(f"{file.name} was imported on {local_time(begun.before, run.zone)} already.")

    async def hand_in(batch: Sequence[T], rows: int, last: bool) -> Brought:  # noqa: FBT001 - called by position
        return await job.hand_in(office, batch, Where(number=begun.number, rows=rows, last=last))

    with counting_bar(f"Importing {file.name}") as bar:
        bar.update(bar.task_ids[0], total=spool.count)
        return await bring_in(
            spool.ordered(begun.rows),
            hand_in,
            rows=begun.rows,
            size=ALONE if office.alone else BESIDE,
            progress=lambda rows: bar.update(bar.task_ids[0], completed=rows),
        )


def _wanted(job: Job[T], good: int, rejects: Rejects, options: Options) -> bool:
    """Say what the files will bring; whether they are to be brought in.

    Raises:
        typer.Exit: they are not, and that is a finding.
    """
    ask = sys.stdin.isatty() and not options.yes and not options.dry_run
    if options.dry_run and options.as_json:
        show_json({"accepted": good, **_counts(job, rejects, options), "forecast": job.plain()})
    elif options.dry_run:
        _list(rejects, show)
        for line in job.forecast():
            show(line)
        show(f"{many(good, 'row')} would be imported, {counted(rejects.count, 'line')} rejected.")
    else:
        if ask:
            _list(rejects, say)
        for line in job.forecast():
            say(line)
    if options.strict and rejects.count:
        _list(rejects, say)
        say_error(f"nothing is imported: {counted(rejects.count, 'line')} cannot be used (--strict)")
        raise typer.Exit(FINDINGS)
    if options.dry_run:
        if rejects.count:
            raise typer.Exit(FINDINGS)
        return False
    if ask and not typer.confirm(f"Import {job.sheet.what}?", err=True):
        say("Nothing was imported.")
        raise typer.Exit(FINDINGS)
    return True


def _report(job: Job[T], came: Brought, good: int, rejects: Rejects, options: Options) -> None:
    if options.as_json:
        counts = {"accepted": good, **came.model_dump(), **_counts(job, rejects, options), "forecast": job.plain()}
        show_json(counts)
        return
    _list(rejects, show)
    show(f"{job.told(came, good)}, {counted(rejects.count, 'line')} rejected.")
    if not good and not rejects.count:
        say(f"The file names no {job.sheet.what}.")


def _counts(job: Job[T], rejects: Rejects, options: Options) -> dict[str, Any]:
    rejections = [
        {"file": name, "line": one.line, "column": one.column, "reason": one.reason} for name, one in rejects.kept
    ]
    return {"kind": job.kind, "rejected": rejects.count, "dry_run": options.dry_run, "rejections": rejections}


def _list(rejects: Rejects, tell: Callable[[str], None]) -> None:
    several = len({name for name, _ in rejects.kept}) > 1
    for name, one in rejects.kept[:LISTED]:
        tell(f"{f'{name}, ' if several else ''}line {one.line}: {one.reason}")
    if rejects.count > LISTED:
        where = f"{rejects.file} has" if rejects.file else "--json and --rejects list"
        if rejects.file is None and rejects.count > len(rejects.kept):
            where = "--rejects lists"
        tell(f"... and {rejects.count - LISTED} more ({where} all)")


def many(count: int, what: str) -> str:
    """``1 card``, ``2,000,000 cards``."""
    return f"{count:,} {counted(count, what).partition(' ')[2]}"


# --- files and times ---


def _rejects(options: Options) -> Rejects:
    kept = options.rejects
    if kept is not None and kept.exists() and any(path.exists() and path.samefile(kept) for path in options.files):
        raise ImportFileError(f"{kept} is to be read: --rejects needs another file")
    return Rejects(kept)


@contextmanager
def _readable(path: Path, job: Job[T], options: Options) -> Iterator[_File]:
    """The file, so that it can be read twice: standard input is kept until the end."""
    with ExitStack() as stack:
        place = path
        if str(path) == STDIN:
            kept = stack.enter_context(tempfile.NamedTemporaryFile(prefix="pointbell-"))
            with opened(path) as incoming:
                shutil.copyfileobj(incoming, kept)
            kept.flush()
            place = Path(kept.name)
        with opened(place) as handle:
            form = options.form or guess_format(path.name, handle)
            manner = f"{form} {options.encoding} {options.date_format} {options.ignore_unknown} {job.manner}"
            yield _File(name=path.name, path=place, form=form, digest=digest_of(handle, manner))


def _table(file: _File, job: Job[T], options: Options) -> Table[T]:
    def rows(handle: BufferedReader) -> Iterator[TableRow | Rejected]:
        return read_table(
            handle, job.sheet, form=file.form, encoding=options.encoding, ignore_unknown=options.ignore_unknown
        )

    return Table(rows=rows, read=job.read)


def _dates(config: Config, options: Options) -> Dates:
    form = options.date_format
    if form is not None:
        try:
            read = datetime.strptime(datetime(2024, 2, 29).strftime(form), form)  # noqa: DTZ001, DTZ007 - a day
        except ValueError:
            read = None
        if read is None or (read.month, read.day) != (2, 29):
            say_error(f"--date-format {form} does not tell days: write it like %d.%m.%Y")
            raise typer.Exit(CANNOT_RUN)
    return Dates(zone_of(config), form)


def _held(options: Options, dates: Dates, now: datetime) -> datetime | None:
    """The time for which the files hold, where somebody says so."""
    if options.as_of is None:
        return None
    try:
        held = dates.moment("--as-of", options.as_of)
    except BadCell as error:
        raise ImportFileError(str(error)) from None
    if held > now:
        raise ImportFileError(f"--as-of {options.as_of} is still to come")
    return held
