"""Postfix's smtp-sink, which takes every mail and keeps none."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Self

from . import needs
from .processes import GRACE, Died, bound_to_us, free_port, is_open

BACKLOG = 512
LONGEST = 3600
"""Seconds after which it ends in any case."""


class Sink:
    """A mail server on a free loopback port. With ``counting``, it tells after each mail how many it has."""

    def __init__(self, *, counting: bool = True) -> None:
        tools = needs.tools()
        self.port = free_port()
        self.mails = 0
        self._more = threading.Condition()
        self._at = 0.0
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        counters = ["-c"] if counting else []
        # Becoming another user makes it forget that it should end with us; timeout remembers.
        command = [
            "timeout",
            str(LONGEST),
            tools.path("smtp-sink"),
            *user,
            *counters,
            f"127.0.0.1:{self.port}",
            str(BACKLOG),
        ]
        self._process = subprocess.Popen(
            bound_to_us(command), env=tools.environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)

    @property
    def pid(self) -> int:
        """Of the server."""
        return self._process.pid

    def __enter__(self) -> Self:
        self._reader.start()
        until = time.monotonic() + 10
        while not is_open(self.port):
            if self._process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                raise Died("smtp-sink does not listen")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def wait_for(self, mails: int, check: Callable[[], None], *, patience: float) -> float:
        """Until it has so many mails; when that was (monotonic).

        Raises:
            Died: no further mail came for ``patience`` seconds.
        """
        with self._more:
            while self.mails < mails:
                before = self.mails
                self._more.wait_for(lambda: self.mails >= mails, min(patience, 1.0))
                check()
                if self.mails == before and time.monotonic() - self._at > patience:
                    raise Died(f"{self.mails} of {mails} mails came, and no further one for {patience:g} s")
            return self._at

    def _read(self) -> None:
        """``sess=1 quit=1 mesg=12`` and a carriage return, again and again."""
        self._at, rest = time.monotonic(), b""
        assert self._process.stdout is not None
        while said := os.read(self._process.stdout.fileno(), 1 << 16):
            whole, _, rest = (rest + said).rpartition(b"\r")
            _, found, count = whole.rpartition(b"mesg=")
            if found and int(count) > self.mails:
                with self._more:
                    self.mails, self._at = int(count), time.monotonic()
                    self._more.notify_all()
