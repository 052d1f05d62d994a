"""All templates of a programme: loaded, checked and compiled once, chosen by name, channel and locale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from ..errors import TemplateError
from .diagnostics import Diagnostic, in_order
from .template import Template
from .template_compile import Language
from .template_files import Folder, fallbacks, locale_tag, read_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """The templates that can be used; those with errors are left out."""

    default_locale: str
    by_key: Mapping[tuple[str, str, str], Template]
    """By name, channel and locale."""
    languages: Mapping[str, Language] = field(default_factory=dict, repr=False, compare=False)
    """By locale: subjects that stand in rules are compiled as the templates of their language are."""
    varied: Mapping[tuple[str, str, str, str, str], Template] = field(default_factory=dict, repr=False)
    """By rule, variant, name, channel and locale: those whose subject a variant replaces."""

    @classmethod
    def load(cls, root: Path, default_locale: str) -> tuple[Templates, list[Diagnostic]]:
        """Read and compile a folder of templates. Findings are by file and place; any error among them means that
        the folder should not go live.
        """
        return cls.of(read_folder(root), default_locale)

    @classmethod
    def of(
        cls, folder: Folder, default_locale: str, lets: frozenset[str] = frozenset()
    ) -> tuple[Templates, list[Diagnostic]]:
        """Compile a folder that has been read; see ``load``. ``lets`` are the names that rules give to expressions."""
        locales = {locale for _, _, locale in folder.messages} or {locale_tag(default_locale) or "en"}
        languages = {locale: Language.prepare(folder, locale, lets) for locale in sorted(locales)}
        found = {key: languages[key[2]].template(key, files) for key, files in folder.messages.items()}
        for language in languages.values():
            language.check_shared()
        problems = [*folder.problems, *chain.from_iterable(language.problems for language in languages.values())]
        by_key = {key: template for key, template in found.items() if template is not None}
        return cls(default_locale=default_locale, by_key=by_key, languages=languages), list(in_order(problems))

    def names(self) -> frozenset[str]:
        """Every template's name."""
        return frozenset(name for name, _, _ in self.by_key)

    def channels(self, name: str) -> frozenset[str]:
        """The channels a template has words for."""
        return frozenset(channel for known, channel, _ in self.by_key if known == name)

    def locales(self, name: str, channel: str) -> frozenset[str]:
        """The languages a template has words in for a channel."""
        return frozenset(locale for *known, locale in self.by_key if known == [name, channel])

    def choose(self, name: str, channel: str, locale: str | None, variant: tuple[str, str] | None = None) -> Template:
        """The words nearest to the locale: ``pl-PL``, then ``pl``, then the programme's own language.

        ``variant`` is the name of a rule and of one of its variants: the words are those that its members get.

        Raises ``TemplateError`` when there are none.
        """
        tried = tuple(dict.fromkeys([*fallbacks(locale or ""), *fallbacks(self.default_locale)]))
        for tag in tried:
            if template := self.by_key.get((name, channel, tag)):
                return self.varied.get((*variant, name, channel, tag), template) if variant else template
        raise TemplateError(f"there is no template {name} for {channel} in {' or '.join(tried)}")
