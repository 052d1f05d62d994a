"""What a child may take, and when it has to go."""

from __future__ import annotations

import ctypes
import os
import resource
import signal

OUT_OF_MEMORY = 77
"""The exit code of a child that met its memory limit."""
_PR_SET_PDEATHSIG = 1  # prctl(2)


def ignore_signals_of_the_group() -> None:
    """Leave what the terminal or systemd tells the whole group to the parent; we end when our socket closes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def die_with(parent: int) -> None:
    """Have the kernel end this process when the one that forked it ends, also when it is too busy to notice."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def confine(memory: int) -> None:
    """Allow this process so many bytes of address space more than it has, and no core dump."""
    _limit(resource.RLIMIT_AS, _address_space() + memory)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(what: int, value: int) -> None:
    _, hard = resource.getrlimit(what)
    bounded = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (bounded, hard))


def _address_space() -> int:
    """Bytes of address space in use (proc(5), statm)."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - a fork should do as little as it can.
        return int(statm.read().split()[0]) * resource.getpagesize()
