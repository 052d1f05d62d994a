"""``explain``: what each rule makes of an event, and everything it looks at on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ..config import Config
from ..decide import Book, Needs
from ..deciding import open_delivery
from ..errors import BodyError, ImportFileError, PointbellError
from ..ingest import Reading, read
from ..language.condition import shown
from ..language.problem import suggest
from ..model import Cancel, Decision, Event, Notify, Schedule, Skip
from ..pipeline import utc_now
from ..ruleset import Ruleset
from ..settlement import Received, StoredEvent
from ..store import Reports
from ..store.decided import decisions_about
from ..tools.event_files import read_pieces, type_of_name
from ..tools.explaining import Explanation, Look, explain, listening, listens_to
from ..tools.intake import delivery_of, source_named
from ..tools.leaves import masked_detail, masked_values
from ..tools.preview import Trial, trial_of
from ..tools.story import masked, reason_in_words
from .files import opened
from .shell import (
    FINDINGS,
    HERE,
    ConfigOption,
    Fit,
    JsonOption,
    counted,
    local_time,
    programme_at,
    say,
    say_error,
    show,
    show_json,
    show_table,
    zone_of,
)
from .who import member_named

_LOOKS = {"sign": Fit.WHOLE, "text": Fit.WRAP, "values": Fit.WRAP, "place": Fit.WHOLE}


def explain_event(
    event: Annotated[str, typer.Argument(help="A file with one event, or the number of one that came in.")],
    *,
    member: Annotated[str | None, typer.Option(help="As if it were about this member of the directory.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule.")] = None,
    source: Annotated[str | None, typer.Option(help="Of a file: by default the first in config.yaml.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Of a file without one; else as it is named.")] = None,
    reveal: Annotated[bool, typer.Option("--show-values", help="Show names and addresses in full.")] = False,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Explain what each rule makes of an event: its decision, and all it looked at, with places.

    A file is decided as if it came in now. Of an event that came in, the decisions are those of then, and what the
    rules look at is shown as it is now. Nothing is sent or stored. E-mail addresses, phone numbers, names and birthdays
    are masked.
    """
    config = programme_at(config_path)
    ruleset = config.ruleset()
    asked = (
        _stored(config, ruleset, int(event)) if _is_number(event) else _in_file(config, ruleset, event, source, kind)
    )
    trial = _trial(config, ruleset, asked.event, member)
    if rule is not None:
        _known(rule, ruleset, trial)
    found = explain(trial, ruleset, rule)
    told = [_Told(one, _then(asked, one, config) if asked.decided is not None else None, reveal) for one in found]
    silent = len(ruleset.rules) - len(listening(trial, ruleset))
    if as_json:
        show_json(_plain(asked, trial, told, silent))
        return
    _show(config, asked, trial, told)
    if silent and rule is None:
        show(f"\n{counted(silent, 'other rule')} {'does' if silent == 1 else 'do'} not listen to {asked.event.name}.")


# --- Which event ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The event that is asked about."""

    event: Event
    named: str
    decided: Sequence[Mapping[str, Any]] | None = None
    """What was decided when it came in; ``None`` for a file."""


def _is_number(text: str) -> bool:
    return text.isdecimal() and not Path(text).exists()


def _in_file(config: Config, ruleset: Ruleset, name: str, source: str | None, kind: str | None) -> _Asked:
    path = Path(name)
    trusted = source_named(config.sources(), source)
    with opened(path) as handle:
        piece = next(read_pieces(path.name, handle), None)
    if piece is None:
        raise ImportFileError(f"{path} is empty")
    delivery = delivery_of(piece.body, trusted, kind or type_of_name(path.name), utc_now())
    return _Asked(event=_first(read(delivery, ruleset.shared.body_fields), str(path)), named=path.name)


def _stored(config: Config, ruleset: Ruleset, seq: int) -> _Asked:
    with closing(Reports(config.database)) as reports:
        found = reports.event(seq)
        decided = reports.ask(lambda connection: decisions_about(connection, seq))
    if found is None:
        say_error(f"there is no delivery {seq}: pointbell events list shows which there are")
        raise typer.Exit(FINDINGS)
    row, raw = found
    if row["emptied_at"] is not None:
        raise PointbellError(f"the body of delivery {seq} was removed (retention): pointbell why MEMBER tells the rest")
    received = Received(
        source=row["source"],
        key=row["key"],
        lane=row["lane"],
        raw=raw,
        received_at=row["received_at"],
        type_hint=row["type_hint"],
        content_type=row["content_type"],
    )
    reading = open_delivery(StoredEvent(seq=seq, received=received, attempts=0), config.sources(), ruleset).reading
    if isinstance(reading, BodyError):
        raise ImportFileError(f"delivery {seq} cannot be read: {reading}")
    return _Asked(event=_first(reading, f"delivery {seq}"), named=f"delivery {seq}", decided=decided)


def _first(reading: Reading, named: str) -> Event:
    found = next((one for one in reading.events if one.member or one.card or one.due), None)
    if found is None:
        why = "; ".join(reading.notes) or "nothing to decide"
        raise ImportFileError(f"{named} is about no member and no card: {why}")
    return found


def _trial(config: Config, ruleset: Ruleset, event: Event, member: str | None) -> Trial:
    """The event with what is known of its member and card; without a database nothing is."""
    if not config.database.is_file():
        if member is not None:
            raise PointbellError("there is no database yet, and so no member to tell it to")
        return trial_of(event, Book(), utc_now())
    with closing(Reports(config.database)) as reports:
        needs = replace(Needs.of([event], ruleset), happenings=frozenset())
        if member is None:
            return trial_of(event, reports.book(needs), utc_now())
        member_id = member_named(reports, member)
        wanted = replace(needs, members=needs.members | {member_id})
        return trial_of(event, reports.book(wanted), utc_now(), member_id=member_id)


def _known(rule: str, ruleset: Ruleset, trial: Trial) -> None:
    """Say so where the one rule asked for does not listen."""
    found = ruleset.rule(rule)
    if found is None:
        raise PointbellError(f"there is no rule {rule}: {suggest(rule, ruleset.by_name)}")
    if found not in listening(trial, ruleset):
        say_error(f"{rule} listens to {listens_to(found)}, and the event is {trial.event.name}")
        raise typer.Exit(FINDINGS)


# --- What is told -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Told:
    """One rule, with its decisions of then where the event has come in before."""

    explanation: Explanation
    then: list[str] | None
    reveal: bool

    def outcomes(self, config: Config) -> list[str]:
        """What was decided, or would be, one line each."""
        if self.then is not None:
            return self.then
        return [_outcome(one, config, reveal=self.reveal) for one in self.explanation.decisions] or ["nothing to do"]


def _then(asked: _Asked, one: Explanation, config: Config) -> list[str]:
    rows = [row for row in asked.decided or () if row["rule"] == one.rule.name]
    return [_of_row(row, config) for row in rows] or [
        "nothing was decided: the rule was not there, or had nothing to do"
    ]


def _of_row(row: Mapping[str, Any], config: Config) -> str:
    what = row["template"] or row["slot"] or ""
    if row["outcome"] == "notify":
        variant = f", {row['detail']}" if row["detail"] else ""
        subject = f' "{row["subject"]}" for {masked(row["address"] or "")}' if row["subject"] else ""
        return f"worded{subject}{variant}"
    if row["outcome"] == "schedule":
        if row["reason"] is not None:
            return reason_in_words(row["reason"], row["detail"])
        return f"scheduled {row['slot']}: {_when(row['due_at'], config)}"
    why = masked_detail(reason_in_words(row["reason"], row["detail"]), reveal=False)
    return f"{'cancelled' if row['outcome'] == 'cancel' else 'nothing sent'} {what}: {why}".replace(" :", ":")


def _outcome(decision: Decision, config: Config, *, reveal: bool) -> str:
    if isinstance(decision, Notify):
        message = decision.notification
        to = message.address if reveal else masked(message.address)
        subject = f' "{message.words.subject}"' if message.words and message.words.subject else ""
        variant = f", variant {message.variant}" if message.variant else ""
        others = f"; if that is refused, over {', then '.join(one.channel for one in decision.instead)}"
        said = f"would send{subject} over {message.channel} to {to}, in {message.locale}{variant}"
        return said + (others if decision.instead else "")
    if isinstance(decision, Schedule):
        timer = decision.timer
        if decision.reason is not None:
            return reason_in_words(decision.reason, decision.detail)
        return f"would schedule {timer.slot} before {timer.about}: {_when(timer.due_at, config)}"
    if isinstance(decision, Cancel):
        return f"would cancel {decision.timer.slot}: {reason_in_words(decision.reason, decision.detail)}"
    why = masked_detail(reason_in_words(decision.reason, decision.detail), reveal=reveal)
    return f"would not send {decision.template or ''}: {why}".replace(" :", ":")


def _when(moment: datetime | None, config: Config) -> str:
    return local_time(moment, zone_of(config))


def _show(config: Config, asked: _Asked, trial: Trial, told: Sequence[_Told]) -> None:
    event, member = trial.event, trial.facts.member
    parts = [asked.named, event.name, _when(event.occurred_at, config)]
    parts += [f"member {member.id}" if member else "no member that is known"]
    parts += [f"card {trial.facts.card.id}"] if trial.facts.card else []
    show("  ".join(parts))
    then = (
        "Decided then; what the rules look at is as it is now." if asked.decided is not None else "Decided as of now."
    )
    say(f"{then} Times are in {zone_of(config).key}.")
    for one in told:
        first, *others = one.outcomes(config)
        show(f"\n{one.explanation.rule.name}: {first}")
        for other in others:
            show(f"{' ' * len(one.explanation.rule.name)}  {other}")
        show_table(_LOOKS, (_cells(look, reveal=one.reveal) for look in one.explanation.looks), heading=False)
    if not told:
        show("\nNo rule listens to it.")


def _cells(look: Look, *, reveal: bool) -> list[str]:
    values = masked_values(look.values, reveal=reveal)
    facts = ", ".join(f"{name} = {shown(value)}" for name, value in values.items())
    note = masked_detail(look.note, reveal=reveal)
    return [f"  {look.sign}", look.text, "; ".join(filter(None, (facts, note))), look.place]


def _plain(asked: _Asked, trial: Trial, told: Sequence[_Told], silent: int) -> dict[str, Any]:
    event, member = trial.event, trial.facts.member
    return {
        "event": {"name": event.name, "occurred_at": event.occurred_at, "member": member.id if member else None},
        "decided": "then" if asked.decided is not None else "now",
        "rules": [_row(asked, one) for one in told],
        "not_listening": silent,
    }


def _row(asked: _Asked, one: _Told) -> dict[str, Any]:
    name = one.explanation.rule.name
    now = [_decision(decision, reveal=one.reveal) for decision in one.explanation.decisions]
    then = [
        {"outcome": row["outcome"], "reason": row["reason"], "detail": masked_detail(row["detail"], reveal=one.reveal)}
        for row in asked.decided or ()
        if row["rule"] == name
    ]
    looks = [
        {
            "part": look.part,
            "sign": look.sign,
            "text": look.text,
            "values": masked_values(look.values, reveal=one.reveal),
            "note": masked_detail(look.note, reveal=one.reveal) or None,
            "place": look.place or None,
        }
        for look in one.explanation.looks
    ]
    return {"rule": name, "decisions": now if asked.decided is None else then, "looks": looks}


def _decision(decision: Decision, *, reveal: bool) -> dict[str, Any]:
    if isinstance(decision, Notify):
        message = decision.notification
        address = message.address if reveal else masked(message.address)
        return {
            "outcome": "notify",
            "template": message.template,
            "channel": message.channel,
            "address": address,
            "instead": [one.channel for one in decision.instead],
            "variant": message.variant,
        }
    if isinstance(decision, Schedule):
        timer, waits = decision.timer, {"reason": decision.reason, "detail": decision.detail} if decision.reason else {}
        return {"outcome": "schedule", "slot": timer.slot, "due_at": timer.due_at, **waits}
    outcome = "skip" if isinstance(decision, Skip) else "cancel"
    return {"outcome": outcome, "reason": decision.reason, "detail": masked_detail(decision.detail, reveal=reveal)}
