"""Child processes that decide, so that both cores work and a bomb hurts nobody.

``pool.Children`` hands batches to persistent children and takes decisions back. A child has a memory limit and a
deadline; one that ends is replaced within milliseconds, because children are forks of a nursery that has everything
prepared. A ruleset has a household of its own: a batch is decided wholly under one set, and the last good set goes on
until the children of a new one are ready.

::

    the daemon    pool.py  household.py          which children there are, and who gets what
                  nurse.py ----- nursery.py      a process with one thread that forks
                  hand.py ------ child.py        reads, decides, words
                            wire.py              what they say to each other

Nothing is imported here: a child needs less than its parent.
"""
