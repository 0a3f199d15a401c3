"""The pool's allocator as zswap sees it: handles, sizes, pages (mm/zsmalloc.c, mm/zbud.c).

Page accounting is exact: which zspage serves an object, and which pages go when it is freed, follow
from the size classes (``refmodel.kernel.zsmalloc_classes``).  Migration and compaction are left out.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from refmodel.kernel import choices, zsmalloc_classes
from refmodel.kernel.state import ZsObject
from refmodel.kernel.table import lowest_free

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


class Allocator(Protocol):
    """Keeps the objects of a pool in pages.

    classes: how many components of page accounting a pool has.  empty: their initial value.
    header_bytes: what zswap of 6.1 puts in front of an object, in bytes.
    """

    @property
    def classes(self) -> int: ...
    @property
    def empty(self) -> Any: ...
    @property
    def header_bytes(self) -> int: ...

    def class_of(self, size: int) -> int:
        """Return the index of the component that serves a size in bytes, or a negative errno."""
        ...

    def place(self, state: Any, index: int, size: int) -> tuple[Any, int, int]:
        """Place an object: the changed component, where it lies, and the pages that were added."""
        ...

    def remove(self, state: Any, index: int, where: int, size: int) -> tuple[Any, int]:
        """Remove an object: the changed component and the pages that were freed."""
        ...


@attrs.frozen
class Zsmalloc:
    """zsmalloc with the size classes of a kernel."""

    rules: zsmalloc_classes.SizeClasses

    @property
    def classes(self) -> int:
        """How many size class indices there are."""
        return len(self.rules.by_index)

    @property
    def empty(self) -> Any:
        """A size class without zspages."""
        return zsmalloc_classes.EMPTY

    @property
    def header_bytes(self) -> int:
        """Nothing: zsmalloc cannot evict, so zswap keeps no slot number beside the data."""
        return 0

    def class_of(self, size: int) -> int:
        """Return the size class, or a negative errno."""
        return self.rules.class_of(size)

    def place(self, state: Any, index: int, size: int) -> tuple[Any, int, int]:
        """Place an object in the fullest zspage that has room, else in another zspage."""
        return zsmalloc_classes.malloc(state, self.rules[index])

    def remove(self, state: Any, index: int, where: int, size: int) -> tuple[Any, int]:
        """Remove an object; an empty zspage gives its pages back."""
        return zsmalloc_classes.free(state, self.rules[index], where)


def header_bytes(v: KernelView, pool: int) -> int:
    """Return the bytes that zswap of 6.1 puts in front of an object of an evictable allocator."""
    return v.cfg.allocator.header_bytes


def malloc(v: KernelView, pool: int, size: int, data: Any) -> int:
    """Allocate an object of ``size`` bytes in a pool; return its handle, or a negative errno.

    -ENOMEM when there is no memory for the handle or for pages; the size errors are the allocator's
    own.  Nothing is kept on failure (zs_malloc, mm/zsmalloc.c, 6.12.117).
    """
    allocator = v.cfg.allocator
    index = allocator.class_of(size)
    error = index if index < 0 else -errno.ENOMEM if v.fails(choices.ALLOC_OBJECT) else 0
    if error:
        v.emit("zs_malloc", size=size, ret=error)
        return error
    place = v.at.zs_class[pool][index]
    v[place], where, pages = allocator.place(v[place], index, size)
    v[v.at.pool_pages[pool]] += pages
    v[v.at.vm.nr_zspages] += pages
    handle = lowest_free(v[v.at.objects_used])
    v[v.at.objects_used] |= 1 << handle
    v[v.at.zs_object[handle]] = ZsObject(pool, size, index, where, data)
    v.emit("zs_malloc", size=size, ret=0, h=handle)
    return handle


def free(v: KernelView, handle: int) -> None:
    """Free an object (zs_free).

    Raises LookupError when the handle leads nowhere: a double free, which no correct run reaches.
    """
    stored = v[v.at.zs_object[handle]]
    if stored is None:
        raise LookupError(f"zsmalloc handle {handle}: freed although it leads to no object")
    v.emit("zs_free", h=handle)
    place = v.at.zs_class[stored.pool][stored.size_class]
    v[place], pages = v.cfg.allocator.remove(v[place], stored.size_class, stored.zspage, stored.size)
    v[v.at.pool_pages[stored.pool]] -= pages
    v[v.at.vm.nr_zspages] -= pages
    v[v.at.zs_object[handle]] = None
    v[v.at.objects_used] &= ~(1 << handle)
