"""Toy systems with a compressor that takes several pages in one call, and with room for a window of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MethodType
from typing import Any

import attrs

from refmodel.kernel.crypto import Codec, Symbolic
from refmodel.machine import Operation, evolve, run
from refmodel.profiles import preset, profile
from tests.kernel.toy import LENGTH, Toy

PAGES = 8
BATCH = 8


class WideToy(Toy):
    """A system with one process of 8 pages; its first slots are one readahead window.

    steps: names of the steps of the last operation, with the class in front.
    """

    def __init__(
        self, kernel: str, codecs: Mapping[str, Codec] | None = None, batch: int = BATCH, **operations: Any
    ) -> None:
        """Build the system of a profile in which some operations are implemented by other classes."""
        super().__init__(kernel)
        made = profile(kernel).with_operations(kernel, "", **operations)
        used = codecs or {name: Symbolic(name, (LENGTH,), batch_size=batch) for name in ("lzo", "zstd")}
        sizes = attrs.evolve(
            preset("toy"), processes=1, pages=PAGES, slots=4 * PAGES, max_batch=BATCH, totalram_pages=400
        )
        self.v = made.system(made.config(sizes, used, compressor=next(iter(used))))
        self.ops = self.v.ops
        self.v.choose = self.choose
        self.v.emit = lambda name, **fields: self.events.append((name, fields))
        self.steps: list[str] = []

    def run(self, operation: Operation) -> Any:
        """Run an operation to its end."""
        self.events.clear()
        self.steps.clear()
        return run(self.v, operation, self._observe)

    def _observe(self, step: MethodType) -> None:
        self.steps.append(f"{type(step.__self__).__name__}.{step.__name__}")

    def calls(self) -> list[int]:
        """Return how many pages each call of the compressor had in the last operation."""
        return [fields["nr"] for name, fields in self.events if name == "acomp_call"]

    def write_back(self, page: int) -> None:
        """Have the entry of a page written to the device and its folio reclaimed."""
        slot = self.slot(page)
        entry = self.v[self.v.at.tree[slot]]
        record = self.v[self.v.at.entry[entry]]
        assert record is not None
        self.v[self.v.at.entry[entry]] = evolve(record, referenced=False)
        run(self.v, self.ops.zswap_writeback_entry(entry=entry, slot=slot))
        self.finish_writes()
        run(self.v, self.ops.shrink_folio(folio=self.v[self.v.at.swap_cache[slot]]))
        assert not self.v[self.v.at.swap_cache[slot]]
