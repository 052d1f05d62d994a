"""``outbox resolve`` and ``events drop``: what only a person can decide."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

import typer

from ..config import Config
from ..errors import PointbellError
from ..office import Office
from ..office.outbox import PAGE, DropEvents, Resolve
from ..pipeline import utc_now
from ..store import Messages, NotificationState, Reports, Resolved, Verdict
from .outbox import ChannelOption, MemberOption, ReasonOption, RuleOption, SinceOption, UntilOption, messages_meant
from .shell import (
    CANNOT_RUN,
    FINDINGS,
    HERE,
    LARGEST,
    ConfigOption,
    JsonOption,
    counted,
    counting_bar,
    programme_at,
    say_error,
    show,
    show_json,
)
from .work import asking

LISTED = 20
"""Messages that are named; the others are counted."""


class Unresolved(StrEnum):
    """The states out of which only a person helps."""

    UNKNOWN = "unknown"
    HELD = "held"
    FAILED = "failed"
    EXPIRED = "expired"


AsOption = Annotated[
    Verdict,
    typer.Option("--as", help="sent: it arrived. resend: it goes again. drop: it does not go any more."),
]
BecauseOption = Annotated[str, typer.Option("--because", help="Why; noted with who and when.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


@dataclass(slots=True)
class _Come:
    """What came of all pages."""

    done: int = 0
    first: list[int] = field(default_factory=list)
    left_alone: int = 0
    left: list[tuple[int, str]] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    """Only where messages were named."""

    def add(self, page: Resolved, *, named: bool) -> None:
        self.done += len(page.done)
        self.first += page.done[: LISTED - len(self.first)]
        self.left_alone += len(page.left)
        self.left += page.left[: LISTED - len(self.left)]
        if named:
            self.seen |= {*page.done, *(number for number, _ in page.left)}


def resolve_messages(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[ID]...", max=LARGEST, help="As outbox list has them.")
    ] = None,
    *,
    verdict: AsOption,
    because: BecauseOption,
    state: Annotated[Unresolved | None, typer.Option(help="All in this state, as far as the other options go.")] = None,
    rule: RuleOption = None,
    member: MemberOption = None,
    channel: ChannelOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    even_late: Annotated[bool, typer.Option("--even-late", help="Resend also what is of no use any more.")] = False,
    dry_run: DryOption = False,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Decide about messages that cannot help themselves: unknown, held, failed or expired.

    A message that goes again keeps its key and its Message-ID, and asks for its permit like any other. One that is
    dropped never goes, whatever is replayed. What cannot be decided so is left alone and named; the exit code is 1.
    """
    if bool(numbers) == (state is not None):
        say_error("say which messages: their numbers, or --state unknown, held, failed or expired")
        raise typer.Exit(CANNOT_RUN)
    config = programme_at(config_path)
    with closing(Reports(config.database)) as reports:
        wanted = messages_meant(
            config, reports, ids=tuple(numbers) if numbers else None, states=_states(state), member=member, rule=rule,
            channel=channel, reason=reason, since=since, until=until,
        )  # fmt: skip
    template = _ask(wanted, verdict, _reason_given(because), even_late=even_late)
    come = _tried(config, template) if dry_run else asking(config, lambda office: _resolved(office, template))
    unknown = sorted(set(numbers or ()) - come.seen)
    _report(come, unknown, verdict, dry_run=dry_run, as_json=as_json)
    if come.left or unknown:
        raise typer.Exit(FINDINGS)


def drop_deliveries(
    seqs: Annotated[list[int] | None, typer.Argument(metavar="[SEQ]...", max=LARGEST, help="These deliveries.")] = None,
    *,
    because: BecauseOption,
    quarantined: Annotated[bool, typer.Option("--quarantined", help="All that are set aside.")] = False,
    dry_run: DryOption = False,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """End deliveries that are set aside without deciding them: they stay stored, as ignored, and can be replayed."""
    if bool(seqs) == quarantined:
        say_error("say which deliveries: their numbers, or --quarantined")
        raise typer.Exit(CANNOT_RUN)
    config = programme_at(config_path)
    by, because = _user(), _reason_given(because)
    pages = _in_pages(sorted(set(seqs))) if seqs else _set_aside(config)

    async def drop(office: Office) -> list[int]:
        asks = (DropEvents(seqs=tuple(page), because=because, by=by) for page in pages)
        return [seq for ask in asks for seq in (await office.ask(ask)).dropped]

    dropped = [seq for page in pages for seq in _aside_of(config, page)] if dry_run else asking(config, drop)
    left = sorted(set(seqs or ()) - set(dropped))
    if as_json:
        show_json({"dropped": dropped, "left": left, "dry_run": dry_run})
    else:
        show(f"{counted(len(dropped), 'delivery')} {'would be' if dry_run else 'is' if len(dropped) == 1 else 'are'} "
             f"set aside no more: {_some(dropped)}")  # fmt: skip
    for seq in left:
        say_error(f"delivery {seq} is not set aside: pointbell events list --state quarantined shows which are")
    if left:
        raise typer.Exit(FINDINGS)


def _ask(wanted: Messages, verdict: Verdict, because: str, *, even_late: bool) -> Resolve:
    return Resolve(
        verdict=verdict,
        because=because,
        by=_user(),
        ids=wanted.ids,
        states=wanted.states,
        rule=wanted.rule,
        member_id=wanted.member_id,
        channel=wanted.channel,
        reason=wanted.reason,
        since=wanted.since,
        until=wanted.until,
        even_late=even_late,
    )


async def _resolved(office: Office, template: Resolve) -> _Come:
    """Page by page; what one page has decided stays decided, whatever happens to the next."""
    come = _Come()
    with counting_bar("resolved") as bar:
        for ask in _pieces(template):
            page: Resolved | None = None
            while page is None or page.last is not None:
                after = page.last if page is not None and page.last is not None else 0
                answer = await office.ask(ask.model_copy(update={"after": after}))
                page = Resolved(done=answer.done, left=answer.left, last=answer.last)
                come.add(page, named=template.ids is not None)
                bar.advance(bar.task_ids[0], len(answer.done))
    return come


def _tried(config: Config, template: Resolve) -> _Come:
    """What would be done, found out without doing it."""
    come, ruling = _Come(), template.ruling(utc_now(), frozenset(config.channel_settings))
    with closing(Reports(config.database)) as reports:
        for ask in _pieces(template):
            page = reports.judge(ask.wanted(), ruling, 0, PAGE)
            while page.last is not None:
                come.add(page, named=template.ids is not None)
                page = reports.judge(ask.wanted(), ruling, page.last, PAGE)
    return come


def _pieces(template: Resolve) -> Iterator[Resolve]:
    """Named messages a page at a time; a filter is one piece."""
    if template.ids is None:
        yield template
        return
    for some in _in_pages(sorted(set(template.ids))):
        yield template.model_copy(update={"ids": tuple(some)})


def _report(come: _Come, unknown: Sequence[int], verdict: Verdict, *, dry_run: bool, as_json: bool) -> None:
    left = [{"id": number, "why": why} for number, why in come.left]
    if as_json:
        counts = {"as": verdict, "dry_run": dry_run, "resolved": come.done, "first": come.first}
        show_json({**counts, "left": left, "left_alone": come.left_alone, "unknown": unknown})
        return
    would = "would be " if dry_run else ""
    show(f"{counted(come.done, 'message')} {would}resolved as {verdict}: {_some(come.first, come.done)}")
    for number, why in come.left:
        show(f"left alone: message {number} {why}")
    if come.left_alone > LISTED:
        show(f"... and {come.left_alone - LISTED} more left alone")
    for number in unknown:
        say_error(f"there is no message {number}: pointbell outbox list shows which there are")


def _some(numbers: Sequence[int], count: int | None = None) -> str:
    count = len(numbers) if count is None else count
    more = f" and {count - LISTED} more" if count > LISTED else ""
    return (", ".join(map(str, numbers[:LISTED])) or "none") + more


def _states(state: Unresolved | None) -> tuple[NotificationState, ...]:
    return () if state is None else (NotificationState(state.value),)


def _set_aside(config: Config) -> list[list[int]]:
    return list(_paged(lambda reports, after: reports.set_aside(after, PAGE), config))


def _paged(following: Callable[[Reports, int], list[int]], config: Config) -> Iterator[list[int]]:
    with closing(Reports(config.database)) as reports:
        after = 0
        while page := following(reports, after):
            yield page
            after = page[-1]


def _aside_of(config: Config, seqs: Iterable[int]) -> list[int]:
    """Those of the deliveries that are set aside."""
    with closing(Reports(config.database)) as reports:
        return [seq for seq in seqs if reports.set_aside(seq - 1, 1) == [seq]]


def _in_pages(numbers: Sequence[int]) -> list[list[int]]:
    return [list(numbers[start : start + PAGE]) for start in range(0, len(numbers), PAGE)]


def _reason_given(because: str) -> str:
    if not because.strip():
        raise PointbellError("--because needs a reason: it is what people read who ask what became of the message")
    return because.strip()


def _user() -> str:
    """Who types: the name of the user, or their number where the machine has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
