"""Which queue comes next, with one cursor and with two (I3, I5)."""

from __future__ import annotations

from refmodel.kernel.iaa_round_robin import Op, move_then_use, order_of_use, select_batch, use_then_move
from refmodel.kernel.iaa_tables import CpuTables, Table
from refmodel.kernel.iaa_topology import Wq

WQS = tuple(Wq(1, number) for number in range(3))
C: Op = "compress"
D: Op = "decompress"


def one(wqs: tuple[Wq, ...] = WQS, cursor: int = 0) -> CpuTables:
    """Return a table for both directions."""
    table = Table(wqs, cursor)
    return CpuTables(table, table)


def numbers(chosen: list[Wq | None]) -> list[int | None]:
    """Return the numbers of queues."""
    return [wq and wq.number for wq in chosen]


def test_mainline_moves_first_so_a_fresh_table_begins_with_its_second_queue() -> None:
    chosen, after = select_batch(move_then_use, one(), [C] * 4)
    assert numbers(chosen) == [1, 2, 0, 1]
    assert after.comp.cursor == 1


def test_the_series_begins_where_the_cursor_stands() -> None:
    chosen, after = select_batch(use_then_move, one(cursor=2), [C] * 4)
    assert numbers(chosen) == [2, 0, 1, 2]
    assert after.comp.cursor == 0


def test_with_one_cursor_alternating_directions_each_keep_to_one_of_two_queues() -> None:
    chosen, _ = select_batch(move_then_use, one(WQS[:2]), [C, D] * 4)
    assert numbers(chosen[::2]) == [1] * 4
    assert numbers(chosen[1::2]) == [0] * 4


def test_with_two_cursors_directions_do_not_disturb_each_other() -> None:
    tables = CpuTables(Table(WQS, 1), Table(WQS, 2))
    chosen, after = select_batch(use_then_move, tables, [C, D, D, C])
    assert numbers(chosen) == [1, 2, 0, 2]
    assert (after.comp.cursor, after.decomp.cursor) == (0, 1)


def test_an_empty_table_gives_no_queue() -> None:
    assert move_then_use(one(()), C)[0] is None
    assert use_then_move(one(()), D)[0] is None


def test_the_cursor_of_an_empty_table_walks_away_in_the_series() -> None:
    """It only wraps behind the last queue, and there is none (v9, by reading)."""
    chosen, after = select_batch(use_then_move, one(()), [C] * 64)
    assert chosen == [None] * 64
    assert after.comp.cursor == 64


def test_a_cursor_past_a_table_that_shrank_never_comes_back_in_the_series() -> None:
    """IAA-H5."""
    assert use_then_move(one(WQS[:1], cursor=2), C)[1].comp.cursor == 3
    assert move_then_use(one(WQS[:1], cursor=2), C)[0] == WQS[0]


def test_the_order_of_use_is_that_of_one_direction_alone() -> None:
    assert order_of_use(move_then_use, one(), D) == (WQS[1], WQS[2], WQS[0])
    assert order_of_use(use_then_move, CpuTables(Table(WQS, 1), Table(WQS)), C) == (WQS[1], WQS[2], WQS[0])
    assert order_of_use(use_then_move, one(()), C) == ()
