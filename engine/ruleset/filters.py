"""The filters templates may use: numbers, dates and plural forms in the locale of the template file.

Numbers and dates follow the CLDR through Babel. Every filter refuses a value that is absent, so that nothing is ever
printed in its place; ``greeting_name`` alone turns what it should not print into an absent value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from jinja2 import pass_context
from jinja2.runtime import Context

from ..language.absent import Absent, refuse_absent, refuse_undeclared
from ..language.node import Node
from .formats import REMEMBERED, Formats, Number

LONGEST_NAME = 64
"""Characters; longer names are not used in greetings."""

DATE_FORMATS = ("short", "medium", "long", "full", "day")
"""``day`` is the day and the month without the year."""

PLURAL_FORMS = ("zero", "one", "two", "few", "many", "other")

CURRENCY = re.compile(r"[A-Z]{3}")

_NOT_A_NAME = re.compile(
    r"[\x00-\x1f\x7f-\x9f<>{}@/\\|\[\]=%$#^~_`:;!?*+]"  # markup, addresses, templates, control characters
    r"|[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffd\ud800-\udfff]"  # direction, hidden
    r"|https?:|www\.|\w[.\u3002\uff0e\uff61]\w\w"  # "evil.com" becomes a link in the reader's mailbox
    r"|\d{4}",  # telephone numbers
    re.IGNORECASE,
)
_LARGEST = 10**18
_COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_LINK = re.compile(r"(?:https?://|mailto:)[^\s\"'<>\\]+", re.IGNORECASE)


def required_forms(locale: Locale) -> frozenset[str]:
    """The plural forms that whole numbers need in this language (CLDR)."""
    return frozenset(locale.plural_form(number) for number in range(201))


class LocaleFilters:
    """The filters that speak one language."""

    def __init__(self, *, locale: Locale) -> None:
        self._formats = Formats(locale)
        self._said: dict[tuple[int, int], tuple[object, str]] = {}

    def table(self) -> dict[str, Callable[..., object]]:
        """The filters by the name templates use."""
        return {
            "points": self.points,
            "number": self.number,
            "money": self.money,
            "date": self.date,
            "plural": self.plural,
            "counted": self.counted,
        }

    def points(self, value: object) -> str:
        """A number of points, with at most two decimals: ``23,786``."""
        if type(value) is int and -_LARGEST < value < _LARGEST:
            return self._formats.whole(value)
        return self._decimal(_rounded(value, 2))

    def number(self, value: object, decimals: int = 3) -> str:
        """A number with at most so many decimals (0 to 6)."""
        return self._decimal(_rounded(value, min(max(decimals, 0), 6)))

    def money(self, value: object, currency: object) -> str:
        """An amount in major units of a currency (ISO 4217 code): ``364,50 zł``."""
        if not isinstance(currency, str) or not CURRENCY.fullmatch(currency):
            refuse_absent(currency)
            raise ValueError(f"{currency!r} is not a currency code such as PLN or EUR")
        return self._formats.currency(_number(value), currency)

    @pass_context
    def date(self, context: Context, value: object, form: str = "long") -> str:
        """A calendar date; of a moment, the date on the member's calendar."""
        if form not in DATE_FORMATS:
            raise ValueError(f"{form!r} is not a date format; there are {', '.join(DATE_FORMATS)}")
        written = self._formats.day(_day(value, context), form)
        return written if form == "full" else _unbroken(written)

    def plural(self, value: object, forms: object = None, /, **given: str) -> str:
        """The form of a word that this number needs: ``punkt``, ``punkty``, ``punktów``."""
        table = given if forms is None else _plural_table(forms)
        number = _number(value)
        form = self._formats.plural_form(abs(number))
        for name in (form, "other", "many"):
            if name in table:
                return table[name]
        raise ValueError(f"the plural form {form!r} is missing")

    def counted(self, value: object, forms: object = None, /, **given: str) -> str:
        """The number and the form of the word it needs: ``5 punktów``."""
        if not given and type(value) is int:
            return self._counted_whole(value, forms)
        return self._counted(value, forms, given)

    def _counted_whole(self, value: int, forms: object) -> str:
        """A shared table of forms is the same object in every message."""
        known = self._said.get((value, id(forms)))
        if known is not None and known[0] is forms:
            return known[1]
        said = self._counted(value, forms, {})
        if len(self._said) >= REMEMBERED:
            self._said.clear()
        self._said[value, id(forms)] = forms, said
        return said

    def _counted(self, value: object, forms: object, given: dict[str, str]) -> str:
        return _unbroken(f"{self.points(value)} {self.plural(value, forms, **given)}")

    def _decimal(self, number: Number) -> str:
        return self._formats.whole(number) if isinstance(number, int) else self._formats.decimal(number)


def greeting_name(value: object) -> object:
    """A name fit for a greeting, or an absent value.

    Names come from the member, so a name is no place for links, markup, addresses or hidden characters: whoever signs
    up as "Win at evil.com" must not be able to make the brand say so. Such a name is treated as not given.
    """
    refuse_undeclared(value)
    return _fit_name(value) if isinstance(value, str) else Absent("name")


@lru_cache(REMEMBERED)
def _fit_name(given: str) -> object:
    name = " ".join(given.split())
    if not name or len(name) > LONGEST_NAME or _NOT_A_NAME.search(name) or not any(map(str.isalpha, name)):
        return Absent("name")
    return name


def link(value: object) -> str:
    """An address a reader may follow: http, https or mailto, nothing else."""
    if not isinstance(value, str) or not _is_link(value):
        refuse_absent(value)
        raise ValueError(f"{value!r} is not a link (http, https or mailto)")
    return value


def colour(value: object) -> str:
    """A colour as ``#rgb`` or ``#rrggbb``, written out with six digits."""
    written = _six_digits(value) if isinstance(value, str) else None
    if written is None:
        refuse_absent(value)
        raise ValueError(f"{value!r} is not a colour such as #1f5eff")
    return written


def ink(value: object) -> str:
    """Black or white, whichever reads better on this colour (WCAG 2.2, relative luminance)."""
    return _ink_on(colour(value))


PLAIN_FILTERS: Mapping[str, Callable[..., object]] = {
    "greeting_name": greeting_name,
    "link": link,
    "colour": colour,
    "ink": ink,
}


def _unbroken(text: str) -> str:
    """Kept on one line; text parts turn these spaces back into plain ones."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


@lru_cache(REMEMBERED)
def _is_link(text: str) -> bool:
    return _LINK.fullmatch(text) is not None


@lru_cache(REMEMBERED)
def _six_digits(text: str) -> str | None:
    if not _COLOUR.fullmatch(text):
        return None
    digits = text[1:].lower()
    return "#" + ("".join(digit * 2 for digit in digits) if len(digits) == len("rgb") else digits)


@lru_cache(REMEMBERED)
def _ink_on(colour: str) -> str:
    red, green, blue = (_linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#111111"


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - WCAG


def _number(value: object) -> Number:
    """The number as it stands, whole ones as ``int``: 12.0 points are 12 points."""
    if type(value) is int and -_LARGEST < value < _LARGEST:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        refuse_absent(value)
        raise TypeError(f"{value!r} is not a number")
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) >= _LARGEST:
        raise ValueError("the number is out of range")
    return int(number) if number == number.to_integral_value() else number


def _rounded(value: object, decimals: int) -> Number:
    number = _number(value)
    return number if isinstance(number, int) else _number(round(number, decimals))


def _day(value: object, context: Context) -> date:
    if isinstance(value, datetime):
        return value.astimezone(_zone(context)).date()
    if not isinstance(value, date):
        refuse_absent(value)
        raise TypeError(f"{value!r} is not a date")
    return value


def _zone(context: Context) -> tzinfo:
    """Where the member's calendar is: of the member, else of the card, else of the programme."""
    for group in ("member", "card", "programme"):
        facts = context.get(group)
        name = facts["timezone"] if isinstance(facts, Node) else None
        if isinstance(name, str):
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                continue
    return UTC


def _plural_table(forms: object) -> Mapping[str, str]:
    if type(forms) is not dict and not isinstance(forms, Mapping):
        refuse_absent(forms)
        raise TypeError("plural takes forms by name, or a table of forms from strings")
    return forms
