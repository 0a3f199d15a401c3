"""Random programs of processes, reclaim and administrators; reads are compared with what was written."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from refmodel.kernel.crypto import is_zero
from refmodel.kernel.swap_fault import OOM, SIGBUS
from refmodel.machine import ChoicePoint, Operation, evolve
from tests.kernel.vswap_toy import VswapToy

CONTENTS = (0, "A", "B", "C", "D")


class Program:
    """One random program.

    faults: how likely each choice that can be a failure is one.
    """

    def __init__(self, toy: VswapToy, seed: int, faults: float) -> None:
        """Take over the environment of a toy system."""
        self.toy, self.v = toy, toy.v
        self.rng, self.faults = random.Random(seed), faults
        self.v.choose = self.choose

    def choose(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        """Answer a choice: failures rarely, everything else evenly."""
        assert options is not None
        if point.fault and self.rng.random() >= self.faults:
            return options[0]
        return self.rng.choice(options)

    def run(self, steps: int, watch: Callable[[], None]) -> None:
        """Run some operations and call ``watch`` after each."""
        kinds = [kind for kind, weight in self.KINDS for _ in range(weight)]
        for _ in range(steps):
            self.rng.choice(kinds)(self)
            self.toy.finish_writes()
            watch()

    def perform(self, operation: Operation) -> Any:
        """Run an operation."""
        return self.toy.run(operation)

    def mm(self) -> int:
        """Return a process or a living child."""
        mine = self.v.cfg.sizes.processes
        mm = self.rng.randrange(2 * mine)
        return mm if mm < mine or self.v[self.v.at.forked[mm - mine]] else mm - mine

    def page(self) -> int:
        """Return a page."""
        return self.rng.randrange(self.v.cfg.sizes.pages)

    def write(self) -> None:
        """Write a page."""
        self.perform(
            self.toy.ops.write_page(mm=self.mm(), page=self.page(), content=self.rng.choice(CONTENTS))
        )

    def read(self) -> None:
        """Read a page: what was written, or a clear refusal."""
        mm, page = self.mm(), self.page()
        found = self.perform(self.toy.ops.read_page(mm=mm, page=page))
        expected = self.v[self.v.at.truth[mm][page]].content
        assert found in (expected, SIGBUS, OOM) or (is_zero(found) and is_zero(expected))

    def pageout(self) -> None:
        """Page out all pages of a process."""
        self.perform(self.toy.ops.madvise_pageout(mm=self.mm(), page=0, nr=self.v.cfg.sizes.pages))

    def willneed(self) -> None:
        """Read a page ahead."""
        self.perform(self.toy.ops.madvise_willneed(mm=self.mm(), page=self.page()))

    def zap(self) -> None:
        """Drop a range of pages."""
        page = self.page()
        nr = self.rng.randint(1, self.v.cfg.sizes.pages - page)
        self.perform(self.toy.ops.zap_pages(mm=self.mm(), page=page, nr=nr))

    def fork_or_exit(self) -> None:
        """Fork, or let the child exit."""
        process = self.rng.randrange(self.v.cfg.sizes.processes)
        operation = self.toy.ops.exit_child if self.v[self.v.at.forked[process]] else self.toy.ops.fork
        self.perform(operation(process=process))

    def reclaim(self) -> None:
        """Let reclaim come by a folio."""
        folios = [n for n, place in enumerate(self.v.at.folio) if self.v[place] is not None]
        if folios:
            self.perform(self.toy.ops.shrink_folio(folio=self.rng.choice(folios)))

    def shrink(self) -> None:
        """Let the global shrinker run."""
        self.perform(self.toy.ops.shrink_worker())

    def lose_cpu(self) -> None:
        """Give the clusters of a CPU up."""
        self.perform(self.toy.ops.vswap_cpu_dead(cpu=self.rng.randrange(self.v.cfg.sizes.cpus)))

    def switch_device(self) -> None:
        """Take the device out of use or into use."""
        off = self.v[self.v.at.si].on
        self.perform(self.toy.ops.swapoff() if off else self.toy.ops.swapon())

    def control(self) -> None:
        """Change the controls of zswap and of a cgroup."""
        rng, zswap = self.rng, self.v.at.zswap
        percent = rng.choice((0, 5, 20, 50))
        self.v[zswap] = evolve(self.v[zswap], enabled=rng.random() < 0.8, max_pool_percent=percent)
        self.toy.memcg(1, swap_max=rng.choice((None, 0, 1, 3)), zswap_writeback=rng.random() < 0.8)
        self.v[self.v.at.thp_orders] = rng.choice((0, 0, 2, 4, 6))

    KINDS = (
        (write, 6),
        (read, 4),
        (pageout, 6),
        (willneed, 1),
        (zap, 1),
        (fork_or_exit, 1),
        (reclaim, 1),
        (shrink, 1),
        (lose_cpu, 1),
        (switch_device, 1),
        (control, 1),
    )
