"""``cards``: the cards of a programme that moves in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from ..decide.moving import Arrival, Idle
from ..office import Office
from ..office.imports import Brought, ImportCards, Kind, Where
from ..tools.card_row import CARDS, arrival_of
from ..tools.forecast import DAYS, CardForecast, by_week
from ..tools.table_file import Sheet, TableRow
from .import_options import Options, takes_options
from .imports import Workplace, many, run_import
from .shell import Commands, counted

_BAR = 40

cards_app = typer.Typer(cls=Commands, no_args_is_help=True, help="The cards, as another system leaves them.")

_IDLE = {
    Idle.NO_DATE: "without a date",
    Idle.NEVER: "never to expire",
    Idle.DATE_PAST: "with a date that has passed",
    Idle.NOTHING_AT_RISK: "without points at risk, or not active",
}
_FATES = {
    "armed": "to come",
    "too_late": "too late",
    "sent": "sent before",
    "duplicate": "sent before for another date",
}


@cards_app.callback()
def cards() -> None:
    """The cards, as another system leaves them."""


@cards_app.command(
    "import", epilog="Examples: pointbell cards import cards.csv --dry-run  |  pointbell cards import cards.csv --yes"
)
@takes_options
def import_cards(
    options: Options,
    *,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Remind also where the hour has passed, within the rule's grace.")
    ] = False,
) -> None:
    """Bring cards in and arm their reminders, after saying how many and when. Nobody is mailed about the past.

    Columns: card (required), holder or member (required), code, balance, next_expiration_date, next_expiration_points,
    last_activity, active, sent, as_of, points, pending_points, expired_points, subtracted_points, redeemed_points,
    campaign, campaign_id, timezone, and metadata.NAME. In sent stand the reminders that another system has sent for
    this date, such as "30 days; 7 days" or "points-expire-soon: 30 days": they are not sent again.

    Import members first: reminders go out at the member's hour. An empty cell says nothing, "none" clears. A file that
    was broken off goes on where it ended; running it twice changes nothing.
    """
    run_import(lambda place: _Cards(place, catch_up=catch_up), options)


class _Cards:
    """See ``imports.Job``."""

    kind: Kind = "cards"
    sheet: Sheet = CARDS

    def __init__(self, place: Workplace, *, catch_up: bool) -> None:
        self.manner = f"catch up {catch_up}"
        self._place = place
        self._catch_up = catch_up
        self._forecast = CardForecast.under(place.config.ruleset(), place.now, catch_up=catch_up)

    def read(self, row: TableRow, as_of: datetime) -> Arrival:
        return arrival_of(row.cells, as_of, self._place.dates, self._place.now)

    def key(self, item: Arrival) -> str:
        return item.snapshot.id

    def weigh(self, batch: Sequence[Arrival]) -> None:
        forecast, ground = self._forecast, self._place.ground
        known = ground.known(batch, forecast.mover.rules, forecast.fields)
        addresses = {
            str(member.get(name)).lower()
            for member in known.members.values()
            for name in forecast.fields
            if member.get(name)
        }
        forecast.count(batch, known, frozenset(ground.suppressed(addresses)))

    def forecast(self) -> list[str]:
        return list(_in_words(self._forecast))

    def plain(self) -> dict[str, Any]:
        return self._forecast.plain()

    async def hand_in(self, office: Office, batch: Sequence[Arrival], where: Where) -> Brought:
        return await office.ask(ImportCards(cards=tuple(batch), where=where, catch_up=self._catch_up))

    def told(self, came: Brought, rows: int) -> str:
        reminders = f"{counted(came.armed, 'reminder')} armed"
        follow = f", the reminders of {counted(came.follow, 'known card')} follow" if came.follow else ""
        return f"{counted(rows, 'card')} imported: {came.new} new, {came.changed} changed, {reminders}{follow}"

    def close(self) -> None:
        self._forecast.close()


def _in_words(forecast: CardForecast) -> Iterator[str]:
    """The forecast, for people."""
    lines = f", {many(forecast.repeated, 'further line')} about the same cards" if forecast.repeated else ""
    known = f"{forecast.known:,} known, of which {forecast.changed:,} changed"
    yield f"{many(forecast.new, 'new card')}, {known}{lines}."
    if forecast.follow:
        yield f"Known cards whose reminders follow: {forecast.follow:,}."
    yield f"Reminders that will be armed: {forecast.armed():,}"
    for rule, offsets in forecast.reminders().items():
        for slot, fates in sorted(offsets.items(), key=lambda one: -int(one[0].split()[0])):
            counts = ", ".join(f"{count:,} {_FATES.get(fate, fate)}" for fate, count in sorted(fates.items()))
            yield f"  {rule}, {slot} before: {counts}"
    yield from _chart(forecast)
    yield from _remarks(forecast)


def _chart(forecast: CardForecast) -> Iterator[str]:
    days, busiest = forecast.days(), forecast.busiest()
    if busiest is None:
        return
    hour, most = busiest
    first = min(days, default=hour.date())
    weeks = by_week(days, first)
    if weeks:
        yield f"By week, for {DAYS} days, in {forecast.programme.timezone}:"
        highest = max(count for _, count in weeks)
        for week, count in weeks:
            yield f"  from {week}  {'█' * -(-count * _BAR // highest):<{_BAR}}  {count:,}"
    if forecast.later():
        yield f"  later: {forecast.later():,}"
    yield f"Busiest hour: {hour:%Y-%m-%d %H:%M}, {many(most, 'reminder')}."


def _remarks(forecast: CardForecast) -> Iterator[str]:
    idle = [f"{forecast.idle[reason]:,} {words}" for reason, words in _IDLE.items() if forecast.idle[reason]]
    if idle:
        yield f"New cards without a reminder: {', '.join(idle)}."
    if forecast.sent:
        yield f"Reminders that count as sent and are not sent again: {forecast.sent:,}."
    yield from _warnings(forecast)


def _warnings(forecast: CardForecast) -> Iterable[str]:
    if forecast.unknown:
        named = ", ".join(f'"{name}" ({count:,})' for name, count in forecast.unknown.most_common(5))
        yield f"Of no rule, so not remembered as sent: {named}."
    if forecast.without_points:
        yield (
            f"Cards with reminders that do not say how many points expire: {forecast.without_points:,}. Unless an "
            "event tells, nothing will be at risk on the day, and nobody is reminded."
        )
    if forecast.no_address:
        yield f"Cards with reminders whose member has no address, or is not known: {forecast.no_address:,}."
    if forecast.suppressed:
        yield f"Cards with reminders whose member's address is suppressed: {forecast.suppressed:,}."
