"""Toy systems for the tests of the kernel model: tokens for pages, failures by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from refmodel.kernel.crypto import Compressed, CompressError, Packed, Symbolic
from refmodel.kernel.folio import live_folio
from refmodel.kernel.state import Folio
from refmodel.kernel.table import KernelView
from refmodel.machine import ChoicePoint, Event, Execution, Operation, evolve, run
from refmodel.profiles import preset, profile

KERNELS = ("linux-6.1", "linux-6.12", "linux-6.18", "linux-7.3")
LRU_KERNELS = KERNELS[1:]
LARGE_FOLIO_KERNELS = KERNELS[2:]

LENGTH = 1024
"""Compressed length of every page of a toy system, in bytes."""


class Toy:
    """A toy system with an environment in which chosen things fail."""

    def __init__(self, kernel: str, **fixed: Any) -> None:
        """Build the system; ``fixed`` are fields of its configuration."""
        made = profile(kernel)
        codecs = {name: Symbolic(name, lengths=(LENGTH,)) for name in ("lzo", "zstd")}
        self.v: KernelView = made.system(made.config(preset("toy"), codecs, **fixed))
        self.v[self.v.at.zswap] = evolve(self.v[self.v.at.zswap], max_pool_percent=100)
        self.ops = self.v.ops
        self.events: list[Event] = []
        self.failing: dict[ChoicePoint, int] = {}
        self.v.choose = self.choose
        self.v.emit = lambda name, **fields: self.events.append((name, fields))

    def fail(self, point: ChoicePoint, nth: int = 1) -> None:
        """Let the nth use of a choice point fail from here on."""
        self.failing[point] = nth

    def choose(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        """Answer with the first option, or with a failure whose turn it is."""
        assert options is not None
        if point in self.failing:
            self.failing[point] -= 1
            if self.failing[point] == 0:
                del self.failing[point]
                return next(o for o in options if o is True or isinstance(o, CompressError))
        return options[0]

    def run(self, operation: Operation) -> Any:
        """Run an operation to its end."""
        self.events.clear()
        return run(self.v, operation)

    def until(self, execution: Execution, step: str) -> None:
        """Advance an operation in flight until a step of this name comes next, to a wait, or to its end."""
        while not execution.over and execution.at[1] != step and execution.advance(self.v):
            pass

    def finish(self, execution: Execution) -> Any:
        """Advance an operation in flight to its end; return its value."""
        while not execution.over:
            assert execution.advance(self.v), f"{execution.at} waits"
        return execution.value

    def write(self, page: int, content: Any, mm: int = 0) -> None:
        """Let a process write a page."""
        self.run(self.ops.write_page(mm=mm, page=page, content=content))

    def read(self, page: int, mm: int = 0) -> Any:
        """Let a process read a page."""
        return self.run(self.ops.read_page(mm=mm, page=page))

    def out(self, page: int, nr: int = 1, mm: int = 0) -> None:
        """Page out a range and let the device finish."""
        self.run(self.ops.madvise_pageout(mm=mm, page=page, nr=nr))
        self.finish_writes()

    def zap(self, page: int, nr: int = 1, mm: int = 0) -> None:
        """Free a range."""
        self.run(self.ops.zap_pages(mm=mm, page=page, nr=nr))

    def finish_writes(self) -> None:
        """Let the device finish everything that was submitted."""
        for number, place in enumerate(self.v.at.folio):
            folio = self.v[place]
            if folio is not None and folio.writeback:
                run(self.v, self.ops.end_swap_write(folio=number))

    def slot(self, page: int, mm: int = 0) -> int:
        """Return the slot that a page-table entry names."""
        return self.v[self.v.at.pte[mm][page]].slot

    def folio(self, number: int) -> Folio:
        """Return a folio that exists."""
        return live_folio(self.v, number)

    def names(self) -> list[str]:
        """Return the names of the events of the last operation."""
        return [name for name, _ in self.events]

    def zswap_holds(self) -> dict[str, Any]:
        """Return everything that a store takes and a failed store must give back."""
        v, at = self.v, self.v.at
        return {
            "tree": [slot for slot, place in enumerate(at.tree) if v[place]],
            "entries": v[at.entries_used],
            "objects": v[at.objects_used],
            "pages": v[at.pool_pages[1]],
            "pool ref": v[at.pool_ref[1]],
            "charged": [v[counters.zswap] for counters in at.mc],
            "zswapped": [v[counters.zswapped] for counters in at.mc],
            "stored": v[at.zs.stored_pages],
            "zswpout": v[at.vm.zswpout],
            "lru": [v[place] for row in at.lru for place in row],
        }


def compressed(length: int, content: Any) -> Compressed:
    """Return a compressor's result."""
    return Compressed(length, Packed(content))
