"""A new rule to begin with: the rule, its words in every language of the programme, and its test.

What is written is sound and does something at once; the words are placeholders for better ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml
from babel import Locale

from ..errors import PointbellError
from ..language import Scope
from ..language.schema import GROUPS
from ..language.scope import Missing
from ..ruleset import Ruleset
from ..ruleset.category import Consent
from ..ruleset.load import RULES, TEMPLATES
from .editor_hints import with_hint
from .timeline_files import TIMELINES

_LAYOUT = "layouts/email.{extension}"
_BLOCK = re.compile(r"\{%-?\s*block\s+(\w+)")
_TOLD = (("points", "{{ event.points | number }}"), ("tier", "{{ event.tier }}"), ("segment", "{{ event.segment }}"))
"""The one thing a message about an event is about, where the event always says it."""
DATE = "card.next_expiration_date"
"""What a reminder is made ahead of."""
_CARD = "{balance: 100, next_expiration_date: 2026-01-31, next_expiration_points: 100}"
_WHO: Mapping[str, str] = {"email": "anna@example.org", "phone": "+48600000000"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The rule to make."""

    name: str
    """Of the rule and of its template."""
    events: tuple[str, ...]
    """Neutral names of events and groups; none for a reminder."""
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What its messages say, before anybody has worded them."""

    title: str
    about: str
    """An expression in ``{{ }}``, or nothing."""

    @property
    def sentence(self) -> str:
        return f"{self.title}: {self.about}" if self.about else self.title


def scaffold(wanted: Wanted, ruleset: Ruleset) -> dict[str, str]:
    """The files of a new rule, by their path in the programme's folder."""
    words = _words(wanted)
    locales = _locales(ruleset)
    rule = PurePosixPath(RULES, f"{wanted.name}.yaml")
    files = {str(rule): with_hint(rule, _rule(wanted, ruleset))}
    files |= {path: text for locale in locales for path, text in _messages(wanted, words, locale, ruleset).items()}
    return files | {(TIMELINES / f"{wanted.name}.yaml").as_posix(): _tests(wanted, locales, ruleset)}


def write_new(root: Path, files: Mapping[str, str]) -> None:
    """Write them all, or none where anything would be lost.

    Raises:
        PointbellError: one of them is already there, or the folder cannot be written.
    """
    if taken := [name for name in files if (root / name).exists()]:
        raise PointbellError(f"{' and '.join(taken)} is already there, and nothing is overwritten: choose another name")
    try:
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise PointbellError(f"cannot write to {error.filename or root}: {error.strerror}") from error


# --- The rule ---------------------------------------------------------------------------------------------------------


def _rule(wanted: Wanted, ruleset: Ruleset) -> str:
    lines = [f"rule: {wanted.name}", *_on(wanted), *_condition(wanted), f"send: {_send(wanted, ruleset)}"]
    if ruleset.shared.default_category is None:
        lines.append(f"category: {_category(ruleset)}")
    return "\n".join(lines) + "\n"


def _on(wanted: Wanted) -> list[str]:
    if not wanted.events:
        return ["on:", f"  before: {DATE}", "  by: [7 days, 1 day]", "  at: 09:00"]
    names = ", ".join(wanted.events)
    return [f"on: {names}" if len(wanted.events) == 1 else f"on: [{names}]"]


def _condition(wanted: Wanted) -> list[str]:
    if not wanted.events:
        return ["if: card.expiring_points >= 10"]
    return ["if: event.points >= 1"] if _says(wanted, "points") else []


def _send(wanted: Wanted, ruleset: Ruleset) -> str:
    default = ruleset.sources.default_channel if ruleset.sources else "email"
    return wanted.name if wanted.channel == default else f"{{template: {wanted.name}, channel: {wanted.channel}}}"


def _category(ruleset: Ruleset) -> str:
    """The category that needs the least consent of those that ask for any."""
    order = {Consent.OPT_OUT: 0, Consent.OPT_IN: 1, Consent.TRANSACTIONAL: 2}
    return min(ruleset.shared.categories.values(), key=lambda one: (order[one.consent], one.name)).name


def _says(wanted: Wanted, field: str) -> bool:
    """Whether all of the events always say this."""
    found = Scope.for_events(wanted.events).resolve(("event", field))
    return not isinstance(found, Missing) and not found.optional


# --- The words --------------------------------------------------------------------------------------------------------


def _words(wanted: Wanted) -> _Words:
    if not wanted.events:
        about = f"{{{{ card.expiring_points | number }}}}, until {{{{ {DATE} | date }}}}"
        return _Words(title="Points that expire soon", about=about)
    title = wanted.events[0] if len(wanted.events) == 1 else wanted.name
    about = next((printed for field, printed in _TOLD if _says(wanted, field)), "")
    return _Words(title=re.sub("[_-]+", " ", title).capitalize(), about=about)


def _locales(ruleset: Ruleset) -> list[str]:
    """Every language that the programme words messages in, its own first."""
    own = ruleset.templates.default_locale
    return [own, *sorted({locale for _, _, locale in ruleset.templates.by_key} - {own})]


def _messages(wanted: Wanted, words: _Words, locale: str, ruleset: Ruleset) -> dict[str, str]:
    place = f"{TEMPLATES}/{wanted.name}/{wanted.channel}.{locale}"
    note = "" if locale.startswith("en") else f"{{# Still in English: write it in {_named(locale)}. #}}\n"
    if ruleset.programme.channels[wanted.channel] != "email":
        return {f"{place}.txt": f"{note}{words.sentence}\n"}
    front = f'---\nsubject: "{words.sentence}"\n---\n'
    html = _framed(f"<p>{words.sentence}</p>", words, ruleset, "html")
    text = _framed(words.sentence, words, ruleset, "txt")
    return {f"{place}.html": f"{front}{note}{html}", f"{place}.txt": f"{note}{text}"}


def _framed(sentence: str, words: _Words, ruleset: Ruleset, extension: str) -> str:
    """The sentence in the programme's layout, where it has one with a block for it."""
    layout = _LAYOUT.format(extension=extension)
    source = ruleset.sources.templates.get(layout) if ruleset.sources else None
    blocks = set(_BLOCK.findall(source.decode("utf-8", "replace"))) if isinstance(source, bytes) else set[str]()
    if "body" not in blocks:
        return f"{sentence}\n"
    figure, unit = (words.about, words.title) if words.about else (words.title, "")
    filled = {"figure": figure, "unit": unit, "body": f"\n{sentence}\n"}
    told = {name: text for name, text in filled.items() if name in blocks and text}
    lines = [f"{{% block {name} %}}{text}{{% endblock %}}" for name, text in told.items()]
    return "\n".join([f'{{% extends "{layout}" %}}', *lines]) + "\n"


def _named(locale: str) -> str:
    return Locale.parse(locale, sep="-").get_display_name("en") or locale


# --- The test ---------------------------------------------------------------------------------------------------------


def _tests(wanted: Wanted, locales: Iterable[str], ruleset: Ruleset) -> str:
    """A member for each language, and what each of them gets."""
    field = ruleset.programme.channels[wanted.channel]
    who = {"first_name": "Anna", field: _WHO.get(field, "anna")}
    members = [f"  anna-{locale}: {_flow({**who, 'locale': locale})}" for locale in locales]
    tests = [_test(wanted, locale) for locale in locales]
    return "\n".join(["members:", *members, "tests:", "\n\n".join(tests)]) + "\n"


def _test(wanted: Wanted, locale: str) -> str:
    head = f"  - test: {wanted.name} in {_named(locale)}\n    rule: {wanted.name}\n    member: anna-{locale}\n"
    came, due = f"event: {_first(wanted.events)}", ["2026-01-10 12:00"]
    if not wanted.events:
        came, due = f"event: points_earned, card: {_CARD}", ["2026-01-24 09:00", "2026-01-30 09:00"]
    elif _says(wanted, "points"):
        came += ", card: {balance: 1000}, data: {points: 100}"
    expect = "\n".join(f"      - {{at: {at}, send: {wanted.name}, locale: {locale}}}" for at in due)
    return f"{head}    timeline:\n      - {{at: 2026-01-10 12:00, {came}}}\n    expect:\n{expect}"


def _first(names: Iterable[str]) -> str:
    """One of the events; of a group not the one of which the group means one direction only."""
    events = sorted({event for name in names for event in GROUPS.get(name, {name})})
    return next((event for event in events if event != "points_transferred"), "points_transferred")


def _flow(values: Mapping[str, str]) -> str:
    return yaml.safe_dump(dict(values), default_flow_style=True, sort_keys=False, width=1_000).strip()
