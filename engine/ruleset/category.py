"""Categories: what kind of news a rule brings, and what members must have said to get it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Consent(StrEnum):
    """What a member must have said before a category may reach them."""

    OPT_IN = "opt_in"
    """A yes: unknown consent blocks."""
    OPT_OUT = "opt_out"
    """Anything but a no."""
    TRANSACTIONAL = "transactional"
    """Nothing: what they have to know. Bounces and erasure hold all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """What kind of news a rule brings: what members agree to and stop."""

    name: str
    consent: Consent
    cap: str | None = None
    """The cap under which its rules count that name none."""
