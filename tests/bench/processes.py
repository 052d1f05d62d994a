"""Processes the bench starts, what they cost, and their end: none outlives the bench."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

TICK = os.sysconf("SC_CLK_TCK")
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") / 1024
PATIENCE = 60.0
"""Seconds for a process to be ready."""
GRACE = 15.0
"""Seconds for a process to end by itself."""


class Died(Exception):
    """A process ended before its time; the message has its last words."""


class Process:
    """A program in a session of its own, which is ended as a whole; also when the bench is killed."""

    def __init__(self, name: str, command: Sequence[str], *, cwd: Path | None = None,
                 env: Mapping[str, str] | None = None) -> None:  # fmt: skip
        self.name = name
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop().
        self._process = subprocess.Popen(
            bound_to_us(command), cwd=cwd, env=env, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """Of the first process."""
        return self._process.pid

    def wait_for_words(self, words: str, seconds: float = PATIENCE) -> None:
        """Until it has written these words."""
        self._wait(lambda: words in self.said(), f"has not said {words!r}", seconds)

    def wait_for_port(self, port: int, seconds: float = PATIENCE) -> None:
        """Until somebody listens there."""
        self._wait(lambda: is_open(port), f"does not listen on {port}", seconds)

    def check(self) -> None:
        """Raise if it is no longer there."""
        if self._process.poll() is not None:
            raise Died(f"{self.name} ended with {self._process.returncode}:\n{self.said()[-2000:]}")

    def said(self) -> str:
        """What it has written so far."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode(errors="replace")

    def stop(self) -> None:
        """End it and all it has started."""
        self._tell(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self._tell(signal.SIGKILL)
        self._process.wait()
        self._log.close()

    def _tell(self, number: signal.Signals) -> None:
        # The session's first process: the programs here end their own children when told to.
        with suppress(ProcessLookupError):
            if number is signal.SIGKILL:
                os.killpg(self.pid, number)
            elif self._process.poll() is None:
                self._process.send_signal(number)

    def _wait(self, ready, what: str, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > until:
                raise Died(f"{self.name} {what} after {seconds:g} s:\n{self.said()[-2000:]}")
            time.sleep(0.02)


class Watch:
    """The memory of some processes and all they have started, looked at twice a second, which costs them little."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = tuple(pids)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.rss_mib = 0.0
        """The most that all of them had at one time, shared pages counted for each."""
        self.pss_mib = 0.0
        """What they had at the end, shared pages counted once."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.pss_mib = sum(map(_pss_kib, family_of(self._pids))) / 1024

    def _look(self) -> None:
        while True:
            self.rss_mib = max(self.rss_mib, sum(map(_rss_kib, family_of(self._pids))) / 1024)
            if self._over.wait(0.5):
                return


def free_port() -> int:
    """A loopback port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def family_of(pids: Sequence[int]) -> set[int]:
    """The processes and everything they have started that is still there."""
    children: dict[int, list[int]] = {}
    for pid, fields in _all():
        children.setdefault(int(fields[1]), []).append(pid)
    family, new = set(pids), list(pids)
    while new:
        new = [child for pid in new for child in children.get(pid, ()) if child not in family]
        family |= set(new)
    return family


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time so far of the processes and all they have started, the ended ones included."""
    family = family_of(pids)
    return sum(sum(map(int, fields[11:15])) for pid, fields in _all() if pid in family) / TICK


@contextmanager
def ending_on_term() -> Iterator[None]:
    """SIGTERM ends the bench as Ctrl-C does, so that what was started is ended too."""
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def bound_to_us(command: Sequence[str]) -> list[str]:
    """The command, told to end when the bench is gone (where util-linux can say so)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", *command] if setpriv else list(command)


def _all() -> Iterator[tuple[int, list[str]]]:
    """Each process with the fields of /proc/<pid>/stat after its name; see proc(5), fields 3 and on."""
    for entry in os.listdir("/proc"):  # noqa: PTH208 - many times a second.
        if entry.isdigit():
            with suppress(OSError):
                yield int(entry), Path("/proc", entry, "stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def _rss_kib(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE_KIB
    except OSError:
        return 0.0


def _pss_kib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith("Pss:")), 0.0)
