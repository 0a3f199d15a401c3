"""What swap metadata costs in memory: one descriptor per swapped-out page against bytes per provisioned slot.

Each design has a static part, paid for every slot of the device, and a dynamic part, paid for every page
that is swapped out.  A design that trades the one for the other wins below the utilisation at which both
cost the same.  All figures are exact; only printing rounds them.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import attrs

from refmodel.kernel.config import PAGE_SIZE

MIB = 1 << 20
GIB = 1 << 30

CLUSTER_ENTRIES = 512
"""Virtual entries of a cluster (VSWAP_CLUSTER_SIZE, mm/vswap.c, Virtual Swap Space v6; S8)."""

DESCRIPTOR_BYTES = 24
"""sizeof(struct swp_desc) (Virtual Swap Space v3 to v6; the estimate of 2023; S8)."""

CLUSTER_BYTES = CLUSTER_ENTRIES * DESCRIPTOR_BYTES + CLUSTER_ENTRIES // 8
"""Descriptors and bitmap of one cluster, allocated as a whole even for one live entry, in bytes."""


@attrs.frozen
class Design:
    """One way of keeping track of swapped-out pages.

    name: as the tables print it.  meaning: what is counted.
    static: bytes per slot of the device.  dynamic: bytes per swapped-out page.
    against: name of the design that it would replace, "" for one that is replaced.  source: who says so.
    """

    name: str
    meaning: str
    static: Fraction
    dynamic: Fraction
    source: str
    against: str = ""

    def cost(self, slots: int, pages: Fraction | int) -> Fraction:
        """Return what a device of ``slots`` slots with ``pages`` swapped-out pages costs, in bytes."""
        return self.static * slots + self.dynamic * pages


_MAP = Fraction(1)  # swap_map
_CGROUP = Fraction(2)  # swap_cgroup
_ZERO = Fraction(1, 8)  # zeromap
_CLUSTER_INFO = Fraction(1, 16)  # 32 bytes per 512 slots
_TABLE = Fraction(8)  # one word per entry: swap table, zswap tree, reverse map
_DESCRIPTOR = Fraction(CLUSTER_BYTES, CLUSTER_ENTRIES)
_LETTER = "cover letters of Virtual Swap Space v3 and v6"
_REPLY = "reply to Virtual Swap Space v3 by Kairui Song, February 2026"
_THREAD = "thread on virtual swap of February 2023 (LSF/MM/BPF)"

DESIGNS = (
    Design("swap-map", "one byte per slot, as the thread of 2023 counts", _MAP, Fraction(0), _THREAD),
    Design("seed-24", "descriptor as estimated in 2023", Fraction(0), Fraction(24), _THREAD, "swap-map"),
    Design("seed-32", "the same with a reverse map", Fraction(0), Fraction(32), _THREAD, "swap-map"),
    Design(
        "v1", "descriptor of 64 bytes", Fraction(0), Fraction(64), "Virtual Swap Space RFC v1", "swap-map"
    ),
    Design(
        "v2", "descriptor of 48 bytes", Fraction(0), Fraction(48), "Virtual Swap Space RFC v2", "swap-map"
    ),
    Design(
        "old-zswap", "map, cgroup ids, zero map; table and tree", _MAP + _CGROUP + _ZERO, 2 * _TABLE, _LETTER
    ),
    Design("old-disk", "map, cgroup ids, zero map; table", _MAP + _CGROUP + _ZERO, _TABLE, _LETTER),
    Design("v6-zswap", "descriptor and bitmap", Fraction(0), _DESCRIPTOR, _LETTER, "old-zswap"),
    Design(
        "v6-disk",
        "two bitmaps; descriptor, bitmap, reverse map",
        Fraction(2, 8),
        _DESCRIPTOR + _TABLE,
        _LETTER,
        "old-disk",
    ),
    Design(
        "table-p2",
        "swap table, phase 2: map, cgroup ids, zero map stay",
        _MAP + _CGROUP + _ZERO + _CLUSTER_INFO,
        _TABLE,
        _REPLY,
    ),
    Design(
        "table-p3",
        "swap table, phase 3: counts in the table",
        _CGROUP + _ZERO + _CLUSTER_INFO,
        _TABLE,
        _REPLY,
    ),
    Design("table-p4", "swap table, phase 4: all dynamic", _CLUSTER_INFO, _TABLE, _REPLY),
)
"""Every design that has been proposed or merged, oldest first within its kind (S8)."""


@attrs.frozen
class Cost:
    """What one design costs at one utilisation.

    utilisation: swapped-out pages per slot, 0 to 1.  pages: how many that is.  bytes: exact.
    """

    design: str
    utilisation: Fraction
    pages: Fraction
    bytes: Fraction

    @property
    def mib(self) -> float:
        """The cost in MiB."""
        return float(self.bytes / MIB)


@attrs.frozen
class BreakEven:
    """Below which utilisation a design costs less than the one that it would replace.

    utilisation: exact.  At it both cost the same.
    """

    design: str
    against: str
    utilisation: Fraction


def slots_of_device(device: int) -> int:
    """Return the slots of a device.

    device: in bytes.  Raises ValueError when it is no positive number of whole pages.
    """
    if device <= 0 or device % PAGE_SIZE:
        raise ValueError(
            f"device of {device} bytes: expected a positive multiple of {PAGE_SIZE}, such as 32 GiB"
        )
    return device // PAGE_SIZE


def table(
    device: int = 32 * GIB,
    utilisations: Iterable[Fraction] = (
        Fraction(0),
        Fraction(1, 4),
        Fraction(1, 2),
        Fraction(3, 4),
        Fraction(1),
    ),
    designs: Iterable[Design] = DESIGNS,
) -> list[Cost]:
    """Return what every design costs at every utilisation, design after design (S8).

    device: its size in bytes.  utilisations: swapped-out pages per slot, each from 0 to 1.
    Raises ValueError for a device without whole pages or a utilisation outside that range.
    """
    slots = slots_of_device(device)
    shares = tuple(utilisations)
    for share in shares:
        if not 0 <= share <= 1:
            raise ValueError(f"utilisation {float(share):g}: expected a share of the slots, from 0 to 1")
    return [
        Cost(design.name, share, share * slots, design.cost(slots, share * slots))
        for design in designs
        for share in shares
    ]


def break_evens(designs: Iterable[Design] = DESIGNS) -> list[BreakEven]:
    """Return for every design that would replace another the utilisation at which both cost the same (S8).

    A designs pays off below it: (static of the old - static of the new) / (dynamic of the new - of the old).
    """
    known = {design.name: design for design in DESIGNS}
    found = []
    for design in designs:
        if design.against:
            old = known[design.against]
            share = (old.static - design.static) / (design.dynamic - old.dynamic)
            found.append(BreakEven(design.name, old.name, share))
    return found


def share_of_memory(design: Design) -> Fraction:
    """Return the dynamic part as a share of the swapped-out memory: 24 bytes are 0.6 % (S8)."""
    return design.dynamic / PAGE_SIZE


@attrs.frozen
class Fragmentation:
    """What whole clusters cost for a number of live pages.

    clusters: that exist.  bytes: what they cost.  average: bytes per live page.
    """

    pages: int
    clusters: int
    bytes: int

    @property
    def average(self) -> Fraction:
        """Bytes per live page."""
        return Fraction(self.bytes, self.pages)


def fragmentation(pages: int) -> tuple[Fragmentation, Fragmentation]:
    """Return the best and the worst case of v6: pages packed into clusters, and one page in each (S8).

    pages: live entries, at least 1.  A cluster costs 12.06 KiB whether one entry of it lives or all do, so
    a count of clusters says what virtual swap costs, not a count of pages.
    """
    if pages < 1:
        raise ValueError(f"{pages} pages: expected at least one")
    packed = -(-pages // CLUSTER_ENTRIES)
    best, worst = (Fragmentation(pages, clusters, clusters * CLUSTER_BYTES) for clusters in (packed, pages))
    return best, worst


def net_gain(length: int, metadata: Fraction | int = DESCRIPTOR_BYTES) -> Fraction:
    """Return the bytes of memory that swapping out one page frees; negative when it costs some (S9).

    length: bytes that stay in memory: the compressed length in zswap (4096 for a page stored raw), 0 on a
    device.  metadata: bytes per page.  A fresh cluster has to be paid by its first pages: it pays off with
    the fourth page on a device, later in zswap.
    """
    return Fraction(PAGE_SIZE - length - metadata)


def pages_to_pay_for_cluster(length: int) -> int | None:
    """Return how many pages a fresh cluster needs before it frees memory, or None if it never does (S9).

    length: bytes of each page that stay in memory, as for ``net_gain``.
    """
    gain = PAGE_SIZE - length
    if gain * CLUSTER_ENTRIES <= CLUSTER_BYTES:
        return None
    return CLUSTER_BYTES // gain + 1
