"""Warnings that somebody has looked at and accepted: a comment in the file names the code and says why.

In YAML ``# pointbell: ignore PB250 because …``, in a template ``{# pointbell: ignore PB250 because … #}``; at the end
of the line it is about, or alone on a line above. Errors cannot be ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ..language import Severity
from . import codes
from .diagnostics import Diagnostic
from .positions import Block, Listing, Node, Scalar, Source
from .template_codes import FAILS_WHEN_TRIED
from .template_files import folder_of, sources_of
from .yaml import read_yaml

WHEN_TRIED = frozenset({FAILS_WHEN_TRIED})
"""What does not come out before messages are worded."""

_YAML = re.compile(r"(?:(?<=\s)|^)#[ \t]*pointbell:[ \t]*ignore\b(?P<rest>[^\n\r]*)", re.MULTILINE)
_TEMPLATE = re.compile(r"\{#-?\s*pointbell:\s*ignore\b(?P<rest>(?:(?!#\}).)*?)-?#\}", re.DOTALL)
_REST = re.compile(r"\s+(?P<codes>PB\d{3}(?:\s*,\s*PB\d{3})*)(?:\s+because\b\s*(?P<reason>.*?))?\s*", re.DOTALL)
_HOW = "write: pointbell: ignore PB250 because …"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """One such comment."""

    source: Source
    start: int
    end: int
    codes: tuple[str, ...]
    reason: str
    lines: frozenset[int]
    """The lines it is about."""

    def covers(self, finding: Diagnostic) -> bool:
        """Whether it is about this finding."""
        same = finding.file == self.source.file and finding.line in self.lines
        return same and finding.code in self.codes


def in_yaml(source: Source, root: Node | None) -> Iterator[Ignore]:
    """The comments of a YAML file; what stands within a text is no comment."""
    texts = [(scalar.start, scalar.end) for scalar in _scalars(root)]
    for found in _YAML.finditer(source.text):
        if not any(start <= found.start() < end for start, end in texts):
            yield _ignore(source, found)


def in_template(source: Source) -> Iterator[Ignore]:
    """The comments of a template."""
    for found in _TEMPLATE.finditer(source.text):
        yield _ignore(source, found)


def without_ignored(findings: Iterable[Diagnostic], ignores: Iterable[Ignore]) -> list[Diagnostic]:
    """The findings that are left, and what is wrong with the comments themselves."""
    ignores, findings = tuple(ignores), tuple(dict.fromkeys(findings))
    left = [one for one in findings if not _ignored(one, ignores)]
    return left + [one for ignore in ignores for one in _faults(ignore, findings)]


def _ignored(finding: Diagnostic, ignores: Iterable[Ignore]) -> bool:
    return finding.severity is Severity.WARNING and any(one.reason and one.covers(finding) for one in ignores)


def _faults(ignore: Ignore, findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    if not ignore.codes:
        yield _fault(ignore, codes.IGNORED_WITHOUT_REASON, "this comment names no code", _HOW)
    elif not ignore.reason:
        message = f"there is no reason for ignoring {', '.join(ignore.codes)}, so it is not ignored"
        yield _fault(ignore, codes.IGNORED_WITHOUT_REASON, message, "add: because …")
    else:
        covered = {one.code: one.severity for one in findings if ignore.covers(one)}
        for code in ignore.codes:
            if covered.get(code) is Severity.ERROR:
                yield _fault(
                    ignore, codes.NOTHING_IGNORED, f"{code} is an error here, and errors cannot be ignored", None
                )
            elif code not in covered:
                yield _fault(
                    ignore, codes.NOTHING_IGNORED, f"there is no {code} here to ignore", "take the comment out"
                )


def _fault(ignore: Ignore, code: str, message: str, fix: str | None) -> Diagnostic:
    return ignore.source.finding(ignore.start, ignore.end, code, message, fix, severity=Severity.WARNING)


def _ignore(source: Source, found: re.Match[str]) -> Ignore:
    said = _REST.fullmatch(found["rest"])
    named = tuple(dict.fromkeys(re.findall(r"PB\d{3}", said["codes"]))) if said else ()
    return Ignore(
        source=source,
        start=found.start(),
        end=found.end(),
        codes=named,
        reason=(said["reason"] or "").strip() if said else "",
        lines=frozenset(_lines(source, found)),
    )


def _lines(source: Source, found: re.Match[str]) -> Iterator[int]:
    """The comment's own lines, and, for one that stands alone, the first line below that is more than a comment."""
    first, last = source.place(found.start())[0], source.place(found.end() - 1)[0]
    yield from range(first, last + 1)
    lines = source.text.splitlines()
    before, after = lines[first - 1][: source.place(found.start())[1] - 1], source.line_at(found.end() - 1)
    if before.strip() or after[source.place(found.end() - 1)[1] :].strip():
        return
    for number in range(last + 1, len(lines) + 1):
        if not lines[number - 1].lstrip().startswith(("#", "{#")):
            yield number
            return


def _scalars(node: Node | None) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Listing):
        for item in node.items:
            yield from _scalars(item)
    elif isinstance(node, Block):
        for key, value in node.entries:
            yield key
            yield from _scalars(value)


def ignores_of(documents: Iterable[tuple[Source, Node | None]], templates: Mapping[str, Source]) -> list[Ignore]:
    """All such comments of a programme's rules and templates, as far as they are about what is found in reading."""
    return [left for one in _all(documents, templates) if (left := _about(one, tried=False)) is not None]


def ignores_of_tries(rules: Mapping[str, bytes], templates: Mapping[str, bytes | OSError]) -> list[Ignore]:
    """Those that are about what comes out when messages are tried."""
    documents = [read_yaml(data, file) for file, data in rules.items()]
    sources = sources_of(folder_of(templates, "templates"))
    found = _all([(one.source, one.root) for one in documents], sources)
    return [left for one in found if (left := _about(one, tried=True)) is not None]


def _about(ignore: Ignore, *, tried: bool) -> Ignore | None:
    """The comment with those of its codes that are found when messages are tried, or with the others."""
    codes = tuple(code for code in ignore.codes if (code in WHEN_TRIED) is tried)
    if codes == ignore.codes and not (tried and not codes):
        return ignore
    return replace(ignore, codes=codes) if codes else None


def _all(documents: Iterable[tuple[Source, Node | None]], templates: Mapping[str, Source]) -> list[Ignore]:
    found = [one for source, root in documents if "pointbell" in source.text for one in in_yaml(source, root)]
    written = (source for source in templates.values() if "pointbell" in source.text)
    return found + [one for source in written for one in in_template(source)]
