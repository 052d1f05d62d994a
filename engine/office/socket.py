"""The Unix socket beside the database: its name, its making, and who may speak through it.

The guard is the file's mode: 0600, so that only the daemon's own user and root can connect. It is set before the socket
listens, and nobody can connect to one that does not listen yet. Where the kernel tells who is at the other end, that is
looked at, too.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ..errors import OfficeError

LONGEST_PATH = 107
"""Bytes: what the kernel's address of a Unix socket has room for, without the zero at its end (unix(7))."""
_LONGEST_NAME = 80
_PEER = struct.Struct("3i")
"""``struct ucred``: process, user, group."""


def socket_path(database: Path) -> Path:
    """Where the daemon that owns the database listens for commands."""
    name = f"{database.name}.sock"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"{sha256(os.fsencode(name)).hexdigest()[:32]}.sock"
    return database.with_name(name)


def bound_socket(path: Path) -> socket.socket:
    """A socket at ``path`` that does not listen yet. The caller owns the database: what is there is a dead daemon's.

    Raises:
        OfficeError: it cannot be made.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        with _short_name(path) as name:
            made.bind(name)
        path.chmod(0o600)
    except OSError as error:
        made.close()
        raise OfficeError(f"cannot make the socket {path}: {error.strerror or error}") from error
    except BaseException:
        made.close()
        raise
    return made


def connected_socket(path: Path, patience: float) -> socket.socket:
    """A connection to the daemon that listens at ``path``, made within ``patience`` seconds.

    Raises:
        FileNotFoundError, ConnectionRefusedError: nobody listens.
        OSError: it cannot be reached, or must not be.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(patience)
        with _short_name(path) as name:
            made.connect(name)
        made.settimeout(0)  # Never wait: the event loop does.
    except BaseException:
        made.close()
        raise
    return made


def may_speak(connection: socket.socket) -> bool:
    """Whether this process's user or root is at the other end. Where nobody tells, the file's mode is all."""
    return _user(connection) in (None, 0, os.geteuid())


def _user(connection: socket.socket) -> int | None:
    """Who is at the other end: known on Linux."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    _, user, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _PEER.size))
    return int(user)


def _clear(path: Path) -> None:
    """Take away what a daemon that died has left. Anything but a socket is not ours."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OfficeError(f"{path} is in the way: the daemon's socket belongs there")
    path.unlink()


@contextmanager
def _short_name(path: Path) -> Iterator[str]:
    """A name of ``path`` that is short enough for a socket: where it is not by itself, by way of its open folder."""
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
