"""Round robin is fair within its bounds, and the bounds catch cursors that are not (IAA-26, IAA-27)."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmodel.kernel.iaa_mapping import next_equal, next_wrapping
from refmodel.kernel.iaa_round_robin import Op, Select, Selection, move_then_use, select_batch, use_then_move
from refmodel.kernel.iaa_tables import CpuTables, Table
from refmodel.kernel.iaa_topology import Wq
from refmodel.properties.iaa_round_robin import astray, uneven, uneven_batch, uneven_package

SELECTS = pytest.mark.parametrize("select", [move_then_use, use_then_move])
QUEUES = st.integers(1, 16)


def table(queues: int, cursor: int = 0) -> CpuTables:
    """Return the tables of a CPU."""
    made = Table(tuple(Wq(1, number) for number in range(queues)), cursor)
    return CpuTables(made, made)


def compress(select: Select, tables: CpuTables, jobs: int) -> tuple[list[Wq | None], CpuTables]:
    """Select for so many compressions."""
    return select_batch(select, tables, ("compress" for _ in range(jobs)))


@SELECTS
@given(queues=QUEUES, jobs=st.integers(0, 100), data=st.data())
def test_one_cursor_uses_all_queues_equally_often(
    select: Select, queues: int, jobs: int, data: st.DataObject
) -> None:
    tables = table(queues, data.draw(st.integers(0, queues - 1)))
    chosen, after = compress(select, tables, jobs)
    assert uneven(tables.comp.wqs, chosen) is None
    assert astray(after.comp.wqs, after.comp.cursor) is None


@SELECTS
@given(queues=QUEUES, b=st.integers(1, 8), batches=st.integers(0, 12))
def test_each_batch_is_even_and_all_of_them_are(select: Select, queues: int, b: int, batches: int) -> None:
    tables = table(queues)
    chosen, _ = compress(select, tables, b * batches)
    assert uneven_batch(tables.comp.wqs, chosen, b) is None


@SELECTS
@given(queues=QUEUES, jobs=st.lists(st.integers(0, 60), min_size=1, max_size=8), data=st.data())
def test_a_shared_table_is_even_up_to_the_number_of_cpus(
    select: Select, queues: int, jobs: list[int], data: st.DataObject
) -> None:
    starts = [data.draw(st.integers(0, queues - 1)) for _ in jobs]
    chosen = [compress(select, table(queues, start), n)[0] for start, n in zip(starts, jobs, strict=True)]
    assert uneven_package(table(queues).comp.wqs, chosen) is None


@given(queues=QUEUES, ops=st.lists(st.sampled_from(["compress", "decompress"]), max_size=80))
def test_with_two_cursors_each_direction_is_even(queues: int, ops: list[Op]) -> None:
    tables = table(queues)
    chosen, _ = select_batch(use_then_move, tables, ops)
    for op in ("compress", "decompress"):
        mine = [wq for wq, each in zip(chosen, ops, strict=True) if each == op]
        assert uneven(tables.comp.wqs, mine) is None


@given(queues=QUEUES, ops=st.lists(st.sampled_from(["compress", "decompress"]), max_size=80))
def test_with_one_cursor_only_both_directions_together_are_even(queues: int, ops: list[Op]) -> None:
    tables = table(queues)
    chosen, _ = select_batch(move_then_use, tables, ops)
    assert uneven(tables.comp.wqs, chosen) is None


def test_with_one_cursor_a_direction_by_itself_need_not_be() -> None:
    """Two queues, directions in turn: the bound is that of a cursor, not of a direction."""
    tables = table(2)
    chosen, _ = select_batch(move_then_use, tables, ["compress", "decompress"] * 4)
    assert uneven(tables.comp.wqs, chosen[::2]) == "wq1.0: chosen 0 times of 4; expected 2"


def mutant(next_index: Callable[[int, int], int]) -> Select:
    """Return a selection whose cursor moves in another way."""

    def select(tables: CpuTables, op: Op) -> Selection:
        moved = attrs.evolve(tables.comp, cursor=next_index(tables.comp.cursor, len(tables.comp.wqs)))
        return tables.comp.wqs[tables.comp.cursor], CpuTables(moved, moved)

    return select


@pytest.mark.parametrize(
    ("next_index", "wrong"),
    [
        (lambda cursor, n: next_wrapping(cursor, n - 1), "wq1.0: chosen 4 times of 12; expected 3"),
        (lambda cursor, n: cursor, "wq1.0: chosen 12 times of 12; expected 3"),
        (lambda cursor, n: (cursor + 2) % n, "wq1.0: chosen 6 times of 12; expected 3"),
    ],
    ids=["forgets the last queue", "never moves", "skips every second"],
)
def test_a_cursor_that_moves_wrongly_is_caught(next_index: Callable[[int, int], int], wrong: str) -> None:
    tables = table(4)
    chosen, _ = compress(mutant(next_index), tables, 12)
    assert uneven(tables.comp.wqs, chosen) == wrong


def test_a_cursor_that_moves_once_for_a_batch_is_caught() -> None:
    """Its counts are even in the long run, and each batch waits on one queue."""
    wqs = table(4).comp.wqs
    chosen = [wqs[batch % 4] for batch in range(4) for _ in range(8)]
    assert uneven(wqs, chosen) is None
    assert uneven_batch(wqs, chosen, 8) == "batch 0: wq1.0: chosen 8 times of 8; expected 2"


def test_cpus_that_all_have_the_same_favourite_are_caught() -> None:
    wqs = table(2).comp.wqs
    assert uneven_package(wqs, [[wqs[0]] * 3, [wqs[0]] * 3]) == (
        "queues were chosen 0 to 6 times; expected a difference of at most 2"
    )


def test_a_cursor_past_its_table_is_caught() -> None:
    """A table that shrank between a reader's look at its length and the move of the cursor (IAA-H5)."""
    wqs = table(2).comp.wqs
    assert astray(wqs, next_equal(2, len(wqs))) == "cursor 3: past its table; expected 0 to 1"
