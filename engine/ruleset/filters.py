"""The filters templates may use: numbers, dates and plural forms in the locale of the template file.

Numbers and dates follow the CLDR through Babel. Every filter refuses a value that is absent, so that nothing is ever
printed in its place; ``greeting_name`` alone turns what it should not print into an absent value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal
from jinja2 import pass_context
from jinja2.runtime import Context

from ..language.absent import Absent, refuse_absent, refuse_undeclared
from ..language.node import Node

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
_COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_LINK = re.compile(r"(?:https?://|mailto:)[^\s\"'<>\\]+", re.IGNORECASE)


def required_forms(locale: Locale) -> frozenset[str]:
    """The plural forms that whole numbers need in this language (CLDR)."""
    return frozenset(locale.plural_form(number) for number in range(201))


@dataclass(frozen=True, slots=True, kw_only=True)
class LocaleFilters:
    """The filters that speak one language."""

    locale: Locale

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
        return format_decimal(_rounded(value, 2), locale=self.locale)

    def number(self, value: object, decimals: int = 3) -> str:
        """A number with at most so many decimals (0 to 6)."""
        return format_decimal(_rounded(value, min(max(decimals, 0), 6)), locale=self.locale)

    def money(self, value: object, currency: object) -> str:
        """An amount in major units of a currency (ISO 4217 code): ``364,50 zł``."""
        if not isinstance(currency, str) or not CURRENCY.fullmatch(currency):
            refuse_absent(currency)
            raise ValueError(f"{currency!r} is not a currency code such as PLN or EUR")
        return format_currency(_number(value), currency, locale=self.locale)

    @pass_context
    def date(self, context: Context, value: object, form: str = "long") -> str:
        """A calendar date; of a moment, the date on the member's calendar."""
        if form not in DATE_FORMATS:
            raise ValueError(f"{form!r} is not a date format; there are {', '.join(DATE_FORMATS)}")
        day = _day(value, context)
        if form == "full":
            return format_date(day, form, locale=self.locale)
        if form == "day":
            return _unbroken(format_skeleton("MMMMd", day, locale=self.locale))
        return _unbroken(format_date(day, form, locale=self.locale))

    def plural(self, value: object, forms: object = None, /, **given: str) -> str:
        """The form of a word that this number needs: ``punkt``, ``punkty``, ``punktów``."""
        table = given if forms is None else _plural_table(forms)
        number = _number(value)
        form = self.locale.plural_form(abs(number))
        for name in (form, "other", "many"):
            if name in table:
                return table[name]
        raise ValueError(f"the plural form {form!r} is missing")

    def counted(self, value: object, forms: object = None, /, **given: str) -> str:
        """The number and the form of the word it needs: ``5 punktów``."""
        return _unbroken(f"{self.points(value)} {self.plural(value, forms, **given)}")


def greeting_name(value: object) -> object:
    """A name fit for a greeting, or an absent value.

    Names come from the member, so a name is no place for links, markup, addresses or hidden characters: whoever signs
    up as "Win at evil.com" must not be able to make the brand say so. Such a name is treated as not given.
    """
    refuse_undeclared(value)
    if not isinstance(value, str):
        return Absent("name")
    name = " ".join(value.split())
    if not name or len(name) > LONGEST_NAME or _NOT_A_NAME.search(name) or not any(map(str.isalpha, name)):
        return Absent("name")
    return name


def link(value: object) -> str:
    """An address a reader may follow: http, https or mailto, nothing else."""
    if not isinstance(value, str) or not _LINK.fullmatch(value):
        refuse_absent(value)
        raise ValueError(f"{value!r} is not a link (http, https or mailto)")
    return value


def colour(value: object) -> str:
    """A colour as ``#rgb`` or ``#rrggbb``, written out with six digits."""
    if not isinstance(value, str) or not _COLOUR.fullmatch(value):
        refuse_absent(value)
        raise ValueError(f"{value!r} is not a colour such as #1f5eff")
    digits = value[1:].lower()
    return "#" + ("".join(digit * 2 for digit in digits) if len(digits) == len("rgb") else digits)


def ink(value: object) -> str:
    """Black or white, whichever reads better on this colour (WCAG 2.2, relative luminance)."""
    digits = colour(value)[1:]
    red, green, blue = (_linear(int(digits[place : place + 2], 16) / 255) for place in (0, 2, 4))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#111111"


PLAIN_FILTERS: Mapping[str, Callable[..., object]] = {
    "greeting_name": greeting_name,
    "link": link,
    "colour": colour,
    "ink": ink,
}


def _unbroken(text: str) -> str:
    """Kept on one line; text parts turn these spaces back into plain ones."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - WCAG


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        refuse_absent(value)
        raise TypeError(f"{value!r} is not a number")
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) >= Decimal("1e18"):
        raise ValueError("the number is out of range")
    whole = number.to_integral_value()
    return whole + 0 if whole == number else number


def _rounded(value: object, decimals: int) -> Decimal:
    number = _number(value)
    return _number(round(number, decimals)) if number != number.to_integral_value() else number


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
    if not isinstance(forms, Mapping):
        refuse_absent(forms)
        raise TypeError("plural takes forms by name, or a table of forms from strings")
    return forms
