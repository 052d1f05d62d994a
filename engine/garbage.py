"""Python's collector of cycles, told what the memory of a long-running process is like.

Rules, templates and modules stay for good, and every look at them is wasted; events and messages come by the hundred,
hold no cycles, and go. Left to itself the collector takes a twentieth of the time that mails take (measured).
"""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 20_000, 20, 50
"""Objects made and not yet gone before the collector looks at them, and how many looks at the younger ones are worth
one at the older: a batch of 200 deliveries is some 100,000 objects."""


def spare_what_stays() -> None:
    """Have the collector pass over everything that is there now, and look at what comes less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
