"""From a worded notification to the outside world.

``CHANNELS`` is the list of what there is: a new channel is one module with its settings and one line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from .backoff import retry_after
from .capture import CaptureChannel, CaptureSettings
from .channel import Channel, Deferred, Delivery, Outgoing, Permit, Refused, Sent, Unknown, Withheld
from .email import EmailChannel, EmailSettings
from .identity import public_id
from .webhook import WebhookChannel, WebhookSettings

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind(Generic[S]):
    """A kind of channel: how its settings look, and how one is built of its name, settings and installation secret."""

    settings: type[S]
    build: Callable[[str, S, bytes], Channel]


CHANNELS: Mapping[str, ChannelKind[Any]] = MappingProxyType(
    {
        "email": ChannelKind(settings=EmailSettings, build=EmailChannel),
        "webhook": ChannelKind(settings=WebhookSettings, build=WebhookChannel),
        "capture": ChannelKind(settings=CaptureSettings, build=CaptureChannel),
    }
)

__all__ = [
    "CHANNELS",
    "CaptureChannel",
    "CaptureSettings",
    "Channel",
    "ChannelKind",
    "Deferred",
    "Delivery",
    "EmailChannel",
    "EmailSettings",
    "Outgoing",
    "Permit",
    "Refused",
    "Sent",
    "Unknown",
    "WebhookChannel",
    "WebhookSettings",
    "Withheld",
    "public_id",
    "retry_after",
]
