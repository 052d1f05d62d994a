"""Logs: one line per happening, JSON for machines, words for a terminal.

What a log must not hold is taken out here and nowhere else, of every line whoever wrote it: addresses are shortened,
secrets are replaced, and characters that could forge a second line or move a terminal's cursor are escaped.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

_LOCAL, _DOMAIN = r"[^\s@<>\"(),:;\[\]\\]", r"[^\s@<>\"'(),:;\[\]\\]"
# Linear on any text: a run of characters is entered at its start only, and never twice.
_MAIL = re.compile(rf"(?<!{_LOCAL})({_LOCAL}){_LOCAL}*+@({_DOMAIN}){_DOMAIN}*+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_CONTROL_BUT_LINES = re.compile(_CONTROL.pattern.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f"))
_HIDDEN = "[...]"
_SHORTEST_SECRET = 4
_FIRST = ("at", "level", "event")


def mask(address: str) -> str:
    """An address as logs show it: ``l***@v***.io``; of anything without an @-sign the last two characters."""
    return mask_mail(address) if "@" in address else f"***{address[-2:]}"


def mask_mail(text: str) -> str:
    """The text with every mail address in it shortened."""
    return _MAIL.sub(_shortened, text)


def make_log(out: TextIO, secrets: Collection[str] = (), *, as_json: bool | None = None) -> FilteringBoundLogger:
    """A log that writes to ``out``: JSON unless ``out`` is a terminal."""
    if as_json is None:
        as_json = not out.isatty()
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        _Discretion(secrets),
        *_rendering(as_json=as_json, colours=out.isatty() and "NO_COLOR" not in os.environ),
    ]
    wrapper = structlog.make_filtering_bound_logger(logging.INFO)
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(out), processors=processors, wrapper_class=wrapper
    )
    return log.bind()


@contextmanager
def libraries_to(log: FilteringBoundLogger) -> Iterator[None]:
    """Have the warnings of libraries, which use Python's own logging, written to ``log``."""
    root, bridge = logging.getLogger(), _Bridge(log)
    root.addHandler(bridge)
    try:
        yield
    finally:
        root.removeHandler(bridge)


class _Bridge(logging.Handler):
    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


class _Discretion:
    """Shortens addresses and takes out secrets, in every value of a line."""

    def __init__(self, secrets: Collection[str]) -> None:
        # The longest first, lest a part of a secret survive because a shorter one was cut out of it.
        long_enough = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
        self._secrets = sorted(long_enough, key=len, reverse=True)

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        first = {name: line.pop(name) for name in _FIRST if name in line}
        return _each_text({**first, **line}, self._clean)

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return mask_mail(text) if "@" in text else text


def _rendering(*, as_json: bool, colours: bool) -> list[Processor]:
    if as_json:
        # It escapes everything beyond printable ASCII itself. Made once: ``json.dumps`` would make it for every line.
        return [_in_json(json.JSONEncoder())]
    # The plain traceback, because the pretty one shows local variables, and they hold everything.
    plain = structlog.dev.plain_traceback
    return [_escaped, structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="at", exception_formatter=plain)]


def _in_json(encoder: json.JSONEncoder) -> Processor:
    def render(_logger: WrappedLogger, _method: str, line: EventDict) -> str:
        return encoder.encode(line)  # Discretion has left nothing but texts, numbers, lists and objects.

    return render


def _escaped(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    traceback = line.pop("exception", None)
    escaped = _each_text(line, lambda text: _CONTROL.sub(_code, text))
    if isinstance(traceback, str):
        escaped["exception"] = _CONTROL_BUT_LINES.sub(_code, traceback)
    return escaped


def _each_text(line: EventDict, change: Callable[[str], str]) -> dict[str, Any]:
    def changed(value: Any) -> Any:
        if isinstance(value, str):
            return change(str(value))
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {change(str(key)): changed(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [changed(part) for part in value]
        return change(str(value))

    return {name: changed(value) for name, value in line.items()}


def _code(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"  # noqa: PLR2004 - what two digits can write


def _shortened(found: re.Match[str]) -> str:
    _, dot, last = found[0].rpartition(".")
    return f"{found[1]}***@{found[2]}***" + (f".{last}" if dot and "@" not in last else "")
