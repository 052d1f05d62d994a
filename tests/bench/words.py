"""Words so many messages, to be looked at meanwhile: ``python -m tests.bench.words MESSAGES``."""

from __future__ import annotations

import sys
import time

from .rows.rendering import plain_side

BATCH = 200

if __name__ == "__main__":
    side = plain_side()
    print("ready", flush=True)
    for first in range(0, int(sys.argv[1]), BATCH):
        for number in range(first, first + BATCH):
            side.ours(side.view(number))
    print("worded", flush=True)
    time.sleep(3600)  # Whoever looks is about to stop looking, and ends this.
