"""Pages that one word fills go past the queue of kcompressd (K8).

Zram keeps such a page as its word: there is nothing to compress, so nothing to leave to a thread.  Who looks before a
page is queued reads it twice, the second time in zram.  Zswap has had no case for such pages since 6.12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.crypto import same_filled_word
from refmodel.kernel.kcompressd_submit import KswapdShrinkFolio
from refmodel.machine import Operation

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class KswapdShrinkWords(KswapdShrinkFolio):
    """Reclaim one folio as kswapd, who stores in place what zram does not have to compress.

    That is a folio each of whose pages one word fills, not the same for all, where no zswap stands before zram.
    """

    source: ClassVar[str] = "proposed by Sergey Senozhatsky in the thread of March 2025; nobody has posted it"
    requirements: ClassVar[tuple[str, ...]] = ("K1", "K8")

    def writepage(self, v: KernelView) -> Operation:
        """Return the operation that writes the folio out."""
        words = all(same_filled_word(content) is not None for content in self.the_folio(v).contents)
        if words and not v[v.at.zswap].enabled:
            return v.ops.swap_writepage(folio=self.folio)
        return KswapdShrinkFolio.writepage(self, v)
