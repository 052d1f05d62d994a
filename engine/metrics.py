"""What is counted, for Prometheus. Labels have few values: never a member, an address or a text from outside."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Summary
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from .store import Alarms, Scope

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
MODES = ("capture", "allowlist", "live")
KINDS = ("delivery", "timer", "message")
"""The kinds of work that may wait."""
ENDS = ("decided", "ignored", "quarantined")
"""The states a delivery can end in."""
CHILD_ENDS = ("memory", "deadline", "signal", "exit", "nursery")
"""Why a child process may end."""


class _AlarmGauges:
    """What somebody should be woken for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(f"pointbell_{name}", what, labels, registry=registry)

        self._oldest_due = gauge("oldest_due_age_seconds", "How long the oldest work to be done has waited", "kind")
        self._messages = gauge("messages", "Messages that wait for a person to decide", "state")
        self._quarantined = gauge("quarantined_deliveries", "Deliveries that are set aside")
        self._paused = gauge("paused", "Pauses that are open", "scope")
        self._paused_messages = gauge("paused_messages", "Messages that a pause keeps out of line")
        self._last_event = gauge(
            "source_last_event_timestamp_seconds", "When the last delivery of a source came", "source"
        )
        self._silent = gauge(
            "source_silent_ratio", "How long a source has been silent, of what it may be; 1 is an alarm", "source"
        )

    def note(self, alarms: Alarms, now: datetime) -> None:
        for kind in KINDS:
            late = now - alarms.oldest_due.get(kind, now)
            self._oldest_due.labels(kind).set(max(late, timedelta()).total_seconds())
        for state, count in alarms.to_resolve.items():
            self._messages.labels(state).set(count)
        self._quarantined.set(alarms.quarantined)
        for scope in Scope:
            self._paused.labels(scope).set(sum(pause.scope is scope for pause in alarms.pauses))
        self._paused_messages.set(alarms.paused_messages)
        for name, source in alarms.sources.items():
            self._last_event.labels(name).set(source.last.timestamp())
            self._silent.labels(name).set(source.silent_ratio)


class _ChildGauges:
    """Those who decide in processes of their own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.living = Gauge("pointbell_children", "Child processes there are to decide", registry=registry)
        self.ends = Counter(
            "pointbell_child_ends", "Child processes that ended and were replaced", ["cause"], registry=registry
        )
        self.waits = Summary(
            "pointbell_child_wait_seconds", "How long batches waited for a child to begin", registry=registry
        )
        for cause in CHILD_ENDS:
            self.ends.labels(cause)


class Metrics:
    """One set of counters, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._deliveries = cache(
            Counter(
                "pointbell_deliveries", "Deliveries at the HTTP door", ["source", "result"], registry=registry
            ).labels
        )
        self._events = cache(
            Counter("pointbell_events", "Deliveries after they were decided", ["state"], registry=registry).labels
        )
        self._decisions = cache(
            Counter("pointbell_decisions", "Decisions", ["outcome", "reason"], registry=registry).labels
        )
        self._variants = cache(
            Counter(
                "pointbell_variants", "Messages by the variant that worded them", ["rule", "variant"], registry=registry
            ).labels
        )
        self._notifications = cache(
            Counter(
                "pointbell_notifications", "Attempts to deliver a message", ["channel", "outcome"], registry=registry
            ).labels
        )
        self._refusals = Counter(
            "pointbell_refusals", "Steps that a database or fault stopped", ["step"], registry=registry
        )
        self._alarms = _AlarmGauges(registry)
        self._clock_divergence = Gauge(
            "pointbell_clock_divergence_seconds",
            "How far the wall clock has gone from where it should be by now",
            registry=registry,
        )
        self._disk_free = Gauge(
            "pointbell_disk_free_bytes", "Room on the disk that the database is on", registry=registry
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
        self._tidied = Counter(
            "pointbell_tidied_rows", "Removed because it had been kept long enough", ["kind"], registry=registry
        )
        self._children = _ChildGauges(registry)
        for state in ENDS:
            self._events(state)

    def children(self, living: int) -> None:
        """Note how many child processes there are."""
        self._children.living.set(living)

    def child_began(self, waited_s: float) -> None:
        """Count a batch that a child has begun with."""
        self._children.waits.observe(waited_s)

    def child_ended(self, cause: str) -> None:
        """Count a child process that ended."""
        self._children.ends.labels(cause).inc()

    def delivery(self, source: str, result: str) -> None:
        """Count a delivery at the door."""
        self._deliveries(source, result).inc()

    def decided(self, states: Iterable[str], decisions: Sequence[tuple[str, str]]) -> None:
        """Count what became of a batch: the state of each delivery; outcome and reason of each decision."""
        for state in states:
            self._events(state).inc()
        for decision, count in Counts(decisions).items():
            self._decisions(*decision).inc(count)

    def variants(self, worded: Sequence[tuple[str, str]]) -> None:
        """Count messages that one of a rule's variants worded: rule and variant of each."""
        for one, count in Counts(worded).items():
            self._variants(*one).inc(count)

    def notification(self, channel: str, outcome: str) -> None:
        """Count an attempt to deliver a message."""
        self._notifications(channel, outcome).inc()

    def refused(self, step: str) -> None:
        """Count a step that could not be done."""
        self._refusals.labels(step).inc()

    def alarms(self, alarms: Alarms, now: datetime) -> None:
        """Note what needs somebody's attention."""
        self._alarms.note(alarms, now)

    def clock_divergence(self, divergence: timedelta) -> None:
        """Note how far the wall clock has moved from the monotonic one; positive: it was put forward."""
        self._clock_divergence.set(divergence.total_seconds())

    def disk_free(self, size: int) -> None:
        """Note how much room is left, in bytes."""
        self._disk_free.set(size)

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

    def tidied(self, kind: str, rows: int) -> None:
        """Count what was removed."""
        self._tidied.labels(kind).inc(rows)

    def text(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        return generate_latest(self._registry)
