"""``send``: which template over which channel, and under which condition."""

from __future__ import annotations

from dataclasses import replace

from ..language import Scope
from ..language.problem import suggest
from . import codes
from .conditions import read_condition
from .keys import SEND
from .positions import Block, Node
from .report import Report
from .rule import Send
from .vocabulary import Vocabulary


def read_sends(
    report: Report, node: Node, scope: Scope | None, known: Vocabulary, default: tuple[str, ...] | None
) -> tuple[Send, ...]:
    """The messages, in the order written. What cannot be used is reported and left out.

    Without a scope (the trigger is at fault) conditions are not looked at. ``default`` are the channels of entries that
    name none; ``None`` when those of the rule are at fault.
    """
    found: dict[str, Node] = {}
    sends: list[Send] = []
    for item in report.items(node, "send"):
        send = _send(report, item, scope, known, default)
        if send is None:
            continue
        if send.slot in found:
            message = (
                f"{send.template} over {' or '.join(send.channels)} is already sent in {report.place(found[send.slot])}"
            )
            report.error(item, codes.SEND_TWICE, message, "give it another template or channel, or leave it out")
        else:
            found[send.slot] = item
            sends.append(send)
    return tuple(sends)


def read_channels(report: Report, node: Node, known: Vocabulary) -> tuple[str, ...] | None:
    """A channel, or several in the order in which they are tried; ``None``, reported, when one cannot be used."""
    found: list[str] = []
    items = report.items(node, "channel")
    for item in items:
        channel = report.text(item, "channel")
        if channel is None or not _configured(report, item, channel, known):
            continue
        if channel in found:
            report.error(item, codes.SEND_TWICE, f"{channel} is in this list already", "leave it out")
        else:
            found.append(channel)
    return tuple(found) if items and len(found) == len(items) else None


def _send(
    report: Report, node: Node, scope: Scope | None, known: Vocabulary, default: tuple[str, ...] | None
) -> Send | None:
    if not isinstance(node, Block):
        return _checked(report, node, report.text(node, "send"), default, known)
    entries = report.entries(node, SEND)
    condition = read_condition(report, entries.get("if"), scope)
    channels = read_channels(report, entries["channel"], known) if "channel" in entries else default
    named = entries.get("template")
    send = _checked(report, named or node, report.text(named, "template"), channels, known)
    return replace(send, condition=condition) if send else None


def _configured(report: Report, node: Node, channel: str, known: Vocabulary) -> bool:
    if channel in known.channels:
        return True
    fix = suggest(channel, known.channels)
    report.error(node, codes.UNKNOWN_CHANNEL, f'unknown channel "{channel}"', fix)
    return False


def _checked(
    report: Report, node: Node, template: str | None, channels: tuple[str, ...] | None, known: Vocabulary
) -> Send | None:
    """The send, if the template has words for the channels."""
    if template is None or not words_for(report, node, template, channels, known):
        return None
    return Send(template=template, channels=channels) if channels else None


def words_for(report: Report, node: Node, template: str, channels: tuple[str, ...] | None, known: Vocabulary) -> bool:
    """Whether there is a template of this name with words for these channels; reported where not."""
    if template not in known.template_names:
        fix = suggest(template, known.template_names) if known.template_names else "templates are in templates/<name>/"
        report.error(node, codes.UNKNOWN_TEMPLATE, f'unknown template "{template}"', fix)
        return False
    worded = [_has_words(report, node, template, channel, known) for channel in channels or ()]
    return all(worded)


def _has_words(report: Report, node: Node, template: str, channel: str, known: Vocabulary) -> bool:
    if channel not in known.channels:
        message = f'the default channel "{channel}" is not configured'
        report.error(node, codes.UNKNOWN_CHANNEL, message, "name a channel here, or set it up in config.yaml")
        return False
    if channel in known.channels_of(template):
        return True
    message = f'template "{template}" has no words for {channel} in {known.locale}'
    extension = "html" if channel == "email" else "txt"
    fix = f"add templates/{template}/{channel}.{known.locale}.{extension}"
    report.error(node, codes.NO_TEMPLATE_FILE, message, fix)
    return False
