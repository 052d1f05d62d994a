"""The lines of a file that cannot be used."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path

from ..errors import ImportFileError
from ..tools.table_file import Rejected

KEPT = 1_000
"""Lines that are kept to be listed; a file has them all."""


@dataclass(slots=True)
class Rejects:
    """The lines that cannot be used: the first of them, how many, and all of them in a file."""

    file: Path | None
    count: int = 0
    kept: list[tuple[str, Rejected]] = field(default_factory=list)
    _out: TextIOWrapper | None = None

    def __post_init__(self) -> None:
        """Begin the file: what an earlier run has left in it is not of this one."""
        if self.file is not None:
            with self._writing():
                self._out = self.file.open("w", encoding="utf-8", errors="backslashreplace", newline="")
                csv.writer(self._out).writerow(["file", "line", "column", "reason"])

    def add(self, name: str, one: Rejected) -> None:
        """Note one."""
        self.count += 1
        if len(self.kept) < KEPT:
            self.kept.append((name, one))
        if self._out is not None:
            with self._writing():
                csv.writer(self._out).writerow([name, one.line, one.column or "", one.reason])

    def close(self) -> None:
        """Finish the file."""
        if self._out is not None:
            out, self._out = self._out, None
            with self._writing():
                out.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ImportFileError(f"cannot write {self.file}: {error.strerror}") from error
