"""rules/ and templates/ on disk -> one checked ``Ruleset``, or everything that is wrong with them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from ..errors import RulesetInvalid
from ..language import Severity
from ..language.problem import closest
from ..model import Event, OnAmbiguous, Programme
from . import codes
from .diagnostics import Diagnostic, format_text, in_order, summary
from .lists import read_lists
from .parse import Named, RuleFile, lets_of, read_rules
from .positions import Source
from .report import Report
from .rule import BeforeTrigger, EventTrigger, Mode, Rule
from .rule_files import read_list_files, read_rule_files
from .shared import NOTHING_SHARED, SHARED, Shared, read_shared
from .suppression import Ignore, ignores_of, without_ignored
from .template_files import Folder, folder_of, read_contents, sources_of
from .template_use import check_use
from .templates import Templates
from .timeline_names import Names
from .timeline_reading import read_tests_of_rules
from .timing import priorities_of
from .together import Together, together
from .variants import Wording, with_variants
from .vocabulary import Vocabulary, no_other_spelling
from .yaml import Document, read_yaml

RULES = "rules"
TEMPLATES = "templates"
READINGS = 3
"""How often files are read that change while they are read; whoever watches them tells of what comes after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a ruleset is made of: read from disk once. It pickles: other processes can make the very same set."""

    rules: Mapping[str, bytes] = field(repr=False)
    """By path, ``rules/points-added.yaml``."""
    lists: Mapping[str, bytes] = field(repr=False)
    """By path, ``lists/staff.csv``."""
    templates: Mapping[str, bytes | OSError] = field(repr=False)
    """By path within ``templates/``; what could not be read is the reason."""
    programme: Programme
    default_channel: str
    on_ambiguous: OnAmbiguous
    spellings: Callable[[str], str | None]

    def same_files(self, others: Sources) -> bool:
        """Whether the files are the same; what could not be read counts for nothing."""
        return (self.rules, self.lists, _read_of(self)) == (others.rules, others.lists, _read_of(others))


def _read_of(sources: Sources) -> dict[str, bytes]:
    return {path: data for path, data in sources.templates.items() if isinstance(data, bytes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """All rules and templates of a programme, checked as a whole and swapped as a whole."""

    hash: str
    """Of the contents of all files: the same files anywhere give the same hash."""
    programme: Programme
    rules: tuple[Rule, ...]
    """By file and place."""
    by_event: Mapping[str, tuple[Rule, ...]]
    """The rules that listen to an event, by its neutral name. See ``listening``."""
    together: Mapping[str, Together] = field(default_factory=dict, repr=False)
    """The conditions of those, as one."""
    reminders: tuple[Rule, ...]
    """The rules that run ahead of a date."""
    by_name: Mapping[str, Rule]
    templates: Templates
    shared: Shared = NOTHING_SHARED
    """What the rules refer to by name: categories, audiences, declared fields, lists."""
    warnings: tuple[Diagnostic, ...] = ()
    looking_back: frozenset[str] = frozenset()
    """The rules that listen to events and ask when they last reached a member."""
    suppressors: Mapping[str, tuple[tuple[Rule, timedelta], ...]] = field(default_factory=dict)
    """By rule, the more important ones that suppress it, and for how long."""
    suppressing: frozenset[str] = frozenset()
    """The rules that suppress others."""
    gathering: frozenset[str] = frozenset()
    """The rules that collect."""
    capped: frozenset[str] = frozenset()
    """The caps under which messages of any rule count."""
    waiting: bool = False
    """Whether any news of an event may wait."""
    sources: Sources | None = None
    """What it was made of; ``None`` for a set that was put together by hand."""

    def rule(self, name: str) -> Rule | None:
        """The rule of this name, if it is still there."""
        return self.by_name.get(name)

    def listening(self, event: Event) -> tuple[Rule, ...]:
        """The rules that an event may make apply."""
        heard = self.by_event.get(event.name, ())
        return tuple(rule for rule in heard if isinstance(rule.on, EventTrigger) and rule.on.covers(event))


def load_ruleset(
    root: Path,
    *,
    programme: Programme,
    default_channel: str = "email",
    on_ambiguous: OnAmbiguous = OnAmbiguous.PARK,
    spellings: Callable[[str], str | None] = no_other_spelling,
) -> Ruleset:
    """Read, check and compile everything under ``root``.

    Everything that can fail fails here. Raises ``RulesetInvalid`` with all findings, in order of place, warnings
    included, when any of them is an error. ``spellings`` turns a producer's own event name into the neutral one.
    Files that somebody changes meanwhile are read again: a set is what was there at one time.
    """
    sources, unreadable = _read(root, programme, default_channel, on_ambiguous, spellings)
    for _ in range(READINGS):
        ruleset = compile_ruleset(sources, unreadable)
        before = sources
        sources, unreadable = _read(root, programme, default_channel, on_ambiguous, spellings)
        if sources.same_files(before):
            break
    return ruleset


def _read(
    root: Path,
    programme: Programme,
    default_channel: str,
    on_ambiguous: OnAmbiguous,
    spellings: Callable[[str], str | None],
) -> tuple[Sources, list[Diagnostic]]:
    rules, unreadable = read_rule_files(root)
    lists, not_lists = read_list_files(root)
    sources = Sources(
        rules=rules,
        lists=lists,
        templates=read_contents(root / TEMPLATES),
        programme=programme,
        default_channel=default_channel,
        on_ambiguous=on_ambiguous,
        spellings=spellings,
    )
    return sources, [*unreadable, *not_lists]


def compile_ruleset(sources: Sources, unreadable: Sequence[Diagnostic] = ()) -> Ruleset:
    """Check and compile what has been read; see ``load_ruleset``. Equal sources give an equal set and hash."""
    programme = sources.programme
    folder = folder_of(sources.templates, TEMPLATES)
    documents = {file: read_yaml(data, file) for file, data in sources.rules.items() if file != SHARED}
    templates, found = Templates.of(folder, programme.locale, lets_of(documents.values()))
    shared, about_shared = _shared(sources)
    known = Vocabulary(
        channels=frozenset(programme.channels),
        default_channel=sources.default_channel,
        locale=programme.locale,
        # A template that has errors is there all the same: the rules that name it are not at fault.
        templates=frozenset(folder.messages),
        spellings=sources.spellings,
        on_ambiguous=sources.on_ambiguous,
        shared=shared,
        priorities=priorities_of(documents.values()),
    )
    files = [read_rules(document, known) for document in documents.values()]
    findings = [finding for file in files for finding in file.diagnostics]
    rules = tuple(rule for file in files for rule in file.rules)
    about_rules = [
        *unreadable,
        *about_shared,
        *findings,
        *_names_twice(files),
        *_no_rules(files, [*unreadable, *findings]),
        *_about_tests(documents.values(), _names_of(files, known, programme)),
    ]
    channels = _channels(folder, programme.channels)
    wording = Wording(templates=templates, languages=templates.languages)
    worded = wording.of(rules)
    used = check_use(rules, templates, shared, worded)
    all_found = [*found, *channels, *about_rules, *wording.problems, *used]
    diagnostics = in_order(without_ignored(all_found, _ignores(sources, documents.values(), folder)))
    _refuse_errors(diagnostics)
    return assemble(
        rules=rules,
        templates=with_variants(templates, worded),
        programme=programme,
        hash=fingerprint({**sources.rules, **sources.lists, **_template_contents(folder)}),
        shared=shared,
        warnings=diagnostics,
        sources=sources,
    )


def _ignores(sources: Sources, documents: Iterable[Document], folder: Folder) -> list[Ignore]:
    """The comments by which authors accept warnings."""
    written = [(one.source, one.root) for one in documents]
    if SHARED in sources.rules:
        shared = read_yaml(sources.rules[SHARED], SHARED)
        written.append((shared.source, shared.root))
    return ignores_of(written, sources_of(folder))


def _shared(sources: Sources) -> tuple[Shared, list[Diagnostic]]:
    """What rules refer to by name, and what is wrong with it."""
    lists, problems = read_lists(sources.lists)
    if SHARED not in sources.rules:
        return read_shared(Report(Source(SHARED, "")), None, lists), problems
    document = read_yaml(sources.rules[SHARED], SHARED)
    report = Report(document.source)
    report.findings.extend(document.diagnostics)
    shared = read_shared(report, document.root if document.whole else None, lists)
    return shared, [*problems, *report.findings]


def assemble(
    *,
    rules: tuple[Rule, ...],
    templates: Templates,
    programme: Programme,
    hash: str,  # noqa: A002 - the field's name
    shared: Shared = NOTHING_SHARED,
    warnings: tuple[Diagnostic, ...] = (),
    sources: Sources | None = None,
) -> Ruleset:
    """A ruleset of checked rules, with the tables that find them."""
    by_event: defaultdict[str, tuple[Rule, ...]] = defaultdict(tuple)
    # The more important first: they have the first claim on what members share, such as caps.
    for rule in sorted(rules, key=lambda rule: -rule.priority):
        for name in sorted(rule.on.names) if isinstance(rule.on, EventTrigger) else ():
            by_event[name] += (rule,)
    return Ruleset(
        hash=hash,
        programme=programme,
        rules=rules,
        by_event=MappingProxyType(dict(by_event)),
        together=together(by_event),
        reminders=tuple(rule for rule in rules if isinstance(rule.on, BeforeTrigger)),
        by_name=MappingProxyType({rule.name: rule for rule in rules}),
        looking_back=frozenset(rule.name for rule in rules if isinstance(rule.on, EventTrigger) and rule.again_after),
        suppressors=MappingProxyType(_suppressors(rules)),
        suppressing=frozenset(rule.name for rule in rules if rule.suppresses and rule.mode is not Mode.OFF),
        gathering=frozenset(rule.name for rule in rules if rule.collect is not None),
        capped=frozenset(rule.cap for rule in rules if rule.cap is not None),
        waiting=any(rule.may_wait for rule in rules) or any(rule.suppresses for rule in rules),
        templates=templates,
        shared=shared,
        warnings=warnings,
        sources=sources,
    )


def _suppressors(rules: Iterable[Rule]) -> dict[str, tuple[tuple[Rule, timedelta], ...]]:
    found: defaultdict[str, tuple[tuple[Rule, timedelta], ...]] = defaultdict(tuple)
    for rule in rules:
        for one in rule.suppresses if rule.mode is not Mode.OFF else ():
            found[one.rule] += ((rule, one.length),)
    return dict(found)


def fingerprint(contents: Mapping[str, bytes]) -> str:
    """A hash of files by path and content, whatever order they come in: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted(contents):
        for part in (path.encode(), contents[path]):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]


def _refuse_errors(diagnostics: tuple[Diagnostic, ...]) -> None:
    if any(found.severity is Severity.ERROR for found in diagnostics):
        raise RulesetInvalid(f"{summary(diagnostics)}\n{format_text(diagnostics)}", diagnostics)


def _no_rules(files: Iterable[RuleFile], found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """A programme without rules sends nothing: that is allowed, and hardly meant."""
    if not any(file.names for file in files) and not any(finding.severity is Severity.ERROR for finding in found):
        fix = f"write one in a file such as {RULES}/points-added.yaml"
        yield _about(RULES, codes.NO_RULES, "there is no rule at all: nothing will be sent", fix, Severity.WARNING)


def _names_of(files: Iterable[RuleFile], known: Vocabulary, programme: Programme) -> Names:
    """What tests may refer to, a rule with mistakes included."""
    read = list(files)
    named = {one.name: None for file in read for one in file.names}
    return Names(
        rules={**named, **{rule.name: rule for file in read for rule in file.rules}},
        templates=known.template_names,
        programme=programme,
        shared=known.shared,
        spellings=known.spellings,
    )


def _about_tests(documents: Iterable[Document], names: Names) -> Iterator[Diagnostic]:
    """What is wrong with the tests that stand beside rules."""
    for document in documents:
        yield from read_tests_of_rules(document, names)[1]


def _channels(folder: Folder, known: Collection[str]) -> Iterator[Diagnostic]:
    """Words for a channel that does not exist, where its name is nearly one that does."""
    for (_, channel, _), files in folder.messages.items():
        near = closest(channel, known) if channel not in known else None
        for file in files.values() if near and "html" not in files else ():
            message, fix = f'there is no channel "{channel}" in config.yaml', f'did you mean "{near}"?'
            yield _about(file.path, codes.UNKNOWN_CHANNEL, message, fix, Severity.WARNING)


def _about(
    file: str, code: str, message: str, suggestion: str | None = None, severity: Severity = Severity.ERROR
) -> Diagnostic:
    return Diagnostic(file=file, line=1, column=1, code=code, message=message, suggestion=suggestion, severity=severity)


def _template_contents(folder: Folder) -> dict[str, bytes]:
    """What the templates are made of."""
    messages = (file for files in folder.messages.values() for file in files.values())
    files = (*messages, *folder.shared.values(), *folder.strings.values())
    return {file.path: file.source.text.encode() for file in files}


def _names_twice(files: Iterable[RuleFile]) -> Iterator[Diagnostic]:
    taken: dict[str, Named] = {}
    for named in (named for file in files for named in file.names):
        first = taken.setdefault(named.name, named)
        if first is not named:
            line, column = first.source.place(first.start)
            message = f'a rule "{named.name}" stands already in {first.source.file}:{line}:{column}'
            yield named.source.finding(named.start, named.end, codes.NAME_TWICE, message, "give it another name")
