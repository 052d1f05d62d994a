"""Finding a member by whatever a person has at hand: an id, an alias, a card, an address, part of a name."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import CompoundSelect, Connection, or_, select, union

from .schema import alias, card, member

_LOOKED_AT = 500
_PREFIX = 3
_LOOKED_THROUGH = 50_000
"""Rows of a table among which a likeness is looked for that no index can find: a guess must not take seconds."""
_LAST = "\U0010ffff"


def members_named(connection: Connection, name: str) -> set[str]:
    """The members with exactly this id, alias, card (its id or its code) or e-mail address."""
    found = set(connection.scalars(select(member.c.id).where(member.c.id == name)))
    found |= set(connection.scalars(select(alias.c.member_id).where(alias.c.alias == name)))
    found |= set(connection.scalars(select(card.c.member_id).where(or_(card.c.id == name, card.c.member_id == name))))
    if not found and "@" in name:
        found = set(connection.scalars(select(member.c.id).where(member.c.email == name.lower())))
    return found or set(connection.scalars(select(card.c.member_id).where(card.c.code == name)))


def members_like(connection: Connection, name: str, limit: int) -> list[tuple[str, str]]:
    """The members whose id, alias, card, name or address resembles ``name``: (what resembles it, id), nearest first."""
    found = list(_by_name(connection, name))
    known = dict(_known_as(connection, name))
    found += [(near, known[near]) for near in difflib.get_close_matches(name, known, n=limit, cutoff=0.6)]
    return list(dict.fromkeys(found))[:limit]


def _known_as(connection: Connection, name: str) -> Iterator[tuple[str, str]]:
    """Ids, aliases and cards that begin like ``name``, the longer the first, or end so, with their member."""
    beginnings = (
        name[:length] for length in sorted({len(name) - 1, len(name) // 2, _PREFIX}, reverse=True) if length > 0
    )
    starts = list(beginnings)
    found = [_every(start) for start in starts]
    found += [
        _some(pattern) for pattern in (*(f"{_escaped(start)}%" for start in starts), f"%{_escaped(name[-_PREFIX:])}")
    ]
    for statement in found:
        yield from ((known, id_) for known, id_ in connection.execute(statement.limit(_LOOKED_AT)))


_NAMES = ((member.c.id, member.c.id), (alias.c.alias, alias.c.member_id), (card.c.id, card.c.member_id))
"""What members are known as, and who they are."""


def _every(start: str) -> CompoundSelect[Any]:
    """All names that begin so, by their indexes."""
    return union(
        *(
            select(known.label("known"), owner.label("id")).where(known.between(start, start + _LAST))
            for known, owner in _NAMES
        )
    )


def _some(pattern: str) -> CompoundSelect[Any]:
    """Names that look so, among the first of them."""
    parts = (
        select(known.label("known"), owner.label("id")).limit(_LOOKED_THROUGH).subquery() for known, owner in _NAMES
    )
    return union(*(select(part).where(part.c.known.like(pattern, escape="\\")) for part in parts))


def _by_name(connection: Connection, name: str) -> Iterator[tuple[str, str]]:
    """Members in whose name or address ``name`` occurs."""
    pattern = f"%{_escaped(name)}%"
    some = select(member.c.id, member.c.facts).limit(_LOOKED_THROUGH).subquery()
    rows = connection.execute(select(some).where(some.c.facts.like(pattern, escape="\\")).limit(_LOOKED_AT))
    for id_, facts in rows:
        said = json.loads(facts)
        for field in ("name", "first_name", "last_name", "email"):
            value = said.get(field, [""])[0]
            if isinstance(value, str) and name.casefold() in value.casefold():
                yield value, id_
                break


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
