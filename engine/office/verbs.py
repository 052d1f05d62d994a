"""Everything that can be asked, in one table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from ..workshop import Workshop
from . import daemon, imports, intake, outbox, pauses, upkeep
from .ask import A, Answer, Ask

Q = TypeVar("Q", bound=Ask[Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb(Generic[Q]):
    """One thing that can be asked, and who does it."""

    ask: type[Q]
    handle: Callable[[Workshop, Q], Awaitable[Answer | None]]


VERBS: Mapping[str, Verb[Any]] = {
    "ingest": Verb(ask=intake.Ingest, handle=intake.ingest),
    "replay": Verb(ask=intake.Replay, handle=intake.replay),
    "settle": Verb(ask=intake.Settle, handle=intake.settle),
    "begin-import": Verb(ask=imports.BeginImport, handle=imports.begin_import),
    "import-members": Verb(ask=imports.ImportMembers, handle=imports.import_members),
    "import-cards": Verb(ask=imports.ImportCards, handle=imports.import_cards),
    "import-suppressions": Verb(ask=imports.ImportSuppressions, handle=imports.import_suppressions),
    "import-consents": Verb(ask=imports.ImportConsents, handle=imports.import_consents),
    "allow": Verb(ask=imports.Allow, handle=imports.allow_again),
    "plan": Verb(ask=imports.Plan, handle=imports.plan),
    "tidy": Verb(ask=upkeep.Tidy, handle=upkeep.tidy),
    "resolve": Verb(ask=outbox.Resolve, handle=outbox.resolve),
    "drop-events": Verb(ask=outbox.DropEvents, handle=outbox.drop_events),
    "begin-pause": Verb(ask=pauses.BeginPause, handle=pauses.begin_pause),
    "end-pauses": Verb(ask=pauses.EndPauses, handle=pauses.end_pauses),
    "reload": Verb(ask=daemon.Reload, handle=daemon.reload),
    "standing": Verb(ask=daemon.Standing, handle=daemon.standing),
}
NAMES: Mapping[type[Ask[Any]], str] = {verb.ask: name for name, verb in VERBS.items()}


@dataclass(frozen=True, slots=True)
class Here:
    """The office in this process, over a workshop of its own."""

    shop: Workshop
    alone: bool = True

    async def ask(self, ask: Ask[A]) -> A:
        """Do it, and say what came of it."""
        return cast("A", await VERBS[NAMES[type(ask)]].handle(self.shop, ask))
