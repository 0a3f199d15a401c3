"""Address spaces: whose page tables they are, their locks, and what a page-table entry maps.

Two locks guard an address space.  The mmap lock (mmap_lock) keeps it as it is: faults and madvise take it for
reading, fork and exit for writing.  The page-table lock (ptl) makes a change of entries one critical
section; the model has one for each address space.  The hardware takes neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from refmodel.kernel import memcg
from refmodel.kernel.folio import alloc_folio, live_folio
from refmodel.kernel.state import EMPTY_PTE, Content, Pte
from refmodel.machine import Wait, evolve

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Place


def process_of(v: KernelView, mm: int) -> int:
    """Return the process that a set of page tables belongs to, or that forked its owner."""
    return mm % v.cfg.sizes.processes


def is_alive(v: KernelView, mm: int) -> bool:
    """Whether an address space has a process: a child's may be on its way out, or not be there yet."""
    mine = v.cfg.sizes.processes
    return mm < mine or v[v.at.forked[mm - mine]]


def memcg_of(v: KernelView, mm: int) -> int:
    """Return the memory cgroup of a process: processes are dealt out to the cgroups below the root.

    A process whose cgroup went offline has moved to the nearest ancestor that is online.
    """
    memcgs = v.cfg.sizes.memcgs
    return memcg.online_ancestor(v, process_of(v, mm) % memcgs + 1) if memcgs else 0


def nodes_of(v: KernelView, mm: int) -> tuple[int, ...]:
    """Return the nodes that the memory policy of a process allows."""
    bound = v[v.at.policy[process_of(v, mm)]]
    return all_nodes(v) if bound is None else (bound,)


def all_nodes(v: KernelView) -> tuple[int, ...]:
    """Return every memory node."""
    return tuple(range(v.cfg.sizes.nodes))


def new_folio(
    v: KernelView, mm: int, contents: tuple[Content, ...], *, locked: bool = False, uptodate: bool = True
) -> int:
    """Allocate a folio for a process, on a node that its policy allows; return its number, or 0."""
    return alloc_folio(v, nodes_of(v, mm), memcg_of(v, mm), contents, locked=locked, uptodate=uptodate)


# --- locks --------------------------------------------------------------------------------------------------


def wait_to_read_mmap(v: KernelView, mm: int) -> Wait | None:
    """Return what has to be waited for before the mmap lock can be taken for reading."""
    return Wait(f"the mmap lock of process {mm}") if v[v.at.mmap_writer[mm]] else None


def wait_to_write_mmap(v: KernelView, mm: int) -> Wait | None:
    """Return what has to be waited for before the mmap lock can be taken for writing."""
    held = v[v.at.mmap_writer[mm]] or v[v.at.mmap_lock[mm]]
    return Wait(f"the mmap lock of process {mm}") if held else None


def wait_for_ptl(v: KernelView, mm: int) -> Wait | None:
    """Return what has to be waited for before the page table can be changed."""
    return Wait(f"the page-table lock of process {mm}") if v[v.at.ptl[mm]] else None


# --- page-table entries -------------------------------------------------------------------------------------


def mm_of(v: KernelView, place: Place[Pte]) -> int:
    """Return the address space of a page-table entry."""
    return (place - v.at.pte[0][0]) // v.cfg.sizes.pages


def map_page(v: KernelView, place: Place[Pte], number: int, pte: Pte) -> None:
    """Let a page-table entry point to a page of a folio."""
    folio = live_folio(v, number)
    v[place] = pte
    v[v.at.folio[number]] = evolve(folio, rmap=tuple(sorted((*folio.rmap, place))))


def unmap_page(v: KernelView, place: Place[Pte]) -> int:
    """Take away what a page-table entry maps.  Return the folio.

    A dirty mark goes with the entry: of anonymous memory whoever shares the page has one of its own
    (wp_page_copy and zap_present_folio_ptes, mm/memory.c, Linux 6.12.117).
    The caller has a reference to the folio or takes one in the same step.
    """
    pte: Pte = v[place]
    folio = live_folio(v, pte.folio)
    rmap = tuple(p for p in folio.rmap if p != place)
    v[v.at.folio[pte.folio]] = evolve(folio, rmap=rmap)
    v[place] = EMPTY_PTE
    return pte.folio
