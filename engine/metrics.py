"""What is counted, for Prometheus. Labels have few values: never a member, an address or a text from outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
MODES = ("capture", "allowlist", "live")
ENDS = ("decided", "ignored", "quarantined")
"""The states a delivery can end in."""


class Metrics:
    """One set of counters, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._deliveries = Counter(
            "pointbell_deliveries", "Deliveries at the HTTP door", ["source", "result"], registry=registry
        )
        self._events = Counter("pointbell_events", "Deliveries after they were decided", ["state"], registry=registry)
        self._decisions = Counter("pointbell_decisions", "Decisions", ["outcome", "reason"], registry=registry)
        self._notifications = Counter(
            "pointbell_notifications", "Attempts to deliver a message", ["channel", "outcome"], registry=registry
        )
        self._refusals = Counter(
            "pointbell_refusals", "Steps that a database or fault stopped", ["step"], registry=registry
        )
        self._oldest_due = Gauge(
            "pointbell_oldest_due_age_seconds", "How long the oldest due work has waited", registry=registry
        )
        self._reloads = Counter("pointbell_reloads", "Reloads of rules and templates", ["result"], registry=registry)
        self._reload_success = Gauge(
            "pointbell_last_reload_successful", "Whether the files on disk are those in force", registry=registry
        )
        self._reload_time = Gauge(
            "pointbell_last_reload_success_timestamp_seconds", "When the ruleset was last loaded", registry=registry
        )
        self._mode = Gauge("pointbell_delivery_mode", "1 for the mode in force", ["mode"], registry=registry)
        self._ruleset = Gauge("pointbell_ruleset", "1 for the ruleset in force", ["hash"], registry=registry)
        for state in ENDS:
            self._events.labels(state)

    def delivery(self, source: str, result: str) -> None:
        """Count a delivery at the door."""
        self._deliveries.labels(source, result).inc()

    def decided(self, states: Iterable[str], decisions: Sequence[tuple[str, str]]) -> None:
        """Count what became of a batch: the state of each delivery; outcome and reason of each decision."""
        for state in states:
            self._events.labels(state).inc()
        for outcome, reason in decisions:
            self._decisions.labels(outcome, reason).inc()

    def notification(self, channel: str, outcome: str) -> None:
        """Count an attempt to deliver a message."""
        self._notifications.labels(channel, outcome).inc()

    def refused(self, step: str) -> None:
        """Count a step that could not be done."""
        self._refusals.labels(step).inc()

    def oldest_due(self, age: timedelta) -> None:
        """Note how long the oldest due work has waited."""
        self._oldest_due.set(age.total_seconds())

    def loaded(self, ruleset: str, at: datetime) -> None:
        """Note that this ruleset is in force and that the files on disk are the same."""
        self._ruleset.clear()
        self._ruleset.labels(ruleset).set(1)
        self._reload_success.set(1)
        self._reload_time.set(at.timestamp())

    def reload(self, *, successful: bool) -> None:
        """Count a reload."""
        self._reloads.labels("success" if successful else "failure").inc()
        self._reload_success.set(successful)

    def mode(self, mode: str) -> None:
        """Note the delivery mode in force."""
        for known in MODES:
            self._mode.labels(known).set(known == mode)

    def text(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        return generate_latest(self._registry)
