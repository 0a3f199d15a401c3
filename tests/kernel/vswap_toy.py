"""Toy systems with virtual swap: what backs each entry, and a record of every change of that."""

from __future__ import annotations

from types import MethodType
from typing import Any

import attrs

from refmodel.kernel.state import Truth
from refmodel.kernel.vswap_state import Backing, Descriptor, allocated_entries, backing, descriptor
from refmodel.machine import Execution, Operation, evolve, run
from tests.kernel.toy import Toy

State = tuple[Any, ...]


@attrs.frozen
class Change:
    """One entry changed its type in one step.

    step: "Operation.step".
    guarded: whether its folio was locked in the swap cache before or after the step, or nobody named it.
    moved: whether it changed from one physical slot to another, which keeps the type and is forbidden.
    """

    entry: int
    before: Backing
    after: Backing
    step: str
    guarded: bool
    moved: bool = False


class VswapToy(Toy):
    """A toy system with virtual swap that records every change of a type."""

    def __init__(self, **fixed: Any) -> None:
        """Build the system; ``fixed`` are fields of its configuration."""
        super().__init__("vswap-v6", **fixed)
        self.changes: list[Change] = []
        self.watch()

    def watch(self) -> None:
        """Watch the present system from its present state on."""
        at = self.v.at
        rows = (at.vswap.physical, at.zeromap, at.tree, at.vswap.cluster)
        self._type_rows = [slice(row[0], row[-1] + 1) for row in rows]
        self._before = self.v.snapshot()

    def run(self, operation: Operation) -> Any:
        """Run an operation to its end."""
        self.events.clear()
        return run(self.v, operation, self.observe)

    def observe(self, step: MethodType) -> None:
        """Record what a step changed."""
        before, self._before = self._before, self.v.snapshot()
        after = self._before
        if all(before[rows] == after[rows] for rows in self._type_rows):
            return
        name = f"{type(step.__self__).__name__}.{step.__name__}"
        for entry, (old, new) in enumerate(zip(self._types(before), self._types(after), strict=True)):
            if old != new:
                guarded = self._guarded(before, entry) or self._guarded(after, entry)
                self.changes.append(Change(entry, old[0], new[0], name, guarded, moved=old[0] == new[0]))

    def descriptor(self, page: int, mm: int = 0) -> Descriptor:
        """Return the descriptor of a swapped-out page."""
        return descriptor(self.v, self.slot(page, mm))

    def backing(self, page: int, mm: int = 0) -> Backing:
        """Return what backs a swapped-out page."""
        return backing(self.v, self.slot(page, mm))

    def entries(self) -> list[int]:
        """Return the entries that have a descriptor."""
        return list(allocated_entries(self.v))

    def describe(self, entry: int) -> tuple[str, int, bool]:
        """Return type, count and pin of an entry."""
        found = descriptor(self.v, entry)
        return found.backing.value, found.count, found.cached

    def path(self, entry: int) -> str:
        """Return the types that an entry went through, for example "UFC"."""
        mine = [change for change in self.changes if change.entry == entry]
        return "".join((*(change.before for change in mine[:1]), *(change.after for change in mine)))

    def enable(self, on: bool) -> None:
        """Switch zswap on or off."""
        self.v[self.v.at.zswap] = evolve(self.v[self.v.at.zswap], enabled=on)

    def memcg(self, number: int, **controls: Any) -> None:
        """Set controls of a cgroup."""
        place = self.v.at.memcg[number]
        self.v[place] = evolve(self.v[place], **controls)

    def allow_order(self, order: int) -> None:
        """Let faults allocate folios of an order."""
        self.v[self.v.at.thp_orders] = 1 << order

    def willneed(self, page: int, mm: int = 0) -> None:
        """Read a page into the swap cache without mapping it."""
        self.run(self.ops.madvise_willneed(mm=mm, page=page))

    def to_device(self, page: int, nr: int = 1) -> None:
        """Page out a range past zswap, and drop what was written from the swap cache."""
        self.enable(False)
        self.out(page, nr)
        for number, place in enumerate(self.v.at.folio):
            folio = self.v[place]
            if folio is not None and folio.swapcache and not folio.dirty and not folio.rmap:
                self.reclaim(number)
        self.enable(True)

    def write_back(self, page: int) -> int:
        """Write the zswap entry of a page back; return the errno."""
        found = self.descriptor(page)
        error: int = self.run(self.ops.zswap_writeback_entry(entry=found.zswap, slot=found.entry))
        self.finish_writes()
        return error

    def until(self, execution: Execution, step: str) -> None:
        """Advance an operation in flight until a step of this name comes next, or to its end."""
        while not execution.over and execution.at[1] != step:
            operation, name = execution.at
            execution.advance(self.v)
            self.observe(getattr(operation, name))

    def lock(self, number: int) -> None:
        """Lock a folio."""
        folio = self.v[self.v.at.folio[number]]
        assert folio is not None
        self.v[self.v.at.folio[number]] = evolve(folio, locked=True)

    def reclaim(self, folio: int) -> None:
        """Let reclaim come by a folio, and the device finish."""
        self.run(self.ops.shrink_folio(folio=folio))
        self.finish_writes()

    def redirty(self, number: int, content: Any) -> None:
        """Let somebody write into a cached single-page folio without going through a page table."""
        place = self.v.at.folio[number]
        folio = self.v[place]
        assert folio is not None
        self.v[place] = evolve(folio, contents=(content,), dirty=True)
        for ptes, truths in zip(self.v.at.pte, self.v.at.truth, strict=True):
            for pte, truth in zip(ptes, truths, strict=True):
                if self.v[pte].folio == number or self.v[pte].slot == folio.swap:
                    self.v[truth] = Truth(content)

    def _types(self, state: State) -> list[tuple[Backing, int]]:
        physical, zeroes, stored, clusters = (state[rows] for rows in self._type_rows)
        size = self.v.cfg.sizes.vswap_cluster_size
        bits = [cluster.bitmap >> i & 1 if cluster else 0 for cluster in clusters for i in range(size)]
        return [
            (Backing("S" if slot else "Z" if zero else "C" if entry else "F" if bit else "U"), slot)
            for slot, zero, entry, bit in zip(physical, zeroes, stored, bits, strict=True)
        ]

    def _guarded(self, state: State, entry: int) -> bool:
        slot, folio = state[self.v.at.slot[entry]], state[self.v.at.folio[state[self.v.at.swap_cache[entry]]]]
        return not slot.count or (slot.cache and folio is not None and folio.locked)
