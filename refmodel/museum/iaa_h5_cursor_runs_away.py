"""IAA-H5: Batching v9: a cursor runs away when a table shrinks under its reader.

A CPU reads the cursor and the length of its table, takes a queue, and stores the next cursor. Meanwhile another CPU
binds a queue and gives it a shorter table. The cursor that is stored then lies at the end of the new table, and wraps
only where it is exactly equal to the length after an increment: the next selections read past the table, and go on
without end. Read in the code of v9 and v13; a version that turns itself off while it makes tables does so only for
those who look afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from refmodel.kernel.iaa_job import IaaJobV9, running_on
from refmodel.kernel.iaa_round_robin import use_then_move
from refmodel.kernel.iaa_tables import CpuTables
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class ReadsThenStores(IaaJobV9):
    """A job that selects its queue in two steps, between which its table can be replaced."""

    seen: Any = None

    @step
    def select(self, v: KernelView) -> Next:
        """Read the table of the CPU."""
        if not v[v.at.iaa.crypto].enabled:
            return self.without_queue()
        self.cpu = running_on(v, self.cpu)
        self.seen = v[v.at.iaa.tables[self.cpu]]
        return self.store

    @step
    def store(self, v: KernelView) -> Next:
        """Take the queue, and store the next cursor into whatever table the CPU has by then."""
        wq, moved = use_then_move(self.seen, self.op)
        place = v.at.iaa.tables[self.cpu]
        comp, decomp = v[place].comp, v[place].decomp
        v[place] = CpuTables(
            attrs.evolve(comp, cursor=moved.comp.cursor if self.op == "compress" else comp.cursor),
            attrs.evolve(decomp, cursor=moved.decomp.cursor if self.op == "decompress" else decomp.cursor),
        )
        self.q = -1 if wq is None else v.at.iaa.system.number[wq]
        return self.get if self.q >= 0 else self.without_queue()


SCOPE = """
[system]
cpus = 2

[iaa]
devices = 2
queues = [1, 1]
unbound = ["wq1.0", "wq1.1"]
attributes = { distribute_comps = false, distribute_decomps = false }
tries = 1

[[thread]]
name = "task"
run = ["iaa_compress(1, 2)"]

[[thread]]
name = "admin"
run = ["iaa_bind(2)"]

[environment]
fixed = ["cpu"]
"""

EXHIBIT = Exhibit(
    id="IAA-H5",
    about=__doc__,
    source="comp_wq_table_next_wq() and rebalance_wq_table(), batching v9 06/19, v13",
    evidence="B",
    base="iaa-v9",
    operations={"iaa_job": ReadsThenStores},
    scope=SCOPE,
    meets="IAA-26",
)
