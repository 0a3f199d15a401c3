"""Work that a system does on its own: kernel workers and ended device writes.

After a command the work that is ready runs, in a fixed order, until nothing is ready.  The environment may put
a piece off until after the next command; so every order of a command and the work before it is reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from refmodel.engines.environment import LATER
from refmodel.kernel.iaa_poll import device_work
from refmodel.kernel.kcompressd_queue import thread_work
from refmodel.kernel.zram_writeback import backing_work
from refmodel.kernel.zswap_pool import releasable

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Operation


def ready(v: KernelView) -> Iterator[Operation]:
    """Yield operations that the system is ready to run, until nothing is ready that is not put off.

    The one who iterates runs each operation before it asks for the next: the threads of kcompressd first, because they
    store, then the shrink worker, because it submits writes, then writes to the device, which end in the order of their
    folios, then pools that nothing refers to any more, last devices.
    """
    while (work := thread_work(v)) is not None and not v.fails(LATER):
        yield work
    if v[v.at.shrink_work].pending and not v.fails(LATER):
        yield v.ops.shrink_worker()
    for folio in ending(v):
        if not v.fails(LATER):
            yield v.ops.end_swap_write(folio=folio)
    for pool in releasable(v):
        if not v.fails(LATER):
            yield v.ops.pool_release(pool=pool)
    while (work := device_work(v)) is not None:
        yield work
    while (work := backing_work(v)) is not None:
        yield work


def under_writeback(v: KernelView) -> list[int]:
    """Return the folios whose write has not ended."""
    at, used = v.at.folio, v[v.at.folios_used] >> 1
    numbers = range(1, used.bit_length() + 1)
    return [n for n in numbers if (folio := v[at[n]]) is not None and folio.writeback]


def writes_end(v: KernelView) -> bool:
    """Whether writes end without anybody: those to zram end where it is called, by a thread or in place."""
    return not (v.at.zram.slot or (v.at.kcompressd.queue and v[v.at.si].synchronous))


def ending(v: KernelView) -> list[int]:
    """Return the folios whose write the device is about to end."""
    return under_writeback(v) if writes_end(v) else []


def serving(v: KernelView) -> Operation | None:
    """Return what the system does for somebody who waits: a write ends, a device works, a thread runs."""
    writes = ending(v)
    if writes:
        end: Operation = v.ops.end_swap_write(folio=writes[0])
        return end
    work = device_work(v) or backing_work(v)
    return thread_work(v) if work is None else work
