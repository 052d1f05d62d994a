"""What every code means, with a wrong and a right example: the pages of ``pointbell explain-code``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import yaml

from ..config import reading
from ..language.problem import CODES as CONDITION_CODES
from ..ruleset.codes import CODES as RULE_CODES
from ..ruleset.template_codes import TEMPLATE_CODES
from ..ruleset.timeline_codes import TIMELINE_CODES

FAMILIES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "rules": RULE_CODES,
        "conditions": CONDITION_CODES,
        "templates": TEMPLATE_CODES,
        "tests": TIMELINE_CODES,
        "config": reading.CODES,
    }
)
"""By where the mistake stands, every code there is and its meaning in a line."""

WARNINGS = frozenset(
    {"PB115", "PB125", "PB250", "PB251", "PB252", "PB417", "PB504", "PB505", "PB506", "PB513", "PB514", "PB515"}
)
"""Codes that never keep a file from going live."""

_EXAMPLES = Path(__file__).with_name("code_pages.yaml")
_WHERE = {"rules": "rule files", "config": "config.yaml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePage:
    """All there is to say about a code."""

    code: str
    where: str
    meaning: str
    wrong: str
    right: str

    @property
    def warns(self) -> bool:
        """Whether it is a warning wherever it occurs."""
        return self.code in WARNINGS

    def as_text(self) -> str:
        """The page for a terminal."""
        title = f"{self.code} ({_WHERE.get(self.where, self.where)}): {self.meaning}"
        accept = f"\n\n{_accepting(self)}" if self.warns else ""
        return f"{title}\n\nWrong:\n{_indented(self.wrong)}\n\nRight:\n{_indented(self.right)}{accept}"


def pages_of(code: str) -> tuple[CodePage, ...]:
    """The page about this code; none for one that does not exist."""
    return tuple(page for page in all_pages() if page.code == code)


@cache
def all_pages() -> tuple[CodePage, ...]:
    """Every page, by family and code."""
    examples = yaml.safe_load(_EXAMPLES.read_text(encoding="utf-8"))
    names = {getattr(reading, name): name for name in examples["config"]}
    return tuple(
        CodePage(
            code=code,
            where=family,
            meaning=meaning,
            **examples[family][names.get(code, code) if family == "config" else code],
        )
        for family, meanings in FAMILIES.items()
        for code, meaning in meanings.items()
    )


def _accepting(page: CodePage) -> str:
    comment = f"pointbell: ignore {page.code} because ..."
    if page.code in {"PB514", "PB515"}:
        return "A warning about such a comment: mend the comment."
    template = f"; in a template {{# {comment} #}}" if page.where in {"templates", "conditions"} else ""
    return f"A warning. Where it is right as it is, say why on the line or above it: # {comment}{template}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
