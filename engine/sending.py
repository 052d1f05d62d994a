"""How an attempt ends, and which ways are worth trying now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from .deliver import Deferred, Delivery, Outgoing, Refused, Sent, Unknown, Withheld, retry_after
from .model import OnAmbiguous
from .routing import CAPTURE
from .ruleset import Ruleset
from .store import NotificationState, Outcome, Queued, Reach, Sends


@dataclass(slots=True, kw_only=True)
class Ways:
    """The routes messages take. One whose relay is out of order rests, so that a backlog does not beat on it."""

    random: Random
    _failures: dict[str, int] = field(default_factory=dict)
    _rest_until: dict[str, datetime] = field(default_factory=dict)

    def open(self, routes: Iterable[str], now: datetime) -> list[str]:
        """Those that may be tried now."""
        return [route for route in routes if self._rest_until.get(route, now) <= now]

    def note(self, message: Queued, delivery: Delivery, now: datetime) -> timedelta:
        """Learn from an attempt; how long the message should wait if it has to go again."""
        if not (isinstance(delivery, Deferred) and delivery.relay_down):
            self._failures.pop(message.route, None)
            self._rest_until.pop(message.route, None)
            asked = delivery.retry_after if isinstance(delivery, Deferred) else None
            return retry_after(message.attempts + 1, self.random) if asked is None else asked
        if self._rest_until.get(message.route, now) <= now:
            # Of the attempts that were under way together, the first one counts for all.
            self._failures[message.route] = self._failures.get(message.route, 0) + 1
            pause = retry_after(self._failures[message.route], self.random, about_relay=True)
            self._rest_until[message.route] = now + (pause if delivery.retry_after is None else delivery.retry_after)
        return self._rest_until[message.route] - now


def reach_of(ruleset: Ruleset) -> Reach:
    """What of the rules matters to their timers: over which channels they send, in which category, how urgently."""
    return {
        rule.name: Sends(
            channels=frozenset(channel for send in rule.sends for channel in send.channels),
            category=rule.category.name if rule.category else None,
            priority=rule.priority,
        )
        for rule in ruleset.rules
    }


def outgoing(message: Queued) -> Outgoing:
    """The message as a channel carries it."""
    return Outgoing(key=message.key, address=message.address, payload=message.payload, attempt=message.attempts + 1)


def outcome_of(message: Queued, delivery: Delivery, now: datetime, wait: timedelta) -> Outcome:
    """What is to be noted of an attempt. ``wait`` is how long the message waits if it goes again."""
    end = Outcome(key=message.key, lease=message.lease, state=NotificationState.QUEUED, at=now, reply="")
    again = replace(end, due_at=now + wait)
    match delivery:
        case Sent(reply):
            state = NotificationState.CAPTURED if message.route == CAPTURE else NotificationState.SENT
            return replace(end, state=state, reply=reply)
        case Refused(reply):
            bad = message.address if delivery.address_is_bad else None
            return replace(end, state=NotificationState.FAILED, reply=reply, suppress=bad)
        case Deferred(reply):
            return replace(again, reply=reply, counts=not delivery.about_relay)
        case Unknown(reply):
            if message.on_ambiguous == OnAmbiguous.RESEND:
                return replace(again, reply=reply)
            return replace(end, state=NotificationState.UNKNOWN, reply=reply)
        case Withheld():
            raise ValueError("a message without a permit was not attempted")


def given_back(message: Queued, now: datetime, wait: timedelta, why: str | None) -> Outcome:
    """What is to be noted of a message that could not even be attempted; without ``why``, what was noted before."""
    return Outcome(
        key=message.key,
        lease=message.lease,
        state=NotificationState.QUEUED,
        at=now,
        reply=why,
        due_at=now + wait,
        counts=False,
    )
