"""Room on the disk, so that nothing new is taken in while what is under way can still be brought to its end.

A database that is full refuses permits and records, too. What stops first is therefore intake: a producer that is told
503 tries again, a message that went out and cannot be noted does not.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

FRESH_S = 1.0
"""How long a measurement holds, in seconds."""


class Disk:
    """The disk that a folder is on."""

    def __init__(self, folder: Path, least: int, elapsed: Callable[[], float] = time.monotonic) -> None:
        """``least``: bytes that should be free for intake to go on; ``elapsed`` tells seconds."""
        self._folder = folder
        self._least = least
        self._elapsed = elapsed
        self._measured = float("-inf")
        self._short: str | None = None

    def short(self) -> str | None:
        """What is wrong where there is too little room, ``None`` where there is enough; measured once a second."""
        if self._elapsed() - self._measured >= FRESH_S:
            self._measured, self._short = self._elapsed(), self._look()
        return self._short

    def _look(self) -> str | None:
        try:
            said = os.statvfs(self._folder)
        except OSError as error:
            return f"the disk of {self._folder} cannot be measured: {error.strerror}"
        free = said.f_bavail * said.f_frsize
        if free >= self._least:
            return None
        mib = 1024 * 1024
        return f"the disk is almost full: {free // mib:,} MiB are free, and http.min_free is {self._least // mib:,} MiB"
