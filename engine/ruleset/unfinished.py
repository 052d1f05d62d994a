"""Files that can only be half written: empty, where there was something in the set before."""

from __future__ import annotations

from ..errors import RulesetInvalid
from . import codes
from .diagnostics import Diagnostic, format_text
from .load import TEMPLATES, Ruleset, Sources


def refuse_unfinished(before: Ruleset, after: Ruleset) -> None:
    """Do not let a set follow another one while one of its files has been emptied: its words are still to come.

    An empty file of rules is no mistake as such, and a list without anybody in it neither; going live with them would
    send nothing, or to those who were to be left out. Who means it deletes the file, or leaves a comment in it.

    Raises:
        RulesetInvalid: such files there are.
    """
    if before.sources is None or after.sources is None:
        return
    old, new = _contents(before.sources), _contents(after.sources)
    found = tuple(_emptied(path) for path, data in new.items() if not data and old.get(path))
    if found:
        raise RulesetInvalid(format_text(found), found)


def _contents(sources: Sources) -> dict[str, bytes | OSError]:
    templates = {f"{TEMPLATES}/{path}": data for path, data in sources.templates.items()}
    return {**sources.rules, **sources.lists, **templates}


def _emptied(path: str) -> Diagnostic:
    return Diagnostic(
        file=path,
        line=1,
        column=1,
        code=codes.UNREADABLE,
        message="the file is empty now, and was not: it may still be on its way",
        suggestion="delete it if it is to be gone",
    )
