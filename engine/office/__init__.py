"""What commands ask of whoever owns the database: the running daemon, or the command itself where none runs.

One ask is one frozen model, one handler does it (``verbs.VERBS`` has them all), and both sides of the daemon's socket
use the same two. A handler is thin: the work itself lives in the store, the pipeline and the tools.

::

    command -> cli/work.py: asking -> Office.ask(Replay(...))
                 no daemon:  Here    -> handler(workshop of this process)
                 a daemon:   Peer    -> socket -> OfficeServer -> handler(workshop of the daemon)
"""

from __future__ import annotations

from .ask import Answer, Ask, Office
from .client import Peer, connect
from .server import OfficeServer
from .socket import socket_path
from .verbs import VERBS, Here

__all__ = ["VERBS", "Answer", "Ask", "Here", "Office", "OfficeServer", "Peer", "connect", "socket_path"]
