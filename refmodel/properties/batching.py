"""What must hold where folios are stored in batches (BT-1 to BT-17).

The judges of events look at what the operations of batches tell (``refmodel.kernel.zswap_store_pages``).  What an
invariant shares with stores of single pages, another property says already: ``SAME_AS`` in
``refmodel.properties.catalogue``.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from refmodel.kernel import memcg
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Codec, CorruptData
from refmodel.kernel.state import Content
from refmodel.kernel.table import KernelView
from refmodel.machine import Event
from refmodel.properties.index import Index
from refmodel.properties.property import history_property, state_property

# --- states ---------------------------------------------------------------------------------------------------


@state_property(
    "PLACE",
    source="zswap compression batching v13 21/22, which keeps the node in the entry; review of v12 22/23",
    requirements=("Z3", "B7"),
    bug="B01",
    when="step",
    only="bulk",
)
def listed_at_the_node_of_the_data(index: Index) -> str | None:
    """An entry is on the LRU list of the node that its bytes are on (BT-8).

    Released kernels take the node of the entry's own memory, which is another one when the page's node has none
    to give (H-11): there the sentence holds as long as no entry comes from elsewhere.
    """
    for _, nid, numbers in index.lists:
        for number in numbers:
            entry = index.entries.get(number)
            stored = index.objects.get(entry.handle) if entry is not None else None
            if stored is not None and stored.nid != nid:
                return f"zswap entry {number} is listed at node {nid}; expected node {stored.nid}, its data's"
    return None


@state_property(
    "BT-5",
    source="zswap_store_pages(), zswap compression batching v14 25/26",
    requirements=("B7", "B9"),
    bug="metadata_left_behind",
    only="batches",
)
def every_entry_is_in_a_tree(index: Index) -> str | None:
    """An entry that no tree has was freed: with the folio's failure, not before, and once.

    Freeing one twice is the use of what was freed (LIVE); of objects ZS-12 says the same.
    """
    if len(index.entries) == len(index.stored):
        return None
    stored = {number for _, number in index.stored}
    lost = [number for number in index.entries if number not in stored]
    return f"zswap entries {lost} are in no tree; expected them to be freed" if lost else None


@state_property(
    "BT-14",
    source="zswap_compress(), zswap compression batching v12 23/23",
    requirements=("Z5",),
    bug="HB-5",
    only="raw",
)
def as_long_as_a_page_is_raw(index: Index) -> str | None:
    """An entry as long as a page holds the page itself: it is copied back, and never decompressed.

    That everything shorter decompresses to the page, ZS-18 says.
    """
    v = index.v
    for number, entry in index.entries.items():
        stored = index.objects.get(entry.handle) if entry.length == PAGE_SIZE else None
        pool = v[v.at.pool[entry.pool]]
        if stored is None or pool is None or not _decompresses(v.cfg.codecs[pool.compressor], stored.data):
            continue
        return f"zswap entry {number} has {PAGE_SIZE} bytes of the compressor's; expected the page itself"
    return None


def _decompresses(codec: Codec, data: Content) -> bool:
    """Whether data is what a compressor makes of a page; one whose results are recorded cannot tell."""
    try:
        return codec.decompress(data) != data
    except CorruptData:
        return False


@state_property(
    "BT-16",
    source="zswap compression batching v10 24/25",
    requirements=("B5", "A1"),
    bug="one_flag_for_all_cpus",
    only="batches",
)
def batches_are_the_compressors(index: Index) -> str | None:
    """A pool takes as many pages in a call as its compressor does, from creation to release."""
    v = index.v
    for number in v[v.at.pool_list]:
        pool = v[v.at.pool[number]]
        if pool is not None and pool.compr_batch_size != v.cfg.batch_size(pool.compressor):
            expected = v.cfg.batch_size(pool.compressor)
            return f"pool {number} has batches of {pool.compr_batch_size} pages; expected {expected}"
    return None


# --- the events of a batch --------------------------------------------------------------------------------------


@attrs.frozen
class Batch:
    """One batch of a store that came to its end.

    swp, nr: slot of its first page, and its pages.  ok: whether they were stored.  events: between begin and end.
    """

    swp: int
    nr: int
    ok: bool
    events: list[Event]

    def of(self, name: str, field: str) -> list[int]:
        """Return a field of all events of a name, in their order."""
        return [fields[field] for told, fields in self.events if told == name]


def _batches(events: list[Event]) -> Iterator[Batch]:
    begin: dict[str, int] = {}
    inside: list[Event] = []
    for name, fields in events:
        if name == "batch":
            begin, inside = fields, []
        elif name == "batch_end":
            yield Batch(begin["swp"], begin["nr"], bool(fields["ok"]), inside)
            begin = {}
        elif begin:
            inside.append((name, fields))


@history_property(
    "BT-2",
    source="zswap_store_pages(), zswap compression batching v9 18/19",
    requirements=("B4", "B9"),
    bug="publishes_backwards",
    only="batches",
)
def published_from_the_first_page_on(events: list[Event], v: KernelView) -> str | None:
    """The pages of a folio are published in the order of their slots, none left out, batch after batch."""
    following = 0
    for name, fields in events:
        if name == "store":
            following = 0
        elif name in ("batch", "xa_store"):
            if following not in (0, fields["swp"]):
                return f"{name} of slot {fields['swp']}; expected slot {following}, the next of the folio"
            following = fields["swp"] + (name == "xa_store")
    return None


@history_property(
    "BT-3",
    source="zswap_store_pages(), zswap compression batching v9 18/19",
    requirements=("B3", "B4"),
    bug="publishes_before_compression",
    only="batches",
)
def published_when_all_are_in_the_pool(events: list[Event], v: KernelView) -> str | None:
    """No page of a batch is published before every page of the batch is in the pool."""
    for batch in _batches(events):
        names = [name for name, _ in batch.events]
        if "xa_store" in names:
            copied = names[: names.index("xa_store")].count("copy")
            if copied != batch.nr:
                first = f"the batch of slot {batch.swp} has {copied} pages in the pool when it publishes one"
                return f"{first}; expected all {batch.nr}"
    return None


@history_property(
    "BT-4",
    source="zswap_store_pages(), store_pages_failed, zswap compression batching v9 18/19",
    requirements=("B7", "B9"),
    bug="clean_up_stops_short",
    only="batches",
)
def clean_up_frees_the_rest(events: list[Event], v: KernelView) -> str | None:
    """A batch that fails frees those of its entries that it has not published; one that succeeds has none."""
    for batch in _batches(events):
        taken_back = set(batch.of("xa_restore", "entry"))
        published = [entry for entry in batch.of("xa_store", "entry") if entry not in taken_back]
        expected = sorted(set(batch.of("entry_alloc", "entry")) - set(published))
        found = sorted(batch.of("entry_put", "entry"))
        if found != expected or (batch.ok and expected):
            end = "stored" if batch.ok else "failed"
            what = f"the batch of slot {batch.swp}, {end}, has published {published} and frees {found}"
            return f"{what}; expected to free {expected}, none after a success"
    return None


@history_property(
    "BT-7",
    source="zswap_store_pages(), zswap_entry_free(), zswap compression batching v9 18/19",
    requirements=("B11", "B12"),
    bug="HB-2",
    only="batches",
)
def accounted_between_tree_and_list(events: list[Event], v: KernelView) -> str | None:
    """An entry is accounted once, between tree and LRU list, and comes off the books only when it is freed.

    Accounting is what freeing an entry undoes: its pool reference, its charge, and its count.
    """
    for batch in _batches(events):
        wrong = _accounted(batch)
        if wrong is not None:
            return f"the batch of slot {batch.swp} {wrong}"
    return None


def _accounted(batch: Batch) -> str | None:
    published: set[int] = set()
    freeing = False
    for name, fields in batch.events:
        if name == "xa_store":
            published.add(fields["swp"])
        elif name == "account" and fields["swp"] not in published:
            return f"accounts for slot {fields['swp']}; expected that once, and after the tree has the entry"
        elif name == "account":
            published.discard(fields["swp"])
        elif name == "lru_add" and fields["swp"] in published:
            return f"lists slot {fields['swp']}, which is not accounted; expected that before"
        elif name == "uncharge" and not freeing:
            return "takes a charge back; expected that of entries that are freed after they were published"
        freeing = name == "entry_free" or (freeing and name in ("lru_del", "zs_free"))
    return None


@history_property(
    "BT-9",
    source="ZSWAP_MAX_BATCH_SIZE, mm/zswap.c of zswap compression batching v9 18/19",
    requirements=("B1", "B5", "A1"),
    bug="the_folio_is_one_batch",
    only="short",
)
def batches_fit(events: list[Event], v: KernelView) -> str | None:
    """A batch has one page at least and no more than the longest has, a call no more than its context has room for.

    That a context has room for several pages only where its compressor takes them, BT-16 says.
    """
    longest = v.cfg.sizes.max_batch
    for name, fields in events:
        if name == "batch" and not 1 <= fields["nr"] <= longest:
            return f"the batch of slot {fields['swp']} has {fields['nr']} pages; expected 1 to {longest}"
        if name == "acomp_call" and not 1 <= fields["nr"] <= fields["reqs"]:
            return f"a call for {fields['nr']} pages; expected 1 to {fields['reqs']}, as its context has room"
    return None


@history_property(
    "BT-10",
    source="zswap_compress(), zswap compression batching v9 19/19",
    requirements=("B2", "B3"),
    bug="calls_ahead",
    only="batches",
)
def buffers_are_emptied_first(events: list[Event], v: KernelView) -> str | None:
    """A buffer is copied out once after the call that filled it, and no further call is made before."""
    for batch in _batches(events):
        filled: set[int] = set()
        for name, fields in batch.events:
            if name == "acomp_call":
                if filled:
                    kept = f"the batch of slot {batch.swp} has not copied the buffers {sorted(filled)}"
                    return f"{kept} when it makes another call; expected that before"
                filled = set(range(fields["nr"]))
            elif name == "copy":
                if fields["buffer"] not in filled:
                    taken = f"slot {fields['swp']} is copied from buffer {fields['buffer']}"
                    return f"{taken}; expected one that the last call filled, {sorted(filled)}"
                filled.discard(fields["buffer"])
    return None


@history_property(
    "BT-12",
    source="zswap_compress(), zswap compression batching v9 19/19",
    requirements=("B2", "B6"),
    bug="unlocks_before_copying",
    only="batches",
)
def context_is_held_while_it_is_used(events: list[Event], v: KernelView) -> str | None:
    """A compression context is locked from before a call to after the last copy out of its buffers."""
    held = False
    for name, fields in events:
        if name in ("ctx_lock", "ctx_unlock"):
            held = name == "ctx_lock"
        elif name in ("acomp_call", "copy") and not held:
            what = f"slot {fields['swp']} is copied" if name == "copy" else f"{fields['nr']} pages are passed"
            return f"{what} while the context is not locked; expected it locked until the last copy"
    return None


@history_property(
    "BT-12b",
    source="zswap_compress(), zswap compression batching v9 19/19; v8 holds it for the folio",
    requirements=("B2", "B6"),
    bug="publishes_with_the_context",
    only="late lock",
)
def context_is_let_go_before_publishing(events: list[Event], v: KernelView) -> str | None:
    """No compression context is locked while entries are allocated or published, which can take long."""
    held = False
    for name, fields in events:
        if name in ("ctx_lock", "ctx_unlock"):
            held = name == "ctx_lock"
        elif held and name in ("entry_alloc", "xa_store", "account", "lru_add"):
            which = f"of slot {fields['swp']}" if "swp" in fields else f"of entry {fields['entry']}"
            return f"{name} {which} while a context is locked; expected it to be unlocked"
    return None


@history_property(
    "BT-13",
    source="zswap_store(), zswap compression batching v9 18/19",
    requirements=("B4", "B12"),
    bug="HB-2",
    only="batches",
)
def swapped_out_is_counted_once(events: list[Event], v: KernelView) -> str | None:
    """Pages count as swapped out when their folio is stored, all at once; those of a failed store do not."""
    counted: list[int] = []
    for name, fields in events:
        if name == "zswpout":
            counted.append(fields["nr"])
        elif name == "store":
            expected = [fields["nr"]] if fields["ok"] else []
            if counted != expected:
                outcome = "succeeded" if fields["ok"] else "failed"
                found = f"the store of slot {fields['swp']} {outcome} and counted {counted} pages"
                return f"{found}; expected {expected}"
            counted = []
    return None


@history_property(
    "BT-14b",
    source="zswap_store(), zswap compression batching v12 22/23",
    requirements=("Z5",),
    bug="raw_though_forbidden",
    only="raw",
)
def raw_pages_can_leave(events: list[Event], v: KernelView) -> str | None:
    """A page is kept raw only where its cgroup allowed writeback when the store began: else it could never leave."""
    for name, fields in events:
        if name == "copy" and fields["len"] == PAGE_SIZE:
            owner = memcg.online_ancestor(v, v[v.at.slot[fields["swp"]]].memcg)
            if not memcg.writeback_enabled(v, owner):
                where = f"slot {fields['swp']} of cgroup {owner} is kept in {PAGE_SIZE} bytes"
                return f"{where}; expected a refusal, for the cgroup forbids writeback"
    return None


@history_property(
    "BT-15",
    source="zswap_store_pages(), zswap_compress(), zswap compression batching v9",
    requirements=("B3", "B4", "B9"),
    bug="counts_twice",
    only="batches",
)
def a_batch_is_refused_for_one_reason(events: list[Event], v: KernelView) -> str | None:
    """A batch that fails says so in one reject counter, once; only pages of one call each count by themselves."""
    for batch in _batches(events):
        found = [fields["why"] for name, fields in batch.events if name == "reject"]
        calls = batch.of("acomp_call", "nr")
        compressor = all(why.startswith("reject_compress") for why in found)
        most = calls[-1] if calls and compressor else 1
        if not (1 <= len(found) <= most if not batch.ok else not found):
            expected = f"1 to {most} of one kind" if not batch.ok else "none"
            return f"the batch of slot {batch.swp} moved the counters {found}; expected {expected}"
    return None
