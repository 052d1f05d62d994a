"""The message in stock Jinja2: the same template files, with filters as one writes them on top of Babel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import FileSystemLoader, Template
from jinja2.sandbox import SandboxedEnvironment

PROGRAMME = {"name": "Fern Club"}
BRAND = {
    "name": "Fern & Thistle",
    "postal_address": "ul. Ogrodowa 12, 00-876 Warszawa",
    "website": "https://example.org/club",
    "support_email": "help@example.org",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """Subject, text and HTML of one message, compiled once."""

    subject: Template
    preheader: Template
    text: Template
    html: Template
    shared: Mapping[str, Any]

    @classmethod
    def load(cls, folder: Path, name: str, locale: str) -> Wording:
        """From a folder of templates as Pointbell has it."""
        strings = yaml.safe_load((folder / f"strings.{locale}.yaml").read_text(encoding="utf-8"))
        environment = environment_for(folder, locale)
        own = environment.overlay(autoescape=False)
        front, html = _front(folder / name / f"email.{locale}.html")
        return cls(
            subject=own.from_string(front["subject"]),
            preheader=own.from_string(front["preheader"]),
            text=environment.get_template(f"{name}/email.{locale}.txt"),
            html=environment.from_string(html),
            shared={
                "strings": strings,
                "locale": locale,
                "text_direction": "ltr",
                "brand": BRAND,
                "programme": PROGRAMME,
            },
        )

    def render(self, facts: Mapping[str, Any]) -> tuple[str, str, str]:
        """Subject, text, HTML."""
        names = {**self.shared, **facts}
        names["subject"] = subject = self.subject.render(names)
        names["preheader"] = self.preheader.render(names)
        return subject, self.text.render(names), self.html.render(names)


def environment_for(folder: Path, locale: str) -> SandboxedEnvironment:
    """Jinja2's own sandbox with this locale's filters."""
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(folder),
        autoescape=lambda name: name is None or name.endswith(".html"),
        auto_reload=False,
    )
    environment.filters |= filters_for(Locale.parse(locale))
    return environment


def filters_for(locale: Locale) -> dict[str, Any]:
    """Numbers, dates and plural forms."""

    def points(value):
        return format_decimal(value, locale=locale)

    def plural(value, forms=None, **given):
        return (forms or given)[locale.plural_form(value)]

    def counted(value, forms=None, **given):
        return f"{points(value)} {plural(value, forms, **given)}".replace(" ", "\N{NO-BREAK SPACE}")

    def date(value, form="long"):
        return format_date(value, form, locale=locale).replace(" ", "\N{NO-BREAK SPACE}")

    def fill(phrase, **names):
        return phrase.format(**names)

    return {
        "points": points, "number": points, "plural": plural, "counted": counted, "date": date, "fill": fill,
        "greeting_name": str.strip, "link": str, "colour": str, "ink": {"#1f4fd8": "#ffffff"}.get,
    }  # fmt: skip


def _front(path: Path) -> tuple[dict[str, str], str]:
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front), body
