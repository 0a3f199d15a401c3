"""Systems that store folios in batches: folios that stand in the swap cache, and what a store of one does."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from errno import EINVAL
from typing import Any

import attrs

from refmodel.kernel import choices
from refmodel.kernel.crypto import Codec, CompressError, Outcome, Packed, Symbolic
from refmodel.kernel.state import Content, Folio, SwapSlot
from refmodel.kernel.table import lowest_free
from refmodel.machine import ChoicePoint, Execution, evolve
from refmodel.profiles import Profile, preset, profile
from tests.kernel.toy import LENGTH, Toy

POSTINGS = tuple(f"batching-v{number}" for number in (4, 6, 8, 9, 10, 11, 12, 13, 14))
V4, V6, V8, V9, V10, V11, V12, V13, V14 = POSTINGS
BULK = POSTINGS[4:]
"""Postings that allocate entries in bulk and initialise them before compression."""
RAW = POSTINGS[6:]
"""Postings that keep a page raw that does not compress."""

NID, MEMCG = 1, 1
"""Node and cgroup of every folio; the tasks run on CPU 0, which belongs to node 0."""


class Stores(Toy):
    """A system whose folios stand locked in the swap cache, so that ``zswap_store`` can be called for each.

    batch: pages that the compressor takes in one call.  max_batch: that a store takes at a time.
    results: what the compressor makes of a content, where that is not the usual.  always: what fails every time.
    cpus: where the task runs each time that it is asked, CPU 0 at the end.
    nodes: where entries come from that are allocated in bulk, node 0 at the end.
    completions: which request of a call the device ends next, the first at the end.
    """

    def __init__(
        self,
        kernel: str | Profile,
        batch: int = 1,
        max_batch: int = 8,
        *,
        room: int = 48,
        codec: Codec | None = None,
    ) -> None:
        """Build the system; ``room``: pages that its swap device and its pool have room for."""
        made = profile(kernel) if isinstance(kernel, str) else kernel
        used = codec or Symbolic("tokens", (LENGTH,), batch_size=batch)
        sizes = attrs.evolve(
            preset("toy"),
            pages=1,
            slots=room,
            entries=room,
            objects=room,
            max_batch=max_batch,
            totalram_pages=9 * room,
        )
        self.v = made.system(made.config(sizes, {used.name: used}, compressor=used.name))
        self.v[self.v.at.zswap] = evolve(self.v[self.v.at.zswap], max_pool_percent=100)
        self.ops, self.events, self.failing = self.v.ops, [], {}
        self.results: Mapping[Hashable, Outcome] = {}
        self.always: tuple[ChoicePoint, ...] = ()
        self.cpus: list[int] = []
        self.nodes: list[int] = []
        self.completions: list[int] = []
        self.v.choose = self.choose
        self.v.emit = lambda name, **fields: self.events.append((name, fields))

    def choose(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        """Answer as the test wants, and else as any toy."""
        assert options is not None
        if point is choices.COMPRESS and isinstance(getattr(options[0], "data", None), Packed):
            return self.results.get(options[0].data.content) or super().choose(point, options)
        if point in self.always:
            return True
        if point is choices.CPU and self.cpus:
            return self.cpus.pop(0)
        if point is choices.ENTRY_NODE and isinstance(options, range) and self.nodes:
            return self.nodes.pop(0)
        if point is choices.COMPLETION and self.completions:
            return self.completions.pop(0)
        return super().choose(point, options)

    def cached(self, contents: Sequence[Content]) -> int:
        """Put a locked folio with these contents into the swap cache; return its number."""
        v, at, nr = self.v, self.v.at, len(contents)
        number = lowest_free(v[at.folios_used])
        first = next(
            s for s in range(nr, len(at.slot), nr) if not any(v[at.swap_cache[s + i]] for i in range(nr))
        )
        v[at.folios_used] |= 1 << number
        v[at.folio[number]] = Folio(
            nid=NID, memcg=MEMCG, contents=tuple(contents), locked=True, swap=first, swapcache=True, refs=1
        )
        for slot in range(first, first + nr):
            v[at.slot[slot]], v[at.swap_cache[slot]] = SwapSlot(cache=True, memcg=MEMCG), number
        return number

    def forbid_writeback(self) -> None:
        """Let no page of the cgroup be written back: none is kept raw either."""
        place = self.v.at.memcg[MEMCG]
        self.v[place] = evolve(self.v[place], zswap_writeback=False)

    def refuse(self, *contents: Hashable, errno: int = EINVAL) -> None:
        """Let the compressor refuse these contents from here on, and no others."""
        self.results = dict.fromkeys(contents, CompressError(errno))

    def store(self, folio: int) -> bool:
        """Store a folio; return whether zswap took it."""
        stored: bool = self.run(self.ops.zswap_store(folio=folio))
        return stored

    def begin(self, folio: int) -> Execution:
        """Begin to store a folio."""
        self.events.clear()
        return Execution(self.ops.zswap_store(folio=folio))

    def told(self, name: str, field: str) -> list[Any]:
        """Return a field of all events of a name, in their order."""
        return [fields[field] for event, fields in self.events if event == name]

    def order(self, *names: str) -> list[str]:
        """Return the names of events, of these only, in their order."""
        return [event for event, _ in self.events if event in names]

    def counters(self) -> dict[str, int]:
        """Return the values of all counters by name."""
        rows = (family for family in self.v.layout.families if family.counter)
        return {row.name: self.v[row.start] for row in rows}

    def listed(self) -> dict[int, list[int]]:
        """Return the slots on each node's LRU list of the cgroup, coldest first."""
        v, lists = self.v, self.v.at.lru[MEMCG]
        return {nid: [self.entry(n).swpentry for n in v[place]] for nid, place in enumerate(lists)}

    def stored(self, slot: int) -> Content:
        """Return what the compressor was given for the page that a slot has in the pool, or the raw page."""
        v = self.v
        kept = v[v.at.zs_object[self.entry(v[v.at.tree[slot]]).handle]]
        assert kept is not None
        return kept.data.content if isinstance(kept.data, Packed) else kept.data

    def loaded(self, slot: int) -> Content:
        """Load a slot into a folio of its own; return the page."""
        v, number = self.v, lowest_free(self.v[self.v.at.folios_used])
        v[v.at.folios_used] |= 1 << number
        v[v.at.folio[number]] = Folio(
            nid=NID, memcg=MEMCG, contents=(None,), locked=True, uptodate=False, swap=slot, refs=1
        )
        assert self.run(self.ops.zswap_load(folio=number)) == 0
        return self.folio(number).contents[0]

    def entry(self, number: int) -> Any:
        """Return an entry that exists."""
        found = self.v[self.v.at.entry[number]]
        assert found is not None
        return found


def moved(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Return by how much counters have moved, those that have not left out."""
    return {name: after[name] - value for name, value in before.items() if after[name] != value}
