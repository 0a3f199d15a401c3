"""zsmalloc's page accounting: size classes, zspages and their fullness lists.

Stands for the part of ``mm/zsmalloc.c`` that decides how many pages a pool holds: the construction
of the size classes (``zs_create_pool``), the choice of the zspage that serves ``zs_malloc``, and the
pages that go away with ``zs_free``.  The figures follow the kernel to the page, which is what
``pool_total_size``, ``nr_zspages`` and the pool limit of zswap are made of (requirement Z1).

A pool has one `ClassState` for each size class; the functions here take one and return the next.
They know neither object contents nor handles: whoever keeps an entry remembers the class and the
zspage id that `malloc` returned, and hands both back to `free`.

Left out, because nothing of it changes which zspage serves an allocation on an idle machine:

* An emptied zspage leaves at once.  The kernel defers that to a worker when one of the zspage's
  page locks is taken (``free_zspage``, ``async_free_zspage``); until then the pages still count and
  the empty zspage may be filled again.
* Compaction by the pool's shrinker (``zs_compact``) and page migration.
* Where an object lies inside its zspage, and the node of the pages.

Source: ``mm/zsmalloc.c`` of 6.1.176 (`ZSMALLOC_6_1`) and 7.1.3 (`ZSMALLOC_6_12`).  Histories that were
recorded on 6.1.192, 6.12.117, 6.18.15 and 7.3.4 have the same pages after each operation.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EINVAL, ENOSPC
from typing import NamedTuple

import attrs

from refmodel.kernel.config import PAGE_SIZE

ZS_HANDLE_SIZE = 8
"""Bytes in front of each object that hold its handle (one ``unsigned long``)."""

ZS_MIN_ALLOC_SIZE = 32
"""Bytes of the smallest class (64-bit machines with chains of at most 16 pages)."""

ZS_SIZE_CLASS_DELTA = PAGE_SIZE >> 8
"""Bytes between the sizes of neighbouring classes."""

ZS_SIZE_CLASSES = -(-(PAGE_SIZE - ZS_MIN_ALLOC_SIZE) // ZS_SIZE_CLASS_DELTA) + 1
"""Number of classes before merging."""


def least_waste_chain(class_size: int, max_pages: int) -> int:
    """Return the pages of a zspage: the shortest chain that leaves the fewest bytes over.

    ``class_size`` is in bytes, ``max_pages`` is the longest chain allowed.
    Source: ``calculate_zspage_chain_size``, 6.12.
    """
    return min(range(1, max_pages + 1), key=lambda pages: pages * PAGE_SIZE % class_size)


def best_percentage_chain(class_size: int, max_pages: int) -> int:
    """Return the pages of a zspage: the shortest chain with the highest whole percentage in use.

    Whole percentages hide small differences, so that 6.1 settles for shorter chains than a count of
    the wasted bytes would.  ``class_size`` is in bytes, ``max_pages`` is the longest chain allowed.
    Source: ``get_pages_per_zspage``, 6.1.
    """

    def used_percent(pages: int) -> int:
        room = pages * PAGE_SIZE
        return (room - room % class_size) * 100 // room

    return max(range(1, max_pages + 1), key=used_percent)


def inuse_ratio_group(inuse: int, objs_per_zspage: int) -> int:
    """Return the fullness group of a zspage: 0 empty, 1 to 10 by tenths of its objects, 11 full.

    Source: ``get_fullness_group``, 6.12 (``ZS_INUSE_RATIO_0`` to ``ZS_INUSE_RATIO_100``).
    """
    if inuse == 0:
        return 0
    if inuse == objs_per_zspage:
        return 11
    return 100 * inuse // objs_per_zspage // 10 + 1


def three_quarters_group(inuse: int, objs_per_zspage: int) -> int:
    """Return the fullness group of a zspage: 0 empty, 1 up to three quarters in use, 2 more, 3 full.

    Source: ``get_fullness_group``, 6.1 (``ZS_EMPTY`` to ``ZS_FULL``).
    """
    if inuse == 0:
        return 0
    if inuse == objs_per_zspage:
        return 3
    return 1 if inuse <= 3 * objs_per_zspage // 4 else 2


def class_index(size: int) -> int:
    """Return the index of the smallest class that holds an object and its handle, before classes are merged.

    size: of the object, 1 to PAGE_SIZE bytes.  One that fills a page with its handle is in the last class all the
    same: it takes a page of its own and needs no handle inside.
    Source: ``get_size_class_index``, 6.1 and 6.12.
    """
    above = max(size + ZS_HANDLE_SIZE - ZS_MIN_ALLOC_SIZE, 0)
    return min(-(-above // ZS_SIZE_CLASS_DELTA), ZS_SIZE_CLASSES - 1)


@attrs.frozen
class ZsmallocRules:
    """What differs in zsmalloc's page accounting from one kernel version to another."""

    max_pages_per_zspage: int
    """Longest chain in pages: ``CONFIG_ZSMALLOC_CHAIN_SIZE`` (4 to 16, default 8); fixed 4 in 6.1."""

    pages_per_zspage: Callable[[int, int], int]
    """(class size in bytes, longest chain in pages) -> pages of a zspage of that class."""

    fullness_group: Callable[[int, int], int]
    """(objects in use, objects per zspage) -> fullness group; a fuller zspage has no lower one."""

    fuller_head_stays: bool
    """A zspage that joins a group goes behind a list head with more objects in use, else to the head.

    It shows only when a zspage is made although others have room (`malloc_new_zspage`): any other
    joins an empty list, or a list in which none can have more objects.  Source: ``insert_zspage``.
    """

    too_large_errno: int
    """What ``zs_malloc`` answers for more than a page: the errno, as a positive number."""


ZSMALLOC_6_1 = ZsmallocRules(
    max_pages_per_zspage=4,
    pages_per_zspage=best_percentage_chain,
    fullness_group=three_quarters_group,
    fuller_head_stays=True,
    too_large_errno=EINVAL,
)
"""The rules of 6.1."""

ZSMALLOC_6_12 = ZsmallocRules(
    max_pages_per_zspage=8,
    pages_per_zspage=least_waste_chain,
    fullness_group=inuse_ratio_group,
    fuller_head_stays=False,
    too_large_errno=ENOSPC,
)
"""The rules of 6.12, 6.18 and 7.3 with the default chain size."""


@attrs.frozen
class SizeClass:
    """One size class: the shape of its zspages and the rules of its fullness lists."""

    index: int
    """Place in ``zs_pool.size_class[]``; of merged classes, that of the largest."""

    size: int
    """Bytes of an object, handle included."""

    objs_per_zspage: int
    """Objects that fit in a zspage."""

    pages_per_zspage: int
    """Pages that a zspage takes from, and gives back to, the page allocator."""

    fullness: tuple[int, ...]
    """Fullness group by number of objects in use, 0 to ``objs_per_zspage``."""

    fuller_head_stays: bool
    """See `ZsmallocRules.fuller_head_stays`."""

    @property
    def huge(self) -> bool:
        """Whether each object takes a page of its own (``ZsHugePage``)."""
        return self.objs_per_zspage == 1 and self.pages_per_zspage == 1


@attrs.frozen
class SizeClasses:
    """The size classes of a pool, as ``zs_create_pool`` lays them out.

    Classes are made from the largest size down.  One with as many objects and pages in its zspages
    as the class made before it is merged into that one: for the same pages, objects of both sizes
    can share zspages.  Source: ``zs_create_pool``, 6.1 and 6.12.
    """

    rules: ZsmallocRules
    """The kernel version's rules."""

    by_index: tuple[SizeClass, ...] = attrs.field(init=False, repr=False, eq=False)
    """The class at each of the `ZS_SIZE_CLASSES` indices; merged indices name the same class."""

    @by_index.default
    def _build(self) -> tuple[SizeClass, ...]:
        made: list[SizeClass] = []
        for index in reversed(range(ZS_SIZE_CLASSES)):
            size = min(ZS_MIN_ALLOC_SIZE + index * ZS_SIZE_CLASS_DELTA, PAGE_SIZE)
            pages = self.rules.pages_per_zspage(size, self.rules.max_pages_per_zspage)
            objs = pages * PAGE_SIZE // size
            if made and (made[-1].objs_per_zspage, made[-1].pages_per_zspage) == (objs, pages):
                made.append(made[-1])
            else:
                made.append(self._size_class(index, size, objs, pages))
        return tuple(reversed(made))

    def _size_class(self, index: int, size: int, objs: int, pages: int) -> SizeClass:
        fullness = tuple(self.rules.fullness_group(inuse, objs) for inuse in range(objs + 1))
        return SizeClass(index, size, objs, pages, fullness, self.rules.fuller_head_stays)

    def __getitem__(self, index: int) -> SizeClass:
        """Return the class at an index (0 to 254) that `class_of` answered."""
        return self.by_index[index]

    def class_of(self, size: int) -> int:
        """Return the index of the class that holds an object of ``size`` bytes, or a negative errno.

        Size 0 gives ``-EINVAL``; more than a page gives ``-ENOSPC`` (6.1: ``-EINVAL``).
        A negative size raises ValueError, for ``size_t`` has none.
        Source: the checks of ``zs_malloc`` and ``get_size_class_index``, 6.1 and 6.12.
        """
        if size < 0:
            raise ValueError(f"zs_malloc size is {size} bytes, expected 0 or more; was an errno passed on?")
        if size == 0:
            return -EINVAL
        if size > PAGE_SIZE:
            return -self.rules.too_large_errno
        return self.by_index[class_index(size)].index

    @property
    def huge_class_size(self) -> int:
        """Bytes of the smallest object that takes a page of its own (``zs_huge_class_size``)."""
        shared = max(cls.size for cls in self.by_index if not cls.huge)
        return shared - ZS_HANDLE_SIZE + 1


class ClassState(NamedTuple):
    """The zspages of one size class of one pool.

    Three facts of the kernel's lists make this short form exact.  A zspage always stands in the
    group of its number of objects (``fix_fullness_group`` runs after each change), so that one
    sequence in the order of the search holds all lists.  The order of full zspages has no effect: a
    full one serves no allocation, and leaves its list from wherever it stands.  And a zspage that
    is not full is in the search, so that only those need their objects counted.
    """

    ids: int
    """The zspages there are, as a set of small numbers: bit n is set while n is the id of one."""

    partial: tuple[int, ...]
    """Ids of the zspages with room, in search order: fullest group first, list head first in each."""

    inuse: tuple[int, ...]
    """Objects in use of each zspage of `partial`, in the same order."""

    @property
    def zspages(self) -> int:
        """Number of zspages."""
        return self.ids.bit_count()


EMPTY = ClassState(0, (), ())
"""A class of a new pool."""


def objects_in_use(state: ClassState, cls: SizeClass) -> int:
    """Return the number of live objects of the class (``ZS_OBJS_INUSE``)."""
    return sum(state.inuse) + (state.zspages - len(state.partial)) * cls.objs_per_zspage


def total_pages(state: ClassState, cls: SizeClass) -> int:
    """Return the pages that the class contributes to ``zs_get_total_pages``."""
    return state.zspages * cls.pages_per_zspage


def malloc(state: ClassState, cls: SizeClass) -> tuple[ClassState, int, int]:
    """Put one object into the class: return the next state, the zspage id and the pages added.

    The first zspage of the fullest group with room takes the object, so that emptier ones have a
    chance to empty; without one, a new zspage is made.  The zspage stays first until it is full: it
    can only rise, and it rises from the highest group that has a zspage.
    Source: ``find_get_zspage`` and ``zs_malloc``, 6.1 and 6.12.
    """
    ids, partial, inuse = state
    if not partial:
        return malloc_new_zspage(state, cls)
    used = inuse[0] + 1
    if used == cls.objs_per_zspage:
        return ClassState(ids, partial[1:], inuse[1:]), partial[0], 0
    return ClassState(ids, partial, (used, *inuse[1:])), partial[0], 0


def malloc_new_zspage(state: ClassState, cls: SizeClass) -> tuple[ClassState, int, int]:
    """Put one object into a new zspage, whatever room there is; return as `malloc` does.

    The kernel drops the lock of the lists between a search that found nothing and the insertion of
    the new zspage, since it allocates pages in between.  A model that lets others run there uses
    this for the second half.  The id is the lowest free one of the class.
    Source: ``alloc_zspage`` and the end of ``zs_malloc``, 6.1 and 6.12.
    """
    ids, partial, inuse = state
    lowest_free = ~ids & (ids + 1)
    zspage_id = lowest_free.bit_length() - 1
    ids |= lowest_free
    if cls.objs_per_zspage == 1:
        return ClassState(ids, partial, inuse), zspage_id, cls.pages_per_zspage
    return _insert_zspage(ids, partial, inuse, cls, zspage_id, 1), zspage_id, cls.pages_per_zspage


def free(state: ClassState, cls: SizeClass, zspage_id: int) -> tuple[ClassState, int]:
    """Take one object out of a zspage: return the next state and the pages freed.

    The zspage moves only when its group changes; when its last object goes, so do its pages.
    ValueError tells that there is no such zspage: the caller freed twice or mixed up classes.
    Source: ``zs_free``, ``fix_fullness_group`` and ``free_zspage``, 6.1 and 6.12.
    """
    ids, partial, inuse = state
    if zspage_id < 0 or not ids >> zspage_id & 1:
        raise ValueError(_no_such_zspage(state, cls, zspage_id))
    if zspage_id in partial:
        at = partial.index(zspage_id)
        used = inuse[at]
        left = used - 1
        if cls.fullness[left] == cls.fullness[used]:
            return ClassState(ids, partial, (*inuse[:at], left, *inuse[at + 1 :])), 0
        partial = partial[:at] + partial[at + 1 :]
        inuse = inuse[:at] + inuse[at + 1 :]
    else:
        left = cls.objs_per_zspage - 1
    if left:
        return _insert_zspage(ids, partial, inuse, cls, zspage_id, left), 0
    return ClassState(ids & ~(1 << zspage_id), partial, inuse), cls.pages_per_zspage


def _insert_zspage(
    ids: int, partial: tuple[int, ...], inuse: tuple[int, ...], cls: SizeClass, zspage_id: int, objs: int
) -> ClassState:
    """Return the state with a zspage of ``objs`` objects at the head of its group, or second (6.1)."""
    fullness = cls.fullness
    group = fullness[objs]
    at, end = 0, len(partial)
    while at < end:  # the place of the group's head, by bisection
        middle = (at + end) // 2
        if fullness[inuse[middle]] > group:
            at = middle + 1
        else:
            end = middle
    if cls.fuller_head_stays and at < len(partial) and fullness[inuse[at]] == group and objs < inuse[at]:
        at += 1
    partial = (*partial[:at], zspage_id, *partial[at:])
    return ClassState(ids, partial, (*inuse[:at], objs, *inuse[at:]))


def _no_such_zspage(state: ClassState, cls: SizeClass, zspage_id: int) -> str:
    there = [n for n in range(state.ids.bit_length()) if state.ids >> n & 1]
    return (
        f"size class {cls.index} ({cls.size} B) has no zspage {zspage_id}, it has {there}; "
        "free each object once, with the class and the zspage id that malloc returned"
    )
