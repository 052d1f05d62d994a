"""The HTTP door: deliveries come in, probes are answered. A bare ASGI application, because every delivery pays for it.

``POST /ingest/{source}`` and ``/ingest/{source}/{type}``, the latter for bodies that do not tell their own type;
``/healthz``, ``/readyz`` and ``/metrics``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from ..errors import SignatureError, StoreBusy
from ..ingest import Delivery, SourceSettings
from ..metrics import CONTENT_TYPE
from ..observer import Observer
from ..pipeline import Now
from .answer import Answer, Receive, Scope, Send, hang_up, refuse, say
from .body import Gone, TooLarge, read_body

Accept: TypeAlias = Callable[[Delivery], Awaitable[bool]]
Readiness: TypeAlias = Callable[[], Awaitable[Sequence[str]]]
"""Why no work can be done now; nothing when it can."""

INGEST = "/ingest/"
UNKNOWN = "unknown"
RETRY_AFTER = (b"retry-after", b"10")
_UNCOMPRESSED = (b"accept-encoding", b"identity")
_ALLOW_POST = (b"allow", b"POST, GET, HEAD")
_ALLOW_GET = (b"allow", b"GET, HEAD")
_LONGEST_TYPE = 200
_LONGEST_CODING = 60
_STORED = say(202, stored=True)
_KNOWN = say(200, stored=False, why="it was stored before")
_NO_SOURCE = "there is no such source in config.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a stranger may take of us."""

    max_body: int
    """Bytes."""
    header_timeout: timedelta
    body_timeout: timedelta


class Door:
    """The ASGI application."""

    def __init__(
        self,
        *,
        accept: Accept,
        sources: Mapping[str, SourceSettings],
        ready: Readiness,
        observer: Observer,
        now: Now,
        limits: Limits,
    ) -> None:
        self._accept = accept
        self._sources = sources
        self._ready = ready
        self._observer = observer
        self._now = now
        self._limits = limits
        self._pages = {"/healthz": self._healthz, "/readyz": self._readyz, "/metrics": self._metrics}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope["path"]
        answer = await (self._ingest(scope, receive) if path.startswith(INGEST) else self._page(scope, path))
        if answer is not None:
            await answer.write(send)

    async def _page(self, scope: Scope, path: str) -> Answer:
        page = self._pages.get(path)
        if page is None:
            return hang_up(404, "there is nothing here")
        if scope["method"] not in ("GET", "HEAD"):
            return hang_up(405, "use GET", _ALLOW_GET)
        return await page()

    async def _healthz(self) -> Answer:
        return say(200, alive=True)

    async def _readyz(self) -> Answer:
        reasons = await self._ready()
        return say(503 if reasons else 200, ready=not reasons, reasons=list(reasons))

    async def _metrics(self) -> Answer:
        return Answer(status=200, body=self._observer.metrics.text(), content_type=CONTENT_TYPE.encode())

    # --- deliveries ---

    async def _ingest(self, scope: Scope, receive: Receive) -> Answer | None:
        if scope["method"] == "POST":
            return await self._receive(scope, receive)
        if scope["method"] not in ("GET", "HEAD"):
            return hang_up(405, "use POST", _ALLOW_POST)
        source, _ = self._addressed(scope["path"])
        return say(200, source=source.name, use="POST") if source else refuse(404, _NO_SOURCE)

    def _addressed(self, path: str) -> tuple[SourceSettings | None, str]:
        """The source a path leads to, and the type of event it names."""
        name, _, hint = path.removeprefix(INGEST).partition("/")
        return self._sources.get(name), hint

    async def _receive(self, scope: Scope, receive: Receive) -> Answer | None:
        source, _ = self._addressed(scope["path"])
        headers, counted = headers_of(scope["headers"]), source.name if source else UNKNOWN
        limit, patience = self._limits.max_body, self._limits.body_timeout
        try:
            # Also where nothing will come of it: an answer to somebody who is still talking is often not heard.
            body = await read_body(headers, receive, limit=limit, patience=patience)
        except TooLarge:
            self._observer.turned_away(counted, "too_large")
            return hang_up(413, f"a body may have {limit} bytes")
        except TimeoutError:
            self._observer.turned_away(counted, "too_slow")
            return hang_up(408, f"a body may take {patience.total_seconds():g} seconds")
        except Gone:
            self._observer.turned_away(counted, "gone")
            return None
        return await self.take(scope["path"], headers, body)

    async def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer a delivery that has come in whole."""
        source, hint = self._addressed(path)
        if source is None:
            self._observer.turned_away(UNKNOWN, "unknown_source")
            return refuse(404, _NO_SOURCE)
        if "/" in hint or len(hint) > _LONGEST_TYPE or not hint.isprintable():
            self._observer.turned_away(source.name, "bad_route")
            return refuse(404, "the route is /ingest/{source}/{event type}")
        at = self._now()
        return await self._store(
            Delivery(source=source, headers=headers, body=body, received_at=at, type_hint=hint or None)
        )

    async def _store(self, delivery: Delivery) -> Answer:
        name = delivery.source.name
        if coding := _compressed(delivery.headers):
            self._observer.turned_away(name, "compressed")
            why = f"bodies with content-encoding {coding} are not read: send it uncompressed"
            return refuse(415, why, _UNCOMPRESSED)
        try:
            new = await self._accept(delivery)
        except SignatureError as error:
            self._observer.turned_away(name, "bad_signature", str(error))
            return refuse(401, "the signature is missing or wrong")
        except StoreBusy as error:
            self._observer.turned_away(name, "busy", str(error))
            return refuse(503, "it could not be stored; try again", RETRY_AFTER)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not cost the delivery: it will come again.
            self._observer.refused("accept", error)
            self._observer.turned_away(name, "fault")
            return refuse(503, "it could not be stored; try again", RETRY_AFTER)
        return _STORED if new else _KNOWN


def _compressed(headers: Mapping[str, str]) -> str | None:
    """How the body is encoded, if it is: nobody here decompresses what a stranger sends (RFC 9110, section 8.4)."""
    coding = headers.get("content-encoding")
    if coding is None:
        return None
    plain = all(part.strip().lower() in ("", "identity") for part in coding.split(","))
    return None if plain else coding[:_LONGEST_CODING]


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The request's headers, names in lower case; repeated ones joined (RFC 9110, section 5.3)."""
    told = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]
    headers = dict(told)
    if len(headers) < len(told):
        headers = {name: ", ".join(value for other, value in told if other == name) for name in headers}
    return headers
