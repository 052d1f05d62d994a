"""Facts and folders for the tests of templates."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from engine.language.views import build_view
from engine.model import TIMER_DUE, Card, Event, Fact, Facts, Member
from engine.ruleset.templates import Templates

NOW = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
PROGRAMME = {"name": "Fern Club", "timezone": "Europe/Warsaw", "locale": "en", "currency": "PLN"}
BRAND = {
    "name": "Fern & Thistle",
    "postal_address": "1 Garden Street, Edinburgh",
    "website": "https://example.org/points?a=1&b=2",
    "support_email": "help@example.org",
    "colour": "#0b6e4f",
    "logo_url": "https://example.org/logo.png",
}
POINTS = {"points": 40}


def view(event="points_added", facts=POINTS, *, member=None, card=None, brand=BRAND, **extra):
    """The facts of one event, as decide would give them to a template."""
    happening = Event(
        key="1", source="test", name=event, producer_name=event, occurred_at=NOW, happening=None, facts=facts
    )
    known = Facts(member=Member(id="m1", facts=_facts(member)), card=Card(id="c1", facts=_facts(card)))
    return build_view(happening, known, PROGRAMME, NOW, ZoneInfo("Europe/Warsaw"), {"brand": brand, **extra})


def reminder(card, **extra):
    """The facts of a reminder."""
    return view(TIMER_DUE, {}, card=card, **extra)


def load(root, files, default_locale="en"):
    """A folder of templates holding these files, loaded."""
    folder = root / "templates"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Templates.load(folder, default_locale)


def sms(root, source, locale="en", **shared):
    """One text template, loaded without findings."""
    files = {f"note/sms.{locale}.txt": source} | {name.replace("__", "."): text for name, text in shared.items()}
    templates, problems = load(root, files, locale)
    assert problems == []
    return templates.choose("note", "sms", locale)


def say(root, source, facts=None, locale="en"):
    """What one text template says."""
    return sms(root, source, locale).render(facts or view()).text


def _facts(values):
    return {name: Fact(value=value, as_of=NOW) for name, value in (values or {}).items()}
