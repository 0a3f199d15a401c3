"""Printing: tables that fit a terminal of 100 columns, colour only on a terminal, plain text elsewhere."""

from __future__ import annotations

import sys

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

WIDTH = 100
"""Columns that a report takes at most."""


def console(*, stderr: bool = False) -> Console:
    """Return a console on standard output (or standard error) as it stands at this moment.

    What is printed is taken as it is: brackets are brackets, and no number is coloured for being one.
    """
    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    made.width = min(made.width, WIDTH) if made.is_terminal else WIDTH
    return made


class Unbroken(Text):
    """A line that is to be copied, so it is printed in one piece however long it is."""


def show(*parts: RenderableType) -> None:
    """Print parts to standard output, without trailing blanks where that is a file or a pipe."""
    made = console()
    if made.is_terminal:
        _print(made, parts)
        return
    with made.capture() as captured:
        _print(made, parts)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _print(made: Console, parts: tuple[RenderableType, ...]) -> None:
    for part in parts:
        made.print(part, soft_wrap=isinstance(part, Unbroken))


def table(*columns: str) -> Table:
    """Return an empty table: headings underlined, no frame."""
    made = Table(
        *columns, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False
    )
    for column in made.columns:
        column.overflow = "fold"
    return made
