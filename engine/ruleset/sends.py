"""``send``: which template over which channel, and under which condition."""

from __future__ import annotations

from ..language import Scope
from ..language.problem import suggest
from . import codes
from .conditions import read_condition
from .keys import SEND
from .positions import Block, Listing, Node
from .report import Report
from .rule import Send
from .vocabulary import Vocabulary


def read_sends(report: Report, node: Node, scope: Scope | None, known: Vocabulary) -> tuple[Send, ...]:
    """The messages, in the order written. What cannot be used is reported and left out.

    Without a scope (the trigger is at fault) conditions are not looked at.
    """
    found: dict[str, Node] = {}
    sends: list[Send] = []
    for item in report.items(node, "send"):
        send = _send(report, item, scope, known)
        if send is None:
            continue
        if send.slot in found:
            message = f"{send.template} over {send.channel} is already sent in {report.place(found[send.slot])}"
            report.error(item, codes.SEND_TWICE, message, "give it another template or channel, or leave it out")
        else:
            found[send.slot] = item
            sends.append(send)
    return tuple(sends)


def _send(report: Report, node: Node, scope: Scope | None, known: Vocabulary) -> Send | None:
    if not isinstance(node, Block):
        template = report.text(node, "send")
        return _checked(report, node, template, known.default_channel, known)
    entries = report.entries(node, SEND)
    condition = read_condition(report, entries.get("if"), scope)
    channel = _channel(report, entries["channel"], known) if "channel" in entries else known.default_channel
    named = entries.get("template")
    send = _checked(report, named or node, report.text(named, "template"), channel, known)
    return Send(template=send.template, channel=send.channel, condition=condition) if send else None


def _channel(report: Report, node: Node, known: Vocabulary) -> str | None:
    if isinstance(node, Listing):
        report.not_yet(node, "a list of channels")
        return None
    channel = report.text(node, "channel")
    if channel is None or channel in known.channels:
        return channel
    fix = suggest(channel, known.channels)
    report.error(node, codes.UNKNOWN_CHANNEL, f'unknown channel "{channel}"', fix)
    return None


def _checked(report: Report, node: Node, template: str | None, channel: str | None, known: Vocabulary) -> Send | None:
    """The send, if the template has words for the channel."""
    if template is None:
        return None
    if template not in known.template_names:
        fix = suggest(template, known.template_names) if known.template_names else "templates are in templates/<name>/"
        report.error(node, codes.UNKNOWN_TEMPLATE, f'unknown template "{template}"', fix)
        return None
    if channel is None:
        return None
    if channel not in known.channels:
        message = f'the default channel "{channel}" is not configured'
        report.error(node, codes.UNKNOWN_CHANNEL, message, "name a channel here, or set it up in config.yaml")
        return None
    if channel not in known.channels_of(template):
        message = f'template "{template}" has no words for {channel} in {known.locale}'
        extension = "html" if channel == "email" else "txt"
        fix = f"add templates/{template}/{channel}.{known.locale}.{extension}"
        report.error(node, codes.NO_TEMPLATE_FILE, message, fix)
        return None
    return Send(template=template, channel=channel)
