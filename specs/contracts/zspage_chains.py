"""How many pages a zspage of a size class has, and what that makes of the class."""

from __future__ import annotations

from refmodel.engines.contract import breaks
from refmodel.kernel import zsmalloc_classes as zs
from refmodel.kernel.config import PAGE_SIZE

EVERY = 272
"""Bytes between the class sizes that are looked at: every seventeenth class."""

LAST = 14
"""How many times these lie between the smallest and the largest class."""

PAGE = PAGE_SIZE
"""Bytes of a page."""

OBJECTS = 8
"""Objects of a zspage, at most."""

KERNELS = (zs.SizeClasses(zs.ZSMALLOC_6_1), zs.SizeClasses(zs.ZSMALLOC_6_12))
"""The classes of 6.1, and those of 6.12 and later."""


def _size(place: int) -> int:
    """Return a class size, one path for each."""
    return next(32 + EVERY * k for k in range(LAST + 1) if k == place)


def _left(pages: int, size: int) -> int:
    """Return the bytes that are left over at the end of a chain."""
    return pages * PAGE % size


def _percent(pages: int, size: int) -> int:
    """Return the whole percents of a chain that objects can use."""
    return 100 * (pages * PAGE - _left(pages, size)) // (pages * PAGE)


def a_chain_wastes_the_fewest_bytes(place: int, most: int) -> tuple[int, int]:
    """No other chain that is allowed leaves fewer bytes over, and a shorter one leaves more.

    Source: mm/zsmalloc.c calculate_zspage_chain_size(), Linux 6.12
    Requirement: Z1
    Random: EVERY = 16, LAST = 254

    pre: 0 <= place <= LAST
    pre: most in (4, 8, 16)
    post: 1 <= _[0] <= most
    post: all(_left(pages, _[1]) >= _left(_[0], _[1]) for pages in range(1, most + 1))
    post: all(_left(pages, _[1]) > _left(_[0], _[1]) for pages in range(1, _[0]))
    """
    size = _size(place)
    return zs.least_waste_chain(size, most), size


@breaks(a_chain_wastes_the_fewest_bytes, zs.least_waste_chain)
def has_one_page(class_size: int, max_pages: int) -> int:
    """A zspage has a single page."""
    return 1


@breaks(a_chain_wastes_the_fewest_bytes, zs.least_waste_chain)
def is_longer_than_allowed(class_size: int, max_pages: int) -> int:
    """A chain can be one page longer, and of equal ones the longest is taken."""
    return max(range(1, max_pages + 2), key=lambda pages: (-(pages * PAGE % class_size), pages))


def a_chain_of_6_1_uses_the_highest_percentage(place: int, most: int) -> tuple[int, int]:
    """In 6.1 no other chain that is allowed uses more whole percents of its pages, and a shorter one uses fewer.

    Source: mm/zsmalloc.c get_pages_per_zspage(), Linux 6.1
    Requirement: Z1
    Random: EVERY = 16, LAST = 254

    pre: 0 <= place <= LAST
    pre: most in (4, 8)
    post: 1 <= _[0] <= most
    post: all(_percent(pages, _[1]) <= _percent(_[0], _[1]) for pages in range(1, most + 1))
    post: all(_percent(pages, _[1]) < _percent(_[0], _[1]) for pages in range(1, _[0]))
    """
    size = _size(place)
    return zs.best_percentage_chain(size, most), size


@breaks(a_chain_of_6_1_uses_the_highest_percentage, zs.best_percentage_chain)
def looks_at_bytes(class_size: int, max_pages: int) -> int:
    """The fewest bytes over count, as in later kernels."""
    return min(range(1, max_pages + 1), key=lambda pages: pages * PAGE % class_size)


@breaks(a_chain_of_6_1_uses_the_highest_percentage, zs.best_percentage_chain)
def takes_one_too_long(class_size: int, max_pages: int) -> int:
    """A chain can be one page longer than is allowed."""
    return max_pages + 1


def a_class_has_a_group_for_each_number_of_objects(objs: int, version: int) -> zs.SizeClass:
    """A class knows the group of a zspage with any number of objects, from none to all; more never lead to a lower one.

    Source: mm/zsmalloc.c zs_create_pool() and get_fullness_group(), Linux 6.1 and 6.12
    Requirement: Z1
    Random: OBJECTS = 128

    pre: 1 <= objs <= OBJECTS
    pre: 0 <= version <= 1
    post: len(_.fullness) == objs + 1
    post: _.fullness[0] == 0
    post: all(_.fullness[used] <= _.fullness[used + 1] for used in range(objs))
    post: (_.index, _.size, _.objs_per_zspage, _.pages_per_zspage) == (7, 144, objs, 4)
    post: _.fuller_head_stays == (version == 0)
    """
    classes = KERNELS[0] if version == 0 else KERNELS[1]
    return classes._size_class(7, 144, objs, 4)


@breaks(a_class_has_a_group_for_each_number_of_objects, zs.SizeClasses._size_class)
def forgets_full_zspages(self: zs.SizeClasses, index: int, size: int, objs: int, pages: int) -> zs.SizeClass:
    """There is no group for a full zspage, and the first object leads to a lower one."""
    return zs.SizeClass(index, size, objs, pages, tuple(range(objs, 0, -1)), False)


@breaks(a_class_has_a_group_for_each_number_of_objects, zs.SizeClasses._size_class)
def goes_down_at_the_end(self: zs.SizeClasses, index: int, size: int, objs: int, pages: int) -> zs.SizeClass:
    """A full zspage has the group of an empty one; the class takes the place of its number of objects."""
    return zs.SizeClass(objs, size, objs, pages, (*(1 for _ in range(objs)), 0), True)
