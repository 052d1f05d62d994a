"""Finding a member by whatever a person has at hand: an id, an alias, a card, an address, part of a name."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator

from sqlalchemy import Connection, select, union

from .schema import alias, card, member

_LOOKED_AT = 500
_PREFIX = 3


def members_named(connection: Connection, name: str) -> set[str]:
    """The members with exactly this id, alias, card (its id or its code) or e-mail address."""
    found = set(connection.scalars(select(member.c.id).where(member.c.id == name)))
    found |= set(connection.scalars(select(alias.c.member_id).where(alias.c.alias == name)))
    found |= set(connection.scalars(select(card.c.member_id).where(card.c.id == name)))
    if not found and "@" in name:
        found = _with_fact(connection, "email", name)
    return found or _with_code(connection, name)


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
    for pattern in (*(f"{_escaped(start)}%" for start in beginnings), f"%{_escaped(name[-_PREFIX:])}"):
        everything = union(
            select(member.c.id, member.c.id).where(member.c.id.like(pattern, escape="\\")),
            select(alias.c.alias, alias.c.member_id).where(alias.c.alias.like(pattern, escape="\\")),
            select(card.c.id, card.c.member_id).where(card.c.id.like(pattern, escape="\\")),
        ).limit(_LOOKED_AT)
        yield from ((known, id_) for known, id_ in connection.execute(everything))


def _by_name(connection: Connection, name: str) -> Iterator[tuple[str, str]]:
    """Members in whose name or address ``name`` occurs."""
    pattern = f"%{_escaped(name)}%"
    rows = connection.execute(
        select(member.c.id, member.c.facts).where(member.c.facts.like(pattern, escape="\\")).limit(_LOOKED_AT)
    )
    for id_, facts in rows:
        said = json.loads(facts)
        for field in ("name", "first_name", "last_name", "email"):
            value = said.get(field, [""])[0]
            if isinstance(value, str) and name.casefold() in value.casefold():
                yield value, id_
                break


def _with_fact(connection: Connection, field: str, value: str) -> set[str]:
    pattern = f'%"{_escaped(value)}"%'
    rows = connection.execute(select(member.c.id, member.c.facts).where(member.c.facts.like(pattern, escape="\\")))
    return {id_ for id_, facts in rows if str(json.loads(facts).get(field, [""])[0]).casefold() == value.casefold()}


def _with_code(connection: Connection, code: str) -> set[str]:
    pattern = f'%"{_escaped(code)}"%'
    rows = connection.execute(select(card.c.member_id, card.c.facts).where(card.c.facts.like(pattern, escape="\\")))
    return {id_ for id_, facts in rows if json.loads(facts).get("code", [""])[0] == code}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
