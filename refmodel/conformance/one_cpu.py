"""One processor for two processes that take turns."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_cpu(number: int) -> Iterator[None]:
    """Keep this process, and those that it starts, on one of the processors that it may use.

    In lockstep one side waits while the other works.  On two processors every turn has to wake an idle one, which
    takes longer than the turn itself.  A process that has threads of its own can ask for more processors.
    number: which one, counted round.  Nothing is done where that is no Linux.
    """
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[number % len(before)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
