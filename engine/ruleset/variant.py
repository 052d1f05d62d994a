"""One of the wordings between which members are shared out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .positions import Scalar, Source

EVERY = ""
"""Stands for the locale of a subject that is written once for all languages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A subject as it stands in a rule file."""

    scalar: Scalar
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A share of the members, and what is different for them."""

    name: str
    """Unique within the rule; shown in ``why``."""
    weight: int
    """Of 100."""
    subjects: Mapping[str, Subject] = field(default_factory=lambda: MappingProxyType({}))
    """By locale, or one for every language; nothing: the template's own."""
    template: str | None = None
    """In place of the rule's."""

    def subject(self, locale: str) -> Subject | None:
        """The subject in the language of a template."""
        return self.subjects.get(locale) or self.subjects.get(EVERY)


def chosen(variants: tuple[Variant, ...], at: float) -> Variant | None:
    """The variant of a member whose share is ``at``, a number from 0 to 1; ``None`` for a rule without any."""
    passed = 0
    for variant in variants:
        passed += variant.weight
        if at * 100 < passed:
            return variant
    return variants[-1] if variants else None
