"""Numbers, dates, plural forms and names, as each language has them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from babel import Locale
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import TemplateError
from engine.language.absent import Absent
from engine.ruleset.filters import PLURAL_FORMS, LocaleFilters, colour, greeting_name, ink, link, required_forms

from .samples import load, say, view

SPACE = "\N{NO-BREAK SPACE}"
PUNKT = {"one": "punkt", "few": "punkty", "many": "punktów", "other": "punktu"}
LOCALES = ("en", "pl", "de", "de_CH", "fr", "es", "pt_PT", "sv", "hi", "bn", "ar", "fa", "ja", "et", "bg", "hr", "rm")
FILTERS = {locale: LocaleFilters(locale=Locale.parse(locale)) for locale in ("en", "pl", "de_CH", "hi", "es")}


def filters(locale):
    return LocaleFilters(locale=Locale.parse(locale, sep="-"))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 punktów"),
        (1, "1 punkt"),
        (2, "2 punkty"),
        (4, "4 punkty"),
        (5, "5 punktów"),
        (11, "11 punktów"),
        (12, "12 punktów"),
        (14, "14 punktów"),
        (21, "21 punktów"),
        (22, "22 punkty"),
        (24, "24 punkty"),
        (25, "25 punktów"),
        (100, "100 punktów"),
        (101, "101 punktów"),
        (102, "102 punkty"),
        (112, "112 punktów"),
        (1_000_000, "1 000 000 punktów"),
        (-1, "-1 punkt"),
        (1.5, "1,5 punktu"),
        (2.0, "2 punkty"),
        (23786, "23 786 punktów"),
    ],
)
def test_polish_plural_forms(number, words):
    assert filters("pl").counted(number, PUNKT).replace(SPACE, " ") == words


@pytest.mark.parametrize(
    ("locale", "forms"),
    [
        ("en", {"one", "other"}),
        ("pl", {"one", "few", "many"}),
        ("ar", {"zero", "one", "two", "few", "many", "other"}),
        ("ja", {"other"}),
        ("fr", {"one", "other"}),
    ],
)
def test_the_forms_whole_numbers_need(locale, forms):
    assert required_forms(Locale.parse(locale)) == forms


@pytest.mark.parametrize(
    ("locale", "number", "words"),
    [
        ("en", 23786, "23,786"),
        ("pl", 23786, f"23{SPACE}786"),
        ("fr", 23786, "23\N{NARROW NO-BREAK SPACE}786"),
        ("de", 1234.5, "1.234,5"),
        ("en", 0, "0"),
        ("en", -0.0, "0"),
        ("en", 12.0, "12"),
        ("en", 0.125, "0.12"),
        ("en", 1e15, "1,000,000,000,000,000"),
    ],
)
def test_points_in_the_form_of_the_locale(locale, number, words):
    assert filters(locale).points(number) == words


@pytest.mark.parametrize("locale", LOCALES)
def test_numbers_are_those_of_the_cldr_in_every_language(locale):
    babel, ours = Locale.parse(locale), LocaleFilters(locale=Locale.parse(locale))
    for number in (0, 3, -3, 12, 999, 1_000, -1_000, 9_999, 10_000, 99_999, 100_000, 1_234_567, -98_765_432, 10**17):
        for same in (number, float(number)) if abs(number) < 2**53 else (number,):
            assert ours.points(same) == format_decimal(number, locale=babel)
            assert ours.number(same) == format_decimal(number, locale=babel)
        forms = dict.fromkeys(PLURAL_FORMS, "") | {babel.plural_form(abs(number)): "this"}
        assert ours.plural(number, forms) == "this"


@given(number=st.integers(-(10**18) + 1, 10**18 - 1) | st.decimals(-(10**9), 10**9, places=4).map(float))
def test_any_number_is_written_as_the_cldr_has_it(number):
    for locale, ours in FILTERS.items():
        rounded = round(Decimal(str(number)), 2)
        assert ours.points(number) == format_decimal(rounded or 0, locale=locale)


@pytest.mark.parametrize("number", [10**18, -(10**18), 1e18, float("inf"), float("nan")])
def test_numbers_have_a_range(number):
    for use in (filters("en").points, filters("en").number, lambda given: filters("en").plural(given, PUNKT)):
        with pytest.raises(ValueError, match="out of range"):
            use(number)


def test_each_table_of_forms_has_its_own_words():
    ours, stars = filters("pl"), {"one": "gwiazdka", "few": "gwiazdki", "many": "gwiazdek", "other": "gwiazdki"}
    for _ in range(2):
        assert [ours.counted(5, table) for table in (PUNKT, stars)] == [f"5{SPACE}punktów", f"5{SPACE}gwiazdek"]
        assert ours.counted(5, many="lat", other="lata") == f"5{SPACE}lat"


def test_what_was_said_once_is_not_said_for_another():
    ours = filters("en")
    for _ in range(2):
        assert [ours.points(given) for given in (1, 1.0, 1.5, 0, -0.0, 1234)] == ["1", "1", "1.5", "0", "0", "1,234"]
        assert [ours.money(given, code) for given in (5, 5.5) for code in ("EUR", "JPY")] == [
            "€5.00",
            "¥5",
            "€5.50",
            "¥6",
        ]
        with pytest.raises(TypeError):
            ours.points(True)  # noqa: FBT003 - a value, not a switch
    assert filters("pl").points(1234.5) != ours.points(1234.5)


def test_texts_have_plain_spaces_only(tmp_path):
    assert say(tmp_path, "{{ 23786 | points }}", locale="pl") == "23 786"
    assert say(tmp_path / "fr", "{{ 23786 | points }} {{ 5 | money('EUR') }}", locale="fr") == "23 786 5,00 €"


@pytest.mark.parametrize(
    ("locale", "form", "words"),
    [
        ("en", "long", "January 31, 2026"),
        ("en-GB", "long", "31 January 2026"),
        ("en", "short", "1/31/26"),
        ("en", "full", "Saturday, January 31, 2026"),
        ("en", "day", "January 31"),
        ("pl", "long", "31 stycznia 2026"),
        ("pl", "short", "31.01.2026"),
        ("pl", "full", "sobota, 31 stycznia 2026"),
        ("pl", "day", "31 stycznia"),
    ],
)
def test_dates_in_the_form_of_the_locale(tmp_path, locale, form, words):
    said = say(tmp_path, f"{{{{ card.next_expiration_date | date('{form}') }}}}", _expiring(), locale)
    assert said == words


def test_a_moment_has_the_date_of_the_members_calendar(tmp_path):
    late = {"points": 1}
    moment = view(facts=late, member={"timezone": "America/New_York"}, at=datetime(2026, 1, 1, 2, tzinfo=UTC))
    templates, _ = load(tmp_path, {"note/sms.en.txt": "{{ now | date('short') }}"})
    template = templates.choose("note", "sms", "en")
    assert template.render({**moment, "now": datetime(2026, 1, 1, 2, tzinfo=UTC)}).text == "12/31/25"
    assert template.render({**view(), "now": datetime(2025, 12, 31, 23, 30, tzinfo=UTC)}).text == "1/1/26"


def test_money_needs_a_currency(tmp_path):
    assert say(tmp_path, "{{ 364.5 | money('PLN') }}", locale="pl") == "364,50 zł"
    with pytest.raises(TemplateError, match="is not a currency code"):
        say(tmp_path, "{{ 364.5 | money(event.reason) }}", view(facts={"points": 1, "reason": "zł"}))


def test_a_missing_plural_form_is_a_finding(tmp_path):
    source = '{{ event.points }}\n{{ event.points | plural(one="punkt", other="punkty") }}'
    _, problems = load(tmp_path, {"note/sms.pl.txt": source}, "pl")
    assert [(problem.line, problem.code) for problem in problems] == [(2, "PB407")]
    assert problems[0].message == "Polish also needs the plural forms few, many"


@pytest.mark.parametrize(
    "name", ["Anna", "Łukasz", "אברהם", "Anne-Marie O'Neill", "J. R. R. Tolkien", 'Jan "Janek" Nowak', "Zoë 🎉"]
)
def test_names_that_greet(name):
    assert greeting_name(f"  {name} ") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "Win at evil.com",
        "evil.com",
        "t.co",
        "https://evil",
        "www.x",
        "anna@example.org",
        "<b>Anna</b>",
        "{{ 7*7 }}",
        "Anna\u202egnp",
        "An\u200bna",
        "Anna\x00",
        "Anna\ud800",
        "call 600100200",
        "Win now!",
        "Anna\r\nBcc: x",
        "12",
        "🎉",
        "A" * 65,
        "A" * 200,
        None,
        7,
        Absent("member.name"),
    ],
)
def test_names_that_do_not(name):
    assert isinstance(greeting_name(name), Absent)


def test_white_space_in_a_name_is_folded():
    assert greeting_name("Anna\r\n\tMaria") == "Anna Maria"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "ftp://x", "//x", "x", "https://x y", 'https://x"y', ""])
def test_only_web_and_mail_addresses_are_links(address):
    with pytest.raises(ValueError, match="is not a link"):
        link(address)


def test_colours_are_spelled_out_and_nothing_else():
    assert colour("#1Fc") == "#11ffcc"
    assert (ink("#ffd23f"), ink("#0b6e4f"), ink("#fff"), ink("#000")) == ("#111111", "#ffffff", "#111111", "#ffffff")
    with pytest.raises(ValueError, match="is not a colour"):
        colour("red; background: url(https://evil)")


def _expiring():
    return view(card={"next_expiration_date": date(2026, 1, 31)})
