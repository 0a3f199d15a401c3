"""What operations in flight hold, and must have given back when none is in flight: locks, pins, references."""

from __future__ import annotations

from refmodel.properties.index import Index
from refmodel.properties.property import state_property


@state_property(
    "LOCKS",
    source="mm/memory.c, mm/swapfile.c get_swap_device(), kernel/cpu.c, Linux 6.12.117",
    requirements=("Z2",),
    bug="pin_kept",
)
def nothing_is_held(index: Index) -> str | None:
    """While nothing is under way no lock of an address space is held, no device pinned, no CPU on its way."""
    v = index.v
    for mm, (mmap_lock, ptl) in enumerate(zip(v.at.mmap_lock, v.at.ptl, strict=True)):
        if v[mmap_lock] or v[v.at.mmap_writer[mm]]:
            readers = "its writer" if v[v.at.mmap_writer[mm]] else f"{v[mmap_lock]} readers"
            return f"the mmap lock of process {mm} is held at rest by {readers}; expected it free"
        if v[ptl]:
            return f"the page-table lock of process {mm} is held at rest; expected it free"
    if v[v.at.si_pins]:
        return f"the swap device has {v[v.at.si_pins]} pins at rest; expected none"
    if v[v.at.hotplug_locked]:
        return "a CPU is coming or going at rest; expected the lock to be free"
    if v[v.at.param_locked]:
        return "a module parameter is being written at rest; expected its lock to be free"
    return None


@state_property(
    "REFS",
    source="mm/swap.c folio_put(), mm/vmscan.c folio_isolate_lru(), Linux 6.12.117",
    requirements=("Z2",),
    bug="reference_kept",
)
def folios_are_let_go(index: Index) -> str | None:
    """While nothing is under way every folio is on an LRU list, and only page tables and swap cache refer to it.

    A queue of kcompressd that takes references has one to each folio that waits (KC-19), and a CPU to each that it
    is going to move to the cold end.
    """
    options = index.v.cfg.options.kcompressd
    counted = options is not None and options.protects == "reference"
    rotating = [number for place in index.v.at.reclaim.rotating for number in index.v[place]]
    for number, folio in index.folios.items():
        expected = int(counted and number in index.queued) + rotating.count(number)
        if folio.refs != expected:
            return f"folio {number} has {folio.refs} references of operations at rest; expected {expected or 'none'}"
        if not folio.lru:
            return f"folio {number} is on no LRU list at rest; expected reclaim to find it"
    return None
