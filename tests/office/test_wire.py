"""Asks and answers as lines: what arrives is what was said, or an error that says what is wrong."""

import inspect
import json
import typing
from datetime import UTC, date, datetime

import pytest

from engine import errors
from engine.decide.moving import Arrival, SentBefore
from engine.errors import OfficeError, PointbellError
from engine.language.problem import EvaluationError
from engine.model import Snapshot
from engine.office import VERBS, wire
from engine.office.daemon import Reload, Reloaded
from engine.office.imports import ImportCards, ImportMembers, Plan, Where
from engine.office.intake import Ingest, Ingested, Replay
from engine.version import VERSION

from .conftest import Echo, Wait

EVERY_BYTE = bytes(range(256))


def there(ask):
    """An ask as it comes out at the other side."""
    line = wire.request(ask)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return wire.read_request(line)[1]


def back(ask, answer):
    return wire.read_reply(ask, wire.reply(ask, answer))


def test_a_body_arrives_byte_by_byte():
    ask = Ingest(source="shop", bodies=(EVERY_BYTE, b"", b'{"a": "\xc5\x81"}\n'), type_hint="points_earned")
    assert there(ask) == ask


def test_what_a_file_says_of_a_member_arrives_with_its_days_and_times():
    said = Snapshot(
        id="anna",
        as_of=datetime(2026, 1, 10, 12, 0, 0, 1, tzinfo=UTC),
        fields={
            "birthdate": date(1990, 12, 31),
            "seen": datetime(2026, 1, 1, tzinfo=UTC),
            "name": "1990-12-31",
            "email": None,
            "metadata": {"n": 1, "x": 0.5, "l": [True, None]},
        },
        aliases=("crm-1", "crm-2"),
    )
    ask = ImportMembers(members=(said,), where=Where(number=1, rows=1))
    assert there(ask).members == (said,)
    sent = SentBefore(slot="7 days", rule="points-expire-soon", at=said.as_of)
    arrival = Arrival(snapshot=said, sent=(sent, SentBefore(slot="1 day")))
    assert there(ImportCards(cards=(arrival,), where=Where(number=1, rows=1))).cards == (arrival,)


def test_what_no_file_says_is_refused_with_its_place():
    ask = ImportMembers(
        members=(Snapshot(id="a", as_of=datetime(2026, 1, 1, tzinfo=UTC), fields={}),), where=Where(number=1, rows=1)
    )
    line = wire.request(ask).replace(b'"plain"', b'"pain"')
    with pytest.raises(OfficeError, match=r"ask.members.0: .*is not what a file says of a member"):
        wire.read_request(line)


def test_answers_arrive_also_those_that_say_nothing():
    assert back(Ingest(source="s", bodies=()), Ingested(numbers=(1, None))) == Ingested(numbers=(1, None))
    done = Reloaded(good=False, ruleset="r", rules=2, error="bad", findings=({"line": 3, "suggestion": None},))
    assert back(Reload(), done) == done
    assert back(Plan(), None) is None


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_handlers_answer_what_their_ask_promises(verb):
    hints = typing.get_type_hints(verb.handle)
    promised = verb.ask.answer_type()
    assert hints["return"] is (type(None) if promised is None else promised)
    assert verb.ask in hints.values()
    assert inspect.iscoroutinefunction(verb.handle)


KINDS = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, PointbellError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_arrives_as_the_same_error(kind):
    with pytest.raises(PointbellError) as raised:
        wire.read_reply(Reload(), wire.refusal(kind("no way, Łukasz \udc80")))
    assert type(raised.value) is kind
    assert str(raised.value) == "no way, Łukasz ?"


def test_an_error_that_is_not_made_of_its_words_alone_keeps_them():
    with pytest.raises(PointbellError, match=r"^a: out of range$") as raised:
        wire.read_reply(Reload(), wire.refusal(EvaluationError("out of range", leaf="a")))
    assert type(raised.value) is PointbellError


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"GET / HTTP/1.1\r\n", "something that is no request of a Pointbell command"),
        (b"[]\n", "something that is no request of a Pointbell command"),
        (b'{"version": "x"}\n', "something that is no request of a Pointbell command"),
        (f'{{"version": "{VERSION}", "verb": "dance", "ask": {{}}}}'.encode(), "does not know how to dance"),
        (f'{{"version": "{VERSION}", "verb": "replay"}}'.encode(), "cannot replay with these words: ask: Field req"),
        (
            f'{{"version": "{VERSION}", "verb": "replay", "ask": {{"seqs": ["x"]}}}}'.encode(),
            "cannot replay with these words: ask.seqs.0: Input should be a valid integer",
        ),
        (
            f'{{"version": "{VERSION}", "verb": "replay", "ask": {{"seqs": [1], "more": 1}}}}'.encode(),
            "cannot replay with these words: ask.more: Extra inputs are not permitted",
        ),
    ],
)
def test_what_cannot_be_understood_is_told(line, why):
    with pytest.raises(OfficeError, match=why):
        wire.read_request(line)


@pytest.mark.parametrize("theirs", ["0.0.9", "99.0"])
def test_an_older_or_newer_command_is_told_that_it_is(theirs):
    line = json.dumps({"version": theirs, "verb": "not of our time", "ask": 7, "more": True}).encode()
    with pytest.raises(OfficeError, match=rf"^the daemon is Pointbell {VERSION}, this command is {theirs}: restart"):
        wire.read_request(line)


def test_an_answer_that_cannot_be_understood_is_told():
    with pytest.raises(OfficeError, match=r"the daemon's answer cannot be read: answer\.replayed"):
        wire.read_reply(Replay(seqs=()), b'{"answer": {"replayed": "many"}}')


def test_what_is_too_large_is_refused_before_it_is_sent(monkeypatch):
    monkeypatch.setattr(wire, "LONGEST", 1 << 20)
    with pytest.raises(OfficeError, match=r"this is too much at a time: .* no more than 1 MiB"):
        wire.request(Ingest(source="s", bodies=(b"x" * (1 << 20),)))
    with pytest.raises(OfficeError, match="too much at a time"):
        wire.reply(Wait(), Echo(said="x" * (1 << 20)))


def test_a_text_that_cannot_be_written_is_refused():
    with pytest.raises(OfficeError, match="cannot be said to the daemon"):
        wire.request(Ingest(source="s", bodies=(), type_hint="\udc80"))
