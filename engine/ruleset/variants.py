"""``variants``: reading them, and making of every subject a template of its own, compiled and checked as any other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from . import codes
from .audiences import NAME
from .diagnostics import Diagnostic
from .keys import VARIANT
from .positions import Block, Listing, Node, Scalar
from .report import Report, kind_of
from .rule import Rule, Send
from .sends import words_for
from .template import Template
from .template_compile import Language
from .template_files import locale_tag
from .templates import Templates
from .variant import EVERY, Subject, Variant
from .vocabulary import Vocabulary

WHOLE = 100


def read_variants(report: Report, node: Node | None, sends: tuple[Send, ...], known: Vocabulary) -> tuple[Variant, ...]:
    """The variants in the order written; those that cannot be used are reported and left out."""
    if node is None:
        return ()
    if not isinstance(node, Listing):
        fix = "begin each with - name: …"
        report.error(node, codes.WRONG_TYPE, f'"variants" is a list, not {kind_of(node)}', fix)
        return ()
    found: dict[str, Variant] = {}
    for item in report.items(node, "variants"):
        variant = _variant(report, item, sends, known)
        if variant is not None and variant.name in found:
            message = f'a variant "{variant.name}" stands already above'
            report.error(item.get("name") or item, codes.VARIANT_TWICE, message, "give it another name")  # type: ignore[union-attr]
        elif variant is not None:
            found[variant.name] = variant
    if len(found) == len(node.items):
        _add_up(report, node, found.values())
    return tuple(found.values())


def _variant(report: Report, node: Node, sends: tuple[Send, ...], known: Vocabulary) -> Variant | None:
    if not isinstance(node, Block):
        report.error(
            node, codes.WRONG_TYPE, f"a variant is a mapping, not {kind_of(node)}", "write {name: …, weight: …}"
        )
        return None
    entries = report.entries(node, VARIANT)
    name, weight = _name(report, entries.get("name")), _weight(report, entries.get("weight"))
    subjects = dict(_subjects(report, entries.get("subject")))
    template = _template(report, entries.get("template"), sends, known)
    if name is None or weight is None:
        return None
    return Variant(name=name, weight=weight, subjects=subjects, template=template)


def _name(report: Report, node: Node | None) -> str | None:
    text = report.text(node, "name")
    if text is None or node is None or NAME.fullmatch(text):
        return text
    report.error(node, codes.BAD_NAME, "the name of a variant is made of a-z, 0-9, - and _")
    return None


def _weight(report: Report, node: Node | None) -> int | None:
    if node is None:
        return None
    if isinstance(node, Scalar) and type(node.value) is int and 0 < node.value <= WHOLE:
        return node.value
    report.error(node, codes.BAD_VALUE, '"weight" is a whole number from 1 to 100', "all weights add up to 100")
    return None


def _add_up(report: Report, node: Listing, variants: Iterable[Variant]) -> None:
    total = sum(variant.weight for variant in variants)
    last = node.items[-1] if node.items else None
    weight = last.get("weight") if isinstance(last, Block) else None
    if weight is not None and total != WHOLE:
        fix = f"{'add' if total < WHOLE else 'take away'} {abs(WHOLE - total)}"
        report.error(weight, codes.WEIGHTS, f"the weights add up to {total}, not to 100", fix)


def _subjects(report: Report, node: Node | None) -> Iterator[tuple[str, Subject]]:
    if isinstance(node, Block):
        for key, value in node.entries:
            tag = locale_tag(key.text)
            if tag is None:
                report.error(key, codes.BAD_VALUE, f'there is no locale "{key.text}"', "for example en, pl or pt-BR")
            elif report.text(value, "subject") is not None and isinstance(value, Scalar):
                yield tag, Subject(scalar=value, source=report.source)
    elif report.text(node, "subject") is not None and isinstance(node, Scalar):
        yield EVERY, Subject(scalar=node, source=report.source)


def _template(report: Report, node: Node | None, sends: tuple[Send, ...], known: Vocabulary) -> str | None:
    text = report.text(node, "template")
    if text is None or node is None or not sends:
        return None
    if len(sends) > 1:
        message = f"the rule sends {len(sends)} messages: which of them this template would replace is not clear"
        report.error(node, codes.BAD_VALUE, message, "give the variants a subject, or make a rule of each message")
        return None
    return text if words_for(report, node, text, sends[0].channels, known) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """The templates of one send of a rule for one variant, by channel and locale."""

    rule: Rule
    send: Send
    variant: Variant
    templates: Mapping[tuple[str, str], Template]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Makes templates of subjects; ``problems`` collects what is wrong with them."""

    templates: Templates
    languages: Mapping[str, Language]
    problems: list[Diagnostic] = field(default_factory=list)

    def of(self, rules: Iterable[Rule]) -> tuple[Worded, ...]:
        """The templates of all variants of these rules."""
        return tuple(
            Worded(rule=rule, send=send, variant=variant, templates=dict(self._templates(rule, send, variant)))
            for rule in rules
            for variant in rule.variants
            for send in rule.sends
        )

    def _templates(self, rule: Rule, send: Send, variant: Variant) -> Iterator[tuple[tuple[str, str], Template]]:
        name = variant.template or send.template
        for channel in send.channels:
            for locale in sorted(self.templates.locales(name, channel)):
                own = self.templates.by_key[name, channel, locale]
                yield (channel, locale), self._template(rule, variant, own)

    def _template(self, rule: Rule, variant: Variant, own: Template) -> Template:
        if not variant.subjects or own.subject is None:
            return own
        subject = variant.subject(own.locale)
        if subject is None:
            self._missing(variant, own)
            return own
        language = self.languages[own.locale]
        told = len(language.problems)
        name = f"{rule.file}#{rule.name}/{variant.name}/{subject.scalar.start}"
        reworded = language.reworded(own, name, subject)
        self.problems.extend(language.problems[told:])
        return reworded or own

    def _missing(self, variant: Variant, own: Template) -> None:
        first = next(iter(variant.subjects.values()))
        message = f'the variant "{variant.name}" has no subject in {own.locale}: those members get the template\'s own'
        report = Report(first.source)
        report.warning(first.scalar, codes.NO_SUBJECT_IN, message, f'add {own.locale}: "…"')
        self.problems.extend(report.findings)


def with_variants(templates: Templates, worded: Iterable[Worded]) -> Templates:
    """The templates, and those whose subject a variant replaces."""
    varied = {
        (one.rule.name, one.variant.name, template.name, *key): template
        for one in worded
        for key, template in one.templates.items()
    }
    return replace(templates, varied=varied, languages={})
