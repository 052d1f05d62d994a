"""Words: our ``Template.render`` against Jinja2's own sandbox with the same templates, filters and output.

Each message has facts of its own, and each view of them is used once, so that nothing is remembered from one message to
the next but what the product remembers in earnest.
"""

from __future__ import annotations

import gc
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import css_inline
import yaml
from babel import Locale
from jinja2 import FileSystemLoader, Template
from jinja2.sandbox import SandboxedEnvironment

from engine.config import load_config
from engine.decide import Book
from engine.decide.words import Case, view_of
from engine.ingest import Delivery, SourceSettings, read
from engine.language import View
from engine.language.node import Node
from engine.model import Words
from engine.ruleset import Ruleset
from engine.ruleset.filters import PLAIN_FILTERS, LocaleFilters
from engine.ruleset.printing import fill
from engine.tools.preview import trial_of

from .. import needs
from ..events import body
from ..measure import ROUNDS, Goal, Plan, Row, in_turns
from ..peers.wording import Wording
from ..pipelines import PROGRAMME, write_programme
from ..processes import Died, Process, cpu_seconds
from ..profile import Profile, Share

NOW = datetime(2026, 1, 24, 8, tzinfo=UTC)
NAME = "points-added"
JINJA = "stock SandboxedEnvironment, our filters"
BABEL = "stock SandboxedEnvironment, Babel's formatting"
WITH_CSS = "stock SandboxedEnvironment, our filters, css-inline"


def run(plan: Plan) -> list[Row]:
    """A template whose styles stand in its tags, then the starter's, whose style sheet is written into the tags."""
    plain, starter = plain_side(), starter_side()
    return [
        _row(plan, "rendering", JINJA, plain, plain.stock, Goal(at_most=0.6), Goal(at_most=0.5)),
        _row(plan, "rendering", BABEL, plain, _with_babel()),
        _row(plan, "the whole wording, CSS included", WITH_CSS, starter, starter.stock),
    ]


def profile(plan: Plan) -> tuple[list[Share], float]:
    """Where the time of a message's words goes, the making of its facts included."""
    messages = plan.count(20_000)
    with tempfile.TemporaryDirectory(prefix="pointbell-bench-") as folder:
        loop = Process("words", [sys.executable, "-m", "tests.bench.words", str(messages)], cwd=needs.ROOT)
        try:
            loop.wait_for_words("ready")
            before, looking = cpu_seconds([loop.pid]), Profile(loop.pid, Path(folder))
            loop.wait_for_words("worded", seconds=600)
            return looking.stop(), (cpu_seconds([loop.pid]) - before) / messages * 1e6
        finally:
            loop.stop()


def _row(
    plan: Plan, what: str, peer: str, side: Side, stock: Callable[[dict[str, Any]], object],
    goal: Goal | None = None, aim: Goal | None = None,
) -> Row:  # fmt: skip
    times = plan.count(300)
    side.compare()
    needed = (ROUNDS + 1) * times
    ours, theirs = side.views(needed), side.views(needed, plain=True)
    gc.freeze()  # All these facts would make every collection slow, and have nothing to do with one message.
    micros = in_turns(lambda: side.ours(next(ours)), lambda: stock(next(theirs)), times=times)
    return Row(what=what, unit="us", peer=peer, ours_rounds=micros[0], peer_rounds=micros[1], goal=goal, aim=aim)


def plain_side() -> Side:
    """The bench's own template, which has no style sheet."""
    with tempfile.TemporaryDirectory(prefix="pointbell-bench-") as folder:
        ruleset = load_config(write_programme(Path(folder), port=0, smtp=25)).ruleset()
    return Side(ruleset, PROGRAMME / "templates", "pl", inline=False)


def starter_side() -> Side:
    """The template that newcomers get."""
    return Side(load_config(needs.ROOT / "config.yaml").ruleset(), needs.ROOT / "templates", "en", inline=True)


def _with_babel() -> Callable[[dict[str, Any]], object]:
    return Wording.load(PROGRAMME / "templates", NAME, "pl").render


class Side:
    """One template of a programme, as the product has it and as stock Jinja2 has it."""

    def __init__(self, ruleset: Ruleset, templates: Path, locale: str, *, inline: bool) -> None:
        self._ruleset = ruleset
        self._template = ruleset.templates.choose(NAME, "email", locale)
        self._stock = Stock(templates, locale, inline=inline)

    def ours(self, view: View) -> Words:
        """Subject, preheader, text and HTML, checked."""
        return self._template.render(view)

    def stock(self, view: Mapping[str, Any]) -> Words:
        """The same four."""
        return self._stock.render(view)

    def views(self, count: int, *, plain: bool = False):
        """So many messages' facts, each its own."""
        return iter([plain_facts(self.view(number)) if plain else self.view(number) for number in range(count)])

    def compare(self) -> None:
        """Raise unless both say the same."""
        for number in range(20):
            ours, stock = self.ours(self.view(number)), self.stock(plain_facts(self.view(number)))
            for part in ("subject", "preheader", "text", "html"):
                one, other = getattr(ours, part), getattr(stock, part)
                if not same(one, other):
                    raise Died(f"the {part} is not the same:\n{one}\n\n{other}")

    def view(self, number: int) -> View:
        """What is known when this event is decided on."""
        source = SourceSettings(name="shop", producer="native", unsigned=True)
        [event] = read(Delivery(source=source, body=body(number), received_at=NOW)).events
        trial = trial_of(event, Book(), NOW)
        return view_of(Case(event=trial.event, facts=trial.facts, ruleset=self._ruleset, now=NOW), {})


class Stock:
    """The same files in Jinja2's own sandbox, with the same filters; compiled once."""

    def __init__(self, folder: Path, locale: str, *, inline: bool) -> None:
        environment = SandboxedEnvironment(
            loader=FileSystemLoader(folder), autoescape=lambda name: (name or "").endswith(".html"), auto_reload=False
        )
        environment.filters |= {**LocaleFilters(locale=Locale.parse(locale)).table(), **PLAIN_FILTERS, "fill": fill}
        _, front, page = (folder / NAME / f"email.{locale}.html").read_text(encoding="utf-8").split("---\n", 2)
        self._front = {name: environment.from_string(text) for name, text in yaml.safe_load(front).items()}
        self._text = environment.get_template(f"{NAME}/email.{locale}.txt")
        self._page = _page(environment, page)
        strings = yaml.safe_load((folder / f"strings.{locale}.yaml").read_text(encoding="utf-8"))
        self._shared = {"strings": strings, "locale": locale, "text_direction": "ltr"}
        inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
        self._inline: Callable[[str], str] = inliner.inline if inline else str

    def render(self, facts: Mapping[str, Any]) -> Words:
        """Word one message."""
        names = {**facts, **self._shared}
        names["subject"] = subject = self._front["subject"].render(names)
        names["preheader"] = preheader = self._front["preheader"].render(names)
        text = self._text.render(names)
        return Words(subject=subject, preheader=preheader, text=text, html=self._inline(self._page.render(names)))


def plain_facts(view: Mapping[str, Any]) -> dict[str, Any]:
    """A view as plain dictionaries, which is what one gives to Jinja2 otherwise."""
    return {name: _plain(value) for name, value in view.items()}


def _plain(value: Any) -> Any:
    return {name: _plain(value[name]) for name in value} if isinstance(value, Node) else value


def _page(environment: SandboxedEnvironment, source: str) -> Template:
    """The HTML under a name, by which it is known to need escaping."""
    code = environment.compile(source, f"{NAME}.html", f"{NAME}.html")
    return Template.from_code(environment, code, environment.globals)


class _Meaning(HTMLParser):
    """What a mail program makes of the markup: tags, attributes in any order, words; no blanks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag; ``tbody`` is there whether written or not."""
        if tag != "tbody":
            self.parts.append(f"<{tag} {sorted((name, _bare(value)) for name, value in attrs)}>")

    def handle_data(self, data: str) -> None:
        """Words."""
        self.parts.append(_bare(data))


def same(one: str | None, other: str | None) -> bool:
    """Whether a reader would see the same."""
    return "".join(_Meaning(one or "").parts) == "".join(_Meaning(other or "").parts)


def _bare(text: str | None) -> str:
    return "".join((text or "").split())
