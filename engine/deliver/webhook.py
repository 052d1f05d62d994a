"""Messages as signed HTTP requests, for whatever gateway stands behind them (Standard Webhooks 1.0.0).

Unlike SMTP, HTTP has no window in which nobody knows: ``webhook-id`` is the same at every attempt and the receiver
must act on it once. So a request whose answer got lost is simply made again, and there is no ``Unknown`` here.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Literal, Self

import httpx2
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)

from ..errors import ConfigError
from ..model import Notification
from .channel import Deferred, Delivery, Outgoing, Permit, Refused, Sent, Withheld, Writer
from .egress import Forbidden, Resolver, require_public, resolve_by_system
from .identity import public_id
from .signing import sign, signing_key

_PORTS = {"http": 80, "https": 443}
_PORT_END = 65_536
_ABOUT_THE_MESSAGE = frozenset({400, 413, 422})
_LONGEST_WAIT = 86_400  # seconds of Retry-After we believe
_READING_OUT = 2.0  # seconds


class WebhookSettings(BaseModel):
    """The settings of a webhook channel."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Literal["webhook"] = "webhook"
    url: str
    secrets: Annotated[tuple[SecretStr, ...], Field(min_length=1)]
    """All of them sign, so that the receiver can move from one to the next."""
    timeout: PositiveFloat = 15
    """Seconds for the whole request."""
    allow_private: bool = False
    """Let the URL lead to a private network or to this machine, and without TLS."""
    address_field: str = "email"
    """Which field of a member to pass on as ``address``."""
    ca_file: Path | None = None
    """Trust certificates of these authorities (PEM) instead of the system's."""
    max_connections: PositiveInt = 10

    @field_validator("secrets")
    @classmethod
    def _keys_are_readable(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in secrets:
            signing_key(secret.get_secret_value())
        return secrets

    @model_validator(mode="after")
    def _url_is_usable(self) -> Self:
        try:
            url = httpx2.URL(self.url)
        except httpx2.InvalidURL as error:
            raise ValueError(f"url: {error}") from None
        if url.scheme not in _PORTS or not url.host or not 0 < (url.port or 1) < _PORT_END:
            raise ValueError("url: must be https://host/path or https://host:port/path")
        if url.scheme == "http" and not self.allow_private:
            raise ValueError("url: must be https, since messages hold personal data (http needs allow_private: true)")
        if url.userinfo:
            raise ValueError("url: must not hold a user name or password; requests are signed")
        return self


class WebhookChannel:
    """Posts each message to one URL."""

    def __init__(
        self,
        name: str,
        settings: WebhookSettings,
        secret: bytes = b"",
        *,
        resolve: Resolver = resolve_by_system,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.address_field = settings.address_field
        self._url = httpx2.URL(settings.url)
        self._keys = [signing_key(key.get_secret_value()) for key in settings.secrets]
        self._timeout = settings.timeout
        self._allow_private = settings.allow_private
        self._secret = secret
        self._resolve = resolve
        self._clock = clock
        self._host = self._url.raw_host.decode("ascii")
        self._port = self._url.port or _PORTS[self._url.scheme]
        self._slots = asyncio.Semaphore(settings.max_connections)
        # The transport alone: no redirects, cookies, proxies of the environment, and no log of the URL.
        self._transport = httpx2.AsyncHTTPTransport(verify=_trust(name, settings.ca_file), trust_env=False)

    def prepare(self, notification: Notification) -> bytes:
        """See ``Channel.prepare``."""
        return _written(self._secret, notification)

    def writer(self) -> Writer:
        """See ``Channel.writer``."""
        return partial(_written, self._secret)

    async def send(self, message: Outgoing, permit: Permit) -> Delivery:
        """See ``Channel.send``; the permit is asked when the host is known to be allowed, before the request."""
        async with self._slots:
            try:
                addresses = await self._addresses()
            except Forbidden as error:
                return self._deferred(f"{error}; set allow_private: true if that is meant")
            except (OSError, ValueError) as error:
                return self._deferred(f"the host has no address ({error}); check url")
            try:
                return await self._post(message, addresses) if await permit() else Withheld()
            except asyncio.CancelledError:
                return self._deferred("stopped before the answer came", timedelta())

    async def close(self) -> None:
        """See ``Channel.close``."""
        await self._transport.aclose()

    async def _addresses(self) -> Sequence[str]:
        async with asyncio.timeout(self._timeout):
            addresses = await self._resolve(self._host, self._port)
        if not self._allow_private:
            require_public(self._host, addresses)
        if not addresses:
            raise OSError("the name is known, but leads nowhere")
        return addresses

    async def _post(self, message: Outgoing, addresses: Sequence[str]) -> Delivery:
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._first_reached(message, addresses)
        except TimeoutError:
            return self._deferred(f"no answer within {self._timeout:g} s")
        except httpx2.HTTPError as error:
            return self._deferred(f"{type(error).__name__}: {error}; check url, and that the receiver is up")
        await _read_out(response)
        return self._judged(response.status_code, response.headers)

    async def _first_reached(self, message: Outgoing, addresses: Sequence[str]) -> httpx2.Response:
        headers = self._headers(message)
        *others, last = addresses
        for address in others:
            try:
                return await self._transport.handle_async_request(self._request(message, address, headers))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._transport.handle_async_request(self._request(message, last, headers))

    def _request(self, message: Outgoing, address: str, headers: Mapping[str, str]) -> httpx2.Request:
        """To the address that was judged; Host and TLS still go by the name."""
        waits = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout)
        return httpx2.Request(
            "POST",
            self._url.copy_with(host=address, fragment=None),
            content=message.payload,
            headers={"host": self._url.netloc.decode("ascii"), **headers},
            extensions={"timeout": waits, "sni_hostname": self._host},
        )

    def _headers(self, message: Outgoing) -> dict[str, str]:
        webhook_id, timestamp = f"msg_{public_id(message.key, self._secret)}", int(self._clock())
        return {
            "content-type": "application/json",
            "user-agent": "Pointbell",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(sign(key, webhook_id, timestamp, message.payload) for key in self._keys),
        }

    def _judged(self, status: int, headers: Mapping[str, str]) -> Delivery:
        """2xx is taken, 410 means never again, everything else is tried again: so Standard Webhooks."""
        said = f"{status} {_phrase(status)}".rstrip()
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return Sent(said)
        if status == HTTPStatus.GONE:
            return Refused(f"{self._host}:{self._port}: {said}; the receiver wants no more messages")
        if status in _ABOUT_THE_MESSAGE:
            return Deferred(f"{self._host}:{self._port}: {said}")
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            said += "; redirects are not followed, set url to where it leads"
        return self._deferred(said, _wait(headers.get("retry-after", ""), self._clock()))

    def _deferred(self, what: str, retry_after: timedelta | None = None) -> Deferred:
        return Deferred(
            f"{self._host}:{self._port}: {what}", retry_after=retry_after, about_relay=True, relay_down=True
        )


def _written(secret: bytes, notification: Notification) -> bytes:
    content = {
        "type": "notification.created",
        "timestamp": notification.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": _data(notification, public_id(notification.key, secret)),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _data(notification: Notification, name: str) -> dict[str, str]:
    words = notification.words
    if words is None:
        raise ValueError(f"notification {notification.key!r} is not worded")
    data = {
        "id": name,
        "rule": notification.rule,
        "category": notification.category,
        "member": notification.member_id,
        "card": notification.subject_id if notification.subject_id != notification.member_id else None,
        "about": notification.about.isoformat() if notification.about else None,
        "channel": notification.channel,
        "address": notification.address,
        "template": notification.template,
        "locale": notification.locale,
        "subject": words.subject,
        "preheader": words.preheader,
        "text": words.text,
        "html": words.html,
    }
    return {key: value for key, value in data.items() if value is not None}


def _trust(name: str, ca_file: Path | None) -> ssl.SSLContext | bool:
    try:
        return True if ca_file is None else ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigError(f"channel {name}: ca_file {ca_file} cannot be used: {error.strerror or error}") from None


async def _read_out(response: httpx2.Response) -> None:
    """Read the answer to its end, if that is near, so that the connection can be kept.

    Its status is known: nothing that happens here matters any more, being cancelled included.
    """
    try:
        async with asyncio.timeout(_READING_OUT):
            async for _ in response.aiter_raw():
                pass
    except (httpx2.HTTPError, TimeoutError, asyncio.CancelledError):
        pass
    finally:
        await response.aclose()


def _phrase(status: int) -> str:
    """The standard's words for a status, never the receiver's: those could hold anything."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _wait(retry_after: str, now: float) -> timedelta | None:
    """Retry-After (RFC 9110 10.2.3), in seconds or as a date; at most a day."""
    if retry_after.isascii() and retry_after.isdigit():
        seconds = float(retry_after)
    else:
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - now
        except ValueError:
            return None
    return timedelta(seconds=min(max(seconds, 0), _LONGEST_WAIT))
