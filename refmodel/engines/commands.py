"""The commands of a compressed-swap system: what processes, administrators and memory pressure do to it.

Each function below is one kind.  Its parameters are the command's arguments, with their values in the
decorator; it returns the operation, or None where the command does not apply.  Kinds whose operation a
profile does not have do not exist there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from refmodel.engines import contents
from refmodel.engines.background import ending
from refmodel.engines.command import Catalogue
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Compressed, DeflateIaa, Symbolic
from refmodel.kernel.iaa_config import SYNC_MODES
from refmodel.kernel.iaa_engine import codec
from refmodel.kernel.state import EMPTY_PTE, Content
from refmodel.kernel.zram_writeback import MODES

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Operation

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


def orders(v: KernelView) -> Sequence[int]:
    """Orders of large folios."""
    return range(1, v.cfg.sizes.max_order + 1)


def policies(v: KernelView) -> Sequence[int | str]:
    """Nodes that a process can be bound to, after no binding at all."""
    return ("local", *range(v.cfg.sizes.nodes))


def cpus(v: KernelView) -> Sequence[int]:
    """CPUs, online or not."""
    return range(v.cfg.sizes.cpus)


def limits(v: KernelView) -> Sequence[str]:
    """Limits of a cgroup as they are written: none, nothing, one page, two pages."""
    return ("max", "0", "4096", "8192")


def offsets(v: KernelView) -> Sequence[int]:
    """Bytes of a page: the first and the last."""
    return (0, PAGE_SIZE - 1)


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


def is_there(v: KernelView, mm: int, page: int, nr: int = 1) -> bool:
    """Whether any page of a range is anywhere."""
    return any(v[place] != EMPTY_PTE for place in v.at.pte[mm][page : page + nr])


def has_folio(v: KernelView, mm: int, page: int, nr: int = 1) -> bool:
    """Whether any page of a range is mapped."""
    return any(v[place].folio for place in v.at.pte[mm][page : page + nr])


def is_swapped(v: KernelView, mm: int, page: int) -> bool:
    """Whether a page is swapped out."""
    return bool(v[v.at.pte[mm][page]].slot)


def has_entries(v: KernelView, memcg: int, nid: int, *rest: int) -> bool:
    """Whether an LRU list has entries."""
    return bool(v[v.at.lru[memcg][nid]])


# --- processes ----------------------------------------------------------------------------------------------


@KINDS.kind("write_page", mms, pages, palette, weight=12)
def write(v: KernelView, mm: int, page: int, content: int) -> Operation | None:
    """A process writes a whole page."""
    return v.ops.write_page(mm, page, contents.content(v.cfg, content)) if lives(v, mm) else None


@KINDS.kind("store_byte", mms, pages, offsets, lambda v: (0, 1, 255), weight=2)
def store_byte(v: KernelView, mm: int, page: int, offset: int, value: int) -> Operation | None:
    """A process writes one byte of a page."""
    if not lives(v, mm) or not isinstance(contents.content(v.cfg, 0), bytes):
        return None
    return v.ops.store_byte(mm, page, offset=offset, value=value)


@KINDS.kind("read_page", mms, pages, weight=12, worth=is_swapped)
def read(v: KernelView, mm: int, page: int) -> Operation | None:
    """A process reads a page."""
    return v.ops.read_page(mm, page) if lives(v, mm) else None


@KINDS.kind("madvise_pageout", mms, pages, lengths, weight=16, worth=has_folio)
def pageout(v: KernelView, mm: int, page: int, nr: int) -> Operation | None:
    """A range of a process's pages is reclaimed (MADV_PAGEOUT)."""
    return v.ops.madvise_pageout(mm, page, nr) if _range_exists(v, mm, page, nr) else None


@KINDS.kind("zap_pages", mms, pages, lengths, weight=4, worth=is_there)
def zap(v: KernelView, mm: int, page: int, nr: int) -> Operation | None:
    """A process drops a range of its pages (MADV_DONTNEED, munmap)."""
    return v.ops.zap_pages(mm, page, nr) if _range_exists(v, mm, page, nr) else None


def _range_exists(v: KernelView, mm: int, page: int, nr: int) -> bool:
    return lives(v, mm) and page + nr <= v.cfg.sizes.pages


@KINDS.kind("madvise_free", mms, pages, weight=3, worth=is_there)
def madvise_free(v: KernelView, mm: int, page: int) -> Operation | None:
    """A process allows the kernel to drop a page while it stays clean (MADV_FREE)."""
    return v.ops.madvise_free(mm, page) if lives(v, mm) else None


@KINDS.kind("madvise_willneed", mms, pages, weight=4, worth=is_swapped)
def willneed(v: KernelView, mm: int, page: int) -> Operation | None:
    """A process has a page read into the swap cache (MADV_WILLNEED)."""
    return v.ops.madvise_willneed(mm, page) if lives(v, mm) else None


@KINDS.kind("fork", processes, weight=3)
def fork(v: KernelView, process: int) -> Operation | None:
    """A process without a living child forks."""
    return None if v[v.at.forked[process]] else v.ops.fork(process)


@KINDS.kind("exit_child", processes, weight=3)
def exit_child(v: KernelView, process: int) -> Operation | None:
    """The forked child of a process exits."""
    return v.ops.exit_child(process) if v[v.at.forked[process]] else None


# --- memory pressure ------------------------------------------------------------------------------------------


@KINDS.kind("shrink_folio", folios, weight=8)
def reclaim(v: KernelView, folio: int) -> Operation | None:
    """Reclaim comes by an unlocked folio that is not being written."""
    record = v[v.at.folio[folio]]
    return None if record is None or record.locked or record.writeback else v.ops.shrink_folio(folio)


@KINDS.kind("shrinker_count", all_memcgs, nodes, switch, weight=2, worth=has_entries)
def shrinker_count(v: KernelView, memcg: int, nid: int, io_allowed: int) -> Operation | None:
    """Memory is short: the dynamic shrinker is asked how much of a list is worth a try."""
    return v.ops.shrinker_count(memcg, nid, bool(io_allowed))


@KINDS.kind("shrinker_scan", all_memcgs, nodes, lambda v: (1, 2, 4), weight=8, worth=has_entries)
def shrinker_scan(v: KernelView, memcg: int, nid: int, todo: int) -> Operation | None:
    """Memory is short: the dynamic shrinker is told to visit some entries of a list."""
    return v.ops.shrinker_scan(memcg, nid, todo) if v[v.at.zswap].shrinker_enabled else None


# --- controls -------------------------------------------------------------------------------------------------


@KINDS.kind("set_memcg", memcgs, limits)
def zswap_max(v: KernelView, memcg: int, value: str) -> Operation | None:
    """The zswap limit of a cgroup is written (memory.zswap.max, bytes)."""
    return v.ops.set_memcg(memcg, "zswap.max", value)


@KINDS.kind("set_memcg", memcgs, limits)
def swap_max(v: KernelView, memcg: int, value: str) -> Operation | None:
    """The swap limit of a cgroup is written (memory.swap.max, bytes)."""
    return v.ops.set_memcg(memcg, "swap.max", value)


@KINDS.kind("set_memcg", all_memcgs, switch)
def zswap_writeback(v: KernelView, memcg: int, value: int) -> Operation | None:
    """Writeback of a cgroup's pages is forbidden or allowed (memory.zswap.writeback)."""
    return v.ops.set_memcg(memcg, "zswap.writeback", str(value))


@KINDS.kind("memcg_offline", memcgs)
def memcg_offline(v: KernelView, memcg: int) -> Operation | None:
    """A cgroup is removed."""
    return v.ops.memcg_offline(memcg) if v[v.at.memcg[memcg]].online else None


@KINDS.kind("set_param", switch)
def enabled(v: KernelView, value: int) -> Operation | None:
    """Compressed swap (zswap) is switched off or on."""
    return v.ops.set_param("enabled", str(value))


@KINDS.kind("set_param", lambda v: ("20", "0", "4", "7", "50"))
def max_pool_percent(v: KernelView, value: str) -> Operation | None:
    """The share of memory that the pools may take is written."""
    return v.ops.set_param("max_pool_percent", value)


@KINDS.kind("set_param", lambda v: ("90", "0", "50", "100"))
def accept_threshold_percent(v: KernelView, value: str) -> Operation | None:
    """The share of the limit at which a full pool accepts again is written."""
    return v.ops.set_param("accept_threshold_percent", value)


@KINDS.kind("set_param", switch)
def shrinker_enabled(v: KernelView, value: int) -> Operation | None:
    """The dynamic shrinker is switched off or on."""
    return v.ops.set_param("shrinker_enabled", str(value))


@KINDS.kind("set_param", lambda v: (*v.cfg.codecs, "unknown"))
def compressor(v: KernelView, value: str) -> Operation | None:
    """Another compressor is chosen: another pool becomes the current one."""
    return v.ops.set_param("compressor", value)


@KINDS.kind("set_zpool", lambda v: (*v.cfg.allocators, "unknown"))
def zpool(v: KernelView, value: str) -> Operation | None:
    """Another allocator is chosen: another pool becomes the current one."""
    return v.ops.set_param("zpool", value)


@KINDS.kind("set_thp", orders, switch)
def thp(v: KernelView, order: int, value: int) -> Operation | None:
    """Folios of an order are forbidden or allowed for anonymous memory."""
    return v.ops.set_thp(order, bool(value))


@KINDS.kind("bind", processes, policies)
def bind(v: KernelView, process: int, nid: int | str) -> Operation | None:
    """The memory of a process is bound to a node, or to none."""
    return v.ops.bind(process, None if isinstance(nid, str) else nid)


# --- hardware -------------------------------------------------------------------------------------------------


@KINDS.kind("cpu_offline", cpus)
def cpu_offline(v: KernelView, cpu: int) -> Operation | None:
    """A CPU goes away."""
    return v.ops.cpu_offline(cpu) if cpu in v[v.at.online_cpus] else None


@KINDS.kind("cpu_online", cpus, weight=6)
def cpu_online(v: KernelView, cpu: int) -> Operation | None:
    """A CPU comes back."""
    return None if cpu in v[v.at.online_cpus] else v.ops.cpu_online(cpu)


def queues(v: KernelView) -> Sequence[int]:
    """Work queues of IAA devices, by number."""
    return range(len(v.at.iaa.wq))


def devices(v: KernelView) -> Sequence[int]:
    """IAA devices, by position."""
    return range(len(v.at.iaa.halted))


def jobs(v: KernelView) -> Sequence[int]:
    """Jobs of a batch."""
    return range(2, v.cfg.sizes.max_batch + 1)


def offloads(v: KernelView) -> bool:
    """Whether there is a compressor that is the device's, or that stands for it."""
    return isinstance(codec(v), DeflateIaa | Symbolic)


def fits(v: KernelView, page: Content) -> bool:
    """Whether a page becomes shorter, so that there is something to decompress."""
    outcomes = codec(v).outcomes(page) or ()
    return any(isinstance(outcome, Compressed) for outcome in outcomes)


@KINDS.kind("iaa_call", cpus, palette, weight=6)
def iaa_compress(v: KernelView, cpu: int, content: int) -> Operation | None:
    """A page is compressed by an IAA device."""
    return v.ops.iaa_call(cpu, "compress", contents.content(v.cfg, content)) if offloads(v) else None


@KINDS.kind("iaa_call", cpus, palette, weight=6)
def iaa_decompress(v: KernelView, cpu: int, content: int) -> Operation | None:
    """What is stored of a page is decompressed by an IAA device."""
    page = contents.content(v.cfg, content)
    return v.ops.iaa_call(cpu, "decompress", page) if offloads(v) and fits(v, page) else None


@KINDS.kind("iaa_call_batch", cpus, jobs, weight=10)
def iaa_compress_batch(v: KernelView, cpu: int, jobs: int) -> Operation | None:
    """Pages are compressed by IAA devices in one call."""
    pages = tuple(contents.content(v.cfg, 2 + k) for k in range(jobs))
    return v.ops.iaa_call_batch(cpu, "compress", pages) if offloads(v) else None


@KINDS.kind("iaa_call_batch", cpus, jobs, weight=10)
def iaa_decompress_batch(v: KernelView, cpu: int, jobs: int) -> Operation | None:
    """What is stored of pages is decompressed by IAA devices in one call."""
    pages = tuple(contents.content(v.cfg, 2 + k) for k in range(jobs))
    fit = offloads(v) and all(fits(v, page) for page in pages)
    return v.ops.iaa_call_batch(cpu, "decompress", pages) if fit else None


@KINDS.kind("iaa_bind", queues, weight=4)
def iaa_bind(v: KernelView, queue: int) -> Operation | None:
    """A work queue is bound to the driver."""
    return v.ops.iaa_bind(queue)


@KINDS.kind("iaa_unbind", queues)
def iaa_unbind(v: KernelView, queue: int) -> Operation | None:
    """A work queue is taken from the driver."""
    return v.ops.iaa_unbind(queue)


@KINDS.kind("iaa_halt", devices)
def iaa_halt(v: KernelView, device: int) -> Operation | None:
    """An IAA device halts."""
    return None if v[v.at.iaa.halted[device]] else v.ops.iaa_halt(device)


@KINDS.kind("iaa_attribute", lambda v: ("0", "1", "yes please"))
def iaa_verify_compress(v: KernelView, value: str) -> Operation | None:
    """The attribute that has every result verified is written."""
    return v.ops.iaa_attribute("verify_compress", value)


@KINDS.kind("iaa_attribute", lambda v: (*SYNC_MODES, "often"))
def iaa_sync_mode(v: KernelView, value: str) -> Operation | None:
    """How callers wait for their jobs is written."""
    return v.ops.iaa_attribute("sync_mode", value)


@KINDS.kind("kswapd", folios, weight=8)
def kswapd(v: KernelView, folio: int) -> Operation | None:
    """Kswapd comes by an unlocked folio that is not being written; its compression may be left to a thread."""
    record = v[v.at.folio[folio]]
    return None if record is None or record.locked or record.writeback else v.ops.kswapd(folio)


@KINDS.kind("shrink_lru_list", lambda v: ("kswapd", "direct", "proactive"), lambda v: (1, 2, 4), weight=6)
def scan(v: KernelView, who: str, nr: int) -> Operation | None:
    """A pass over the LRU lists, where they have an order: so many of the coldest folios, by kswapd or another."""
    return v.ops.shrink_lru_list(who, nr) if v.at.reclaim.list else None


@KINDS.kind("lru_add_drain")
def drain(v: KernelView) -> Operation | None:
    """A CPU moves what it has gathered to the cold end of the LRU lists, where these have an order."""
    return v.ops.lru_add_drain() if v.at.reclaim.list else None


def threads(v: KernelView) -> Sequence[int]:
    """Threads of kcompressd, by number."""
    return range(len(v.at.kcompressd.queue))


@KINDS.kind("kcompressd_stop", threads)
def kcompressd_stop(v: KernelView, queue: int) -> Operation | None:
    """A thread of kcompressd is stopped: its node goes, or a parameter is written."""
    return v.ops.kcompressd_stop(queue)


@KINDS.kind("zram_idle", weight=4)
def zram_idle(v: KernelView) -> Operation | None:
    """Every slot of zram is marked idle (the file idle is written)."""
    return v.ops.zram_idle()


@KINDS.kind("zram_writeback", lambda v: MODES, weight=6)
def zram_writeback(v: KernelView, mode: str) -> Operation | None:
    """Slots of zram go to its backing device (the file writeback is written)."""
    return v.ops.zram_writeback(mode)


@KINDS.kind("kcompressd_param", lambda v: (1, 0, 4))
def kcompressd_threads(v: KernelView, value: int) -> Operation | None:
    """The number of threads of kcompressd is written (nr_kcompressd)."""
    return v.ops.kcompressd_param(value)


@KINDS.kind("kcompressd_limit", lambda v: (1, 0, 2, 256))
def kcompressd_limit(v: KernelView, value: int) -> Operation | None:
    """The number of folios that may wait is written (vm.kcompressd)."""
    return v.ops.kcompressd_limit(value)


@KINDS.kind("swapoff")
def swapoff(v: KernelView) -> Operation | None:
    """The swap device is taken out of use; the writes that it ends by itself have ended, for swapoff waits for them."""
    if ending(v):
        return None
    return v.ops.swapoff()


@KINDS.kind("swapon", weight=12)
def swapon(v: KernelView) -> Operation | None:
    """The swap device is taken into use."""
    return None if v[v.at.si].on else v.ops.swapon()
