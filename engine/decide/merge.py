"""What is known after an event: snapshots merged field by field.

For each field the newest snapshot that carries the key wins, an explicit null included, so that any order of arrival
ends in the same facts. Equal times are settled by the value itself, for the same reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ..model import Card, Event, Fact, Facts, Member, Snapshot, Value

ERASED = "erased"
"""The one fact that remains of a member whose record the producer deleted."""


def merge(facts: Facts, event: Event) -> Facts:
    """The facts once this event is known. ``facts`` must be those of the event's member and card."""
    return replace(facts, member=_member(facts.member, event), card=_card(facts.card, event))


def newest(known: Mapping[str, Fact], snapshot: Snapshot) -> dict[str, Fact]:
    """``known`` with every field of the snapshot that is newer."""
    merged = dict(known)
    for name, value in snapshot.fields.items():
        before = merged.get(name)
        if before is None or _is_newer(value, snapshot.as_of, before):
            merged[name] = Fact(value=value, as_of=snapshot.as_of)
    return merged


def known_of(known: Member | None, snapshot: Snapshot) -> Member:
    """The member's record once this snapshot is known. One that was erased begins anew with what is newer."""
    member = known or Member(id=snapshot.id)
    if ERASED in member.facts:
        if snapshot.as_of <= member.facts[ERASED].as_of:
            return member
        member = Member(id=member.id)
    aliases = member.aliases | {alias for alias in (snapshot.id, *snapshot.aliases) if alias != member.id}
    return replace(member, aliases=aliases, facts=newest(member.facts, _said(snapshot)))


def _member(known: Member | None, event: Event) -> Member | None:
    snapshot = event.member
    if snapshot is None:
        return known
    if event.erases:
        return Member(id=snapshot.id, facts={ERASED: Fact(value=True, as_of=snapshot.as_of)})
    return known_of(known, snapshot)


def _said(snapshot: Snapshot) -> Snapshot:
    """The snapshot of a person without its nulls: a null says 'not known' and never erases."""
    return replace(snapshot, fields={name: value for name, value in snapshot.fields.items() if value is not None})


def _card(known: Card | None, event: Event) -> Card | None:
    snapshot = event.card
    if snapshot is None:
        return known
    fields: dict[str, Value] = dict(snapshot.fields)
    if event.holder_id is not None:
        fields["holder_id"] = event.holder_id
    if event.member is not None:
        fields["member_id"] = event.member.id
    merged = newest(known.facts if known else {}, replace(snapshot, fields=fields))
    return Card(id=snapshot.id, facts=merged)


def _is_newer(value: Value, as_of: datetime, before: Fact) -> bool:
    """Whether what is said counts instead of what was said before."""
    if as_of != before.as_of:
        return as_of > before.as_of
    # Most often the same is said again, which shows at a fraction of what ranking costs.
    return repr(value) != repr(before.value) and _rank(value) > _rank(before.value)


def _rank(value: Value) -> str:
    return json.dumps(value, sort_keys=True, default=str)
