"""From the files of one language to compiled templates: parse, check, follow the references, compile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import jinja2
from babel import Locale
from jinja2 import meta, nodes

from ..language.problem import closest, suggest
from ..language.schema import CARD_FIELDS, MEMBER_FIELDS
from . import template_blocks as blocks
from . import template_check as check
from . import template_codes as codes
from .diagnostics import Diagnostic
from .environment import Phrases, TemplateEnvironment, is_html
from .positions import Block, Node, Scalar
from .template import Part, Template
from .template_files import Folder, SourceFile, fallbacks, locale_tag
from .template_syntax import syntax_finding
from .variant import Subject
from .yaml import parse_yaml

MOST_TAGS = 2_000
MOST_NODES = 10_000
DEEPEST_REFERENCE = 10

FACT_GROUPS = frozenset({"event", "member", "card", "tier", "programme", "brand", "collected"})
FACT_NAMES = FACT_GROUPS | {"today", "now", "days_left", "offset", "locale", "subject", "preheader", "events"}
"""What a template is given, besides ``strings`` and the functions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """Everything in one language while it is being compiled."""

    folder: Folder
    locale: str
    environment: TemplateEnvironment
    lets: frozenset[str] = frozenset()
    """Names that some rule gives to an expression; whether the rule that sends a template does is checked with it."""
    problems: list[Diagnostic] = field(default_factory=list)
    parts: dict[str, Part | None] = field(default_factory=dict)
    """By compiled name; ``None`` for one that has errors or refers to one that has."""

    @classmethod
    def prepare(cls, folder: Folder, locale: str, lets: frozenset[str] = frozenset()) -> Language:
        """The language's environment with its shared phrases."""
        file = next((folder.strings[tag] for tag in fallbacks(locale) if tag in folder.strings), None)
        babel, problems = Locale.parse(locale, sep="-"), list[Diagnostic]()
        where = file.path.rpartition("/")[2] if file else f"strings.{locale}.yaml"
        phrases = Phrases(dict(_phrases(file, babel, problems)) if file else {}, where)
        environment = TemplateEnvironment(babel, phrases)
        return cls(folder=folder, locale=locale, environment=environment, problems=problems, lets=lets)

    def template(self, key: tuple[str, str, str], files: dict[str, SourceFile]) -> Template | None:
        """Compile one message's files; ``None`` when anything in it is wrong."""
        faults = list(self._beside(key, files))
        if not files:
            return None
        if not faults:
            faults = list(_misplaced(key[1], files))
            self.problems.extend(faults)
        main, beside = files.get("html") or files["txt"], files.get("txt") if "html" in files else None
        names = {"html" if "html" in files else "text": self._body(key, main)}
        if beside:
            names["text"] = self._body(key, beside)
        names |= {header: self._header(key, main, header) for header in main.headers}
        closure = self._closure(names.values())
        if faults or not all(self.parts.get(name) for name in closure) or not self._names_exist(closure):
            return None
        parts = {role: self.parts[name] for role, name in names.items()}
        compiled = {role: part.compiled for role, part in parts.items() if part}
        return Template(
            name=key[0],
            channel=key[1],
            locale=self.locale,
            file=main.path,
            subject=compiled.get("subject"),
            preheader=compiled.get("preheader"),
            html=compiled.get("html"),
            text=compiled.get("text"),
            parts={name: part for name in sorted(closure) if (part := self.parts[name])},
            gaps=self.environment.phrases.gaps(),
            pages=self.environment.pages,
        )

    def _beside(self, key: tuple[str, str, str], files: dict[str, SourceFile]) -> Iterator[Diagnostic]:
        """What is already known to be wrong with the message's files, those that cannot be read included."""
        for problem in self.folder.problems:
            folder, _, name = problem.file.rpartition("/")
            stem = name.rpartition(".")[0]
            same = folder.rpartition("/")[2] == key[0] and stem.partition(".")[0] == key[1]
            if problem.file in {file.path for file in files.values()} or (
                same and locale_tag(stem.partition(".")[2]) == key[2]
            ):
                yield problem

    def check_shared(self) -> None:
        """Compile the layouts and partials that nothing refers to, too: they may be referred to tomorrow."""
        for name, file in self.folder.shared.items():
            self._compile(name, file, file.body, ())

    def _body(self, key: tuple[str, str, str], file: SourceFile) -> str:
        name = f"{key[0]}/{file.path.rpartition('/')[2]}"
        self._compile(name, file, file.body, ())
        return name

    def _header(self, key: tuple[str, str, str], file: SourceFile, header: str) -> str:
        name = f"{key[0]}/{file.path.rpartition('/')[2]}#{header}"
        scalar = file.headers[header]
        line = file.front.place(scalar.start)[0] + (scalar.style in {"|", ">"}) if file.front else 1
        self._compile(name, file, "\n" * (line - 1) + scalar.text, ())
        return name

    def reworded(self, own: Template, name: str, subject: Subject) -> Template | None:
        """The template with this subject in place of its own; ``None`` when it cannot be used."""
        scalar, source = subject.scalar, subject.source
        line = source.place(scalar.start)[0] + (scalar.style in {"|", ">"})
        file = SourceFile(source=source, body="", since=scalar.start)
        self._compile(name, file, "\n" * (line - 1) + scalar.text, ())
        part, closure = self.parts[name], self._closure([name])
        if part is None or not self._names_exist(closure):
            return None
        parts = {known: kept for known, kept in own.parts.items() if own.subject is None or known != own.subject.name}
        more = {known: found for known in closure if (found := self.parts[known])}
        return replace(own, subject=part.compiled, parts={**parts, **more})

    def _compile(self, name: str, file: SourceFile, body: str, trail: tuple[str, ...]) -> bool:
        """Compile a text and what it refers to, once; ``trail`` leads to it. Says whether it can be used."""
        if name not in self.parts:
            self.parts[name] = None
            try:
                self.parts[name] = self._part(name, file, body, (*trail, name))
            except jinja2.TemplateSyntaxError as error:
                self.problems.append(syntax_finding(error, file))
            except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError):
                self.problems.append(file.finding(1, "", codes.TOO_LARGE, "takes too much to compile"))
        return self.parts[name] is not None

    def _part(self, name: str, file: SourceFile, body: str, trail: tuple[str, ...]) -> Part | None:
        crowded = body.count("{{") + body.count("{%") > MOST_TAGS
        tree = nodes.Template([]) if crowded else self.environment.parse(body, name)
        if crowded or sum(1 for _ in tree.find_all(nodes.Node)) > MOST_NODES:
            self.problems.append(file.finding(1, "", codes.TOO_LARGE, "has too many tags and texts"))
            return None
        found = [file.finding(*finding) for finding in check.findings(tree, self.environment)]
        found += [file.finding(*finding) for finding in check.unquoted(tree) if is_html(name)]
        self.problems.extend(found)
        named = tuple(check.references(tree))
        followed = [self._follow(reference, file, trail) for reference in named]
        usable = all(followed)
        extends = blocks.extended(tree)
        layout = self.parts.get(blocks.layout_name(extends)) if extends and usable else None
        own = blocks.block_names(tree)
        if extends and layout:
            lost = [file.finding(*finding) for finding in blocks.findings(tree, extends, layout.blocks)]
            self.problems.extend(lost)
            found += lost
        if found or not usable:
            return None
        undeclared = frozenset(meta.find_undeclared_variables(tree))
        return Part(
            file=file,
            tree=tree,
            compiled=self.environment.add(name, tree),
            references=tuple({reference.name for reference in named}),
            undeclared=undeclared,
            blocks=own | layout.blocks if layout else own,
        )

    def _follow(self, reference: check.Reference, file: SourceFile, trail: tuple[str, ...]) -> bool:
        shared = self.folder.shared.get(reference.name)
        fault = _reference_fault(reference.name, trail)
        if shared and not fault:
            return self._compile(reference.name, shared, shared.body, trail)
        fix = suggest(reference.name, self.folder.shared) if self.folder.shared and not shared else None
        message = fault if shared else f'there is no "{reference.name}"'
        self.problems.append(file.finding(reference.line, reference.name, codes.REFERENCE, message, fix))
        return False

    def _closure(self, names: Iterable[str]) -> set[str]:
        """These parts and whatever they refer to, however often they do."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            part = self.parts.get(name)
            waiting += part.references if part and name not in found else ()
            found.add(name)
        return found

    def _names_exist(self, closure: set[str]) -> bool:
        """What one file of a message sets, the others may use."""
        parts = [part for name in sorted(closure) if (part := self.parts[name])]
        known = (FACT_NAMES | self.lets).union(self.environment.globals, *(check.assigned(part.tree) for part in parts))
        unknown = [(part, name) for part in parts for name in sorted(part.undeclared - known)]
        for part, name in unknown:
            message, fix = f'there is no "{name}"', _name_meant(name)
            self.problems.append(part.file.finding(first_use(part.tree, name), name, codes.UNKNOWN_NAME, message, fix))
        return not unknown


def _name_meant(name: str) -> str:
    """``member.first_name`` for a bare ``first_name``, unless a misspelt group is likelier."""
    if name in MEMBER_FIELDS or closest(name, FACT_NAMES) is None:
        for group, fields in (("member", MEMBER_FIELDS), ("card", CARD_FIELDS)):
            if near := closest(name, fields):
                return f"did you mean {group}.{near}?"
    return suggest(name, FACT_NAMES)


def _misplaced(channel: str, files: dict[str, SourceFile]) -> Iterator[Diagnostic]:
    html, text = files.get("html"), files.get("txt")
    main = html or files["txt"]
    if html and channel != "email":
        meant = closest(channel, ["email"])
        fix = f'did you mean "{meant}"?' if meant else "name it .txt"
        yield html.finding(1, "", codes.PLACE, f"{channel} has no HTML part", fix)
    if html and text and text.headers:
        yield text.finding(1, "", codes.FRONT_MATTER, f"the front matter belongs in {html.path}")
    if channel == "email" and "subject" not in main.headers:
        message, fix = "an e-mail needs a subject", 'begin the file with ---, subject: "…" and ---'
        if not html:
            fix += f"; or add {main.path.removesuffix('.txt')}.html, which has it for both"
        yield main.finding(1, "", codes.NO_SUBJECT, message, fix)


def _reference_fault(name: str, trail: tuple[str, ...]) -> str:
    if name in trail:
        return "leads back to itself"
    if len(trail) > DEEPEST_REFERENCE:
        return f"layouts and partials refer to each other more than {DEEPEST_REFERENCE} deep"
    if is_html(name) != is_html(trail[-1]):
        # Text is not escaped: between tags it would let a member's name become markup.
        return "HTML and text cannot share a file"
    return ""


def first_use(tree: nodes.Template, name: str) -> int:
    """The line on which a name is used first."""
    return next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), 1)


def _phrases(
    file: SourceFile, locale: Locale, problems: list[Diagnostic]
) -> Iterator[tuple[str, str | dict[str, str]]]:
    document = parse_yaml(file.source)
    problems += document.diagnostics
    for key, node in document.root.entries if isinstance(document.root, Block) else ():
        phrase, faults = _phrase(node, locale)
        yield key.text, phrase
        problems += [file.source.finding(key.start, key.end, codes.STRINGS, fault) for fault in faults]


def _phrase(node: Node, locale: Locale) -> tuple[str | dict[str, str], list[str]]:
    if isinstance(node, Scalar):
        return node.text, ["phrases have {placeholders}, not {{ expressions }}"] if "{{" in node.text else []
    if isinstance(node, Block) and all(isinstance(form, Scalar) for _, form in node.entries):
        forms = {key.text: form.text for key, form in node.entries if isinstance(form, Scalar)}
        return forms, list(check.plural_faults(forms, locale))
    return "", ["a phrase is a text, or a table of plural forms"]
