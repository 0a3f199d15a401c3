"""Which queue of its table a CPU takes for the next job: round robin, with one cursor or with two (I3, I5).

The versions differ in whether the cursor moves before it is used or after, and in whether compression and decompression
have one each.  A selection runs with preemption disabled; nothing ties the next one to the same CPU.

Source: drivers/crypto/intel/iaa/iaa_crypto_main.c, Linux 6.12.117 and 7.3.4, batching v9 06/19, v10 02/25 and v13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from refmodel.kernel import iaa_mapping as mapping
from refmodel.kernel.iaa_tables import CpuTables, Table
from refmodel.kernel.iaa_topology import Wq

Op = Literal["compress", "decompress"]

Selection = tuple[Wq | None, CpuTables]
"""The queue for a job, None for none, and the tables of the CPU afterwards."""

Select = Callable[[CpuTables, Op], Selection]
"""How a version selects: of the tables of a CPU, for one job."""


def move_then_use(tables: CpuTables, op: Op) -> Selection:
    """Return the queue after the cursor; both directions move the same one.

    With two queues and strictly alternating jobs each direction always takes the same queue.
    Source: wq_table_next_wq(), Linux 6.12.117 and 7.3.4.
    """
    table = tables.comp
    cursor = mapping.next_wrapping(table.cursor, len(table.wqs))
    moved = Table(table.wqs, cursor)
    return _at(table, cursor), CpuTables(moved, moved)


def use_then_move(tables: CpuTables, op: Op) -> Selection:
    """Return the queue at the cursor of a direction, which moves on and wraps behind the last queue only.

    An empty table gives none, and its cursor walks away, past all memory of the table (v9, by reading).
    Source: comp_wq_table_next_wq(), decomp_wq_table_next_wq(), batching v9 06/19, v10 and v13.
    """
    table = tables.comp if op == "compress" else tables.decomp
    moved = Table(table.wqs, mapping.next_equal(table.cursor, len(table.wqs)))
    after = CpuTables(moved, tables.decomp) if op == "compress" else CpuTables(tables.comp, moved)
    return _at(table, table.cursor), after


def select_batch(select: Select, tables: CpuTables, ops: Iterable[Op]) -> tuple[list[Wq | None], CpuTables]:
    """Return the queues for jobs one after the other on one CPU, and its tables afterwards.

    A batch of b jobs is b selections in a row: nothing else comes between if its task stays on its CPU.
    """
    chosen = []
    for op in ops:
        wq, tables = select(tables, op)
        chosen.append(wq)
    return chosen, tables


def order_of_use(select: Select, tables: CpuTables, op: Op) -> tuple[Wq, ...]:
    """Return the queues of a direction in the order in which jobs of that direction alone take them."""
    table = tables.comp if op == "compress" else tables.decomp
    chosen, _ = select_batch(select, tables, (op for _ in table.wqs))
    return tuple(wq for wq in chosen if wq is not None)


def _at(table: Table, index: int) -> Wq | None:
    return table.wqs[index] if index < len(table.wqs) else None
