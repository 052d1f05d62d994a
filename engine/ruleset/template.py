"""One template in one language: facts in, and out a message worded completely, or an error that says where."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import jinja2
from jinja2 import nodes

from ..errors import TemplateError
from ..language.absent import Absent
from ..language.kinds import TEXT, maybe
from ..language.node import Node
from ..language.scope import Scope
from ..language.views import View
from ..model import Words
from .diagnostics import Diagnostic
from .leftovers import leftover
from .pages import Pages
from .plaintext import one_line, plain_text
from .printing import OUTPUT_LIMIT, OutOfFuel, fresh_fuel
from .template_facts import Reader, diagnosed
from .template_files import SourceFile

LONGEST_SUBJECT = 200
LONGEST_PREHEADER = 250
AT_A_TIME = 200
"""After so many pieces of output its length is looked at: a piece is a text between two tags, or one value."""

BRAND_FIELDS = {
    "name": TEXT,
    **dict.fromkeys(("postal_address", "website", "support_email", "colour", "logo_url"), maybe(TEXT)),
}
"""``brand.*``: who writes, from config.yaml."""

OWN_NAMES = {"locale": TEXT, "subject": TEXT, "preheader": maybe(TEXT)}
"""What a template is told about itself; layouts use the subject and preheader."""

_MESSAGES: Mapping[type[Exception], str] = {
    RecursionError: "macros or blocks call each other without end",
    OverflowError: "a number or a date is out of range",
}

_PYTHON_NAME = re.compile(r"(?:\w+\.)*_?(\w+)\(\)")


def _filter_name(found: re.Match[str]) -> str:
    """``LocaleFilters.money()`` is known to authors as ``money``."""
    return found[1]


class Brand:
    """Who writes, as templates read it: the same in every message, so the last one is kept."""

    def __init__(self) -> None:
        self._told: tuple[object, object] = (None, None)
        self._node = Node({}, "brand", BRAND_FIELDS)

    def of(self, view: View) -> Node:
        """Every field there is: what config.yaml leaves out is absent, the name is the programme's."""
        given, programme = view.get("brand"), view.get("programme")
        name = programme["name"] if isinstance(programme, Node) else None
        told = (given._values if isinstance(given, Node) else None, name)  # noqa: SLF001 - nodes have no public names
        if told[0] is not self._told[0] or name != self._told[1]:
            values = {field: given[field] for field in given} if isinstance(given, Node) else {}
            self._told, self._node = told, Node({"name": name, **values}, "brand", BRAND_FIELDS)
        return self._node


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One compiled text: a body, a subject, a layout."""

    file: SourceFile
    tree: nodes.Template
    compiled: jinja2.Template
    references: tuple[str, ...]
    """The layouts and partials it names."""
    undeclared: frozenset[str]
    """The names it uses without setting them itself."""
    blocks: frozenset[str]
    """The blocks that a file which extends it can fill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The words for one channel in one language, compiled."""

    name: str
    channel: str
    locale: str
    """As a BCP 47 tag: ``pl``, ``pt-BR``."""
    file: str
    """The main file, as people should see it: ``templates/points-added/email.en.html``."""
    subject: jinja2.Template | None
    preheader: jinja2.Template | None
    html: jinja2.Template | None
    text: jinja2.Template | None
    """``None`` where the text is made from the HTML."""
    parts: Mapping[str, Part]
    """Everything it is made of, layouts and partials included, by compiled name."""
    gaps: frozenset[str] = frozenset()
    """The placeholders of the language's phrases, none of which may be left in a message."""
    brand: Brand = field(default_factory=Brand)
    pages: Pages = field(default_factory=Pages)
    """What is prepared of its HTML, and of the other templates' in its language."""

    def findings(self, scope: Scope) -> Iterator[Diagnostic]:
        """What is wrong with the facts it names when a rule with these facts sends it."""
        reader = Reader(scope=scope.extended(groups={"brand": BRAND_FIELDS}, names=OWN_NAMES))
        for part in self.parts.values():
            yield from (diagnosed(finding, part.file) for finding in reader.block(part.tree.body))

    def render(self, view: View) -> Words:
        """Word the message, completely. Raises ``TemplateError`` naming the file and line that cannot be worded."""
        try:
            with fresh_fuel():
                return self._words(view)
        except TemplateError:
            raise
        except Exception as error:
            raise TemplateError(self._explained(error)) from error
        finally:
            self.pages.woven.clear()

    def _words(self, view: View) -> Words:
        names = {**self._main.globals, **view, "brand": self.brand.of(view), "locale": self.locale}
        subject = one_line(_produce(self.subject, names), LONGEST_SUBJECT) if self.subject else ""
        if self.subject and not subject:
            raise TemplateError(f"{self.file}: the subject comes out empty")
        preheader = one_line(_produce(self.preheader, names), LONGEST_PREHEADER) if self.preheader else ""
        names |= {"subject": subject, "preheader": preheader or Absent("preheader")}
        page = self.pages.finish(_pieces(self.html, names)) if self.html else None
        text = plain_text(_produce(self.text, names)) if self.text else page.text if page else ""
        if not text or (page and not page.html):
            raise TemplateError(f"{self.file}: the {'HTML' if text else 'text'} comes out empty")
        beside = {"HTML": page.text} if page and self.text else {}
        self._refuse_leftovers({"subject": subject, "preheader": preheader, "text": text, **beside})
        return Words(subject=subject, text=text, html=page.html if page else None, preheader=preheader or None)

    @property
    def _main(self) -> jinja2.Template:
        main = self.html or self.text
        assert main is not None, "a template has an HTML or a text part"  # noqa: S101 - compiled that way
        return main

    def _refuse_leftovers(self, parts: Mapping[str, str]) -> None:
        if not leftover("\n".join(parts.values()), self.locale, self.gaps):
            return  # No leftover goes over the end of a line.
        for name, words in parts.items():
            if fault := leftover(words, self.locale, self.gaps):
                raise TemplateError(f"{self.file}: the {name} is not fit to be sent: {fault}")

    def _explained(self, error: Exception) -> str:
        place = self.file
        for frame, line in traceback.walk_tb(error.__traceback__):
            part = frame.f_globals.get("__jinja_template__")
            if isinstance(part, jinja2.Template):
                file = self.parts[part.name or ""].file.path
                place = f"{file}:{part.get_corresponding_lineno(line)}"
        return (
            f"{place}: {_MESSAGES.get(type(error)) or _PYTHON_NAME.sub(_filter_name, str(error)) or 'cannot be worded'}"
        )


def _produce(part: jinja2.Template, names: dict[str, object]) -> str:
    """The output of one part."""
    return "".join(_pieces(part, names))


def _pieces(part: jinja2.Template, names: dict[str, object]) -> list[str]:
    """The output of one part, piece by piece, stopped at the limit. ``names`` include the environment's own."""
    environment = part.environment
    context = environment.context_class(environment, names, part.name, part.blocks)
    output = part.root_render_func(context)
    size, pieces = 0, list[str]()
    while some := list(islice(output, AT_A_TIME)):
        size += sum(map(len, some))
        if size > OUTPUT_LIMIT:
            raise OutOfFuel(f"more than {OUTPUT_LIMIT} characters")
        pieces += some
    return pieces
