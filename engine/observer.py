"""Counts and logs what happens. Everything the operator sees of a running daemon goes through here.

A delivery or a message is one line at most, without names, addresses in full or the words of a message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from structlog.typing import FilteringBoundLogger

from .deliver import Deferred, Delivery, Refused, Sent, Unknown, Withheld
from .errors import PointbellError, RulesetInvalid
from .logs import mask
from .metrics import Metrics
from .pipeline import CAPTURE
from .ruleset import Diagnostic
from .store import EventState, Queued, Settled, Settlement

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

    # --- what the daemon reports ---

    def loaded(self, ruleset: str, rules: int, at: datetime) -> None:
        """A ruleset is in force."""
        self.metrics.loaded(ruleset, at)
        self.log.info("ruleset in force", ruleset=ruleset, rules=rules)

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
