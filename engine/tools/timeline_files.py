"""Where tests lie: ``tests/timelines/*.yaml`` of a programme, and ``tests:`` in its files of rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import PointbellError
from ..language import Severity
from ..ruleset import Diagnostic, Ruleset
from ..ruleset.load import RULES
from ..ruleset.timeline_names import Names
from ..ruleset.timeline_reading import read_test_file, read_tests_of_rules
from ..ruleset.timelines import Timeline
from ..ruleset.vocabulary import no_other_spelling
from ..ruleset.yaml import read_yaml

TIMELINES = Path("tests") / "timelines"
_YAML = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The tests that were found, and what is wrong with their files."""

    timelines: tuple[Timeline, ...]
    findings: tuple[Diagnostic, ...]

    @property
    def sound(self) -> bool:
        """Whether they can be run: warnings do no harm."""
        return not any(found.severity is Severity.ERROR for found in self.findings)


def timelines_of(root: Path, ruleset: Ruleset, paths: Sequence[Path] = ()) -> Found:
    """The tests in these files and folders; without any, all of the programme at ``root``.

    Raises:
        PointbellError: a path leads nowhere, or to no YAML.
    """
    names = names_of(ruleset)
    found = [_read(path, root, ruleset, names) for path in _files(root, paths)]
    if not paths:
        found += [_in_rules(file, ruleset, names) for file in sorted(ruleset.sources.rules if ruleset.sources else ())]
    return Found(
        timelines=tuple(test for tests in found for test in tests.timelines),
        findings=tuple(finding for tests in found for finding in tests.findings),
    )


def mistakes_in_tests(root: Path, ruleset: Ruleset) -> tuple[Diagnostic, ...]:
    """What is wrong with the programme's test files; of the tests beside rules the ruleset itself tells."""
    names = names_of(ruleset)
    return tuple(found for path in _files(root, ()) for found in _read(path, root, ruleset, names).findings)


def names_of(ruleset: Ruleset) -> Names:
    """What tests of this ruleset may refer to."""
    return Names(
        rules=ruleset.by_name,
        templates=ruleset.templates.names(),
        programme=ruleset.programme,
        shared=ruleset.shared,
        spellings=ruleset.sources.spellings if ruleset.sources else no_other_spelling,
    )


def recording(root: Path, timeline: Timeline, name: str) -> bytes:
    """The body of a recorded event.

    Raises:
        PointbellError: it cannot be read.
    """
    path = _recorded(root, root / timeline.file, name)
    try:
        if path is not None:
            return path.read_bytes()
    except OSError as error:
        raise PointbellError(f"cannot read {path}: {error.strerror}") from error
    raise PointbellError(f"there is no file {name}")


def _recorded(root: Path, file: Path, name: str) -> Path | None:
    """The file of a recorded event: within the programme's folder, or beside the test."""
    return next((path for path in (root / name, file.parent / name) if path.is_file()), None)


def _files(root: Path, paths: Sequence[Path]) -> list[Path]:
    if not paths:
        folder = root / TIMELINES
        return _yaml_in(folder.iterdir()) if folder.is_dir() else []
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += _yaml_in(path.rglob("*"))
        elif path.is_file():
            found.append(path)
        else:
            raise PointbellError(f"there is no file or folder {path}")
    return found


def _yaml_in(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if path.suffix.lower() in _YAML and path.is_file())


def _read(path: Path, root: Path, ruleset: Ruleset, names: Names) -> Found:
    shown = _shown(path, root)
    if shown.partition("/")[0] == RULES and ruleset.sources is not None and shown in ruleset.sources.rules:
        return _in_rules(shown, ruleset, names)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PointbellError(f"cannot read {path}: {error.strerror}") from error
    known = replace(names, is_file=lambda name: _recorded(root, path, name) is not None)
    timelines, findings = read_test_file(read_yaml(data, shown), known)
    return Found(timelines=tuple(timelines), findings=tuple(findings))


def _in_rules(file: str, ruleset: Ruleset, names: Names) -> Found:
    contents = ruleset.sources.rules if ruleset.sources is not None else {}
    timelines, findings = read_tests_of_rules(read_yaml(contents[file], file), names)
    return Found(timelines=tuple(timelines), findings=tuple(findings))


def _shown(path: Path, root: Path) -> str:
    """The path as findings name it: relative to the programme's folder where it lies in it."""
    whole, folder = path.absolute(), root.absolute()
    return whole.relative_to(folder).as_posix() if whole.is_relative_to(folder) else path.as_posix()
