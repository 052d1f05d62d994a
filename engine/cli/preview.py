"""``preview``: what a rule would send for an event."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ..config import Config
from ..decide import Book, Needs
from ..errors import ImportFileError, PointbellError
from ..ingest import BodyField, read
from ..language.problem import suggest
from ..model import Event, Reason
from ..pipeline import utc_now
from ..ruleset.rule import Rule
from ..store import Reports
from ..tools.event_files import read_pieces, type_of_name
from ..tools.intake import delivery_of, source_named
from ..tools.letter import read_letter
from ..tools.preview import Preview, preview, trial_of
from ..tools.story import reason_in_words
from .files import opened
from .shell import FINDINGS, HERE, ConfigOption, JsonOption, local_time, programme_at, say, show, show_json, zone_of
from .who import member_named


def preview_rule(
    rule: Annotated[str, typer.Argument(help="The rule's name.")],
    *,
    event: Annotated[Path, typer.Option("--event", help="A file with one event; - reads standard input.")],
    kind: Annotated[
        str | None, typer.Option("--type", help="For a body without one; else as the file is named.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="By default the first in config.yaml.")] = None,
    member: Annotated[str | None, typer.Option(help="Tell it to this member of the directory instead.")] = None,
    locale: Annotated[str | None, typer.Option(help="In this language, such as pl.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write HTML and .eml to this folder.", file_okay=False)] = None,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Show what a rule would send for an event, or why it would not. Nothing is sent or stored.

    The rule is tried as of the time at which the event happened; a reminder at each of its offsets, as if it were due.
    Exits with 1 when nothing would be sent.
    """
    config = programme_at(config_path)
    ruleset = config.ruleset()
    found = ruleset.rule(rule)
    if found is None:
        raise PointbellError(f"there is no rule {rule}: {suggest(rule, [one.name for one in ruleset.rules])}")
    happened = _event(config, event, ruleset.shared.body_fields, source=source, kind=kind)
    book, member_id = _known(config, happened, member)
    trial = trial_of(happened, book, happened.occurred_at, member_id=member_id, locale=locale)
    previews = preview(found, trial, ruleset, config.channels())
    files = [_write(found, each, out) if out else [] for each in previews]
    if as_json:
        show_json([_plain(found, each, paths) for each, paths in zip(previews, files, strict=True)])
    else:
        for each, paths in zip(previews, files, strict=True):
            _show(config, found, each, paths)
    if all(each.reason for each in previews):
        raise typer.Exit(FINDINGS)


def _event(config: Config, path: Path, fields: Sequence[BodyField], *, source: str | None, kind: str | None) -> Event:
    """The one event in the file that is about a member or a card."""
    trusted = source_named(config.sources(), source)
    with opened(path) as handle:
        piece = next(read_pieces(path.name, handle), None)
    if piece is None:
        raise ImportFileError(f"{path} is empty")
    reading = read(delivery_of(piece.body, trusted, kind or type_of_name(path.name), utc_now()), fields)
    happened = next((one for one in reading.events if one.member or one.card), None)
    if happened is None:
        raise ImportFileError(
            f"{path} is about no member and no card: {'; '.join(reading.notes) or 'nothing to decide'}"
        )
    return happened


def _known(config: Config, event: Event, member: str | None) -> tuple[Book, str | None]:
    """What the store knows of the member asked for, and the member's id; nothing unless one is."""
    if member is None:
        return Book(), None
    with closing(Reports(config.database)) as reports:
        member_id = member_named(reports, member)
        needs = Needs.of([event])
        wanted = replace(needs, members=needs.members | {member_id}, happenings=frozenset(), erased=frozenset())
        return reports.book(wanted), member_id


def _show(config: Config, rule: Rule, each: Preview, files: Sequence[Path]) -> None:
    at = local_time(each.at, zone_of(config))
    due = f", {each.slot} before ({at})" if each.slot else f" (after waiting, {at})" if each.waited else ""
    verdict = f"would not be sent: {reason_in_words(each.reason, each.detail)}" if each.reason else "would be sent"
    show(f"{rule.name}{due}: {verdict}")
    message = each.notification
    if message is not None and message.words is not None:
        nobody = "nobody; with an address it would read as follows" if each.reason is Reason.NO_ADDRESS else None
        show(f"\nTo         {nobody or message.address}")
        show(f"Channel    {message.channel}, in {message.locale}")
        show(f"Subject    {message.words.subject}")
        if message.words.preheader:
            show(f"Preheader  {message.words.preheader}")
        show(f"\n{message.words.text.rstrip()}\n")
    for path in files:
        say(f"Written: {path}")


def _write(rule: Rule, each: Preview, out: Path) -> list[Path]:
    """The message as files: its HTML, and its bytes as the channel writes them."""
    message = each.notification
    if message is None or message.words is None or each.payload is None:
        return []
    parts = (rule.name, each.slot.replace(" ", "-"), message.channel, message.locale)
    stem = out / ".".join(filter(None, parts))
    contents = {read_letter(each.payload).suffix: each.payload}
    if message.words.html:
        contents[".html"] = message.words.html.encode()
    try:
        out.mkdir(parents=True, exist_ok=True)
        return [_written(stem.with_name(stem.name + suffix), content) for suffix, content in contents.items()]
    except OSError as error:
        raise PointbellError(f"cannot write to {out}: {error.strerror}") from error


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _plain(rule: Rule, each: Preview, files: Sequence[Path]) -> dict[str, Any]:
    message = each.notification
    words = message.words if message else None
    return {
        "rule": rule.name,
        "slot": each.slot or None,
        "at": each.at,
        "would_send": each.reason is None,
        "reason": each.reason,
        "detail": each.detail or None,
        "template": each.template or None,
        "channel": message.channel if message else None,
        "address": message.address if message and each.reason is None else None,
        "locale": message.locale if message else None,
        "subject": words.subject if words else None,
        "preheader": words.preheader if words else None,
        "text": words.text if words else None,
        "html": words.html if words else None,
        "files": [str(path) for path in files],
    }
