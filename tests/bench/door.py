"""The daemon with its worker asleep: deliveries are stored durably and acknowledged, and nothing comes of them.

For the acknowledgements alone: the peer's workers are not started either.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from engine.daemon import run
from engine.worker import Worker


def _sleep(self: Worker) -> None:
    self._loops = [asyncio.create_task(self._stopping.wait())]


if __name__ == "__main__":
    Worker.start = _sleep  # type: ignore[method-assign]
    sys.exit(run(Path(sys.argv[1])))
