"""config.yaml: what it may say, what it leaves out, and how its mistakes are told."""

# ruff: noqa: E501 - messages are compared whole, one to a line

import os
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.config import load_config
from engine.errors import ConfigError
from engine.ingest import MAX_BYTES
from engine.model import OnAmbiguous

MINIMAL = """\
programme: {name: Fern Club, timezone: Europe/Warsaw}
sources: {shop: {unsigned: true}}
channels: {email: {kind: email, from: club@example.org, host: relay.example.org}}
"""


def load(tmp_path, text, environ=None):
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environ or {})


def faults(tmp_path, text, environ=None):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, environ)
    return str(caught.value).splitlines()


def with_section(section, text=MINIMAL):
    return f"{text}{section}\n"


# --- what it says ---


def test_the_starter_is_short_commented_and_works_as_it_is(root):
    config = load_config(root / "config.yaml", {})
    lines = (root / "config.yaml").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 45
    assert config.delivery.mode == "capture"
    assert config.http.is_local
    assert config.database == root / "var" / "pointbell.db"
    assert len(config.ruleset().rules) > 0
    assert set(config.channels()) == {"email", "sms"}


def test_little_needs_to_be_said(tmp_path):
    config = load(tmp_path, MINIMAL)
    assert config.database == tmp_path / "var" / "pointbell.db"
    assert (config.http.host, config.http.port, config.http.max_body) == ("127.0.0.1", 8080, MAX_BYTES)
    assert (config.http.header_timeout, config.http.body_timeout) == (timedelta(seconds=10), timedelta(seconds=15))
    assert config.routing().mode == "capture"
    assert config.delivery.on_ambiguous is OnAmbiguous.PARK
    assert config.default_channel == "email"


def test_a_programme_knows_its_brand_and_where_channels_find_addresses(tmp_path):
    channels = (
        "channels: {email: {kind: email, from: a@example.org, host: h}, sms: {kind: capture, address_field: phone}}"
    )
    brand = 'brand: {postal_address: "1 Loop Street", colour: "#1f6f5c", website: https://example.org/club}'
    text = MINIMAL.partition("channels:")[0] + f"{channels}\n{brand}\n"
    programme = load(tmp_path, text).programme()
    assert programme.channels == {"email": "email", "sms": "phone"}
    assert (programme.timezone, programme.locale, programme.currency) == ("Europe/Warsaw", "en", None)
    assert programme.brand == {
        "name": "Fern Club",
        "postal_address": "1 Loop Street",
        "website": "https://example.org/club",
        "support_email": None,
        "colour": "#1f6f5c",
        "logo_url": None,
    }


def test_sources_know_their_secrets_their_zone_and_the_limit(tmp_path):
    sources = "sources:\n  shop:\n    producer: native\n    secrets:\n      - ${ONE}\n      - two\n"
    text = MINIMAL.replace("sources: {shop: {unsigned: true}}\n", sources) + "http: {max_body: 64 KiB}\n"
    [source] = load(tmp_path, text, {"ONE": "one"}).sources().values()
    assert (source.name, source.producer, source.secrets, source.unsigned) == ("shop", "native", ("one", "two"), False)
    assert (source.timezone, source.max_bytes) == (ZoneInfo("Europe/Warsaw"), 64 * 1024)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("max_body: 300 B", ("max_body", 300)),
        ("max_body: 256 kB", ("max_body", 256_000)),
        ("max_body: 1 MiB", ("max_body", 1 << 20)),
        ("min_free: 2 GB", ("min_free", 2_000_000_000)),
        ("min_free: 1 GiB", ("min_free", 1 << 30)),
        ("port: 8080", ("min_free", 256 << 20)),
        ("header_timeout: 1 second", ("header_timeout", timedelta(seconds=1))),
        ("body_timeout: 2 minutes", ("body_timeout", timedelta(minutes=2))),
        ("body_timeout: 50 ms", ("body_timeout", timedelta(milliseconds=50))),
        ("port: 0", ("port", 0)),
        ('host: "::1"', ("host", "::1")),
    ],
)
def test_sizes_and_times_have_units(tmp_path, said, meant):
    http = load(tmp_path, with_section(f"http: {{{said}}}")).http
    assert getattr(http, meant[0]) == meant[1]


@pytest.mark.parametrize(("written", "meant"), [("", True), ("watch_rules: true", True), ("watch_rules: false", False)])
def test_files_are_watched_unless_somebody_says_otherwise(tmp_path, written, meant):
    assert load(tmp_path, with_section(written)).watch_rules is meant


@pytest.mark.parametrize(
    ("written", "cores", "children"),
    [
        ("", 4, 3),
        ("workers: auto", 2, 2),
        ("workers: auto", 1, 2),
        ("workers: auto", 64, 4),
        ("workers: 0", 4, 0),
        ("workers: 2", 1, 2),
        ("workers: ${WORKERS}", 1, 5),
    ],
)
def test_a_core_is_left_to_the_daemon_where_nobody_says_how_many_children_decide(
    tmp_path, monkeypatch, written, cores, children
):
    monkeypatch.setattr("engine.config.workers.cores", lambda: cores)
    assert load(tmp_path, with_section(written), {"WORKERS": "5"}).children() == children


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("data/my.db", "data/my.db"),
        ("sqlite:///data/my.db", "data/my.db"),
        ("sqlite:////srv/my.db", "/srv/my.db"),
        ("/srv/my.db", "/srv/my.db"),
    ],
)
def test_the_database_lies_where_the_file_says_seen_from_the_file(tmp_path, written, path, monkeypatch):
    folder = tmp_path / "programme"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    (folder / "config.yaml").write_text(with_section(f"store: {written}"), encoding="utf-8")
    config = load_config((folder / "config.yaml").relative_to(tmp_path), {})
    assert config.database == folder / path


def test_files_of_channels_are_seen_from_the_file_too(tmp_path):
    text = MINIMAL.replace("host: relay", "ca_file: our.pem, host: relay")
    with pytest.raises(ConfigError, match=str(tmp_path / "our.pem")):
        load(tmp_path, text).channels()


@pytest.mark.parametrize(
    ("names", "default"), [(["email", "sms"], "email"), (["sms"], "sms"), (["push", "sms"], "email")]
)
def test_the_default_channel_is_email_or_the_only_one(tmp_path, names, default):
    channels = "channels:\n" + "".join(f"  {name}: {{kind: capture}}\n" for name in names)
    assert load(tmp_path, MINIMAL.partition("channels:")[0] + channels).default_channel == default


def test_who_is_written_to_is_said_in_one_place(tmp_path):
    routing = load(tmp_path, with_section('delivery: {mode: allowlist, allow: "*@example.org"}')).routing()
    assert (routing.mode, routing.allow) == ("allowlist", ("*@example.org",))


# --- environment variables ---


def test_variables_are_put_in_anywhere_in_a_text(tmp_path):
    text = MINIMAL.replace("relay.example.org", "'relay.${ZONE}.example.org'") + "http: {port: '${PORT}'}\n"
    config = load(tmp_path, text, {"ZONE": "eu", "PORT": "99"})
    assert config.channel_settings["email"].host == "relay.eu.example.org"
    assert config.http.port == 99


def test_a_doubled_dollar_is_a_plain_one(tmp_path):
    assert load(tmp_path, MINIMAL.replace("name: Fern Club", "name: '$${Fern} $5'")).programme().name == "${Fern} $5"


def test_the_value_of_a_variable_is_not_looked_at_again(tmp_path):
    text = MINIMAL.replace("relay.example.org", "'${A}'")
    assert load(tmp_path, text, {"A": "${B}", "B": "no"}).channel_settings["email"].host == "${B}"


@pytest.mark.parametrize("environ", [{}, {"SMTP_HOST": ""}])
def test_a_variable_that_is_not_set_is_named_with_its_place_and_nothing_else_is_said_of_it(tmp_path, environ):
    text = MINIMAL + 'http: {port: "x${SMTP_HOST}"}\n'
    fix = "the environment variable SMTP_HOST is not set; set it before Pointbell starts"
    assert faults(tmp_path, text, environ) == [f"config.yaml:4:16: {fix}"]


@pytest.mark.parametrize("written", ["${}", "${my-secret}", "${OPEN"])
def test_a_malformed_variable_is_pointed_at(tmp_path, written):
    [line] = faults(tmp_path, MINIMAL.replace("Fern Club", f'"a {written}"'), {"OPEN": "x", "my-secret": "x", "": "x"})
    assert line.startswith("config.yaml:1:22: ")
    assert "write ${NAME}" in line


def test_secrets_show_up_in_no_message_and_no_representation(tmp_path):
    canary = "canary-7f3a"
    text = MINIMAL.replace("host: relay", "username: me, password: '${PASSWORD}', host: relay")
    text = text.replace("{unsigned: true}", f"{{secrets: [{canary}1]}}")
    environ = {"PASSWORD": canary}
    config = load(tmp_path, text, environ)
    assert config.secrets() == {canary, f"{canary}1"}
    assert canary not in repr(config) + str(config) + repr(config.sources()) + repr(config.channels())
    broken = text.replace("host: relay.example.org", "port: x").replace("[canary", "[5, canary")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, broken, environ)
    shown = str(caught.value) + "".join(map(repr, caught.value.diagnostics))
    assert "sources.shop.secrets.0 must be text" in shown
    assert canary not in shown


# --- mistakes ---


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ("htp: {}", '4:1: htp is not a setting; did you mean "http"?'),
        ("workers: many", "4:10: workers is not a number of child processes; write auto, 0 to decide in the daemon itself, or a number up to 64"),
        ("workers: -1", "4:10: workers is not a number of child processes; write auto, 0 to decide in the daemon itself, or a number up to 64"),
        ("workers: 65", "4:10: workers is not a number of child processes; write auto, 0 to decide in the daemon itself, or a number up to 64"),
        ("workers: true", "4:10: workers is not a number of child processes; write auto, 0 to decide in the daemon itself, or a number up to 64"),
        ("workers: [2]", "4:1: workers is not a number of child processes; write auto, 0 to decide in the daemon itself, or a number up to 64"),
        ("watch_rules: maybe", "4:14: watch_rules is neither true nor false; write true, or false to read them again only when told: pointbell reload"),
        ("watch_rules: [true]", "4:1: watch_rules is neither true nor false; write true, or false to read them again only when told: pointbell reload"),
        ("workers:", "4:9: workers is not a number of child processes; write auto, 0 to decide in the daemon itself, or a number up to 64"),
        ("http: 8080", "4:7: http must be a block of settings, indented below it"),
        ("http: {hots: x}", '4:8: http.hots is not a setting; did you mean "host"?'),
        ("http: {port: eighty}", "4:14: http.port must be a whole number"),
        ("http: {port: 99999}", "4:14: http.port must be less than or equal to 65535"),
        ("http: {port: 80.5}", "4:14: http.port must be a whole number"),
        ("http: {host: 1}", '4:14: http.host must be text; put it in quotes: "..."'),
        ("http:\n  host:", "5:3: http.host is empty; write its value, or leave the line out"),
        ("http: {max_body: 5}", '4:18: http.max_body is not a size; write it like "256 KiB" or "1 MB"'),
        ("http: {body_timeout: 0 s}", '4:22: http.body_timeout is not a length of time; write it like "10 seconds"'),
        ("delivery: {mode: lve}", "4:18: delivery.mode must be 'capture', 'allowlist' or 'live'; did you mean \"live\"?"),
        ("delivery: {default_channel: emial}", '4:29: delivery.default_channel is not one of the channels; did you mean "email"?'),
        ("brand: {website: example.org}", '4:18: brand.website is not a web address; write it in full, like "https://example.com"'),
        ("brand: {support_email: nobody}", "4:24: brand.support_email is not a mail address: 'nobody' cannot be used as a mail address: An email address must have an @-sign."),
        ("brand: {colour: green}", '4:17: brand.colour is not a colour; write it like "#1f6f5c", in quotes'),
        ("store: postgresql://db/x", '4:8: store on PostgreSQL is not yet available; write a file name, like "var/pointbell.db"'),
        ("store: mysql://db/x", '4:8: store is not a place for a database; write a file name, like "var/pointbell.db"'),
        ('store: ""', '4:8: store is empty; write a file name, like "var/pointbell.db"'),
        ("store: {path: x}", '4:1: store must be text; put it in quotes: "..."'),
    ],
)  # fmt: skip
def test_a_mistake_in_a_section_is_told_with_place_and_fix(tmp_path, section, fault):
    assert faults(tmp_path, with_section(section)) == [f"config.yaml:{fault}"]


@pytest.mark.parametrize(
    ("wrong", "right", "fault"),
    [
        (", timezone: Europe/Warsaw", "", '1:1: programme.timezone is missing; write "timezone: ..." here'),
        ("Europe/Warsaw", "Europe/Warsav", '1:40: programme.timezone is not a time zone of the IANA database; did you mean "Europe/Warsaw"?'),
        ("Europe/Warsaw", "..", '1:40: programme.timezone is not a time zone of the IANA database; write it like "Europe/Warsaw"'),
        ("Fern Club", '"  "', "1:19: programme.name must be ordinary text"),
        ("Warsaw}", "Warsaw, locale: xx-!}", '1:63: programme.locale is not a language; write it like "en" or "pl-PL"'),
        ("Warsaw}", "Warsaw, currency: EURO}", '1:65: programme.currency is not a currency; write its three letters, like "EUR"'),
        ("programme: ", "programm: ", '1:1: programm is not a setting; did you mean "programme"?'),
        ("shop: ", "clock: ", "2:11: sources.clock is a name that Pointbell uses itself; choose another"),
        ("shop: ", "My Shop: ", "2:11: sources.My Shop is not a name: small letters, digits and _, a letter first; choose another"),
        ("{unsigned: true}", "{}", "2:11: sources.shop has no secrets, so nothing would be let in; list its secrets under secrets:, or write `unsigned: true` to take what anybody sends"),
        ("{unsigned: true}", "{unsigned: true, secrets: x}", "2:28: sources.shop.unsigned contradicts secrets; leave one of them out"),
        ("{unsigned: true}", '{secrets: [""]}', "2:28: sources.shop.secrets.0 is empty, and an empty secret lets nobody in; write it like ${SHOP_SECRET}"),
        ("{unsigned: true}", "{unsigned: maybe}", "2:28: sources.shop.unsigned must be true or false"),
        ("unsigned: true", "unsigned: true, producer: voucherfy", "2:44: sources.shop.producer must be 'voucherify', 'native', 'cloudevents', 'mapped', 'brevo', 'loyaltylion', 'open_loyalty', 'square' or 'talon_one'; did you mean \"voucherify\"?"),
        ("email: {", "capture: {", "3:12: channels.capture is a name that Pointbell uses itself; choose another"),
        ("kind: email", "kind: emial", '3:26: channels.email.kind is not a kind of channel; did you mean "email"?'),
        ("kind: email, ", "", '3:12: channels.email.kind is missing; write "kind: ..." here'),
        ("from: club@example.org", "form: club@example.org", '3:33: channels.email.form is not a setting; did you mean "from"?'),
        ("host: relay", "timeouts: {conect: 3}, host: relay", '3:68: channels.email.timeouts.conect is not a setting; did you mean "connect"?'),
    ],
)  # fmt: skip
def test_a_mistake_in_what_must_be_there_is_told_with_place_and_fix(tmp_path, wrong, right, fault):
    assert f"config.yaml:{fault}" in faults(tmp_path, MINIMAL.replace(wrong, right, 1))


@pytest.mark.parametrize("section", ["programme", "sources", "channels"])
def test_a_section_that_must_be_there_is_missed(tmp_path, section):
    text = "\n".join(line for line in MINIMAL.splitlines() if not line.startswith(section))
    assert f'config.yaml:1:1: {section} is missing; write "{section}: ..." here' in faults(tmp_path, text)


def test_all_mistakes_are_told_at_once_in_the_order_of_their_places(tmp_path):
    text = MINIMAL.replace("Warsaw", "Warsav").replace("kind: email", "kind: emial") + "htp: {}\n"
    places = [line.split(": ")[0] for line in faults(tmp_path, text)]
    assert places == ["config.yaml:1:40", "config.yaml:3:26", "config.yaml:4:1"]


def test_a_colour_without_quotes_is_a_comment_and_that_is_said(tmp_path):
    fix = "text with a # needs quotes: what follows a # is a comment"
    assert f"config.yaml:5:3: brand.colour is empty; {fix}" in faults(
        tmp_path, with_section("brand:\n  colour: #112233")
    )


@pytest.mark.parametrize("data", [b"programme: [", b"\xff\xfe", b"a: 1\na: 2", b"a: &x 1", b"- 1", b"", b"5"])
def test_a_file_that_is_no_configuration_is_refused_with_a_place(tmp_path, data):
    path = tmp_path / "config.yaml"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=r"config\.yaml:\d+:\d+: "):
        load_config(path, {})


def test_no_file_says_how_to_get_one(tmp_path):
    with pytest.raises(ConfigError, match=r"No such file.*pointbell init"):
        load_config(tmp_path / "config.yaml")


def test_the_environment_is_that_of_the_process(tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "POINTBELL_TEST_NAME", "Elm")
    (tmp_path / "config.yaml").write_text(MINIMAL.replace("Fern Club", "'${POINTBELL_TEST_NAME}'"), encoding="utf-8")
    assert load_config(tmp_path / "config.yaml").programme().name == "Elm"


def test_a_file_that_cannot_be_read_to_its_end_is_not_blamed_for_what_stands_there(tmp_path):
    (tmp_path / "config.yaml").write_text("programme: {name: Fern}\nsources: {shop: {secrets: [${SECRET}]}}\n")
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path / "config.yaml")
    assert len(refused.value.diagnostics) == 1
    assert "missing" not in str(refused.value)


# --- who is written to ---


@pytest.mark.parametrize(
    ("allow", "fault"),
    [
        ("[example.com]", '4:32: delivery.allow.0 has no @; write "*@example.com" for everybody there'),
        ('["a@example.com", "*"]', '4:49: delivery.allow.1 is neither an address nor a phone number; write it like "*@example.com", "anna@example.com" or "+48600*"'),
        ("anna", '4:31: delivery.allow is neither an address nor a phone number; write it like "*@example.com", "anna@example.com" or "+48600*"'),
    ],
)  # fmt: skip
def test_a_pattern_of_addresses_that_cannot_be_meant_is_refused(tmp_path, allow, fault):
    section = f"delivery: {{mode: live, allow: {allow}}}"
    assert faults(tmp_path, with_section(section)) == [f"config.yaml:{fault}"]


def test_an_allowlist_without_entries_is_warned_of(tmp_path):
    config = load(tmp_path, with_section("delivery: {mode: allowlist}"))
    [found] = config.warnings
    assert (found.line, found.column, found.code) == (4, 18, "PB606")
    assert found.message == "delivery.mode is allowlist, and nobody is listed: nobody is written to"
    assert load(tmp_path, with_section('delivery: {mode: allowlist, allow: "*@example.com"}')).warnings == ()


def test_a_source_may_say_how_long_it_may_be_silent(tmp_path):
    text = MINIMAL.replace("unsigned: true", "unsigned: true, silent_after: 2 hours")
    assert load(tmp_path, text).silent_after() == {"shop": timedelta(hours=2)}
    assert load(tmp_path, MINIMAL).silent_after() == {}
    wrong = MINIMAL.replace("unsigned: true", "unsigned: true, silent_after: soon")
    assert "sources.shop.silent_after is not a length of time; write it like" in faults(tmp_path, wrong)[0]


# --- what is kept for how long ---

DAYS = timedelta(days=1)


def retention(tmp_path, text):
    kept = load(tmp_path, with_section(text)).retention
    return kept.bodies, kept.messages, kept.decisions, kept.events, kept.timers


def test_everything_is_kept_for_a_while_unless_something_else_is_said(tmp_path):
    assert retention(tmp_path, "") == (90 * DAYS, 90 * DAYS, 400 * DAYS, 400 * DAYS, 400 * DAYS)
    said = "retention: {bodies: 2 weeks, messages: 1 day, decisions: 1 day, events: 30 days, timers: forever}"
    assert retention(tmp_path, said) == (14 * DAYS, DAYS, DAYS, 30 * DAYS, None)


def test_what_goes_with_its_event_is_kept_no_longer(tmp_path):
    assert retention(tmp_path, "retention: {events: 60 days}") == (
        60 * DAYS,
        60 * DAYS,
        60 * DAYS,
        60 * DAYS,
        400 * DAYS,
    )
    assert retention(tmp_path, "retention: {events: forever, decisions: forever}")[2:4] == (None, None)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "events: 29 days",
            'retention.events is too short: a delivery that comes again would be taken for a new one, and mailed about again; write "30 days" or more',
        ),
        (
            "decisions: 401 days",
            "retention.decisions is longer than retention.events (400 days), and they go with their event; keep events as long, or these no longer",
        ),
        (
            "bodies: forever",
            "retention.bodies is longer than retention.events (400 days), and they go with their event; keep events as long, or these no longer",
        ),
        ("messages: 90", 'retention.messages is not a length of time; write "90 days", or "forever"'),
        ("messages: 3 months", 'retention.messages is not a length of time; write it in days: months and years vary, or "forever"'),
        ("bodies: 12 hours", 'retention.bodies is not within "1 day" and "3650 days"; "forever" is possible, too'),
        ("timers: 9999999 weeks", 'retention.timers is not within "1 day" and "3650 days"; "forever" is possible, too'),
        ("body: 1 day", 'retention.body is not a setting; did you mean "bodies"?'),
        ("bodies: always", 'retention.bodies is not a length of time; write it like "30 days", "48 hours" or "2 weeks", or "forever"'),
    ],
)  # fmt: skip
def test_a_retention_that_makes_no_sense_is_told_with_its_place(tmp_path, said, told):
    [fault] = faults(tmp_path, with_section(f"retention:\n  {said}"))
    place, _, words = fault.partition(": ")
    assert words == told
    assert place.startswith("config.yaml:5:")
