"""The daemon's side: several commands at once, none of which can hurt the others or the daemon."""

import asyncio
import json
from datetime import timedelta

import pytest

from engine.errors import OfficeError, PointbellError, StoreBusy
from engine.model import Snapshot
from engine.office import connect, wire
from engine.office.daemon import Standing
from engine.office.imports import BeginImport, ImportMembers, Where
from engine.office.intake import Ingest, Replay
from engine.office.server import OfficeServer
from engine.office.verbs import VERBS, Verb

from ..running import running, until
from .conftest import Wait, sock

GOOD = b'{"id": "e1", "type": "points_earned", "member": {"id": "m"}, "data": {"points": 40}}'


async def raw(daemon):
    """A connection that says what it wants."""
    return await asyncio.open_unix_connection(str(sock(daemon)))


def refused(line):
    return json.loads(line)["error"]["message"]


async def test_asks_are_answered_in_order(office):
    one = Ingest(source="open", bodies=(GOOD, GOOD, b"{}"))
    assert (await office.ask(one)).numbers == (1, None, 2)
    assert (await office.ask(one)).numbers == (None, None, None)
    answers = await asyncio.gather(*(office.ask(Standing()) for _ in range(20)))
    assert len({answer.opened_at for answer in answers}) == 1


async def test_one_that_takes_its_time_holds_up_nobody(daemon, office, waiting):
    slow = asyncio.ensure_future(office.ask(Wait()))
    await waiting.begun.wait()
    async with connect(sock(daemon)) as another:
        assert (await another.ask(Standing())).rules
    assert not slow.done()
    waiting.goes_on.set()
    assert (await slow).said == "done"


async def test_what_goes_wrong_is_told_and_the_talk_goes_on(office):
    with pytest.raises(PointbellError, match=r"there is no source nowhere in config\.yaml"):
        await office.ask(Ingest(source="nowhere", bodies=(GOOD,)))
    assert (await office.ask(Replay(seqs=(99,)))).replayed == 0


async def test_an_error_keeps_its_class_and_words(office, monkeypatch):
    async def busy(_shop, _ask):
        raise StoreBusy("the disk is full")

    monkeypatch.setitem(VERBS, "standing", Verb(ask=Standing, handle=busy))
    with pytest.raises(StoreBusy, match=r"^the disk is full$"):
        await office.ask(Standing())


async def test_a_fault_of_ours_is_logged_with_its_place_and_told(daemon, office, monkeypatch):
    async def fails(_shop, _ask):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setitem(VERBS, "standing", Verb(ask=Standing, handle=fails))
    with pytest.raises(OfficeError, match=r"the daemon failed at this \(ZeroDivisionError: by nothing\)"):
        await office.ask(Standing())
    [line] = daemon.said("refused")
    assert line["step"] == "command"
    assert "test_server.py" in line["exception"]
    assert (await office.ask(Replay(seqs=()))).replayed == 0


# --- whoever is at the other end ---


async def test_one_that_vanishes_before_its_answer_hurts_nobody(daemon, waiting):
    _, writer = await raw(daemon)
    writer.write(wire.request(Wait(word="to the end")))
    await waiting.begun.wait()
    writer.close()
    waiting.goes_on.set()
    await until(lambda: waiting.ended == ["to the end"])
    async with connect(sock(daemon)) as another:
        assert (await another.ask(Standing())).rules
    assert not daemon.said("refused")


async def test_one_that_vanishes_in_the_middle_of_an_import_leaves_what_was_stored_and_nothing_else(daemon, office):
    def members(*names):
        now = daemon.shop.pipeline.now()
        said = [Snapshot(id=name, as_of=now, fields={"name": name}) for name in names]
        return ImportMembers(members=tuple(said), where=Where(number=begun.number, rows=0))

    begun = await office.ask(BeginImport(kind="members", name="m.csv", digest="d"))
    reader, writer = await raw(daemon)
    writer.write(wire.request(members("a", "b")))
    assert json.loads(await reader.readline())["answer"]["new"] == 2
    writer.write(wire.request(members("c", "d"))[:-20])
    await writer.drain()
    writer.close()
    await office.ask(members("e"))
    with daemon.reports() as reports:
        known = [name for name in "abcde" if reports.member(name)]
    assert known == ["a", "b", "e"]


async def test_one_that_talks_nonsense_is_told_and_may_go_on(daemon):
    reader, writer = await raw(daemon)
    writer.write(b"hello\n")
    assert "no request of a Pointbell command" in refused(await reader.readline())
    writer.write(b'{"version": "0.0.1", "verb": "replay", "ask": {"seqs": [1]}}\n')
    assert "this command is 0.0.1: restart the daemon" in refused(await reader.readline())
    writer.write(wire.request(Replay(seqs=(1,))))
    assert json.loads(await reader.readline()) == {"answer": {"replayed": 0}}
    writer.close()


async def test_a_line_without_end_is_refused_and_takes_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(wire, "LONGEST", 1 << 16)
    async with running(tmp_path) as daemon:
        reader, writer = await raw(daemon)
        writer.write(b"x" * (1 << 17))
        assert "too much at a time" in refused(await reader.readline())
        assert await reader.read() == b""
        writer.close()


async def test_many_at_once_are_served(daemon):
    async def one(number):
        body = json.dumps({"id": f"e{number}", "type": "card_published", "member": {"id": f"m{number}"}}).encode()
        async with connect(sock(daemon)) as peer:
            return (await peer.ask(Ingest(source="open", bodies=(body,)))).numbers

    numbers = await asyncio.gather(*(one(number) for number in range(50)))
    assert sorted(number for (number,) in numbers) == list(range(1, 51))


async def test_a_fault_in_the_talk_itself_is_logged(daemon, monkeypatch):
    def breaks(_error):
        raise ZeroDivisionError

    monkeypatch.setattr(wire, "refusal", breaks)
    reader, writer = await raw(daemon)
    writer.write(b"hello\n")
    assert await reader.read() == b""
    writer.close()
    await until(lambda: daemon.said("refused"))
    assert "ZeroDivisionError" in daemon.said("refused")[0]["exception"]


async def test_an_answer_without_end_is_an_error(tmp_path, monkeypatch):
    async def talk(_reader, writer):
        writer.write(b"x" * (1 << 17))
        await writer.drain()
        writer.close()

    monkeypatch.setattr(wire, "LONGEST", 1 << 16)
    server = await asyncio.start_unix_server(talk, str(tmp_path / "x.sock"))
    async with server, connect(tmp_path / "x.sock") as peer:
        with pytest.raises(OfficeError, match="the daemon's answer is too long"):
            await peer.ask(Standing())


async def test_a_daemon_that_never_answers_is_given_up(daemon, monkeypatch, waiting):
    monkeypatch.setattr(Wait, "answered_within", timedelta(0))
    async with connect(sock(daemon)) as peer:
        with pytest.raises(OfficeError, match="has not answered for 0 seconds"):
            await peer.ask(Wait())
    waiting.goes_on.set()


# --- stopping ---


async def test_an_ask_under_way_is_answered_when_the_daemon_stops(tmp_path, waiting, monkeypatch):
    monkeypatch.setattr("engine.office.server.FINISH_S", 3600.0)
    async with running(tmp_path) as daemon:
        path = sock(daemon)
        async with connect(path) as busy, connect(path) as idle:
            asked = asyncio.ensure_future(busy.ask(Wait()))
            await waiting.begun.wait()
            late = asyncio.ensure_future(_go_on_once_closed(path, waiting))
            await daemon.daemon.office.stop()
            assert (await asked).said == "done"
            for peer in (busy, idle):
                with pytest.raises(OfficeError, match="the daemon ended before it answered: what was done stays done"):
                    await peer.ask(Standing())
            await late


async def _go_on_once_closed(path, waiting):
    await until(lambda: not path.exists())
    waiting.goes_on.set()


async def test_an_ask_that_does_not_end_does_not_keep_the_daemon_from_stopping(tmp_path, waiting, monkeypatch):
    monkeypatch.setattr("engine.office.server.FINISH_S", 0.0)
    async with running(tmp_path) as daemon, connect(sock(daemon)) as peer:
        asked = asyncio.ensure_future(peer.ask(Wait()))
        await waiting.begun.wait()
        await daemon.daemon.office.stop()
        with pytest.raises(OfficeError, match="ended before it answered"):
            await asked
        assert waiting.ended == []


async def test_the_office_is_closed_before_the_http_door_and_can_be_closed_twice(tmp_path):
    async with running(tmp_path) as daemon:
        await daemon.daemon.office.stop()
        await daemon.daemon.office.stop()
        assert (await daemon.client.get("/readyz")).status_code == 200


async def test_an_office_that_never_opened_closes(daemon, tmp_path):
    await OfficeServer(daemon.shop, tmp_path / "other.sock").stop()
