"""One template in one language: facts in, and out a message worded completely, or an error that says where."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import css_inline
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
from .plaintext import one_line, plain_text, text_of, without_controls
from .printing import OUTPUT_LIMIT, OutOfFuel, fresh_fuel
from .template_facts import Reader, diagnosed
from .template_files import SourceFile

LONGEST_SUBJECT = 200
LONGEST_PREHEADER = 250

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


# Media queries must survive (mobile, dark mode), and a mail must never make us fetch something.
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


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

    def _words(self, view: View) -> Words:
        names = {**view, "brand": _brand(view), "locale": self.locale}
        subject = one_line(_produce(self.subject, names), LONGEST_SUBJECT) if self.subject else ""
        if self.subject and not subject:
            raise TemplateError(f"{self.file}: the subject comes out empty")
        preheader = one_line(_produce(self.preheader, names), LONGEST_PREHEADER) if self.preheader else ""
        names |= {"subject": subject, "preheader": preheader or Absent("preheader")}
        page = without_controls(_produce(self.html, names)).strip() if self.html else None
        text = plain_text(_produce(self.text, names)) if self.text else text_of(page or "")
        if not text or page == "":
            raise TemplateError(f"{self.file}: the {'HTML' if text else 'text'} comes out empty")
        self._refuse_leftovers({"subject": subject, "preheader": preheader, "text": text})
        if page and self.text:
            self._refuse_leftovers({"HTML": text_of(page)})
        html = _INLINER.inline(page) if page else None
        return Words(subject=subject, text=text, html=html, preheader=preheader or None)

    def _refuse_leftovers(self, parts: Mapping[str, str]) -> None:
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


def _brand(view: View) -> Node:
    """The sender, with every field there is: what config.yaml leaves out is absent, the name is the programme's."""
    given, programme = view.get("brand"), view.get("programme")
    values = {name: given[name] for name in given} if isinstance(given, Node) else {}
    if "name" not in values and isinstance(programme, Node):
        values["name"] = programme["name"]
    return Node(values, "brand", BRAND_FIELDS)


def _produce(part: jinja2.Template, names: Mapping[str, object]) -> str:
    """The output of one part, stopped at the limit."""
    environment = part.environment
    context = environment.context_class(environment, {**part.globals, **names}, part.name, part.blocks)
    size, chunks = 0, []
    for chunk in part.root_render_func(context):
        size += len(chunk)
        if size > OUTPUT_LIMIT:
            raise OutOfFuel(f"more than {OUTPUT_LIMIT} characters")
        chunks.append(chunk)
    return "".join(chunks)
