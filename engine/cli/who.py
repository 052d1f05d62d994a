"""Which member is meant."""

from __future__ import annotations

import typer

from ..store import Reports
from .shell import FINDINGS, say, say_error


def member_named(reports: Reports, name: str) -> str:
    """The one member with this id, alias, card or address; otherwise says who may be meant, and exits with 1."""
    name = name.encode("utf-8", "replace").decode()  # The shell hands over any bytes.
    found = reports.find_members(name)
    if len(found) == 1:
        return found[0]
    if found:
        say_error(f"{name} is more than one member: {', '.join(found)}. Give the id.")
        raise typer.Exit(FINDINGS)
    say_error(f"there is no member {name}: give an id, an alias, a card or an e-mail address.")
    similar = reports.members_like(name)
    if similar:
        say("Did you mean:")
        for known, id_ in similar:
            say(f"  {id_}" if known == id_ else f"  {id_}  ({known})")
    raise typer.Exit(FINDINGS)
