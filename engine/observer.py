"""Counts and logs what happens. Everything the operator sees of a running daemon goes through here.

A delivery or a message is one line at most, without names, addresses in full or the words of a message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from structlog.typing import FilteringBoundLogger

from .deciders import Overcome
from .deliver import Deferred, Delivery, Refused, Sent, Unknown, Withheld
from .errors import PointbellError, RulesetInvalid
from .logs import mask
from .metrics import Metrics
from .pipeline import CAPTURE
from .ruleset import Diagnostic
from .store import EventState, Kind, Pause, Queued, Settled, Settlement, Unsure

_SHOWN = 20
"""Findings of a bad ruleset that a log line holds; `pointbell check` shows them all."""

_OUTCOMES: dict[type[Delivery], str] = {
    Sent: "sent",
    Deferred: "deferred",
    Refused: "refused",
    Unknown: "unknown",
    Withheld: "withheld",
}


class Observer:
    """The pipeline's observer, and the daemon's."""

    def __init__(self, log: FilteringBoundLogger, metrics: Metrics) -> None:
        self.log = log
        self.metrics = metrics

    # --- what the pipeline reports ---

    def accepted(self, source: str, *, new: bool) -> None:
        """A delivery is stored."""
        self.metrics.delivery(source, "stored" if new else "duplicate")

    def settled(self, settlements: Sequence[Settlement], done: Settled) -> None:
        """A batch of deliveries was decided."""
        states = Counter(settlement.state.value for settlement in settlements)
        self.metrics.decided(states.elements(), done.decisions)
        self.metrics.variants(done.variants)
        for settlement in settlements:
            if settlement.state is EventState.QUARANTINED:
                self.log.warning("quarantined", delivery=settlement.seq, reason=settlement.note)
        decisions = Counter(reason or outcome for outcome, reason in done.decisions)
        self.log.info("decided", deliveries=dict(states), decisions=dict(decisions), queued=done.queued)

    def delivered(self, message: Queued, delivery: Delivery) -> None:
        """An attempt to deliver a message has ended."""
        outcome = _OUTCOMES[type(delivery)]
        if message.route == CAPTURE and isinstance(delivery, Sent):
            outcome = "captured"
        self.metrics.notification(message.channel, outcome)
        write = self.log.info if outcome in ("sent", "captured", "withheld") else self.log.warning
        write(
            outcome,
            message=message.key,
            channel=message.channel,
            to=mask(message.address),
            attempt=message.attempts + 1,
            reply=getattr(delivery, "reply", ""),
        )

    def refused(self, what: str, error: Exception) -> None:
        """A step could not be done. A fault of ours comes with its traceback."""
        self.metrics.refused(what)
        known = isinstance(error, PointbellError)
        self.log.warning(
            "refused", step=what, error=f"{type(error).__name__}: {error}", exc_info=None if known else error
        )

    # --- what the door reports ---

    def turned_away(self, source: str, result: str, reason: str = "") -> None:
        """A delivery was not stored. ``source`` must be a configured name, or ``unknown``."""
        self.metrics.delivery(source, result)
        self.log.warning("turned away", source=source, result=result, reason=reason)

    # --- what people do ---

    def paused(self, pause: Pause) -> None:
        """Somebody has begun a pause."""
        until = pause.until.isoformat(timespec="seconds")
        self.log.info("paused", pause=pause.id, scope=pause.scope, name=pause.name, until=until, reason=pause.reason)

    def unpaused(self, pause: Pause) -> None:
        """Somebody has ended a pause before its time."""
        self.log.info("pause ended", pause=pause.id, scope=pause.scope, name=pause.name)

    def resolved(self, verdict: str, by: str, because: str, messages: Sequence[int]) -> None:
        """Somebody has decided about messages that could not help themselves."""
        self.log.info("resolved", verdict=verdict, by=by, because=because, messages=list(messages))

    # --- what the children's keeper reports ---

    def children(self, living: int) -> None:
        """How many child processes there are to decide."""
        self.metrics.children(living)

    def child_began(self, waited_s: float) -> None:
        """A child has begun with a batch, which had waited so long for it."""
        self.metrics.child_began(waited_s)

    def child_ended(self, end: Overcome) -> None:
        """A child process ended that was to go on; what it had in hand is decided by others, and alone."""
        self.metrics.child_ended(end.kind)
        self.log.warning("child ended", cause=end.cause, delivery=end.seq)

    # --- what the daemon reports ---

    def went_back(self, unsure: Unsure) -> None:
        """The database is an older copy of itself, and nobody had said so."""
        self.log.warning(
            "an older copy was put in the place of the database: what may have been sent since is held",
            since=unsure.restored.since.isoformat(timespec="seconds"),
            messages_held=unsure.messages,
            undecided=unsure.events,
            timers_due=unsure.timers,
        )

    def clock_jumped(self, divergence: timedelta) -> None:
        """The machine's clock was set, or is right again if there is no divergence any more."""
        if divergence:
            self.log.error(
                "the machine's clock has jumped: work goes on by elapsed time. Restart if the clock is right now",
                seconds=round(divergence.total_seconds()),
            )
        else:
            self.log.warning("the machine's clock is right again")

    def tidied(self, removed: Mapping[Kind, int]) -> None:
        """Something had been kept long enough."""
        for kind, rows in removed.items():
            self.metrics.tidied(kind, rows)
        self.log.info("tidied", **{kind.value: rows for kind, rows in removed.items() if rows})

    def loaded(self, ruleset: str, rules: int, at: datetime) -> None:
        """A ruleset is in force."""
        self.metrics.loaded(ruleset, at)
        self.log.info("ruleset in force", ruleset=ruleset, rules=rules)

    def mode(self, mode: str, before: str | None) -> None:
        """A delivery mode is in force; ``before`` is that of the last start."""
        self.metrics.mode(mode)
        if before is None or before == mode:
            self.log.info("delivery mode", mode=mode)
        else:
            self.log.warning("the delivery mode has changed", mode=mode, before=before)

    def reloaded(self, before: str, after: str) -> None:
        """The files were read again and are good."""
        self.metrics.reload(successful=True)
        self.log.info("reloaded", ruleset=after, before=before, changed=before != after)

    def reload_failed(self, ruleset: str, error: RulesetInvalid) -> None:
        """The files were read again and are bad; ``ruleset`` stays in force."""
        self.metrics.reload(successful=False)
        findings = [found for found in error.diagnostics if isinstance(found, Diagnostic)]
        places = [f"{one.file}:{one.line}:{one.column}: {one.message}" for one in findings[:_SHOWN]]
        self.log.error("reload failed", ruleset=ruleset, findings=places, count=len(findings))
