"""The promise: swap is a map.  What a process may see when it accesses a page."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from refmodel.kernel.choices import (
    ALLOC_FOLIO,
    BACKING_IO,
    BOUNCE_BUFFER,
    DECOMPRESS,
    IAA_MAP,
    IAA_SPIN,
    IAA_STATUS,
)
from refmodel.kernel.memory import KILLED
from refmodel.kernel.mm import is_alive
from refmodel.kernel.swap_fault import OOM, SIGBUS
from refmodel.properties.promise import same, shown

if TYPE_CHECKING:
    from refmodel.engines.command import Command
    from refmodel.kernel.table import KernelView

UNREADABLE = frozenset(
    point.name for point in (DECOMPRESS, BOUNCE_BUFFER, BACKING_IO, IAA_STATUS, IAA_MAP, IAA_SPIN)
)
"""Choice points whose failure leaves a page that cannot be read."""

ACCESSES = ("read", "write", "store_byte")
"""Kinds of commands that access a page; their first arguments are the process and the page."""


def broken(
    v: KernelView, command: Command, value: Any, run_faults: AbstractSet[str], faults: AbstractSet[str]
) -> str | None:
    """Return how an access broke the promise, or None.

    A read gives what the process last wrote.  An access may end with SIGBUS only if, at some time in this run,
    stored data could not be read, for want of a buffer, because it is damaged or because a device failed:
    the page that could not be filled stays in the swap cache, so later accesses find it there.  It may end out of
    memory only if a folio could not be allocated during this very command.  It never happens only if its process
    has exited meanwhile.

    value: what the operation returned.  run_faults, faults: names of the choice points at which something
    failed in this run, and during this command.
    """
    if command.name not in ACCESSES:
        return None
    mm, page = command.arguments[:2]
    if value == SIGBUS:
        return None if run_faults & UNREADABLE else "SIGBUS, although all stored data could be decompressed"
    if value == OOM:
        return None if ALLOC_FOLIO.name in faults else "out of memory, although no allocation failed"
    if value == KILLED:
        return "killed, although its process has not exited" if is_alive(v, int(mm)) else None
    if command.name != "read":
        return None
    written = v[v.at.truth[int(mm)][int(page)]].content
    if same(value, written):
        return None
    return f"page {page} of process {mm} reads as {shown(value)}; last written was {shown(written)}"
