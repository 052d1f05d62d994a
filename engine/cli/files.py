"""Files named on the command line; ``-`` is standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import cast

from ..errors import ImportFileError

STDIN = "-"


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """The file, to be read as bytes.

    Raises:
        ImportFileError: it cannot be opened or read.
    """
    try:
        if str(path) == STDIN:
            yield cast("BufferedReader", sys.stdin.buffer)
            return
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise ImportFileError(f"cannot read {path}: {error.strerror}") from error


def size_of(path: Path) -> int | None:
    """The file's size in bytes, where it can be known."""
    try:
        return None if str(path) == STDIN else path.stat().st_size
    except OSError:
        return None
