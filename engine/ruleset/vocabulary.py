"""What rules may refer to besides facts: the programme's channels and templates, and the producers' event names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..model import OnAmbiguous
from .shared import NOTHING_SHARED, Shared
from .template_files import fallbacks


def no_other_spelling(_spelling: str) -> str | None:
    """Knows neutral event names only."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Plain values from the configuration, and the templates found on disk."""

    channels: frozenset[str]
    default_channel: str
    locale: str
    """The programme's own language: every template must have words in it."""
    templates: frozenset[tuple[str, str, str]] = frozenset()
    """By name, channel and locale; those that are there but have errors included."""
    spellings: Callable[[str], str | None] = no_other_spelling
    """A producer's own event name -> the neutral one."""
    on_ambiguous: OnAmbiguous = OnAmbiguous.PARK
    shared: Shared = field(default=NOTHING_SHARED)
    priorities: Mapping[str, int] | None = None
    """Of all rules by name; ``None``: a file is read on its own."""

    @property
    def template_names(self) -> frozenset[str]:
        """Every template's name."""
        return frozenset(name for name, _, _ in self.templates)

    def channels_of(self, template: str) -> frozenset[str]:
        """The channels a template has words for in the programme's own language, or a more general one."""
        locales = set(fallbacks(self.locale))
        return frozenset(channel for name, channel, locale in self.templates if name == template and locale in locales)
