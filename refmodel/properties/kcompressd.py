"""Invariants of queues of kcompressd, as far as a state or a command shows them.

Where the others of KC-1 to KC-25 are checked, ``refmodel.properties.kcompressd_coverage`` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from refmodel.kernel import memcg
from refmodel.kernel.kcompressd_queue import protected
from refmodel.kernel.swap_slots import slots_of
from refmodel.properties.property import history_property, state_property

if TYPE_CHECKING:
    from refmodel.kernel.kcompressd_state import KcompressdQueue
    from refmodel.kernel.state import Folio
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Event
    from refmodel.properties.index import Index

_RFC = "[RFC] kcompressd, 7 March 2025"
_PATCH = "[PATCH] mm: Add Kcompressd, 30 April 2025"


def _queues(v: KernelView) -> Iterator[tuple[int, KcompressdQueue]]:
    for number, place in enumerate(v.at.kcompressd.queue):
        yield number, v[place]


def _waiting(v: KernelView) -> Iterator[tuple[int, Folio | None]]:
    """Yield each folio that waits or is being seen to, as often as it does."""
    for _, queue in _queues(v):
        for number in (*queue.fifo, *queue.serving, *dict(queue.putting)):
            yield number, v[v.at.folio[number]]


@state_property(
    "KC-1",
    when="step",
    source=f"{_RFC}; {_PATCH}",
    requirements=("K1", "K3"),
    bug="K01",
    only="kcompressd",
)
def waits_once_and_protected(index: Index) -> str | None:
    """A folio waits for compression at most once, and is there, under writeback or locked, until it was seen to."""
    seen: list[int] = []
    for number, folio in _waiting(index.v):
        if folio is None:
            return f"a queue names folio {number}, which does not exist; expected what was submitted"
        if number in seen:
            return f"folio {number} waits twice; expected once"
        if not protected(index.v, folio):
            return f"folio {number} waits, and nothing protects it; expected lock or writeback"
        seen.append(number)
    return None


@state_property(
    "KC-2",
    when="step",
    source=f"{_RFC}; {_PATCH}",
    requirements=("K6",),
    bug="a folio that waits is taken out of the swap cache (planted)",
    only="kcompressd",
)
def waits_in_the_swap_cache(index: Index) -> str | None:
    """A folio that waits is the one that the swap cache has of its slots, so that who needs it finds it there."""
    for number, folio in _waiting(index.v):
        if folio is not None and any(
            index.v[index.v.at.swap_cache[slot]] != number for slot in slots_of(folio)
        ):
            return f"folio {number} waits outside the swap cache; expected it at slot {folio.swap}"
    return None


@state_property(
    "KC-3",
    when="step",
    source="mm/swapfile.c, Linux 6.12.117",
    requirements=("K6",),
    bug="the slot of a folio that waits is freed (planted)",
    only="kcompressd",
)
def waits_with_its_slots(index: Index) -> str | None:
    """The slots of a folio that waits are pinned by the cache: they are not used for anything else meanwhile."""
    for number, folio in _waiting(index.v):
        if folio is not None and not all(index.v[index.v.at.slot[slot]].cache for slot in slots_of(folio)):
            return f"folio {number} waits for slot {folio.swap}, which is free; expected it pinned"
    return None


@state_property(
    "KC-4",
    when="step",
    source="SWP_STABLE_WRITES, mm/memory.c do_swap_page(), Linux 6.12.117",
    requirements=("K6",),
    bug="a fault maps a page that is being written writable (planted)",
    only="kcompressd",
)
def nobody_writes_to_it(index: Index) -> str | None:
    """No process may write to a folio that waits or is being compressed: its bytes are those that were submitted."""
    for number, folio in _waiting(index.v):
        if folio is not None and any(index.v[place].exclusive for place in folio.rmap):
            return f"folio {number} waits and is mapped writable; expected read-only or not at all"
    return None


@state_property(
    "KC-6",
    when="step",
    source=f"{_RFC}; {_PATCH}",
    requirements=("K1",),
    bug="a folio is taken out and forgotten (planted)",
    only="kcompressd",
)
def submitted_is_completed_or_waits(index: Index) -> str | None:
    """Whatever was submitted to a queue was completed, waits, or is being seen to."""
    pending, found = index.v[index.v.at.kcompressd.count.pending], sum(1 for _ in _waiting(index.v))
    return None if pending == found else f"{pending} folios were submitted and not completed; {found} wait"


@state_property(
    "KC-7",
    when="step",
    source=f"kfifo, lib/kfifo.c, Linux 6.12.117; {_PATCH}",
    requirements=("K5",),
    bug="a folio is appended to a full queue (planted)",
    only="kcompressd",
)
def no_more_than_the_ring_holds(index: Index) -> str | None:
    """No queue has more folios than its ring holds."""
    most = index.v.at.kcompressd.capacity
    for number, queue in _queues(index.v):
        if len(queue.fifo) > most:
            return f"queue {number} has {len(queue.fifo)} folios; expected at most {most}"
    return None


@state_property(
    "KC-11",
    source=f"{_RFC}; {_PATCH}",
    requirements=("K5",),
    bug="K02",
    only="kcompressd",
)
def no_wake_up_is_lost(index: Index) -> str | None:
    """While nothing is under way the thread of a queue that has folios is awake."""
    for number, queue in _queues(index.v):
        if queue.fifo and not queue.torn and queue.thread != "running":
            return f"queue {number} has folios {queue.fifo}, and its thread is {queue.thread!r}; expected it awake"
    return None


@state_property(
    "KC-14",
    when="step",
    source=f"{_RFC}; {_PATCH}",
    requirements=("K3", "K5"),
    bug="a thread takes one folio after the other without completing any (planted)",
    only="kcompressd",
)
def no_more_memory_is_held(index: Index) -> str | None:
    """The pages that wait or are compressed are bounded by what queues, threads and helping kswapds can have.

    A place in a queue is a folio's, however large, so the bound counts the largest folios.
    """
    v = index.v
    at, largest = v.at.kcompressd, 1 << v.cfg.sizes.max_order
    most = (len(at.queue) * (at.capacity + 1) + at.kswapds) * largest
    held = sum(len(folio.contents) for _, folio in _waiting(v) if folio is not None)
    return None if held <= most else f"{held} pages wait or are compressed; expected at most {most}"


@state_property(
    "KC-20",
    source=f"schedule_bio_write(), {_RFC}",
    requirements=("K9",),
    bug="keeps_bio",
    only="kcompressd",
)
def bios_are_let_go(index: Index) -> str | None:
    """A bio that waits has a reference of its submitter and one of its queue; any other was freed, once."""
    for number, place in enumerate(index.v.at.kcompressd.bio):
        expected = 2 * index.queued.count(number)
        if index.v[place] != expected:
            return f"bios of folio {number} have {index.v[place]} references at rest; expected {expected or 'none'}"
    return None


@state_property(
    "KC-22",
    when="step",
    source=f"kfifo, lib/kfifo.c, Linux 6.12.117; {_RFC}; {_PATCH}",
    requirements=("K1",),
    bug="A-X3",
    only="kcompressd",
)
def one_producer_at_a_time(index: Index) -> str | None:
    """A ring without a lock has one producer at a time: each writes where it has found the end."""
    for number, queue in _queues(index.v):
        if len(queue.putting) > 1:
            folios = [folio for folio, _ in queue.putting]
            return f"folios {folios} are appended to queue {number} at the same time; expected one after the other"
    return None


@state_property(
    "KC-18",
    when="step",
    source=f"kswapd_stop(), {_PATCH}",
    requirements=("K5",),
    bug="C-stop",
    only="kcompressd",
)
def freed_ring_is_empty(index: Index) -> str | None:
    """A ring that is freed is empty, and everything that was in it was completed."""
    for number, queue in _queues(index.v):
        if queue.torn and (queue.fifo or queue.serving):
            return f"the ring of queue {number} was freed with folios {queue.fifo + queue.serving}; expected none"
    return None


@state_property(
    "KC-RING",
    when="step",
    source=f"kcompressd_deinit(), {_RFC}",
    requirements=("K5",),
    bug="A-X7",
    only="kcompressd",
)
def freed_with_its_thread(index: Index) -> str | None:
    """A ring is freed when its thread was stopped, and for no other reason."""
    for number, queue in _queues(index.v):
        if queue.torn and queue.thread != "gone":
            return f"the ring of queue {number} was freed while its thread is {queue.thread!r}; expected it to be kept"
    return None


@history_property(
    "KC-PARAM",
    source=f"nr_kcompressd, {_RFC}",
    requirements=("K1",),
    bug="A-X4",
    only="kcompressd",
)
def refused_means_unchanged(events: list[Event], v: KernelView) -> str | None:
    """A parameter that is refused changes nothing: the queues can be used as before."""
    for name, fields in events:
        if name == "kcompressd_refused_param" and not fields["usable"]:
            return f"{fields['value']} threads were refused, and the rings are freed; expected them as before"
    return None


@state_property(
    "LRU",
    when="step",
    source="mm/vmscan.c folio_isolate_lru(), mm/swap.c folio_add_lru(), Linux 6.12.117",
    requirements=("K3",),
    bug="a folio is put on two lists (planted)",
    only="kcompressd",
)
def listed_once(index: Index) -> str | None:
    """Where LRU lists have an order, a folio that reclaim can find is on one of them, once, and no other folio is."""
    if not index.v.at.reclaim.list:
        return None
    listed = sorted(number for place in index.v.at.reclaim.list for number in index.v[place])
    expected = [number for number, folio in index.folios.items() if folio.lru]
    return None if listed == expected else f"the LRU lists have folios {listed}; expected {expected}"


@history_property(
    "KC-13",
    source="mm/page_io.c __end_swap_bio_write(), mm/swap.c folio_rotate_reclaimable(), Linux 6.12.117",
    requirements=("K3",),
    bug="forgets_rotation",
    only="kcompressd",
)
def goes_to_the_cold_end(events: list[Event], v: KernelView) -> str | None:
    """A folio that reclaim wants back goes to the cold end of its list once its write has ended without an error.

    That is owed if the folio is on a list by then, unlocked and clean.
    """
    owed = [fields["folio"] for name, fields in events if name == "write_ended" and fields["owed"]]
    moved = [fields["folio"] for name, fields in events if name == "rotate"]
    return None if owed == moved else f"folios {owed} are owed the cold end; found {moved} on the way there"


@history_property(
    "KC-8",
    source=f"kfifo, {_RFC}; {_PATCH}",
    requirements=("K1",),
    bug="the newest folio is taken first (planted)",
    only="kcompressd",
)
def oldest_first(events: list[Event], v: KernelView) -> str | None:
    """The folios of a queue are taken in the order in which they were submitted."""
    for name, fields in events:
        if name == "kcompressd_take" and fields["ahead"]:
            return (
                f"folio {fields['folio']} was taken before {fields['ahead']} older ones; expected the oldest"
            )
    return None


@history_property(
    "KC-ORDER",
    source="do_swapout() of the oldest folio, kcompressd-unofficial 0.5 for 6.12.44",
    requirements=("K1", "K5"),
    bug="compresses_the_newest",
    only="kcompressd",
)
def nothing_younger_overtakes(events: list[Event], v: KernelView) -> str | None:
    """Where the discipline keeps the order, no folio is compressed while an older one waits in its queue.

    The descendants do, for kswapd takes the oldest of a full queue.  The others do not: there the folio that finds
    no room is compressed at once.  Between queues nobody promises an order.
    """
    options = v.cfg.options.kcompressd
    assert options is not None
    for name, fields in events if options.keeps_order else ():
        if name == "kcompressd_refused" and fields["waiting"]:
            return f"folio {fields['folio']} is compressed before {fields['waiting']} older ones; expected the oldest"
    return None


@history_property(
    "KC-5",
    source="mm/vmscan.c pageout(), mm/page_io.c __end_swap_bio_write(), Linux 6.12.117",
    requirements=("K3",),
    bug="failed_write_is_forgotten",
    only="kcompressd",
)
def dirty_means_not_written(events: list[Event], v: KernelView) -> str | None:
    """A folio is clean when it is submitted, and dirty again when its write has failed; its mark for reclaim goes."""
    for name, fields in events:
        if name == "kcompressd_put" and fields["dirty"]:
            return f"folio {fields['folio']} was submitted dirty; expected it clean"
        if name == "write_ended" and not fields["kept"]:
            return (
                f"the write of folio {fields['folio']} has failed, and the folio is clean; expected it dirty"
            )
        if name == "write_ended" and fields["reclaim"]:
            return f"folio {fields['folio']} is marked for reclaim after its write; expected the mark to be cleared"
    return None


@history_property(
    "KC-9",
    source=f"current_is_kswapd(), {_RFC}; {_PATCH}",
    requirements=("K10",),
    bug="direct_reclaim_queues",
    only="kcompressd",
)
def only_kswapd_submits(events: list[Event], v: KernelView) -> str | None:
    """Only kswapd queues folios: not who reclaims for himself or on demand, nor a thread that compresses."""
    for name, fields in events:
        if name == "kcompressd_submit" and not fields["kswapds"]:
            return f"folio {fields['folio']} was submitted while no kswapd was at work; expected it to be compressed"
    return None


@history_property(
    "KC-10",
    source=f"{_RFC}; {_PATCH}",
    requirements=("K5",),
    bug="refused_is_dropped",
    only="kcompressd",
)
def refused_means_compressed(events: list[Event], v: KernelView) -> str | None:
    """A folio that finds no room in a queue is compressed in the same call, by whoever brought it."""
    for number, (name, fields) in enumerate(events):
        if name == "kcompressd_refused" and not any(_sees_to(fields, *each) for each in events[number:]):
            return (
                f"folio {fields['folio']} found no room, and nobody compressed it; expected its submitter to"
            )
    return None


def _sees_to(refused: Mapping[str, Any], name: str, fields: Mapping[str, Any]) -> bool:
    """Whether an event says that a refused folio was offered to zswap, submitted, or written."""
    if name == "write_ended":
        return bool(fields["folio"] == refused["folio"])
    return name in ("store", "disk_write") and fields["swp"] == refused["swp"]


@history_property(
    "KC-16",
    source=f"review of {_PATCH} by Nhat Pham, 7 May 2025; PF_MEMALLOC in {_RFC}",
    requirements=("K1", "K9"),
    bug="KI-16",
    only="kcompressd",
)
def threads_use_the_reserves(events: list[Event], v: KernelView) -> str | None:
    """Whoever compresses a folio for reclaim may use the reserves of memory, and does not reclaim for that."""
    for name, fields in events:
        if name == "kcompressd_compress" and not fields["memalloc"]:
            return f"folio {fields['folio']} is compressed without PF_MEMALLOC; expected a thread that has it"
    return None


@history_property(
    "KC-17",
    source=f"kcompressd(), {_PATCH}",
    requirements=("K9",),
    bug="what zswap refuses the thread is dropped (planted)",
    only="kcompressd",
)
def refused_means_written(events: list[Event], v: KernelView) -> str | None:
    """A folio that zswap refuses a thread is written to the device, or kept because its cgroup forbids writeback."""
    compresses, owed = False, list[int]()
    for name, fields in events:
        if name in ("kcompressd_compress", "kcompressd_done"):
            compresses = name == "kcompressd_compress"
        elif name == "store" and not fields["ok"] and compresses:
            owed.append(fields["swp"])
        elif name in ("disk_write", "kcompressd_kept"):
            owed = [slot for slot in owed if slot != fields["swp"]]
    return f"zswap refused slots {owed}, and nobody wrote them; expected writes" if owed else None


@history_property(
    "KC-LIMIT",
    source=f"review of {_PATCH} by Nhat Pham, 30 April 2025",
    requirements=("K9",),
    bug="K04",
    only="kcompressd",
)
def who_may_not_compress_does_not_wait(events: list[Event], v: KernelView) -> str | None:
    """A folio whose cgroup may not use zswap does not wait for it: it goes to the device at once.

    A store after it may have brought the cgroup to its limit.
    """
    if v[v.at.si].synchronous or not v[v.at.zswap].enabled:
        return None
    put: dict[int, int] = {}
    for name, fields in events:
        if name == "kcompressd_put" and fields["memcg"]:
            put[fields["folio"]] = fields["memcg"]
        elif name == "store" and fields["ok"]:
            put.clear()
    for folio, objcg in put.items():
        if not memcg.may_zswap(v, objcg):
            return f"folio {folio} waits for zswap, which cgroup {objcg} may not use; expected a write"
    return None
