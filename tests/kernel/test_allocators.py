"""The allocators behind one interface, and pools of different allocators side by side."""

from __future__ import annotations

import errno

import pytest

from refmodel.kernel import choices, zsmalloc
from refmodel.kernel.allocators import Allocator, Zbud, Zsmalloc
from refmodel.kernel.zsmalloc_classes import ZSMALLOC_6_12, SizeClasses
from tests.kernel.toy import LENGTH, Toy

BOTH: list[Allocator] = [Zsmalloc(SizeClasses(ZSMALLOC_6_12)), Zbud(evicts=True)]
each = pytest.mark.parametrize("allocator", BOTH, ids=["zsmalloc", "zbud"])


@each
def test_an_object_that_was_placed_and_removed_leaves_the_empty_state(allocator: Allocator) -> None:
    """Its pages come and go with it."""
    index = allocator.class_of(1000)
    state, where, added = allocator.place(allocator.empty, index, 1000)
    left, freed = allocator.remove(state, index, where)

    assert added > 0
    assert freed == added
    assert left == allocator.empty


@each
def test_sizes_that_cannot_be_kept_are_an_errno(allocator: Allocator) -> None:
    """No allocator keeps nothing, or more than a page."""
    assert allocator.class_of(0) == -errno.EINVAL
    assert allocator.class_of(4097) == -errno.ENOSPC
    assert 0 <= allocator.class_of(4000 if allocator.observed else 3968) < allocator.classes


def test_zbud_needs_memory_only_for_another_page() -> None:
    """Its handles are addresses; zsmalloc allocates a handle for each object."""
    big, zbud = BOTH
    state, _, _ = zbud.place(zbud.empty, 0, 1000)

    assert zbud.needs_memory(zbud.empty, 1000)
    assert not zbud.needs_memory(state, 1000)
    assert zbud.needs_memory(state, 3500)
    assert big.needs_memory(big.place(big.empty, big.class_of(1000), 1000)[0], 1000)


def zbud_toy(kernel: str) -> Toy:
    """Return a system whose pool uses zbud."""
    return Toy(kernel, zpool="zbud")


def test_6_1_puts_the_slot_in_front_of_what_zbud_keeps() -> None:
    """Eight bytes more than the compressed length, which is what is charged."""
    toy = zbud_toy("linux-6.1")
    toy.write(0, "page 0")
    toy.out(0)
    stored = toy.v[toy.v.at.zs_object[1]]

    assert stored is not None
    assert (stored.size, stored.slot) == (LENGTH + zsmalloc.HEADER_BYTES, toy.slot(0))
    assert zsmalloc.slot_at(toy.v, 1, stored.zspage) == toy.slot(0)
    assert toy.v[toy.v.at.mc[1].zswap] == LENGTH


def test_later_kernels_need_no_header() -> None:
    """They keep lists of their own of what to write back."""
    toy = zbud_toy("linux-6.12")
    toy.write(0, "page 0")
    toy.out(0)
    stored = toy.v[toy.v.at.zs_object[1]]

    assert stored is not None
    assert (stored.size, stored.slot) == (LENGTH, 0)


@pytest.mark.parametrize("kernel", ["linux-6.1", "linux-6.12"])
def test_zbud_is_silent_and_its_pages_are_no_zspages(kernel: str) -> None:
    """Two objects share a page."""
    toy = zbud_toy(kernel)
    for page in range(2):
        toy.write(page, f"page {page}")
    toy.run(toy.ops.madvise_pageout(mm=0, page=0, nr=2))

    assert not {"zs_malloc", "zs_free"} & set(toy.names())
    assert toy.v[toy.v.at.vm.nr_zspages] == 0
    assert toy.v[toy.v.at.pool_pages[1]] == 1
    assert toy.v[toy.v.at.objects_used].bit_count() == 3


@pytest.mark.parametrize("kernel", ["linux-6.1", "linux-6.12"])
def test_a_page_that_zbud_cannot_get_refuses_the_store(kernel: str) -> None:
    """The second object of a page needs no memory, so it cannot fail."""
    toy = zbud_toy(kernel)
    for page in range(3):
        toy.write(page, f"page {page}")
    toy.fail(choices.ALLOC_OBJECT, 2)
    toy.out(0, 3)

    assert not toy.failing
    assert toy.v[toy.v.at.zs.reject_alloc_fail] == 1
    assert toy.v[toy.v.at.zs.stored_pages] == 2
    assert toy.v[toy.v.at.device[toy.slot(2)]] == "page 2"


def test_no_object_lies_where_none_was_put() -> None:
    """Asking for it is an error of the caller."""
    with pytest.raises(LookupError, match="pool 1: no object at 4"):
        zsmalloc.slot_at(zbud_toy("linux-6.1").v, 1, 4)


@pytest.mark.parametrize(("zpool", "content"), [("zsmalloc", "never written"), ("zbud", "page 0")])
def test_a_load_of_6_1_needs_a_buffer_where_it_may_not_sleep(zpool: str, content: str) -> None:
    """Without the buffer the page is read from the device, where it never was (H-13); zbud needs none."""
    toy = Toy("linux-6.1", zpool=zpool)
    toy.write(0, "page 0")
    toy.out(0)
    toy.fail(choices.BOUNCE_BUFFER)

    assert toy.read(0) == content
