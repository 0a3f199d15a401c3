"""Size classes of zsmalloc, and one of its classes as objects come and go."""

from __future__ import annotations

from errno import EINVAL, ENOSPC

from refmodel.engines.contract import breaks
from refmodel.kernel import zsmalloc_classes as zs
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.zsmalloc_classes import ClassState

OBJECTS = 512
"""Objects of a zspage, at most."""

ZSPAGES = 2
"""Zspages of a class with room, at most."""

PAGE = PAGE_SIZE
"""Bytes of the largest object."""

NO_OBJECT, TOO_LARGE = -EINVAL, -ENOSPC
"""What an impossible size is answered with."""

CLASSES = zs.SizeClasses(zs.ZSMALLOC_6_12)

QUARTERS = zs.SizeClass(0, 1024, 4, 1, tuple(zs.inuse_ratio_group(n, 4) for n in range(5)), False)
"""A class whose zspages have four objects."""

EIGHTHS = zs.SizeClass(0, 512, 8, 1, tuple(zs.three_quarters_group(n, 8) for n in range(9)), True)
"""A class of 6.1 whose zspages have eight objects."""

SINGLE = zs.SizeClass(0, 4096, 1, 1, tuple(zs.inuse_ratio_group(n, 1) for n in range(2)), False)
"""A class whose zspages have one object."""


def an_object_fits_with_its_handle(size: int) -> int:
    """An object gets the smallest class that holds it and its handle; the last class takes what is larger, alone.

    Source: mm/zsmalloc.c get_size_class_index(), Linux 6.12
    Requirement: Z1

    pre: 1 <= size <= PAGE
    post: 0 <= _ < zs.ZS_SIZE_CLASSES
    post: 32 + 16 * _ >= size + 8 or _ == zs.ZS_SIZE_CLASSES - 1
    post: _ == 0 or 32 + 16 * (_ - 1) < size + 8
    """
    return zs.class_index(size)


@breaks(an_object_fits_with_its_handle, zs.class_index)
def forgets_the_handle(size: int) -> int:
    """The handle has no room."""
    return -(-max(size - 32, 0) // 16)


@breaks(an_object_fits_with_its_handle, zs.class_index)
def takes_the_next_class(size: int) -> int:
    """The class is one larger than it has to be, and one larger than there are."""
    return -(-max(size - 24, 0) // 16) + 1


def impossible_sizes_are_refused(size: int) -> int:
    """No object has 0 bytes, and none is larger than a page.

    Source: mm/zsmalloc.c zs_malloc(), Linux 6.12
    Requirement: Z1

    pre: size == 0 or PAGE < size <= 2**40
    post: _ == (NO_OBJECT if size == 0 else TOO_LARGE)
    """
    return CLASSES.class_of(size)


@breaks(impossible_sizes_are_refused, zs.SizeClasses.class_of)
def takes_every_size(self: zs.SizeClasses, size: int) -> int:
    """Sizes are not looked at."""
    return 0


def tenths_say_how_full_a_zspage_is(inuse: int, objs: int) -> int:
    """A zspage is in group 0 if it is empty and in group 11 if it is full, and only then; others go by tenths.

    Source: mm/zsmalloc.c get_fullness_group(), Linux 6.12
    Requirement: Z1

    pre: 1 <= objs <= OBJECTS
    pre: 0 <= inuse <= objs
    post: (_ == 0) == (inuse == 0)
    post: (_ == 11) == (inuse == objs)
    post: 0 <= _ <= 11
    post: implies(0 < inuse < objs, (_ - 1) * 10 * objs <= 100 * inuse < _ * 10 * objs)
    """
    return zs.inuse_ratio_group(inuse, objs)


@breaks(tenths_say_how_full_a_zspage_is, zs.inuse_ratio_group)
def full_ones_are_nearly_full(inuse: int, objs_per_zspage: int) -> int:
    """Full zspages are in the group of those with room, and empty ones are with the emptiest."""
    return 100 * inuse // objs_per_zspage // 10 + 1 if inuse < objs_per_zspage else 10


@breaks(tenths_say_how_full_a_zspage_is, zs.inuse_ratio_group)
def counts_percents(inuse: int, objs_per_zspage: int) -> int:
    """The group is the percentage."""
    return 100 * inuse // objs_per_zspage


def a_fuller_zspage_has_no_lower_group(inuse: int, more: int, objs: int) -> tuple[int, int]:
    """One more object never moves a zspage to a group that is searched later.

    Source: mm/zsmalloc.c get_fullness_group(), Linux 6.12
    Requirement: Z1

    pre: 1 <= objs <= 64
    pre: 0 <= inuse <= more <= objs
    post: _[0] <= _[1]
    """
    return zs.inuse_ratio_group(inuse, objs), zs.inuse_ratio_group(more, objs)


@breaks(a_fuller_zspage_has_no_lower_group, zs.inuse_ratio_group)
def turns_round_at_the_half(inuse: int, objs_per_zspage: int) -> int:
    """Zspages that are more than half full count as empty as those that are less."""
    return min(inuse, objs_per_zspage - inuse)


def three_quarters_divide_groups_of_6_1(inuse: int, objs: int) -> int:
    """In 6.1 a zspage is empty, up to three quarters in use, more than that, or full.

    Source: mm/zsmalloc.c get_fullness_group(), Linux 6.1
    Requirement: Z1

    pre: 1 <= objs <= OBJECTS
    pre: 0 <= inuse <= objs
    post: (_ == 0) == (inuse == 0)
    post: (_ == 3) == (inuse == objs)
    post: implies(0 < inuse < objs, (_ == 1) == (4 * inuse <= 3 * objs))
    post: _ in (0, 1, 2, 3)
    """
    return zs.three_quarters_group(inuse, objs)


@breaks(three_quarters_divide_groups_of_6_1, zs.three_quarters_group)
def divides_at_a_half(inuse: int, objs_per_zspage: int) -> int:
    """Zspages are divided where they are half in use; full ones count as nearly full."""
    if inuse == 0:
        return 0
    return 1 if 2 * inuse <= objs_per_zspage else 2


@breaks(three_quarters_divide_groups_of_6_1, zs.three_quarters_group)
def has_no_empty_ones(inuse: int, objs_per_zspage: int) -> int:
    """Empty zspages are with the others; full ones have a group that there is none of."""
    return 4 if inuse == objs_per_zspage else 1


def _state(inuse: tuple[int, ...], full: int) -> ClassState:
    """Return a class with zspages of so many objects, in search order, and full ones."""
    partial = tuple(range(len(inuse)))
    return ClassState(2 ** (len(inuse) + full) - 1, partial, inuse)


def _legal(state: ClassState) -> bool:
    """Whether zspages with room are all there, each once, none empty or full, in the order of the search."""
    groups = [QUARTERS.fullness[used] for used in state.inuse]
    once = all(state.partial[k] not in state.partial[:k] for k in range(len(state.partial)))
    there = all(state.ids // 2**number % 2 for number in state.partial)
    sorted_ = all(groups[k] >= groups[k + 1] for k in range(len(groups) - 1))
    return once and there and sorted_ and all(0 < used < 4 for used in state.inuse)


def an_allocation_adds_one_object(inuse: tuple[int, ...], full: int) -> tuple[ClassState, int, int]:
    """From any legal class: one object more leads to a legal one, and pages come only if none has room.

    Source: mm/zsmalloc.c zs_malloc() and find_get_zspage(), Linux 6.12
    Requirement: Z1
    Random: ZSPAGES = 40

    pre: len(inuse) <= ZSPAGES
    pre: all(1 <= used <= 3 for used in inuse)
    pre: all(inuse[k] >= inuse[k + 1] for k in range(len(inuse) - 1))
    pre: 0 <= full <= 1
    post: _legal(_[0])
    post: zs.objects_in_use(_[0], QUARTERS) == sum(inuse) + 4 * full + 1
    post: _[2] == (0 if len(inuse) else 1)
    post: implies(len(inuse) > 0, _[1] == 0)
    """
    return zs.malloc(_state(inuse, full), QUARTERS)


@breaks(an_allocation_adds_one_object, zs.malloc)
def always_takes_a_new_zspage(state: ClassState, cls: zs.SizeClass) -> tuple[ClassState, int, int]:
    """Whatever room there is, a page is added."""
    return zs.malloc_new_zspage(state, cls)


@breaks(an_allocation_adds_one_object, zs.malloc)
def fills_the_emptiest(state: ClassState, cls: zs.SizeClass) -> tuple[ClassState, int, int]:
    """The emptiest zspage takes the object, and never counts as full."""
    ids, partial, inuse = state
    if not partial:
        return zs.malloc_new_zspage(state, cls)
    return ClassState(ids, partial, (*inuse[:-1], inuse[-1] + 1)), partial[-1], 0


@breaks(an_allocation_adds_one_object, zs.malloc)
def counts_no_object(state: ClassState, cls: zs.SizeClass) -> tuple[ClassState, int, int]:
    """The object is not counted."""
    return state, state.partial[0] if state.partial else 0, 0


def a_new_zspage_of_6_1_goes_behind_a_fuller_head(fuller: int, others: tuple[int, ...]) -> tuple[int, ...]:
    """In 6.1 a new zspage goes to the head of its group, but behind a head that has more objects.

    Source: mm/zsmalloc.c insert_zspage(), Linux 6.1
    Requirement: Z1
    Random: ZSPAGES = 40

    pre: 0 <= fuller <= ZSPAGES
    pre: len(others) <= ZSPAGES
    pre: all(1 <= used <= 6 for used in others)
    post: _[:fuller] == (7,) * fuller
    post: implies(len(others) == 0 or others[0] == 1, _[fuller:] == (1, *others))
    post: implies(len(others) > 0 and others[0] > 1, _[fuller:] == (*others[:1], 1, *others[1:]))
    """
    partial = (*[7 for _ in range(fuller)], *others)
    return zs.malloc_new_zspage(_state(partial, 0), EIGHTHS)[0].inuse


@breaks(a_new_zspage_of_6_1_goes_behind_a_fuller_head, zs.malloc_new_zspage)
def goes_behind_all(state: ClassState, cls: zs.SizeClass) -> tuple[ClassState, int, int]:
    """A new zspage goes to the end of the search."""
    return ClassState(state.ids, state.partial, (*state.inuse, 1)), 0, 0


@breaks(a_new_zspage_of_6_1_goes_behind_a_fuller_head, zs.malloc_new_zspage)
def goes_before_all(state: ClassState, cls: zs.SizeClass) -> tuple[ClassState, int, int]:
    """A new zspage is searched first, though others are fuller."""
    return ClassState(state.ids, state.partial, (1, *state.inuse)), 0, 0


def a_single_object_fills_its_zspage(full: int) -> tuple[ClassState, int, int]:
    """In a class of one object a zspage, each object takes pages, and no zspage ever has room.

    Source: mm/zsmalloc.c zs_malloc(), Linux 6.12
    Requirement: Z1

    pre: 0 <= full <= 3
    post: _[0].partial == () == _[0].inuse
    post: _[2] == 1
    post: zs.objects_in_use(_[0], SINGLE) == full + 1
    """
    return zs.malloc(_state((), full), SINGLE)


@breaks(a_single_object_fills_its_zspage, zs.malloc_new_zspage)
def leaves_it_open(state: ClassState, cls: zs.SizeClass) -> tuple[ClassState, int, int]:
    """A full zspage is searched for room, and took no page."""
    return ClassState(state.ids, (0,), (1,)), 0, 0


def a_free_takes_one_object(inuse: tuple[int, ...], full: int, zspage: int) -> tuple[ClassState, int]:
    """From any legal class: freeing leads to a legal one with one object less; the last object takes its page along.

    Source: mm/zsmalloc.c zs_free() and fix_fullness_group(), Linux 6.12
    Requirement: Z1
    Random: ZSPAGES = 40

    pre: len(inuse) <= ZSPAGES
    pre: all(1 <= used <= 3 for used in inuse)
    pre: all(inuse[k] >= inuse[k + 1] for k in range(len(inuse) - 1))
    pre: 0 <= full <= 1
    pre: 0 <= zspage < len(inuse) + full
    post: _legal(_[0])
    post: zs.objects_in_use(_[0], QUARTERS) == sum(inuse) + 4 * full - 1
    post: _[1] == (1 if zspage < len(inuse) and inuse[zspage] == 1 else 0)
    """
    return zs.free(_state(inuse, full), QUARTERS, zspage)


@breaks(a_free_takes_one_object, zs.free)
def keeps_empty_zspages(state: ClassState, cls: zs.SizeClass, zspage_id: int) -> tuple[ClassState, int]:
    """A zspage without objects stays among those with room."""
    ids, partial, inuse = state
    if zspage_id not in partial:
        return state, 0
    at = partial.index(zspage_id)
    return ClassState(ids, partial, (*inuse[:at], inuse[at] - 1, *inuse[at + 1 :])), 0
