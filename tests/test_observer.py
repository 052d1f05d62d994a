"""Logs and metrics: what they tell, and what they keep to themselves."""

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.deliver import Deferred, Refused, Sent, Unknown, Withheld
from engine.errors import RulesetInvalid, StoreBusy
from engine.logs import libraries_to, make_log, mask
from engine.metrics import Metrics
from engine.model import Reason
from engine.observer import Observer
from engine.ruleset import Diagnostic
from engine.store import EventState, Queued, Settled, Settlement

from .store.conftest import NOON

SECRET = "s3cr3t-that-no-log-may-show"


class Page:
    """A log on paper."""

    def __init__(self, *, as_json=True):
        self.out = io.StringIO()
        self.log = make_log(self.out, {SECRET}, as_json=as_json)
        self.metrics = Metrics()
        self.observer = Observer(self.log, self.metrics)

    @property
    def text(self):
        return self.out.getvalue()

    @property
    def lines(self):
        return [json.loads(line) for line in self.text.splitlines()]

    def counts(self, line):
        return f"\n{line}\n".encode() in self.metrics.text()


@pytest.fixture
def page():
    return Page()


def queued(**changes):
    plain = {"key": "rule|h|anna|t/email", "channel": "email", "route": "email", "address": "lucy@voucherify.io"}
    rest = {"payload": b"Dear Lucy", "attempts": 2, "lease": "l", "on_ambiguous": "park"}
    return Queued(**{**plain, **rest, **changes})


def raised(error, beside=""):
    """The error with a traceback, and a local variable in it."""
    try:
        raise error
    except type(error) as caught:
        return caught if beside is not None else None


# --- what must not show ---


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("lucy@voucherify.io", "l***@v***.io"),
        ("łukasz.k+club@mail.example.pl", "ł***@m***.pl"),
        ("root@localhost", "r***@l***"),
        ("+48601234567", "***67"),
        ("", "***"),
    ],
)
def test_an_address_is_shortened(address, shown):
    assert mask(address) == shown


@given(
    st.emails(),
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="@"), max_size=10),
    st.booleans(),
)
def test_no_line_shows_a_whole_address_wherever_it_stands(address, around, as_json):
    page = Page(as_json=as_json)
    text = f"{around} {address} {around}"
    page.log.info(text, value=address, nested={"list": [address, {address: address}]})
    page.observer.refused("send", raised(KeyError(address)))
    assert address not in page.text


@pytest.mark.parametrize("as_json", [True, False])
def test_no_line_shows_a_secret(as_json):
    page = Page(as_json=as_json)
    text = f"login {SECRET}"
    page.log.info(text, value=f"x{SECRET}x", nested=[{"key": SECRET}], object=ValueError(SECRET))
    page.observer.refused("send", raised(ValueError(SECRET)))
    with libraries_to(page.log):
        logging.getLogger("some.library").warning("login with %s", SECRET)
    assert SECRET not in page.text
    assert page.text.count("[...]") >= 6


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_shows_no_local_variables(as_json):
    page = Page(as_json=as_json)
    page.observer.refused("send", raised(ValueError("no names"), beside="Anna Nowak"))
    assert "no names" in page.text
    assert "Nowak" not in page.text


@given(st.text(alphabet="\n\r\t\0\x1b\x7f\x85\u2028\u202e\u2066\ufeffab", min_size=1, max_size=20))
def test_nothing_forges_a_line_or_moves_the_cursor_of_a_terminal(text):
    page = Page(as_json=False)
    page.log.info(text, value=text, nested=[text])
    assert page.text.endswith("\n")
    assert page.text.count("\n") == 1
    assert page.text.rstrip("\n").isprintable()


@given(st.text(max_size=30))
def test_lines_for_machines_are_one_json_object_each(text):
    page = Page()
    page.log.info(text, value=text, n=1, none=None, yes=True)
    [line] = page.lines
    assert (line["n"], line["none"], line["yes"]) == (1, None, True)
    assert list(line)[:3] == ["at", "level", "event"]
    assert page.text.isascii()


def test_a_log_is_for_machines_unless_a_person_looks_on():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    out = Terminal()
    make_log(out).info("hello")
    assert "hello" in out.getvalue()
    assert not out.getvalue().startswith("{")


# --- what must show ---


def test_warnings_of_libraries_are_lines_too_and_only_while_asked_for(page):
    library = logging.getLogger("some.library")
    with libraries_to(page.log):
        library.info("chatter")
        library.warning("careful with %s", "this")
    library.handlers = [logging.NullHandler()]
    library.warning("nobody listens")
    assert [(line["event"], line["logger"], line["level"]) for line in page.lines] == [
        ("careful with this", "some.library", "warning")
    ]


@pytest.mark.parametrize(
    ("delivery", "route", "outcome", "level"),
    [
        (Sent("250 ok"), "email", "sent", "info"),
        (Sent("captured"), "capture", "captured", "info"),
        (Deferred("451 later"), "email", "deferred", "warning"),
        (Refused("550 no", address_is_bad=True), "email", "refused", "warning"),
        (Unknown("lost"), "email", "unknown", "warning"),
        (Withheld(), "email", "withheld", "info"),
    ],
)
def test_an_attempt_is_a_line_and_a_count(page, delivery, route, outcome, level):
    page.observer.delivered(queued(route=route), delivery)
    [line] = page.lines
    assert (line["event"], line["level"], line["attempt"], line["to"]) == (outcome, level, 3, "l***@v***.io")
    assert "Dear" not in page.text
    assert page.counts(f'pointbell_notifications_total{{channel="email",outcome="{outcome}"}} 1.0')


def test_an_address_that_is_no_mail_address_is_shortened_too(page):
    page.observer.delivered(queued(channel="sms", address="+48601234567"), Sent("ok"))
    assert page.lines[0]["to"] == "***67"


def test_a_batch_is_a_line_and_what_is_set_aside_has_its_own(page):
    plain = {"at": NOON, "ruleset": "r1"}
    batch = [
        Settlement(seq=1, state=EventState.DECIDED, **plain),
        Settlement(seq=2, state=EventState.QUARANTINED, note="not JSON", **plain),
    ]
    done = Settled(
        decisions=[("notify", ""), ("skip", Reason.CONDITION), ("skip", Reason.CONDITION)],
        variants=[("news", "warm"), ("news", "plain"), ("news", "warm")],
        queued=1,
    )
    page.observer.settled(batch, done)
    quarantined, decided = page.lines
    assert (quarantined["delivery"], quarantined["reason"]) == (2, "not JSON")
    assert decided["deliveries"] == {"decided": 1, "quarantined": 1}
    assert decided["decisions"] == {"notify": 1, "condition": 2}
    assert page.counts('pointbell_events_total{state="quarantined"} 1.0')
    assert page.counts('pointbell_decisions_total{outcome="skip",reason="condition"} 2.0')
    assert page.counts('pointbell_variants_total{rule="news",variant="warm"} 2.0')


def test_trouble_we_know_is_a_line_and_a_fault_of_ours_brings_its_traceback(page):
    page.observer.refused("claim", StoreBusy("locked"))
    page.observer.refused("decide", ZeroDivisionError("by zero"))
    known, fault = page.lines
    assert known["error"] == "StoreBusy: locked"
    assert "exception" not in known
    assert "ZeroDivisionError" in fault["exception"]
    assert page.counts('pointbell_refusals_total{step="claim"} 1.0')


def test_reloads_are_told_with_the_hash_and_the_findings(page):
    page.observer.loaded("aaa", 3, NOON)
    findings = tuple(
        Diagnostic(file="rules/a.yaml", line=line, column=4, code="PB101", message="no") for line in range(1, 31)
    )
    page.observer.reload_failed("aaa", RulesetInvalid("30 errors", findings))
    assert page.counts("pointbell_last_reload_successful 0.0")
    page.observer.reloaded("aaa", "bbb")
    page.observer.loaded("bbb", 4, NOON)
    assert page.counts("pointbell_last_reload_successful 1.0")
    assert page.counts("pointbell_last_reload_success_timestamp_seconds 1.7680464e+09")
    assert page.counts('pointbell_ruleset{hash="bbb"} 1.0')
    assert not page.counts('pointbell_ruleset{hash="aaa"} 1.0')
    assert page.counts('pointbell_reloads_total{result="failure"} 1.0')
    assert page.counts('pointbell_reloads_total{result="success"} 1.0')
    _, failed, reloaded, in_force = page.lines
    assert (failed["level"], failed["ruleset"], failed["count"]) == ("error", "aaa", 30)
    assert failed["findings"] == [f"rules/a.yaml:{line}:4: no" for line in range(1, 21)]
    assert (reloaded["before"], reloaded["ruleset"], reloaded["changed"]) == ("aaa", "bbb", True)
    assert (in_force["ruleset"], in_force["rules"]) == ("bbb", 4)
