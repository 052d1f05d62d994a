"""The lines of a file that cannot be used."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any

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

    def add(self, name: str, one: Rejected) -> None:
        """Note one."""
        self.count += 1
        if len(self.kept) < KEPT:
            self.kept.append((name, one))
        if self.file is not None:
            self._writer().writerow([name, one.line, one.column or "", one.reason])

    def close(self) -> None:
        """Finish the file."""
        if self._out is not None:
            self._out.close()

    def _writer(self) -> Any:
        if self._out is None and self.file is not None:
            try:
                self._out = self.file.open("w", encoding="utf-8", errors="backslashreplace", newline="")
            except OSError as error:
                raise ImportFileError(f"cannot write {self.file}: {error.strerror}") from error
            csv.writer(self._out).writerow(["file", "line", "column", "reason"])
        return csv.writer(self._out)  # type: ignore[arg-type]  # It is open by now.
