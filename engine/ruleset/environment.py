"""The sandbox templates run in: what they may read, call and cost.

Templates are written by people we trust not to attack but who make mistakes, and by whoever gets hold of their
account. So nothing is reachable but the facts, the filters and functions listed here; what a template may cost is
bounded while it compiles (operators are never folded) and while it runs (``Fuel``); and nothing is printed that is
not a text or a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from babel import Locale
from jinja2 import Template, TemplateRuntimeError, Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, StrictUndefined, TemplateReference
from jinja2.sandbox import SandboxedEnvironment
from jinja2.tests import TESTS

from ..language.absent import Absent
from ..language.functions import JINJA_FILTERS, JINJA_FUNCTIONS, JINJA_TESTS
from ..language.node import Node
from ..language.schema import events_with
from .filters import PLAIN_FILTERS, LocaleFilters
from .metering import TEXT, WORK, meter, weigh, work
from .pages import Pages
from .printing import LARGEST_NUMBER, fill, html, join, join_texts, kind_of, placeholders, plain, spend


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LONGEST_RANGE = 1_000

BORROWED_FILTERS = _words(
    "abs capitalize e escape first int last length lower max min round sort striptags sum title trim truncate"
    " upper urlencode"
)
BORROWED_TESTS = _words(
    "boolean defined divisibleby eq equalto even false float ge greaterthan gt in integer iterable le lessthan lower lt"
    " mapping ne none number odd sequence string true undefined upper == != < <= > >="
)
LOOP_FIELDS = _words("index index0 revindex revindex0 first last length previtem nextitem")


class Phrases(Mapping[str, Any]):
    """``strings``: the shared phrases and tables of plural forms of one language. Its keys are its fields."""

    __slots__ = ("_phrases", "file")

    def __init__(self, phrases: Mapping[str, str | Mapping[str, str]], file: str = "strings.<locale>.yaml") -> None:
        self._phrases = MappingProxyType(dict(phrases))
        self.file = file
        """Where they are written, or would be."""

    def __getitem__(self, name: str) -> Any:
        return self._phrases[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._phrases)

    def __len__(self) -> int:
        return len(self._phrases)

    def gaps(self) -> frozenset[str]:
        """The names that any of the phrases leaves to be filled in."""
        phrases = (phrase for phrase in self._phrases.values() if isinstance(phrase, str))
        return frozenset().union(*map(placeholders, phrases))


class UnknownName(StrictUndefined):
    """A name nothing declares: every use of it is an error."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or f'there is no "{self._undefined_name}"'


class SafeCode(CodeGenerator):
    """Compiles so that only ``plain`` and ``html`` print anything, constants included."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        del node, finalize
        self.write("environment.html(" if frame.eval_ctx.autoescape else "environment.plain(")

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        if isinstance(node, nodes.TemplateData):
            return super()._output_child_to_const(node, frame, finalize)
        raise nodes.Impossible

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        text = "".join(group)
        if isinstance(self.environment, TemplateEnvironment):
            self.environment.texts.add(text)
        return repr(text)


class TemplateEnvironment(SandboxedEnvironment):
    """Compiles and runs the templates of one locale, with the shared files they refer to."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    code_generator_class = SafeCode
    plain = staticmethod(plain)
    html = staticmethod(html)

    def __init__(self, locale: Locale, phrases: Phrases) -> None:
        super().__init__(undefined=UnknownName, autoescape=is_html, auto_reload=False, cache_size=0)
        self.locale = locale
        self.phrases = phrases
        self.compiled: dict[str, tuple[Template, int]] = {}
        self.texts: set[str] = set()
        """All texts between tags."""
        self.pages = Pages(self.texts)
        self.concat = self.pages.weave  # type: ignore[method-assign]
        self.filters = {name: FILTERS[name] for name in BORROWED_FILTERS}
        self.filters |= {**JINJA_FILTERS, **PLAIN_FILTERS, **LocaleFilters(locale=locale).table()}
        self.filters |= {"join": join, "fill": fill, WORK: work, TEXT: join_texts}
        self.tests = {name: TESTS[name] for name in BORROWED_TESTS} | dict(JINJA_TESTS)
        self.globals = {**JINJA_FUNCTIONS, "range": short_range, "strings": phrases}
        self.globals |= {"text_direction": locale.text_direction}
        self._callable = frozenset(id(value) for value in self.globals.values() if callable(value))

    def add(self, name: str, tree: nodes.Template) -> Template:
        """Compile a checked tree (``templates`` has the checks) and keep it under its name."""
        weight = weigh(tree)
        meter(tree)
        tree.set_environment(self)
        template = self.template_class.from_code(self, self.compile(tree, name, name), self.globals)
        self.compiled[name] = (template, weight)
        return template

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Template:  # noqa: A002
        """A shared file that another file extends, includes or imports."""
        del parent, globals
        template, weight = self.compiled[str(name)]
        spend(weight, 1)
        return template

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Fields of facts, of ``loop`` and of ``self``; nothing has any other attribute."""
        # Nearly all reads are of what was read before; how they are kept is no secret between these three.
        if type(obj) is Node and attribute in obj._read:  # noqa: SLF001
            return obj._read[attribute]  # noqa: SLF001
        if type(obj) is Phrases and attribute in obj._phrases:  # noqa: SLF001
            return obj._phrases[attribute]  # noqa: SLF001
        if isinstance(obj, Node | Phrases):
            try:
                return obj[attribute]
            except KeyError:
                return self._not_there(obj, attribute)
        return self._attribute(obj, attribute)

    def _attribute(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Undefined):
            return getattr(obj, attribute)
        if isinstance(obj, LoopContext) and attribute in LOOP_FIELDS:
            return getattr(obj, attribute)
        if isinstance(obj, TemplateReference):
            return obj[attribute]
        return self.undefined(f"{kind_of(obj)} has no field {attribute!r}", name=attribute)

    def _not_there(self, group: Node | Phrases, name: str) -> Undefined:
        """What other events send is absent from this one: a template may serve several, and ask."""
        if isinstance(group, Node) and group._path == "event" and events_with(name):  # noqa: SLF001 - nodes have no public names
            return Absent(f"event.{name}")
        return self.undefined(obj=group, name=name)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Fields by name, items and slices of lists and texts by number."""
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        if isinstance(obj, Undefined):
            return obj[argument]
        if isinstance(obj, list | tuple | str) and isinstance(argument, int | slice):
            try:
                return obj[argument]
            except (IndexError, ValueError):
                return self.undefined(f"the list has no item {argument!r}", name=str(argument))
        return self.undefined(f"{kind_of(obj)} has no field {argument!r}", name=str(argument))

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Functions listed here, macros and blocks."""
        if type(function) is Macro:
            # What ``context.call`` does with a macro, less the questions what sort of function it is.
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
            return function(context.eval_ctx, *args, **kwargs)
        if isinstance(function, Macro | BlockReference) or id(function) in self._callable:
            return context.call(function, *args, **kwargs)
        raise SecurityError(f"{kind_of(function)} cannot be called")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on numbers, and days added to dates; texts are joined with ``~``."""
        del context
        if type(left) is int and type(right) is int and operator in "+-":
            return _in_range(left + right if operator == "+" else left - right)
        if isinstance(left, Undefined) or isinstance(right, Undefined):
            return self.binop_table[operator](left, right)
        if operator == "**" or not (_both(left, right, (int, float)) or (operator in "+-" and _times(left, right))):
            raise TemplateRuntimeError(f"{operator} cannot take {kind_of(left)} and {kind_of(right)}")
        return _in_range(self.binop_table[operator](left, right))


def is_html(name: str | None) -> bool:
    """Whether what this file prints stands between tags; subjects, preheaders and texts do not."""
    return name is not None and name.endswith(".html")


def short_range(*bounds: int) -> range:
    """Counts, up to 1,000 numbers."""
    numbers = range(*bounds)
    if len(numbers) > LONGEST_RANGE:
        raise TemplateRuntimeError(f"range() is longer than {LONGEST_RANGE}")
    return numbers


def _in_range(result: Any) -> Any:
    if isinstance(result, int | float) and not abs(result) < LARGEST_NUMBER:
        raise TemplateRuntimeError("the number is out of range")
    return result


def _both(left: object, right: object, kinds: tuple[type, ...]) -> bool:
    return all(isinstance(value, kinds) and not isinstance(value, bool) for value in (left, right))


def _times(left: object, right: object) -> bool:
    return _both(left, right, (date, timedelta))
