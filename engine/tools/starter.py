"""The starter programme: a working config.yaml, rules and templates to begin with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..errors import PointbellError
from .editor_hints import schema_of, with_hint

TIMELINES = "tests/timelines"
STARTER = ("config.yaml", "rules", "templates", TIMELINES)


def starter_root() -> Path:
    """Where the starter set lies: inside the installed package, or beside it in a checkout."""
    engine = Path(__file__).parent.parent
    for root in (engine / "starter", engine.parent):
        if all((root / name).exists() for name in STARTER):
            return root
    raise PointbellError("the starter set is missing from this installation: install Pointbell again")


def example_events() -> list[Path]:
    """The producer's published events, each in a file named after its type."""
    engine = Path(__file__).parent.parent
    folders = (engine / "starter" / "events", engine.parent / "tests" / "events")
    found = next((folder for folder in folders if folder.is_dir()), None)
    if found is None:
        raise PointbellError("the example events are missing from this installation: install Pointbell again")
    return sorted(found.glob("*.json"))


def copy_starter(target: Path) -> list[Path]:
    """Copy the starter set; what was written, relative to ``target``. Nothing is written where anything would be lost.

    Raises:
        PointbellError: something of that name is already there, or the folder cannot be written.
    """
    taken = [name for name in STARTER if (target / name).exists()]
    if taken:
        raise PointbellError(
            f"{target} already has {' and '.join(taken)}, and init never overwrites: give it another folder"
        )
    root = starter_root()
    try:
        return [_copy(path, root, target) for path in _files(root)]
    except OSError as error:
        raise PointbellError(f"cannot write to {error.filename or target}: {error.strerror}") from error


def _files(root: Path) -> Iterator[Path]:
    for name in STARTER:
        path = root / name
        # In a checkout the timelines lie among the tests of the engine.
        pattern = "*.yaml" if name == TIMELINES else "*"
        yield from sorted(found for found in path.rglob(pattern) if found.is_file()) if path.is_dir() else [path]


def _copy(path: Path, root: Path, target: Path) -> Path:
    relative = path.relative_to(root)
    place = target / relative
    place.parent.mkdir(parents=True, exist_ok=True)
    name = PurePosixPath(relative.as_posix())
    if schema_of(name) is None:
        shutil.copyfile(path, place)
    else:
        place.write_text(with_hint(name, path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    return relative
