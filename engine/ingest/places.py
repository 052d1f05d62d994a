"""Where a value lies in a body: ``customer.birthdate``, ``order.lines[0]["unit price"]``."""

from __future__ import annotations

import re
from typing import TypeAlias

from .body import Json

Path: TypeAlias = tuple[str | int, ...]
"""Keys of objects and places in lists."""

_STEP = re.compile(r"""(?P<name>[^\W\d][\w-]*)|\[(?P<place>-?\d{1,4})\]|\[(["'])(?P<key>[^"'\]]+)\3\]""")
_LONGEST = 20


def read_path(text: str) -> Path | None:
    """The path that the text writes; ``None`` when it is none."""
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        if steps and text[at] == ".":
            at += 1
            if text[at : at + 1] == "[":
                return None
        elif steps and text[at] != "[":
            return None
        found = _STEP.match(text, at)
        if found is None or len(steps) == _LONGEST:
            return None
        steps.append(int(found["place"]) if found["place"] else found["name"] or found["key"])
        at = found.end()
    return tuple(steps) if steps and not text.endswith(".") else None


def at(value: Json, path: Path) -> Json:
    """What lies at the path; ``None`` where nothing does."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def is_null(value: Json, path: Path) -> bool:
    """Whether the producer says null there on purpose; a key that is missing says nothing."""
    inner = at(value, path[:-1])
    return isinstance(inner, dict) and inner.get(str(path[-1]), inner) is None
