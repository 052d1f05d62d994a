"""What may stand where in a mapping file."""

from __future__ import annotations

from ..ruleset.keys import Keys

_EVENT = frozenset({"id", "time", "happening", "member", "card", "data"})

FILE = Keys(
    place="a mapping",
    available=_EVENT | {"events", "type", "for", "signature"},
    required=("type",),
    synonyms={
        "kind": "type",
        "event": "type",
        "topic": "type",
        "customer": "member",
        "user": "member",
        "facts": "data",
        "fields": "data",
        "timestamp": "time",
        "list": "events",
        "only": "for",
        "hmac": "signature",
    },
)

TYPE = Keys(
    place='"type"',
    available=frozenset({"from", "is", "else"}),
    synonyms={"path": "from", "map": "is", "values": "is", "names": "is", "constant": "else", "default": "else"},
)

FOR = Keys(place="what is said for one event", available=_EVENT, synonyms={"facts": "data", "customer": "member"})

FIELD = Keys(
    place="a field",
    available=frozenset({"from", "is", "else", "times", "cleared_if"}),
    synonyms={"path": "from", "map": "is", "constant": "else", "default": "else", "factor": "times", "scale": "times"},
)

SIGNATURE = Keys(
    place='"signature"',
    available=frozenset({"header", "algorithm", "encoding", "signed", "prefix", "plain"}),
    required=("header",),
    synonyms={"name": "header", "hash": "algorithm", "signs": "signed", "of": "signed", "format": "encoding"},
)
