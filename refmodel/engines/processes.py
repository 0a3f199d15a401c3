"""Processes that share the work of a command."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import Any


@contextmanager
def processes(
    jobs: int, start: Callable[..., None] | None = None, given: tuple[Any, ...] = ()
) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of ``jobs`` processes; what was submitted and has not begun is dropped at the end.

    An interrupt from the keyboard reaches all processes of a command.  Here it is left to the first one, which ends
    the others: a traceback from each would bury the one line that the command says.
    start, given: what each process runs first, and its arguments.
    """
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (start, given)) as pool:
        try:
            yield pool
        except KeyboardInterrupt:
            for each in active_children():
                each.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(start: Callable[..., None] | None, given: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if start is not None:
        start(*given)
