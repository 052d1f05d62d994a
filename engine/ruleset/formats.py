"""What the CLDR says of one language, through Babel, remembered: messages show the same few dates and numbers.

Babel needs 10 to 30 microseconds for each; a message has a dozen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal, get_group_symbol

REMEMBERED = 4_096
"""How many of each sort are kept."""

_SAMPLES = (0, 7, -7, 999, 1_000, -1_000, 99_999, 1_234_567, -9_007_199_254_740_993)

Number: TypeAlias = int | Decimal


class Formats:
    """How one language writes numbers and dates, and which plural form a number takes."""

    def __init__(self, locale: Locale) -> None:
        self.locale = locale
        self.decimal = lru_cache(REMEMBERED)(self._decimal)
        """A number with at most the three decimals of the CLDR's pattern."""
        self.whole = _grouping(locale) or self.decimal
        """The same for whole numbers, far cheaper where the language groups them by thousands."""
        self.currency = lru_cache(REMEMBERED)(self._currency)
        """An amount of a currency, by its ISO 4217 code."""
        self.day = lru_cache(REMEMBERED)(self._day)
        """A date in a form of the CLDR, or as ``day``: the day and the month."""
        self.plural_form = lru_cache(REMEMBERED)(self._plural_form)
        """The CLDR's name of the form a number takes: ``few``."""

    def _decimal(self, number: Number) -> str:
        return format_decimal(number, locale=self.locale)

    def _currency(self, number: Number, code: str) -> str:
        return format_currency(number, code, locale=self.locale)

    def _day(self, day: date, form: str) -> str:
        if form == "day":
            return format_skeleton("MMMMd", day, locale=self.locale)
        return format_date(day, form, locale=self.locale)

    def _plural_form(self, number: Number) -> str:
        return self.locale.plural_form(number)


def _grouping(locale: Locale) -> Callable[[int], str] | None:
    """How whole numbers are written, if Babel's samples show nothing but a sign between thousands."""
    sign = get_group_symbol(locale)

    def grouped(number: int) -> str:
        return f"{number:,}".replace(",", sign)

    alike = all(grouped(number) == format_decimal(number, locale=locale) for number in _SAMPLES)
    return grouped if alike else None
