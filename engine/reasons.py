"""Why something was not sent."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why something was not sent: a closed list, shared by store, explanations, tests and metrics."""

    CONDITION = "condition"
    AUDIENCE = "audience"
    ABSENT = "absent"
    NO_ADDRESS = "no_address"
    NO_CONSENT = "no_consent"
    SUPPRESSED_ADDRESS = "suppressed_address"
    CAPPED = "capped"
    DUPLICATE = "duplicate"
    INHIBITED = "inhibited"
    HOLDOUT = "holdout"
    OUTSIDE_VALIDITY = "outside_validity"
    SHADOW = "shadow"
    DISABLED = "disabled"
    TOO_LATE = "too_late"
    DATE_MOVED = "date_moved"
    STOPPED = "stopped"
    STEP_REMOVED = "step_removed"
    TEMPLATE_HELD = "template_held"
    CHANNEL_FAILED = "channel_failed"
    QUIET_HOURS = "quiet_hours"
    WINDOW = "window"
    COLLECTING = "collecting"
    SETTLING = "settling"
    RATE_LIMITED = "rate_limited"
    PAUSED = "paused"
    HELD = "held"
    RESTORED = "restored"
    ERASED = "erased"
    USEFUL_TIME_OVER = "useful_time_over"
    TOO_OLD = "too_old"
    NOTHING_AT_RISK = "nothing_at_risk"
    EVALUATION_ERROR = "evaluation_error"
    SUPERSEDED = "superseded"
    DATE_PAST = "date_past"
