"""The development mailbox: messages are written down completely and delivered nowhere."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ..model import Notification
from .address import Mailbox
from .channel import Delivery, Outgoing, Permit, Sent, Withheld, Writer
from .email import MailboxField
from .mime import MailFrame


class CaptureSettings(BaseModel):
    """The settings of a capture channel."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    kind: Literal["capture"] = "capture"
    address_field: str = "email"
    """Which field of a member to take the address from, and so what the channel stands in for."""
    sender: MailboxField = Field(alias="from", default=Mailbox(name="Pointbell", address="capture@pointbell.invalid"))


class CaptureChannel:
    """Stands in for e-mail (whole mails are written) or for any other channel (their text is)."""

    def __init__(self, name: str, settings: CaptureSettings, secret: bytes = b"") -> None:
        self.name = name
        self.address_field = settings.address_field
        self._frame = MailFrame(sender=settings.sender, secret=secret)

    def prepare(self, notification: Notification) -> bytes:
        """See ``Channel.prepare``."""
        if self.address_field == "email":
            return self._frame.write(notification)
        if notification.words is None:
            raise ValueError(f"notification {notification.key!r} is not worded")
        return notification.words.text.encode("utf-8", "replace")

    def writer(self) -> Writer:
        """See ``Channel.writer``."""
        return self.prepare

    async def send(self, message: Outgoing, permit: Permit) -> Delivery:  # noqa: ARG002 - nothing is done with it
        """See ``Channel.send``."""
        return Sent("captured") if await permit() else Withheld()

    async def close(self) -> None:
        """See ``Channel.close``."""
