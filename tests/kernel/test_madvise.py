"""MADV_FREE of pages that others map too, and of pages that get slots meanwhile."""

import pytest

from refmodel.kernel.state import EMPTY_PTE
from refmodel.machine import Execution
from tests.kernel.toy import Toy

KERNELS = ("linux-6.1", "linux-6.12", "linux-6.18", "linux-7.3")


def shared(kernel: str) -> Toy:
    """A page that a process wrote, and that its child maps too."""
    toy = Toy(kernel)
    toy.write(0, "A")
    toy.run(toy.ops.fork(process=0))
    return toy


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_page_that_was_given_up_while_a_child_had_it_goes_when_the_child_is_gone(kernel: str) -> None:
    """The mark of a write in the child's page table ends with the child: nobody has written the page."""
    toy = shared(kernel)
    toy.run(toy.ops.madvise_free(mm=0, page=0))
    toy.run(toy.ops.exit_child(process=0))
    toy.out(0)

    assert toy.v[toy.v.at.pte[0][0]] == EMPTY_PTE


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_write_after_the_page_was_given_up_keeps_it(kernel: str) -> None:
    """The write makes a page of its own, which is swapped out."""
    toy = shared(kernel)
    toy.run(toy.ops.madvise_free(mm=0, page=0))
    toy.write(0, "B")
    toy.run(toy.ops.exit_child(process=0))
    toy.out(0)

    assert toy.slot(0)
    assert toy.read(0) == "B"


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_child_inherits_the_marks_of_writes(kernel: str) -> None:
    """The child reads what its parent wrote, whatever the parent gives up."""
    toy = shared(kernel)
    child = toy.v.cfg.sizes.processes
    assert toy.v[toy.v.at.pte[child][0]].dirty

    toy.run(toy.ops.madvise_free(mm=0, page=0))
    toy.run(toy.ops.zap_pages(mm=0, page=0, nr=1))
    toy.out(0, mm=child)
    assert toy.read(0, mm=child) == "A"


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("before", ["lock", "add_to_swap"])
def test_a_page_that_reclaim_has_taken_is_written(kernel: str, before: str) -> None:
    """Its folio was clean and not locked, so MADV_FREE goes on; reclaim no longer looks whether to drop it."""
    toy = Toy(kernel)
    toy.write(0, "A")
    number = toy.v[toy.v.at.pte[0][0]].folio
    reclaim = Execution(toy.ops.shrink_folio(folio=number))
    toy.until(reclaim, before)
    toy.run(toy.ops.madvise_free(mm=0, page=0))

    assert toy.folio(number).swapbacked
    assert not toy.v[toy.v.at.pte[0][0]].dirty
    toy.finish(reclaim)
    toy.finish_writes()
    assert toy.slot(0)
    assert toy.read(0) == "A"


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_page_that_gets_slots_while_it_is_given_up_is_written(kernel: str) -> None:
    """It is dirty in the swap cache when MADV_FREE comes to mark it."""
    toy = Toy(kernel)
    toy.write(0, "A")
    number = toy.v[toy.v.at.pte[0][0]].folio
    giving_up = Execution(toy.ops.madvise_free(mm=0, page=0))
    toy.until(giving_up, "mark")
    reclaim = Execution(toy.ops.shrink_folio(folio=number))
    while not toy.folio(number).swapcache:
        assert reclaim.advance(toy.v)

    toy.finish(giving_up)
    assert toy.folio(number).dirty
    toy.finish(reclaim)
    toy.finish_writes()
    assert toy.slot(0)
    assert toy.read(0) == "A"
