"""Who killed the process? Deliveries that were being decided when it died are tried in a child first.

A child that dies, or does not come back in time, has met the culprit; halving the batch finds it. The others are
decided as if nothing had happened: being near when somebody pulled the plug is no offence.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
DEADLINE_S = 10.0
"""Wall-clock seconds for a whole batch: hundreds of times what it takes."""
CPU_S = 10
MEMORY_BYTES = 512 << 20
"""How much a child may take on top of what it inherits."""


def culprits(suspects: Sequence[T], work: Callable[[T], object]) -> list[T]:
    """Those of the suspects on whom ``work`` ends the process that does it. Blocks; call it from a thread."""
    if not suspects or survives(lambda: _each(suspects, work)):
        return []
    if len(suspects) == 1:
        return list(suspects)
    middle = len(suspects) // 2
    return [*culprits(suspects[:middle], work), *culprits(suspects[middle:], work)]


def _each(suspects: Sequence[T], work: Callable[[T], object]) -> None:
    """Try them all in turn; an ordinary exception is the suspect's own affair and is reported when it counts."""
    for suspect in suspects:
        try:
            work(suspect)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001, S112 - it is raised, and reported, once more where it is decided.
            continue


def survives(work: Callable[[], object], deadline_s: float = DEADLINE_S) -> bool:
    """Whether a child that does ``work`` lives to tell. An exception is no death: it has a reason of its own."""
    told, tell = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of forking beside threads; this child takes no lock and leaves by _exit.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _do(work)
    os.close(tell)
    try:
        # The child says nothing: the end of the pipe, or the deadline, says it is over.
        over, _, _ = select.select([told], [], [], deadline_s)
        if not over:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        return bool(over) and os.waitstatus_to_exitcode(status) == 0
    finally:
        os.close(told)


def _do(work: Callable[[], object]) -> None:
    """In the child: work within limits and leave without touching anything the parent owns."""
    try:
        _limit(resource.RLIMIT_AS, _address_space() + MEMORY_BYTES)
        _limit(resource.RLIMIT_CPU, CPU_S)
        work()
    except MemoryError:
        os._exit(1)
    except BaseException:  # noqa: BLE001 - it will be raised, and reported, once more in the parent.
        os._exit(0)
    os._exit(0)


def _limit(what: int, value: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _address_space() -> int:
    """Bytes of address space in use (proc(5), statm)."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - a fork should do as little as it can.
        return int(statm.read().split()[0]) * resource.getpagesize()
