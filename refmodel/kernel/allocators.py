"""The allocators that a pool can keep its objects in (mm/zpool.c, mm/zsmalloc.c, mm/zbud.c).

Each is a thin skin over its page accounting: which page serves an object, and which pages come and go with
it, follow from ``refmodel.kernel.zsmalloc_classes`` and ``refmodel.kernel.zbud``.  z3fold is left out.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import attrs

from refmodel.kernel import zbud, zsmalloc_classes
from refmodel.kernel.config import PAGE_SIZE


class Allocator(Protocol):
    """Keeps the objects of a pool in pages.

    classes: how many components of page accounting a pool has.  empty: their initial value.
    """

    @property
    def classes(self) -> int:
        """How many components of page accounting a pool has."""
        ...

    @property
    def empty(self) -> Any:
        """The initial value of each of them."""
        ...

    @property
    def evicts(self) -> bool:
        """Whether it picks what is written back, for which objects have their slot in front of them (6.1)."""
        ...

    @property
    def observed(self) -> bool:
        """Whether nr_zspages counts its pages and observers see its calls: both are zsmalloc's alone."""
        ...

    @property
    def sleep_mapped(self) -> bool:
        """Whether one may sleep while an object is mapped; if not, a load copies it first (6.1)."""
        ...

    def class_of(self, size: int) -> int:
        """Return the index of the component that serves a size in bytes, or a negative errno."""
        ...

    def needs_memory(self, state: Any, size: int) -> bool:
        """Whether placing an object takes an allocation, which can fail."""
        ...

    def place(self, state: Any, index: int, size: int) -> tuple[Any, int, int]:
        """Place an object: the changed component, where it lies, and the pages that were added."""
        ...

    def remove(self, state: Any, index: int, where: int) -> tuple[Any, int]:
        """Remove an object: the changed component and the pages that were freed."""
        ...


@attrs.frozen
class Zsmalloc:
    """zsmalloc with the size classes of a kernel: dense, and unable to evict.

    rules: the size classes as the kernel numbers them.
    shapes: the classes that are left after merging, in ascending size; a pool has a component for each.
    _by_size: the number of the class of each size, or the negative errno.
    """

    evicts: ClassVar[bool] = False
    """So 6.1 cannot write back from it (H-9)."""
    observed: ClassVar[bool] = True
    sleep_mapped: ClassVar[bool] = False
    """Mapping an object takes locks that spin."""

    rules: zsmalloc_classes.SizeClasses
    shapes: tuple[zsmalloc_classes.SizeClass, ...] = attrs.field(init=False, repr=False, eq=False)
    _by_size: tuple[int, ...] = attrs.field(init=False, repr=False, eq=False)

    @shapes.default
    def _distinct(self) -> tuple[zsmalloc_classes.SizeClass, ...]:
        return tuple(dict.fromkeys(self.rules.by_index))

    @_by_size.default
    def _numbered(self) -> tuple[int, ...]:
        number = {shape.index: number for number, shape in enumerate(self.shapes)}
        indices = (self.rules.class_of(size) for size in range(PAGE_SIZE + 1))
        return tuple(index if index < 0 else number[index] for index in indices)

    @property
    def classes(self) -> int:
        """How many size classes there are."""
        return len(self.shapes)

    @property
    def empty(self) -> Any:
        """A size class without zspages."""
        return zsmalloc_classes.EMPTY

    def class_of(self, size: int) -> int:
        """Return the number of the size class, or a negative errno."""
        return self._by_size[size] if 0 <= size <= PAGE_SIZE else self.rules.class_of(size)

    def needs_memory(self, state: Any, size: int) -> bool:
        """Yes: each object has a handle, which is allocated."""
        return True

    def place(self, state: Any, index: int, size: int) -> tuple[Any, int, int]:
        """Place an object in the fullest zspage that has room, else in another zspage."""
        return zsmalloc_classes.malloc(state, self.shapes[index])

    def remove(self, state: Any, index: int, where: int) -> tuple[Any, int]:
        """Remove an object; an empty zspage gives its pages back."""
        return zsmalloc_classes.free(state, self.shapes[index], where)


@attrs.frozen
class Zbud:
    """zbud: at most two objects in a page, which makes eviction simple.

    evicts: it did to 6.1; later kernels pick what is written back themselves.
    """

    observed: ClassVar[bool] = False
    sleep_mapped: ClassVar[bool] = True
    """A handle is an address, so mapping takes nothing."""

    evicts: bool

    @property
    def classes(self) -> int:
        """One component holds all pages of a pool."""
        return 1

    @property
    def empty(self) -> Any:
        """A pool without pages."""
        return zbud.EMPTY

    def class_of(self, size: int) -> int:
        """Return 0, or a negative errno."""
        return zbud.check_size(size)

    def needs_memory(self, state: Any, size: int) -> bool:
        """Whether no page has room: the handle is part of the page's address."""
        return zbud.needs_page(state, size)

    def place(self, state: Any, index: int, size: int) -> tuple[Any, int, int]:
        """Place an object beside another one where it fits best, else in a page of its own."""
        return zbud.malloc(state, size)

    def remove(self, state: Any, index: int, where: int) -> tuple[Any, int]:
        """Remove an object; the last one of a page takes it along."""
        return zbud.free(state, where)
