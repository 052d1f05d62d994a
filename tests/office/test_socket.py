"""The socket beside the database: who may use it, where it may be, and what is left of a dead daemon's."""

import asyncio
import os
import socket
import stat
import tempfile
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from engine.errors import OfficeError
from engine.office import connect, socket_path, wire
from engine.office import socket as office_socket
from engine.office.daemon import Standing
from engine.office.socket import LONGEST_PATH, bound_socket, connected_socket, may_speak

from ..running import CONFIG, running
from .conftest import sock


@asynccontextmanager
async def listening(folder: Path, config: str = CONFIG):
    """A daemon and its socket."""
    async with running(folder, config) as daemon:
        yield daemon, sock(daemon)


async def how_it_stands(path):
    async with connect(path) as peer:
        return await peer.ask(Standing())


async def test_only_its_own_user_may_use_it(tmp_path):
    before = os.umask(0)
    try:
        async with listening(tmp_path) as (_, path):
            assert path == tmp_path / "pointbell.db.sock"
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_nobody_can_connect_before_it_is_closed_to_others(tmp_path):
    path = tmp_path / "x.sock"
    with bound_socket(path), socket.socket(socket.AF_UNIX) as stranger:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(ConnectionRefusedError):
            stranger.connect(str(path))


async def test_it_goes_with_the_daemon(tmp_path):
    async with listening(tmp_path) as (_, path):
        assert path.exists()
    assert not path.exists()
    async with connect(path) as nobody:
        assert nobody is None


async def test_what_a_dead_daemon_left_is_nobody_and_is_replaced(tmp_path):
    path = tmp_path / "pointbell.db.sock"
    bound_socket(path).close()
    async with connect(path) as nobody:
        assert nobody is None
    async with listening(tmp_path):
        assert (await how_it_stands(path)).process == os.getpid()


async def test_a_file_of_another_kind_is_left_alone_and_the_daemon_works_without_commands(tmp_path):
    path = tmp_path / "pointbell.db.sock"
    path.write_text("mine", encoding="utf-8")
    async with listening(tmp_path) as (daemon, _):
        assert (await daemon.client.get("/readyz")).status_code == 200
        [line] = daemon.said("takes no commands while it runs")
        assert line["error"] == f"{path} is in the way: the daemon's socket belongs there"
    assert path.read_text(encoding="utf-8") == "mine"


async def test_a_folder_too_deep_for_a_sockets_address_will_do(tmp_path):
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 5)
    async with listening(deep) as (_, path):
        assert len(os.fsencode(path)) > LONGEST_PATH
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert (await how_it_stands(path)).process == os.getpid()
    assert not path.exists()


async def test_a_database_with_a_very_long_name_will_do(tmp_path):
    name = f"{'ł' * 100}.db"
    async with listening(tmp_path, CONFIG.replace("pointbell.db", name)) as (_, path):
        assert (await how_it_stands(path)).process == os.getpid()
    assert socket_path(tmp_path / name) != socket_path(tmp_path / f"x{name}")


async def test_a_user_who_is_not_the_daemons_is_refused(tmp_path, monkeypatch):
    async with listening(tmp_path) as (_, path):
        monkeypatch.setattr(office_socket, "_user", lambda _connection: os.geteuid() + 1)
        with pytest.raises(OfficeError, match="takes commands from its own user and from root only"):
            await how_it_stands(path)


@pytest.mark.parametrize(("user", "let_in"), [(0, True), (os.geteuid(), True), (os.geteuid() + 1, False)])
def test_root_and_the_own_user_are_let_in(user, let_in, monkeypatch):
    monkeypatch.setattr(office_socket, "_user", lambda _connection: user)
    assert may_speak(None) is let_in


def test_the_kernel_tells_who_is_at_the_other_end():
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert office_socket._user(ours) == os.geteuid()


if os.geteuid() == 0:  # Only root can be somebody else.

    async def test_the_kernel_and_the_daemon_keep_other_users_out():
        with open_folder() as folder:
            async with listening(folder) as (_, path):
                with pytest.raises(PermissionError):
                    as_somebody_else(path).close()
                path.chmod(0o666)
                reader, writer = await asyncio.open_unix_connection(sock=as_somebody_else(path))
                writer.write(wire.request(Standing()))
                assert b"takes commands from its own user and from root only" in await reader.readline()
                writer.close()

    @contextmanager
    def open_folder():
        """A folder that everybody may look into, unlike those for tests."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o755)
            yield folder

    def as_somebody_else(path):
        """A connection of a user who is neither the daemon's nor root."""
        os.seteuid(65534)
        try:
            return connected_socket(path, 1)
        finally:
            os.seteuid(0)


async def test_a_socket_that_may_not_be_used_says_as_whom(tmp_path, monkeypatch):
    def refuse(_path, _patience):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("engine.office.client.connected_socket", refuse)
    with pytest.raises(OfficeError, match="is not open to this user: run the command as the daemon's user, or as root"):
        await how_it_stands(tmp_path / "x.sock")
