"""Loading a page from zswap: zswap_load (mm/zswap.c) of three kernels.

The answer has three cases that must never be mixed up: the page was here and is filled, it was here
and could not be decompressed, it is not here and the device has to be asked (Z19).
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from refmodel.kernel import choices, zsmalloc
from refmodel.kernel.folio import FolioOperation
from refmodel.kernel.state import ZswapEntry
from refmodel.kernel.zswap_entry import live_entry
from refmodel.machine import Call, Next, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


class KernelBug(AssertionError):
    """The kernel would stop at this point (BUG, or BUG_ON)."""


class CannotDecompress(KernelBug):
    """The kernel stops because stored data cannot be decompressed: it says so, and knows no other way."""


@attrs.define
class ZswapLoadBase(FolioOperation):
    """What all loads have in common.

    folio: locked, its first slot in ``folio.swap``.
    Value: 0 when filled, -ENOENT when the device has to be asked, another errno when the page is lost
    to this reader.
    """

    folio: int
    entry: int = 0

    def pins(self, v: KernelView, step: str) -> Iterator[Any]:
        """Yield what the lock of the folio keeps: the place in the tree, and the entry until it is freed."""
        yield v.at.tree[self.the_folio(v).swap]
        if self.entry:
            place = v.at.entry[self.entry]
            yield from ((place, name) for name in ("", "pool", "handle", "length", "objcg", "swpentry"))

    def count(self, v: KernelView, entry: ZswapEntry) -> None:
        """Count the load, also for the entry's owner."""
        v[v.at.vm.zswpin] += 1
        if entry.objcg:
            v[v.at.mc[v[v.at.objcg[entry.objcg]]].zswpin] += 1

    def set_uptodate(self, v: KernelView, dirty: bool = False) -> None:
        """Mark the folio filled; ``dirty`` if it is about to be the only copy."""
        folio = self.the_folio(v)
        v[v.at.folio[self.folio]] = evolve(folio, uptodate=True, dirty=folio.dirty or dirty)


@attrs.define
class ZswapLoad612(ZswapLoadBase):
    """Load a page; a folio in the swap cache takes the only copy.

    With the swap cache the entry leaves the tree and the folio becomes dirty, for it is the only copy
    then.  Without (synchronous device) the entry stays: the fault may still back out (Z09).
    """

    source: ClassVar[str] = "mm/zswap.c zswap_load(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2",)

    @step
    def check(self, v: KernelView) -> Next:
        """Miss at once if zswap never had a pool; refuse a large folio, which stays not uptodate."""
        if not v[v.at.zswap].ever_enabled:
            return self.finish(v, -errno.ENOENT)
        return self.find if len(self.the_folio(v).contents) == 1 else self.finish(v, -errno.EINVAL)

    @step
    def find(self, v: KernelView) -> Next:
        """Look the slot up; with the swap cache take the entry out in the same step."""
        folio = self.the_folio(v)
        place = v.at.tree[folio.swap]
        self.entry = v[place]
        if not self.entry:
            return self.finish(v, -errno.ENOENT)
        if folio.swapcache:
            v[place] = 0
        return Call(v.ops.zswap_decompress(self.entry, self.folio), self.count_load)

    @step
    def count_load(self, v: KernelView) -> Next:
        """Count the load of a page that was filled: a failure has stopped this kernel."""
        self.count(v, live_entry(v, self.entry))
        return self.free_entry

    @step
    def free_entry(self, v: KernelView) -> Next:
        """With the swap cache, free the entry and make the folio dirty: it is the only copy."""
        if not self.the_folio(v).swapcache:
            return self.done
        self.set_uptodate(v, dirty=True)
        return Call(v.ops.zswap_entry_free(self.entry), self.done)

    @step
    def done(self, v: KernelView) -> Next:
        """Mark the folio filled."""
        self.set_uptodate(v)
        return self.finish(v, 0)

    def finish(self, v: KernelView, error: int) -> Return:
        """End the load; the hook of this kernel answers yes or no."""
        answered = int(error != -errno.ENOENT)
        v.emit("load", swp=self.the_folio(v).swap, ret=answered, ok=bool(answered))
        return Return(error)


@attrs.define
class ZswapLoad73(ZswapLoadBase):
    """Load a page into the swap cache; the entry goes only after it was decompressed."""

    source: ClassVar[str] = "mm/zswap.c zswap_load(), Linux 7.3.4"
    requirements: ClassVar[tuple[str, ...]] = ("Z2",)

    @step
    def check(self, v: KernelView) -> Next:
        """Miss at once if zswap never had a pool; refuse a large folio with -EINVAL."""
        if not v[v.at.zswap].ever_enabled:
            return self.finish(v, -errno.ENOENT)
        return self.find if len(self.the_folio(v).contents) == 1 else self.finish(v, -errno.EINVAL)

    @step
    def find(self, v: KernelView) -> Next:
        """Look the slot up; the locked folio in the swap cache keeps everybody else away."""
        self.entry = v[v.at.tree[self.the_folio(v).swap]]
        if not self.entry:
            return self.finish(v, -errno.ENOENT)
        return Call(v.ops.zswap_decompress(self.entry, self.folio), self.decompressed)

    @step
    def decompressed(self, v: KernelView) -> Next:
        """On failure answer -EIO and leave the entry where it is.

        "Not here" would send the reader to the device, where nothing or an older page is.
        """
        return self.count_load if self.result else self.finish(v, -errno.EIO)

    @step
    def count_load(self, v: KernelView) -> Next:
        """Mark the folio filled and dirty: it is about to be the only copy."""
        self.set_uptodate(v, dirty=True)
        self.count(v, live_entry(v, self.entry))
        return self.erase

    @step
    def erase(self, v: KernelView) -> Next:
        """Take the entry out of the tree and free it."""
        v[v.at.tree[self.the_folio(v).swap]] = 0
        return Call(v.ops.zswap_entry_free(self.entry), self.done)

    @step
    def done(self, v: KernelView) -> Next:
        """Answer that the page was here."""
        return self.finish(v, 0)

    def finish(self, v: KernelView, error: int) -> Return:
        """End the load; the hook answers an errno."""
        v.emit("load", swp=self.the_folio(v).swap, ret=error, ok=error == 0)
        return Return(error)


@attrs.define
class ZswapLoad618(ZswapLoad73):
    """Load a page in 6.18: as 7.3 with the swap cache, as 6.12 without it.

    The direct path of synchronous devices still exists, so the entry stays when the folio is not in
    the swap cache.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_load(), Linux 6.18.15"

    @step
    def count_load(self, v: KernelView) -> Next:
        """Mark the folio filled; in the swap cache it becomes the only copy and dirty."""
        cached = self.the_folio(v).swapcache
        self.set_uptodate(v, dirty=cached)
        self.count(v, live_entry(v, self.entry))
        return self.erase if cached else self.done


@attrs.define
class ZswapLoad61(ZswapLoadBase):
    """Load a page through frontswap: the entry stays until the slot is freed."""

    source: ClassVar[str] = (
        "mm/frontswap.c __frontswap_load(), mm/zswap.c zswap_frontswap_load(), Linux 6.1.192"
    )
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "Z4")

    error: int = 0

    @step
    def find(self, v: KernelView) -> Next:
        """Look at the frontswap bit, then take a reference to the entry under the tree's lock."""
        slot = self.the_folio(v).swap
        if not v[v.at.frontswap[slot]]:
            return Return(-errno.ENOENT)
        self.entry = v[v.at.tree[slot]]
        if not self.entry:
            return self.finish(v, -1)
        entry = live_entry(v, self.entry)
        v[v.at.entry[self.entry]] = evolve(entry, refcount=entry.refcount + 1)
        return self.decompress if entry.length else self.fill_with_word

    @step
    def fill_with_word(self, v: KernelView) -> Next:
        """Fill the folio with the word that the entry holds."""
        word = live_entry(v, self.entry).value
        v[v.at.folio[self.folio]] = evolve(self.the_folio(v), contents=(word,))
        return self.count_load

    @step
    def decompress(self, v: KernelView) -> Next:
        """Decompress the object, through a bounce buffer where the allocator forbids to sleep with it mapped.

        Without memory for the buffer the hook fails, and its caller reads the device: a block that was never
        written (H-13, UNVERIFIED in practice).
        """
        entry = live_entry(v, self.entry)
        if not zsmalloc.allocator_of(v, entry.pool).sleep_mapped and v.fails(choices.BOUNCE_BUFFER):
            self.error = -errno.ENOMEM
            return self.put_entry
        return Call(v.ops.zswap_decompress(self.entry, self.folio), self.count_load)

    @step
    def count_load(self, v: KernelView) -> Next:
        """Mark the folio filled and count the load: a failure has stopped this kernel."""
        self.set_uptodate(v)
        self.count(v, live_entry(v, self.entry))
        return self.put_entry

    @step
    def put_entry(self, v: KernelView) -> Next:
        """Drop the reference that the look-up took."""
        return Call(v.ops.zswap_entry_free(self.entry), self.done)

    @step
    def done(self, v: KernelView) -> Next:
        """Answer the hook's caller."""
        return self.finish(v, self.error)

    def finish(self, v: KernelView, error: int) -> Return:
        """End the load; every failure of the hook sends the reader to the device."""
        v.emit("load", swp=self.the_folio(v).swap, ret=error, ok=error == 0)
        return Return(0 if error == 0 else -errno.ENOENT)
