"""Work that a system does on its own: kernel workers and ended device writes.

After a command the work that is ready runs, in a fixed order, until nothing is ready.  The environment may put
a piece off until after the next command; so every order of a command and the work before it is reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from refmodel.engines.environment import LATER
from refmodel.kernel.iaa_poll import device_work
from refmodel.kernel.zswap_pool import releasable

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Operation


def ready(v: KernelView) -> Iterator[Operation]:
    """Yield operations that the system is ready to run, until nothing is ready that is not put off.

    The one who iterates runs each operation before it asks for the next: the shrink worker first, because it
    submits writes, then writes to the device, which end in the order of their folios, then pools that nothing
    refers to any more.
    """
    if v[v.at.shrink_work].pending and not v.fails(LATER):
        yield v.ops.shrink_worker()
    for folio in under_writeback(v):
        if not v.fails(LATER):
            yield v.ops.end_swap_write(folio=folio)
    for pool in releasable(v):
        if not v.fails(LATER):
            yield v.ops.pool_release(pool=pool)
    while (work := device_work(v)) is not None:
        yield work


def under_writeback(v: KernelView) -> list[int]:
    """Return the folios whose write has not ended."""
    at, used = v.at.folio, v[v.at.folios_used] >> 1
    numbers = range(1, used.bit_length() + 1)
    return [n for n in numbers if (folio := v[at[n]]) is not None and folio.writeback]
