"""The commands of a compressed-swap system: what processes, administrators and memory pressure do to it.

Each function below is one kind.  Its parameters are the command's arguments, with their values in the
decorator; it returns the operation, or None where the command does not apply.  Kinds whose operation a
profile does not have do not exist there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

import attrs

from refmodel.engines import contents
from refmodel.engines.command import Catalogue
from refmodel.kernel.config import PAGE_SIZE
from refmodel.machine import Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

KINDS = Catalogue()
"""Every kind of command."""


# --- values of arguments ------------------------------------------------------------------------------------


def mms(v: KernelView) -> Sequence[int]:
    """Processes, then the children that they may have forked."""
    return range(2 * v.cfg.sizes.processes)


def processes(v: KernelView) -> Sequence[int]:
    """Processes that can fork."""
    return range(v.cfg.sizes.processes)


def pages(v: KernelView) -> Sequence[int]:
    """Pages of a process."""
    return range(v.cfg.sizes.pages)


def lengths(v: KernelView) -> Sequence[int]:
    """Lengths of a range of pages."""
    return range(1, v.cfg.sizes.pages + 1)


def memcgs(v: KernelView) -> Sequence[int]:
    """Memory cgroups with controls: all but the root."""
    return range(1, v.cfg.sizes.memcgs + 1)


def all_memcgs(v: KernelView) -> Sequence[int]:
    """Memory cgroups, the root first."""
    return range(v.cfg.sizes.memcgs + 1)


def nodes(v: KernelView) -> Sequence[int]:
    """Memory nodes."""
    return range(v.cfg.sizes.nodes)


def folios(v: KernelView) -> Sequence[int]:
    """Folios that exist."""
    used, start = v[v.at.folios_used] >> 1, 1
    return [start + n for n in range(used.bit_length()) if used >> n & 1]


def switch(v: KernelView) -> Sequence[int]:
    """Off and on."""
    return (0, 1)


class Contents(Sequence[int]):
    """Numbers of page contents: every number is one, the palette is what is offered."""

    def __len__(self) -> int:
        """How many are offered."""
        return contents.PALETTE

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        """Return an offered number."""
        return range(contents.PALETTE)[index]

    def __contains__(self, number: object) -> bool:
        """Whether there is a content of this number."""
        return isinstance(number, int) and number >= 0


_CONTENTS = Contents()


def palette(v: KernelView) -> Sequence[int]:
    """Numbers of page contents."""
    return _CONTENTS


def lives(v: KernelView, mm: int) -> bool:
    """Whether a process or a child exists."""
    mine = v.cfg.sizes.processes
    return mm < mine or v[v.at.forked[mm - mine]]


# --- processes ----------------------------------------------------------------------------------------------


@KINDS.kind("write_page", mms, pages, palette, weight=6)
def write(v: KernelView, mm: int, page: int, content: int) -> Operation | None:
    """A process writes a whole page."""
    return v.ops.write_page(mm, page, contents.content(v.cfg, content)) if lives(v, mm) else None


@KINDS.kind("store_byte", mms, pages, lambda v: (0, PAGE_SIZE - 1), lambda v: (0, 1, 255))
def store_byte(v: KernelView, mm: int, page: int, offset: int, value: int) -> Operation | None:
    """A process writes one byte of a page."""
    if not lives(v, mm) or not isinstance(contents.content(v.cfg, 0), bytes):
        return None
    return v.ops.store_byte(mm, page, offset=offset, value=value)


@KINDS.kind("read_page", mms, pages, weight=6)
def read(v: KernelView, mm: int, page: int) -> Operation | None:
    """A process reads a page."""
    return v.ops.read_page(mm, page) if lives(v, mm) else None


@KINDS.kind("madvise_pageout", mms, pages, lengths, weight=10)
def pageout(v: KernelView, mm: int, page: int, nr: int) -> Operation | None:
    """A range of a process's pages is reclaimed (MADV_PAGEOUT)."""
    return v.ops.madvise_pageout(mm, page, nr) if _range_exists(v, mm, page, nr) else None


@KINDS.kind("zap_pages", mms, pages, lengths, weight=2)
def zap(v: KernelView, mm: int, page: int, nr: int) -> Operation | None:
    """A process drops a range of its pages (MADV_DONTNEED, munmap)."""
    return v.ops.zap_pages(mm, page, nr) if _range_exists(v, mm, page, nr) else None


def _range_exists(v: KernelView, mm: int, page: int, nr: int) -> bool:
    return lives(v, mm) and page + nr <= v.cfg.sizes.pages


@KINDS.kind("madvise_free", mms, pages, weight=2)
def madvise_free(v: KernelView, mm: int, page: int) -> Operation | None:
    """A process allows the kernel to drop a page while it stays clean (MADV_FREE)."""
    return v.ops.madvise_free(mm, page) if lives(v, mm) else None


@KINDS.kind("madvise_willneed", mms, pages, weight=2)
def willneed(v: KernelView, mm: int, page: int) -> Operation | None:
    """A process has a page read into the swap cache (MADV_WILLNEED)."""
    return v.ops.madvise_willneed(mm, page) if lives(v, mm) else None


@KINDS.kind("fork", processes, weight=2)
def fork(v: KernelView, process: int) -> Operation | None:
    """A process without a living child forks."""
    return None if v[v.at.forked[process]] else v.ops.fork(process)


@KINDS.kind("exit_child", processes)
def exit_child(v: KernelView, process: int) -> Operation | None:
    """The forked child of a process exits."""
    return v.ops.exit_child(process) if v[v.at.forked[process]] else None


# --- memory pressure ------------------------------------------------------------------------------------------


@KINDS.kind("shrink_folio", folios, weight=3)
def reclaim(v: KernelView, folio: int) -> Operation | None:
    """Reclaim comes by an unlocked folio that is not being written."""
    record = v[v.at.folio[folio]]
    return None if record is None or record.locked or record.writeback else v.ops.shrink_folio(folio)


@KINDS.kind("shrinker_count", all_memcgs, nodes, switch)
def shrinker_count(v: KernelView, memcg: int, nid: int, io_allowed: int) -> Operation | None:
    """Memory is short: the dynamic shrinker is asked how much of a list is worth a try."""
    return v.ops.shrinker_count(memcg, nid, bool(io_allowed))


@KINDS.kind("shrinker_scan", all_memcgs, nodes, lambda v: (1, 2, 4))
def shrinker_scan(v: KernelView, memcg: int, nid: int, todo: int) -> Operation | None:
    """Memory is short: the dynamic shrinker is told to visit some entries of a list."""
    return v.ops.shrinker_scan(memcg, nid, todo) if v[v.at.zswap].shrinker_enabled else None


# --- controls -------------------------------------------------------------------------------------------------
# (stand-ins until refmodel.kernel.controls exists)


@attrs.define
class _Change(Operation):
    place: int
    changes: dict[str, object]

    @step
    def change(self, v: KernelView) -> Next:
        v[self.place] = evolve(v[self.place], **self.changes)
        return Return()


@attrs.define
class _Put(Operation):
    place: int
    value: object

    @step
    def change(self, v: KernelView) -> Next:
        v[self.place] = self.value
        return Return()


def limits(v: KernelView) -> Sequence[int | str]:
    return ("max", 0, 1, 2)


@KINDS.kind("zswap_store", memcgs, limits)
def zswap_max(v, memcg, limit):
    """memory.zswap.max of a cgroup is set, in pages."""
    return _Change(v.at.memcg[memcg], {"zswap_max": None if limit == "max" else limit})


@KINDS.kind("zswap_store", memcgs, limits)
def swap_max(v, memcg, limit):
    """memory.swap.max of a cgroup is set, in pages."""
    return _Change(v.at.memcg[memcg], {"swap_max": None if limit == "max" else limit})


@KINDS.kind("zswap_store", memcgs, switch)
def zswap_writeback(v, memcg, on):
    """memory.zswap.writeback of a cgroup is set."""
    return _Change(v.at.memcg[memcg], {"zswap_writeback": bool(on)})


@KINDS.kind("zswap_store", switch)
def enabled(v, on):
    return _Change(v.at.zswap, {"enabled": bool(on)})


@KINDS.kind("zswap_store", lambda v: (20, 0, 4, 7, 50))
def max_pool_percent(v, percent):
    return _Change(v.at.zswap, {"max_pool_percent": percent})


@KINDS.kind("zswap_store", lambda v: (90, 0, 50, 100))
def accept_threshold_percent(v, percent):
    return _Change(v.at.zswap, {"accept_threshold_percent": percent})


@KINDS.kind("zswap_store", switch)
def shrinker_enabled(v, on):
    return _Change(v.at.zswap, {"shrinker_enabled": bool(on)})


@KINDS.kind("zswap_store", lambda v: range(1, v.cfg.sizes.max_order + 1), switch)
def thp(v, order, on):
    bit = 1 << order
    return _Put(v.at.thp_orders, v[v.at.thp_orders] & ~bit | on * bit)


@KINDS.kind("zswap_store", processes, lambda v: ("local", *nodes(v)))
def bind(v, process, nid):
    return _Put(v.at.policy[process], None if nid == "local" else nid)
