"""Which queue of an IAA device is of which type, where a CPU begins, and which queue is next."""

from __future__ import annotations

from collections.abc import Iterable

from refmodel.engines.contract import breaks
from refmodel.kernel import iaa_mapping as iaa
from refmodel.kernel import iaa_round_robin
from refmodel.kernel.iaa_round_robin import Select, Selection
from refmodel.kernel.iaa_status import Op
from refmodel.kernel.iaa_tables import CpuTables, Table
from refmodel.kernel.iaa_topology import Wq

QUEUES = 64
"""Queues of a table, at most."""


def _op(compresses: bool) -> Op:
    """Return the direction of a job."""
    return "compress" if compresses else "decompress"


def a_shared_table_begins_inside(queues: int, per_package: int, position: int) -> int:
    """A CPU begins at a queue of the shared table, at the first one for the first device of its package.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c set_cpu_wq_table_start_wq(), batching v9 06/19
    Requirement: I3

    pre: 0 <= queues <= QUEUES
    pre: 1 <= per_package <= 8
    pre: 0 <= position < 32
    post: 0 <= _ < queues or _ == queues == 0
    post: implies(position % per_package == 0, _ == 0)
    post: implies(queues >= per_package, _ == queues // per_package * (position % per_package))
    """
    return iaa.start_cursor(queues, per_package, position)


@breaks(a_shared_table_begins_inside, iaa.start_cursor)
def begins_past_the_end(queues: int, per_package: int, position: int) -> int:
    """The position is not taken within the package."""
    return queues // per_package * position


@breaks(a_shared_table_begins_inside, iaa.start_cursor)
def always_begins_in_front(queues: int, per_package: int, position: int) -> int:
    """All CPUs begin at the first queue."""
    return 0


def the_first_queue_decompresses(added: int, queues: int, g: int) -> bool:
    """The first queue is for both directions, whatever g is; with g = 0 all of them are.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c map_iaa_device_wqs(), batching v9 06/19
    Requirement: I1

    pre: 0 <= added < queues <= 8
    pre: 0 <= g <= 8
    post: implies(added == 0 or g == 0, _)
    post: implies(added > 0 and queues - added <= g, not _)
    """
    return iaa.is_generic(added, queues, g)


@breaks(the_first_queue_decompresses, iaa.is_generic)
def leaves_nobody_to_decompress(added: int, queues: int, g: int) -> bool:
    """With a g as large as the device has queues, all of them are for compression only."""
    return added + g < queues


@breaks(the_first_queue_decompresses, iaa.is_generic)
def types_nothing(added: int, queues: int, g: int) -> bool:
    """All queues are for both directions."""
    return True


def the_last_g_queues_compress_only(queues: int, g: int) -> tuple[bool, ...]:
    """As documented, the last g queues of a device are for compression only; with no more than g all are for both.

    Source: Documentation/driver-api/crypto/iaa/iaa-crypto.rst, batching v9 06/19
    Requirement: I1

    pre: 1 <= queues <= 8
    pre: 0 <= g <= 8
    post: len(_) == queues
    post: sum(1 for generic in _ if not generic) == (g if g < queues else 0)
    post: all(_[k] or not _[k + 1] for k in range(len(_) - 1))
    """
    return iaa.typed_as_documented(queues, g)


@breaks(the_last_g_queues_compress_only, iaa.is_generic_documented)
def compresses_with_the_first(index: int, queues: int, g: int) -> bool:
    """The first g queues are for compression only, also where there are no others."""
    return index >= g


@breaks(the_last_g_queues_compress_only, iaa.typed_as_documented)
def types_one_too_many(queues: int, g: int) -> tuple[bool, ...]:
    """A queue is typed that the device does not have."""
    return tuple(iaa.is_generic_documented(index, queues, g) for index in range(queues + 1))


def the_cursor_wraps_behind_the_last(cursor: int, queues: int) -> int:
    """The cursor stays inside the table, and comes back to the first queue from the last one and from beyond.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c wq_table_next_wq(), Linux 6.12.117 and 7.3.4
    Requirement: I3, I5

    pre: 0 <= cursor <= 2 * QUEUES
    pre: 1 <= queues <= QUEUES
    post: 0 <= _ < queues
    post: implies(cursor + 1 < queues, _ == cursor + 1)
    post: implies(cursor + 1 >= queues, _ == 0)
    """
    return iaa.next_wrapping(cursor, queues)


@breaks(the_cursor_wraps_behind_the_last, iaa.next_wrapping)
def walks_away(cursor: int, queues: int) -> int:
    """A cursor past the end never comes back, because it is compared for equality (IAA-H5)."""
    return 0 if cursor + 1 == queues else cursor + 1


@breaks(the_cursor_wraps_behind_the_last, iaa.next_wrapping)
def skips_the_last(cursor: int, queues: int) -> int:
    """The last queue is never used."""
    return cursor + 1 if cursor + 2 < queues else 0


def a_cursor_inside_stays_inside(cursor: int, queues: int) -> int:
    """A cursor that is compared for equality stays inside a table; once outside, it never comes back.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c comp_wq_table_next_wq(), batching v9 06/19
    Requirement: I3, I5

    pre: 0 <= cursor <= 2 * QUEUES
    pre: 1 <= queues <= QUEUES
    post: implies(cursor < queues, 0 <= _ < queues)
    post: implies(cursor >= queues, _ > cursor)
    """
    return iaa.next_equal(cursor, queues)


@breaks(a_cursor_inside_stays_inside, iaa.next_equal)
def leaves_the_table(cursor: int, queues: int) -> int:
    """The cursor wraps one queue too late."""
    return 0 if cursor == queues else cursor + 1


@breaks(a_cursor_inside_stays_inside, iaa.next_equal)
def comes_back(cursor: int, queues: int) -> int:
    """The cursor comes back from outside, as in released kernels."""
    return cursor + 1 if cursor + 1 < queues else 0


def a_round_uses_every_queue_once(cursor: int, queues: int) -> tuple[int, ...]:
    """As many jobs as there are queues take each of them once, wherever the cursor begins.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c wq_table_next_wq(), Linux 6.12.117 and 7.3.4
    Requirement: I3, I5

    pre: 1 <= queues <= 6
    pre: 0 <= cursor < queues
    post: sorted(_) == list(range(queues))
    post: _[-1] == cursor
    """
    used = []
    for _ in range(queues):
        cursor = iaa.next_wrapping(cursor, queues)
        used.append(cursor)
    return tuple(used)


@breaks(a_round_uses_every_queue_once, iaa.next_wrapping)
def goes_in_twos(cursor: int, queues: int) -> int:
    """Every other queue is passed over."""
    return (cursor + 2) % queues


@breaks(a_round_uses_every_queue_once, iaa.next_wrapping)
def uses_the_first_only(cursor: int, queues: int) -> int:
    """Every job takes the first queue."""
    return 0


def directions_have_cursors_of_their_own(
    comp: int, decomp: int, queues: int, compresses: bool
) -> tuple[object, int, int]:
    """A job gets the queue at the cursor of its direction, which moves on; the cursor of the other stays.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c comp_wq_table_next_wq(), batching v9 06/19
    Requirement: I3, I5

    pre: 0 <= queues <= 3
    pre: 0 <= comp <= 4
    pre: 0 <= decomp <= 4
    post: _[0] == _at(comp if compresses else decomp, queues)
    post: implies(compresses, _[1] != comp or queues == 1)
    post: implies(compresses, _[2] == decomp)
    post: implies(not compresses, _[1] == comp)
    """
    row: tuple[object, ...] = tuple(range(10, 10 + queues))
    before = CpuTables(Table(row, comp), Table(row, decomp))  # type: ignore[arg-type]  # numbers for queues
    wq, after = iaa_round_robin.use_then_move(before, _op(compresses))
    return wq, after.comp.cursor, after.decomp.cursor


def _at(cursor: int, queues: int) -> int | None:
    """Return the queue at a cursor, None past the end."""
    return 10 + cursor if cursor < queues else None


@breaks(directions_have_cursors_of_their_own, iaa_round_robin.use_then_move)
def moves_both(tables: CpuTables, op: Op) -> Selection:
    """Both cursors go back to the beginning, and the job gets no queue."""
    return None, CpuTables(Table(tables.comp.wqs), Table(tables.decomp.wqs))


@breaks(directions_have_cursors_of_their_own, iaa_round_robin.use_then_move)
def moves_none(tables: CpuTables, op: Op) -> Selection:
    """No cursor moves, so that one queue gets all the jobs."""
    return None, tables


def a_batch_goes_round_the_queues_of_its_direction(
    comp: int, decomp: int, queues: int, others: int, compresses: bool
) -> tuple[object, ...]:
    """Jobs of one direction take its queues in turn from its cursor on, each once; those of the other are left alone.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c comp_wq_table_next_wq(), batching v9 06/19
    Requirement: I3, I5

    pre: 1 <= queues <= 3
    pre: 1 <= others <= 2
    pre: 0 <= comp < queues
    pre: 0 <= decomp < others
    post: implies(compresses, len(_) == queues and all(_[k] == 10 + (comp + k) % queues for k in range(queues)))
    post: implies(not compresses, len(_) == others and all(_[k] == 20 + (decomp + k) % others for k in range(others)))
    """
    to_compress: tuple[object, ...] = tuple(range(10, 10 + queues))
    to_decompress: tuple[object, ...] = tuple(range(20, 20 + others))
    comp_table = Table(to_compress, comp)  # type: ignore[arg-type]  # numbers for queues
    decomp_table = Table(to_decompress, decomp)  # type: ignore[arg-type]  # numbers for queues
    tables = CpuTables(comp_table, decomp_table)
    return iaa_round_robin.order_of_use(iaa_round_robin.use_then_move, tables, _op(compresses))


@breaks(a_batch_goes_round_the_queues_of_its_direction, iaa_round_robin.order_of_use)
def takes_those_of_both(select: Select, tables: CpuTables, op: Op) -> tuple[Wq, ...]:
    """The queues of both directions are taken, those for compression first."""
    return (*tables.comp.wqs, *tables.decomp.wqs)


@breaks(a_batch_goes_round_the_queues_of_its_direction, iaa_round_robin.select_batch)
def stays_at_the_cursor(
    select: Select, tables: CpuTables, ops: Iterable[Op]
) -> tuple[list[Wq | None], CpuTables]:
    """All jobs of a batch take the same queue."""
    return [select(tables, op)[0] for op in ops], tables


def released_kernels_have_one_cursor(cursor: int, queues: int, compresses: bool) -> tuple[object, int, int]:
    """A job gets the queue behind the one before it, whichever direction that had.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c wq_table_next_wq(), Linux 6.12.117
    Requirement: I3, I5

    pre: 1 <= queues <= 3
    pre: 0 <= cursor < queues
    post: _[0] == 10 + (cursor + 1) % queues
    post: _[1] == _[2] == (cursor + 1) % queues
    """
    table = Table(tuple(range(10, 10 + queues)), cursor)  # type: ignore[arg-type]  # numbers for queues
    wq, after = iaa_round_robin.move_then_use(CpuTables(table, table), _op(compresses))
    return wq, after.comp.cursor, after.decomp.cursor


@breaks(released_kernels_have_one_cursor, iaa_round_robin.move_then_use)
def uses_before_it_moves(tables: CpuTables, op: Op) -> Selection:
    """The job gets the queue of the one before, and the cursor stays."""
    return tables.comp.wqs[tables.comp.cursor], tables
