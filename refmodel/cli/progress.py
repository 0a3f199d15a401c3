"""Showing how far a long command has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import click

T = TypeVar("T")

_PAUSE = 5.0
"""Seconds between two lines of progress where no terminal is."""


@contextmanager
def progress(line: Callable[[T], str]) -> Iterator[Callable[[T], None]]:
    """Show progress on standard error: live on a terminal, else a line every few seconds.

    line: writes what is known at a moment.  Gives the function to call with it.
    """
    from refmodel.report.terminal import console

    screen = console(stderr=True)
    if screen.is_terminal:
        with screen.status("starting") as status:
            yield lambda known: status.update(line(known))
        return
    last = time.monotonic()

    def tell(known: T) -> None:
        nonlocal last
        if time.monotonic() - last >= _PAUSE:
            last = time.monotonic()
            click.echo(line(known), err=True)

    yield tell
