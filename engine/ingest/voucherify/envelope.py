"""The wrapping of a Voucherify delivery: what it is about, apart from its ``data``.

Three shapes arrive: the envelope of API version v2024-01-01 (project and distribution webhooks alike), its ``data``
alone where the payload designer or the documentation is the sender, and the superseded v2018-08-01 envelope.
In a distribution's envelope ``type`` is what a marketer typed, or nothing: ``event.type`` is the real one.

Source: docs.voucherify.io, "Introduction to webhooks v2024-01-01".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...errors import BodyError
from ..names import is_configuration, is_known
from ..payload import Payload

_SENDERS = ("webhook", "distribution")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """A delivery's ``data`` and what its wrapping says."""

    data: Payload
    type: str | None
    """As the producer spelled it; ``None`` where nothing says it."""
    beside: bool = False
    """Whether the type was given beside the delivery, not by it."""
    event_id: str | None = None
    """The same for every webhook and every attempt that tells of this event."""
    event_time: datetime | None = None


def unwrap(body: Payload, hint: str | None) -> Wrapped:
    """Take the wrapping off. ``hint`` is the type given beside the body; the envelope's own event type goes before it.

    Raises:
        BodyError: the superseded envelope, or one without ``data``.

    """
    if body.raw("object") == "event":
        raise BodyError(
            "this is a Voucherify delivery of API version v2018-08-01, which is not read: "
            "set the webhook's API version to v2024-01-01 in Voucherify's project settings"
        )
    if not _is_envelope(body):
        return Wrapped(data=body, type=hint, beside=True)
    data = body.child("data")
    if not data:
        raise BodyError("the envelope has no data object")
    event, written = body.child("event"), body.text("type")
    kind = event.text("type") or _typed(written, hint)
    return Wrapped(
        data=data,
        type=kind,
        beside=kind is not None and kind not in (event.text("type"), written),
        event_id=event.identity("id"),
        event_time=event.moment("created_at"),
    )


def _is_envelope(body: Payload) -> bool:
    # Bare bodies may contain ``event`` and ``source`` of their own, never ``data`` beside these.
    return body.has("data") and (
        isinstance(body.raw("project_id"), str) or body.child("source").raw("object") in _SENDERS
    )


def _typed(written: str | None, hint: str | None) -> str | None:
    """Free text counts where it names a type; it goes after the hint where it does not."""
    if written is not None and (is_known(written) or is_configuration(written)):
        return written
    return hint or written
