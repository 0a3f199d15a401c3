"""Work that a system does on its own."""

from refmodel.engines import background
from refmodel.engines.environment import Scripted
from refmodel.kernel.table import KernelView
from refmodel.machine import evolve, run
from refmodel.machine.choice import first_answer
from tests.engines.simple import LINUX, TOY

NOW, LATER = 0, 1


def writing() -> KernelView:
    """Return a system in which two pages are on their way to the device."""
    v = TOY.system(LINUX, "toy")
    v[v.at.zswap] = evolve(v[v.at.zswap], enabled=False)
    for page in (0, 1):
        run(v, v.ops.write_page(0, page, 2 + page))
    run(v, v.ops.madvise_pageout(0, 0, 2))
    return v


def test_nothing_is_ready_at_the_start() -> None:
    v = TOY.system(LINUX, "toy")

    assert list(background.ready(v)) == []


def test_writes_to_the_device_end_in_the_order_of_their_folios() -> None:
    v = writing()
    v.choose = first_answer
    ended = []
    for work in background.ready(v):
        ended.append(work.locals()["folio"])
        run(v, work)

    assert ended == [1, 2]
    assert background.under_writeback(v) == []


def test_work_can_be_put_off() -> None:
    """It stays ready for after the next command."""
    v = writing()
    v.choose = Scripted([LATER, NOW]).choose

    assert [work.locals()["folio"] for work in background.ready(v)] == [2]
    assert background.under_writeback(v) == [1, 2]


def test_the_shrink_worker_runs_when_it_is_queued() -> None:
    v = TOY.system(LINUX, "toy")
    v[v.at.shrink_work] = evolve(v[v.at.shrink_work], pending=True)

    assert [type(work).__name__ for work in background.ready(v)] == [v.ops.shrink_worker.__name__]


def test_pools_without_a_reference_are_released() -> None:
    v = TOY.system(LINUX, "toy")
    run(v, v.ops.set_param("compressor", "tokens-2"))

    assert [work.locals()["pool"] for work in background.ready(v)] == [1]
