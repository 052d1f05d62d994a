"""The nursery: a process with one thread, begun afresh, that prepares everything once and forks children of itself.

A fork takes milliseconds where a fresh start takes a second, and children share what was prepared. The daemon itself
has threads and never forks. One nursery serves one ruleset; for another set another one is begun.

    python -m engine.children.nursery CONTROL BUILD   # the recipe on standard input, the control socket's number
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from struct import Struct

from ..garbage import spare_what_stays
from ..ruleset import compile_ruleset
from ..version import build
from .child import Child
from .limits import confine, die_with, ignore_signals_of_the_group
from .wire import Progress, Recipe

ORDER = Struct("!cIb")
"""To the nursery: what to do, with which child, and how much it should give way to others (nice(2))."""
BEAR, END = b"B", b"E"
_LONGEST = 1 << 16
_LONGEST_REASON = 1_000
UPGRADED = "Pointbell was upgraded: restart it"


def main() -> None:
    """Prepare, then bear and bury children until the parent goes."""
    ignore_signals_of_the_group()
    control = socket.socket(fileno=int(sys.argv[1]))
    try:
        if sys.argv[2] != build():  # Looked at first: what another Pointbell has written may not even be readable.
            _tell(control, "failed", UPGRADED)
            return
        recipe: Recipe = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent, see ``wire``.
        child = _prepared(recipe)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent has to be told.
        traceback.print_exc()
        _tell(control, "failed", "".join(traceback.format_exception_only(error)).strip()[:_LONGEST_REASON])
        return
    spare_what_stays()
    _tell(control, "ready", child.ruleset.hash)
    Nursery(control, child, recipe.memory).tend()


def _prepared(recipe: Recipe) -> Child:
    ruleset = compile_ruleset(recipe.sources)
    if ruleset.hash != recipe.ruleset:
        raise ValueError(f"the rules came out as {ruleset.hash}, not as {recipe.ruleset}")
    return Child(ruleset=ruleset, inlets=recipe.inlets, writers=recipe.writers)


class Nursery:
    """Knows its children by the numbers the parent gives them."""

    def __init__(self, control: socket.socket, child: Child, memory: int) -> None:
        self._control = control
        self._child = child
        self._memory = memory
        self._living: dict[int, int] = {}
        """Process -> number."""

    def tend(self) -> None:
        """Do what the parent orders, and tell it of every child that ends."""
        with _woken_by_children() as bell:
            while True:
                ready, _, _ = select.select([self._control.fileno(), bell], [], [])
                if bell in ready:
                    os.read(bell, _LONGEST)
                    self._bury()
                if self._control.fileno() in ready and not self._obey():
                    return

    def _obey(self) -> bool:
        try:
            order, fds, _, _ = socket.recv_fds(self._control, ORDER.size, 2)
        except ConnectionResetError:  # The parent was killed before it had heard all that it was told.
            return False
        if not order:
            return False
        what, number, nice = ORDER.unpack(order)
        if what == BEAR:
            self._bear(number, nice, *fds)
        else:
            for process in [process for process, known in self._living.items() if known == number]:
                os.kill(process, signal.SIGKILL)
        return True

    def _bear(self, number: int, nice: int, connection: int, shared: int) -> None:
        nursery = os.getpid()
        try:
            process = os.fork()
        except OSError as error:  # No room for another process is no reason to end those that live.
            _tell(self._control, "unborn", number, str(error))
        else:
            if process == 0:
                self._live(nursery, nice, connection, shared)
            self._living[process] = number
            _tell(self._control, "born", number, process)
        os.close(connection)
        os.close(shared)

    def _live(self, nursery: int, nice: int, connection: int, shared: int) -> None:
        """In the child, to its end."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            die_with(nursery)
            self._control.close()
            os.nice(nice)
            confine(self._memory)
            self._child.progress = Progress(shared)
            # Closed by the end of the process and not before: whoever sees it closed kills what may be left.
            self._child.serve(socket.socket(fileno=connection))
            code = 0
        except OSError:
            code = 0  # The parent went while it was answered.
        except BaseException:  # noqa: BLE001 - nothing of the nursery's may go on in a child.
            traceback.print_exc()
        finally:
            os._exit(code)

    def _bury(self) -> None:
        with suppress(ChildProcessError):
            while (end := os.waitpid(-1, os.WNOHANG))[0]:
                process, status = end
                _tell(self._control, "ended", self._living.pop(process), os.waitstatus_to_exitcode(status))


def _tell(control: socket.socket, *message: object) -> None:
    with suppress(OSError):  # The parent has gone; the next order will be its end.
        control.send(pickle.dumps(message))


@contextmanager
def _woken_by_children() -> Iterator[int]:
    """A descriptor that can be read when a child has ended."""
    bell, rope = os.pipe()
    os.set_blocking(rope, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(rope, warn_on_full_buffer=False)
    yield bell


if __name__ == "__main__":
    main()
