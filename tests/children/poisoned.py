"""A nursery whose children meet a defect wherever a delivery asks for it in its key: ``read-die-7``, ``decide-hang-1``.

Run in place of ``engine.children.nursery``; the engine itself has no such door.
"""

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from engine import deciding
from engine.children import nursery


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    os._exit(3)


def grow() -> None:
    kept = []
    while True:
        kept.append(bytearray(16 << 20))


def hang() -> None:
    while True:
        pass


def stall() -> None:
    time.sleep(1_000_000)


def dive() -> None:
    """Python counts how deep it is, and raises: no reason for a process to end."""
    dive()


def fail() -> None:
    raise ZeroDivisionError("unlucky")


DEEDS: Mapping[str, Callable[[], None]] = {
    "die": die,
    "leave": leave,
    "grow": grow,
    "hang": hang,
    "stall": stall,
    "dive": dive,
    "fail": fail,
}


def once(key: str) -> bool:
    """Whether a deed that is to be done once only, ``once-PATH``, is still to be done."""
    _, marked, path = key.partition("-once-")
    if not marked:
        return True
    try:
        Path(path).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def poison(step: str, key: str) -> None:
    where, _, rest = key.partition("-")
    deed = DEEDS.get(rest.partition("-")[0])
    if where == step and deed is not None and once(key):
        deed()


def read(delivery, *others, _sound=deciding.read):
    poison("read", delivery.key)
    return _sound(delivery, *others)


def decide(event, *others, _sound=deciding.decide):
    poison("decide", event.key)
    return _sound(event, *others)


if __name__ == "__main__":
    deciding.read = read
    deciding.decide = decide
    nursery.main()
