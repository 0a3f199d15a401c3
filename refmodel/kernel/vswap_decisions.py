"""The arithmetic of virtual swap: clusters, descriptors and the bitmaps that hand out runs of them.

Every function here decides one thing from plain values, so that it can be proved as well as tested.  The steps that
call them read the values and do what is decided.

Source: mm/vswap.c, Virtual Swap Space v6 (S1, S2).
"""

from __future__ import annotations

from collections.abc import Iterator


def cluster_and_index(entry: int, size: int) -> tuple[int, int]:
    """Return the cluster of a virtual entry and the entry's number in it.

    size: entries of a cluster, a power of two.
    Source: VSWAP_CLUSTER_SIZE, mm/vswap.c, Virtual Swap Space v6 (S1).
    """
    return divmod(entry, size)


def entry_of(number: int, index: int, size: int) -> int:
    """Return the virtual entry at a place in a cluster.

    number: of the cluster.  index: in it, below ``size``.
    Source: VSWAP_CLUSTER_SIZE, mm/vswap.c, Virtual Swap Space v6 (S1).
    """
    return number * size + index


def fits_one_more(count: int, order: int, size: int) -> bool:
    """Whether the count of a cluster leaves room for one more run; the positions may still be scattered (S2).

    count: allocated entries.  order: of the folios that the cluster serves.  size: entries of a cluster.
    Source: mm/vswap.c, Virtual Swap Space v6.
    """
    return count + (1 << order) <= size


def free_runs(used: int, size: int, nr: int, start: int = 0) -> Iterator[int]:
    """Yield the starts of naturally aligned runs of ``nr`` clear bits among ``size``, from ``start`` on (S2)."""
    run = run_bits(0, nr)
    return (s for s in range(start, size - nr + 1, nr) if not used >> s & run)


def run_bits(start: int, nr: int) -> int:
    """Return the bits of a run in a bitmap: ``nr`` of them, from ``start`` on.

    Source: mm/vswap.c, Virtual Swap Space v6 (S2).
    """
    return ((1 << nr) - 1) << start


def relists(full: bool, room: bool, cached: bool) -> bool:
    """Whether a cluster goes back to the partial list when entries of it are freed (FR4).

    full: it was found without room, so it is on no list.  room: it has room for a run again.  cached: it is reserved
    to a CPU, which finds it without a list.
    Source: vswap_free_nr(), mm/vswap.c, Virtual Swap Space v6 (S2).
    """
    return full and room and not cached


def is_cache_only(count: int, cached: bool) -> bool:
    """Whether the physical slot of an entry can be taken: no page table names it, the swap cache holds it (SF3, DU).

    count: page-table entries that name the virtual entry.  cached: pin of the swap cache.
    Source: mm/vswap.c, Virtual Swap Space v6 (S1).
    """
    return cached and not count


def in_a_row(slots: list[int]) -> bool:
    """Whether physical slots lie one behind the other, so that one write reaches all of them (WO4).

    slots: of the entries of a folio, in their order; one or more.
    Source: mm/vswap.c, Virtual Swap Space v6 (S4).
    """
    return slots == list(range(slots[0], slots[0] + len(slots)))
