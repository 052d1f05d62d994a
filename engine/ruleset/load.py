"""rules/ and templates/ on disk -> one checked ``Ruleset``, or everything that is wrong with them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..errors import RulesetInvalid
from ..language import Severity
from ..language.problem import closest
from ..model import Event, OnAmbiguous, Programme
from . import codes
from .diagnostics import Diagnostic, format_text, in_order, summary
from .parse import Named, RuleFile, read_rules
from .rule import BeforeTrigger, EventTrigger, Rule
from .template_files import Folder, read_folder
from .template_use import check_use
from .templates import Templates
from .vocabulary import Vocabulary, no_other_spelling
from .yaml import MAX_BYTES, read_yaml

RULES = "rules"
TEMPLATES = "templates"

_YAML = (".yaml", ".yml")


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
    reminders: tuple[Rule, ...]
    """The rules that run ahead of a date."""
    by_name: Mapping[str, Rule]
    templates: Templates
    warnings: tuple[Diagnostic, ...] = ()

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
    """
    folder = read_folder(root / TEMPLATES)
    templates, found = Templates.load(root / TEMPLATES, programme.locale)
    known = Vocabulary(
        channels=frozenset(programme.channels),
        default_channel=default_channel,
        locale=programme.locale,
        # A template that has errors is there all the same: the rules that name it are not at fault.
        templates=frozenset(folder.messages),
        spellings=spellings,
        on_ambiguous=on_ambiguous,
    )
    contents, unreadable = _read_rules(root)
    files = [read_rules(read_yaml(data, file), known) for file, data in contents.items()]
    findings = [finding for file in files for finding in file.diagnostics]
    rules = tuple(rule for file in files for rule in file.rules)
    about_rules = [*unreadable, *findings, *_names_twice(files), *_no_rules(files, [*unreadable, *findings])]
    channels = _channels(folder, programme.channels)
    diagnostics = in_order([*found, *channels, *about_rules, *check_use(rules, templates)])
    _refuse_errors(diagnostics)
    return assemble(
        rules=rules,
        templates=templates,
        programme=programme,
        hash=fingerprint({**contents, **_template_contents(folder)}),
        warnings=diagnostics,
    )


def assemble(
    *,
    rules: tuple[Rule, ...],
    templates: Templates,
    programme: Programme,
    hash: str,  # noqa: A002 - the field's name
    warnings: tuple[Diagnostic, ...] = (),
) -> Ruleset:
    """A ruleset of checked rules, with the tables that find them."""
    by_event: defaultdict[str, tuple[Rule, ...]] = defaultdict(tuple)
    for rule in rules:
        for name in sorted(rule.on.names) if isinstance(rule.on, EventTrigger) else ():
            by_event[name] += (rule,)
    return Ruleset(
        hash=hash,
        programme=programme,
        rules=rules,
        by_event=MappingProxyType(dict(by_event)),
        reminders=tuple(rule for rule in rules if isinstance(rule.on, BeforeTrigger)),
        by_name=MappingProxyType({rule.name: rule for rule in rules}),
        templates=templates,
        warnings=warnings,
    )


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


def _read_rules(root: Path) -> tuple[dict[str, bytes], list[Diagnostic]]:
    """The rule files in order of their names, and what cannot be read."""
    contents: dict[str, bytes] = {}
    problems: list[Diagnostic] = []
    folder = root / RULES
    if not folder.is_dir():
        problems.append(_about(RULES, codes.UNREADABLE, "there is no such folder"))
        return contents, problems
    for path in sorted(folder.iterdir()):
        shown = f"{RULES}/{path.name}"
        if path.name.startswith("."):
            continue
        if path.is_dir():
            problems.extend(_not_read(path, shown))
        elif path.suffix.lower() in _YAML:
            data = _content(path, shown, problems)
            contents |= {} if data is None else {shown: data}
        elif path.suffix.lower() != ".md" and not path.name.endswith("~"):
            message, fix = "not read: rules are in files that end in .yaml", "name it .yaml, or move it elsewhere"
            problems.append(_about(shown, codes.NOT_READ, message, fix, Severity.WARNING))
    return contents, problems


def _content(path: Path, shown: str, problems: list[Diagnostic]) -> bytes | None:
    if not path.is_file():
        problems.append(_about(shown, codes.UNREADABLE, "not a file"))
        return None
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        problems.append(_about(shown, codes.UNREADABLE, f"cannot be read: {error.strerror}"))
        return None


def _not_read(folder: Path, shown: str) -> Iterator[Diagnostic]:
    """Rules in a folder within the folder would silently do nothing."""
    if any(path.suffix.lower() in _YAML for path in folder.rglob("*")):
        message, fix = "rules in this folder are not read", f"move its files to {RULES}/"
        yield _about(shown, codes.NOT_READ, message, fix, Severity.WARNING)


def _no_rules(files: Iterable[RuleFile], found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """A programme without rules sends nothing: that is allowed, and hardly meant."""
    if not any(file.names for file in files) and not any(finding.severity is Severity.ERROR for finding in found):
        fix = f"write one in a file such as {RULES}/points-added.yaml"
        yield _about(RULES, codes.NO_RULES, "there is no rule at all: nothing will be sent", fix, Severity.WARNING)


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
