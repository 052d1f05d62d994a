"""What a file will bring, told before anything is written: counted row by row, in memory that does not grow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from ..decide.moving import Arrival, Idle, Known, Mover, Standing
from ..language import expiring_points
from ..model import Card, Member, Programme, Reason, TimerState
from ..ruleset import Ruleset
from .seen import Seen

DAYS = 60
"""How far ahead reminders are counted by day; what comes after is one number."""
_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class CardForecast:
    """Counters, and nothing but counters."""

    programme: Programme
    now: datetime
    mover: Mover
    rows: int = 0
    new: int = 0
    known: int = 0
    changed: int = 0
    follow: int = 0
    """Known cards whose reminders change."""
    repeated: int = 0
    """Further lines about a card that has had one."""
    sent: int = 0
    """Reminders that count as sent."""
    without_points: int = 0
    """Cards with reminders of which nobody has said how many points expire: nothing would be at risk on the day."""
    no_address: int = 0
    """Cards with reminders whose member has no address, or is not known."""
    suppressed: int = 0
    """Cards with reminders whose member's address must not be written to."""
    idle: Counter[Idle] = field(default_factory=Counter)
    """Cards without anything to remind of, by reason; by the first rule that says so."""
    unknown: Counter[str] = field(default_factory=Counter)
    """What the file calls sent, and no rule has."""
    seen: Seen = field(default_factory=Seen)
    _standings: Counter[Standing] = field(default_factory=Counter)
    _fates: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _hours: Counter[int] = field(default_factory=Counter)

    @staticmethod
    def under(ruleset: Ruleset, now: datetime, *, catch_up: bool) -> CardForecast:
        """A forecast under the rules on disk, as of ``now``."""
        return CardForecast(programme=ruleset.programme, now=now, mover=Mover(ruleset, now, catch_up=catch_up))

    @property
    def fields(self) -> frozenset[str]:
        """The member's facts that messages are addressed by."""
        return frozenset(self.programme.channels.values())

    def count(self, arrivals: Sequence[Arrival], known: Known, suppressed: frozenset[str]) -> None:
        """Count some cards. Of several lines about one card the first counts."""
        firsts = self.seen.add((arrival.snapshot.id,) for arrival in arrivals)
        for arrival, first in zip(arrivals, firsts, strict=True):
            self.rows += 1
            if first:
                self._count(arrival, known, suppressed)
            else:
                self.repeated += 1

    def reminders(self) -> dict[str, dict[str, dict[str, int]]]:
        """By rule and offset: how many would be armed, are too late, count as sent, and so on."""
        self._settle()
        found: dict[str, dict[str, dict[str, int]]] = {}
        for (rule, slot, fate), count in sorted(self._fates.items()):
            found.setdefault(rule, {}).setdefault(slot, {})[fate] = count
        return found

    def armed(self) -> int:
        """How many reminders would be armed."""
        self._settle()
        return self._hours.total()

    def days(self) -> dict[date, int]:
        """How many are due on each of the next ``DAYS`` days, in the programme's zone; days without any left out."""
        return {day: count for day, count in self._by_day() if (day - self._today()).days < DAYS}

    def later(self) -> int:
        """How many are due after those days."""
        return self.armed() - sum(self.days().values())

    def busiest(self) -> tuple[datetime, int] | None:
        """The hour in which most are due, in the programme's zone, and how many."""
        self._settle()
        if not self._hours:
            return None
        hour, count = max(self._hours.items(), key=lambda one: (one[1], -one[0]))
        return (_EPOCH + hour * _HOUR).astimezone(self._zone()), count

    def plain(self) -> dict[str, Any]:
        """The forecast as data."""
        busiest = self.busiest()
        return {
            "cards": {"new": self.new, "known": self.known, "changed": self.changed, "repeated_lines": self.repeated},
            "reminders": self.reminders(),
            "armed": self.armed(),
            "known_cards_that_follow": self.follow,
            "days": {day.isoformat(): count for day, count in self.days().items()},
            "later": self.later(),
            "busiest_hour": None if busiest is None else {"from": busiest[0], "reminders": busiest[1]},
            "without_reminder": {reason.value: self.idle[reason] for reason in Idle},
            "sent_before": self.sent,
            "sent_of_no_rule": dict(self.unknown),
            "without_points": self.without_points,
            "no_address": self.no_address,
            "suppressed": self.suppressed,
        }

    def close(self) -> None:
        """Let go of what was needed to count."""
        self.seen.close()

    # --- one card ---

    def _count(self, arrival: Arrival, known: Known, suppressed: frozenset[str]) -> None:
        before = known.cards.get(arrival.snapshot.id)
        card = self.mover.merged(arrival, before)
        standing = self.mover.stand(arrival, card, known)
        self.unknown.update(standing.unknown)
        if before is None:
            self.new += 1
            self._standings[standing] += 1
            if len(self._standings) > DAYS * DAYS:
                self._settle()
        else:
            self.known += 1
            self.changed += before != card
            self.follow += standing.follow
            self.sent += len(standing.timers)
        if any(timer.state is TimerState.ARMED for timer in standing.timers):
            self._reach(card, known.members.get(card.member_id), suppressed)

    def _reach(self, card: Card, member: Member | None, suppressed: frozenset[str]) -> None:
        self.without_points += not expiring_points(card)
        addresses = [str(member.get(name)) for name in self.fields if member.get(name)] if member else []
        self.no_address += not addresses
        self.suppressed += any(address.lower() in suppressed for address in addresses)

    def _settle(self) -> None:
        """What many cards share is counted once for all of them."""
        for standing, cards in self._standings.items():
            if standing.idle:
                self.idle[standing.idle[0][1]] += cards
            for timer in standing.timers:
                self._fates[timer.rule, timer.slot, _fate(timer.state, timer.reason)] += cards
                self.sent += cards if timer.state is TimerState.FIRED else 0
                if timer.state is TimerState.ARMED:
                    self._hours[(timer.due_at - _EPOCH) // _HOUR] += cards
        self._standings.clear()

    def _by_day(self) -> Iterator[tuple[date, int]]:
        self._settle()
        days: Counter[date] = Counter()
        zone = self._zone()
        for hour, count in self._hours.items():
            days[(_EPOCH + hour * _HOUR).astimezone(zone).date()] += count
        yield from sorted(days.items())

    def _today(self) -> date:
        return self.now.astimezone(self._zone()).date()

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.programme.timezone)


SaidOf: TypeAlias = tuple[tuple[str, ...], str | None]
"""Of a member in a file: the id by which they are or will be known, with their aliases; and their address."""


@dataclass(slots=True, kw_only=True)
class MemberForecast:
    """What a file of members will bring: counters only."""

    rows: int = 0
    new: int = 0
    known: int = 0
    repeated: int = 0
    no_address: int = 0
    """New members without an e-mail address."""
    suppressed: int = 0
    """Members whose address in the file must not be written to."""
    seen: Seen = field(default_factory=Seen)

    def count(self, said: Sequence[SaidOf], known: frozenset[str], suppressed: frozenset[str]) -> None:
        """Count some members."""
        firsts = self.seen.add(names for names, _ in said)
        for (names, address), first in zip(said, firsts, strict=True):
            id_ = names[0]
            self.rows += 1
            if not first:
                self.repeated += 1
                continue
            self.known += id_ in known
            self.new += id_ not in known
            self.no_address += id_ not in known and not address
            self.suppressed += address is not None and address.lower() in suppressed

    def plain(self) -> dict[str, Any]:
        """The forecast as data."""
        return {
            "members": {"new": self.new, "known": self.known, "repeated_lines": self.repeated},
            "no_address": self.no_address,
            "suppressed": self.suppressed,
        }

    def close(self) -> None:
        """Let go of what was needed to count."""
        self.seen.close()


def by_week(days: Mapping[date, int], first: date) -> list[tuple[date, int]]:
    """Days taken together in sevens, from ``first`` on; weeks without anything included, up to the last that has."""
    if not days:
        return []
    weeks = (max(days) - first).days // 7 + 1
    counts: Counter[int] = Counter()
    for day, count in days.items():
        counts[(day - first).days // 7] += count
    return [(first + timedelta(weeks=week), counts[week]) for week in range(weeks)]


def _fate(state: TimerState, reason: Reason | None) -> str:
    """What becomes of a reminder, in a word: ``armed``, ``sent``, else the reason it is skipped for."""
    if state is TimerState.ARMED:
        return "armed"
    return "sent" if state is TimerState.FIRED else (reason.value if reason else state.value)
