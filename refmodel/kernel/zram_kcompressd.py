"""Pages that one word fills go past the queue of kcompressd (K8).

Zram keeps such a page as its word: there is nothing to compress, so nothing to leave to a thread.  Who looks before a
page is queued reads it twice, the second time in zram.  Zswap has had no case for such pages since 6.12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.crypto import same_filled_word
from refmodel.kernel.kcompressd_submit import KcompressdSubmitBio, SwapWritepageB
from refmodel.machine import Next, step

if TYPE_CHECKING:
    from refmodel.kernel.state import Folio
    from refmodel.kernel.table import KernelView

_ASKED = "proposed by Sergey Senozhatsky in the thread of March 2025; nobody has posted it"


def needs_no_compression(folio: Folio) -> bool:
    """Whether one word fills every page of a folio, not the same for all."""
    return all(same_filled_word(content) is not None for content in folio.contents)


@attrs.define
class KcompressdSubmitWords(KcompressdSubmitBio):
    """Submit a locked folio to zram, which stores it in place where it needs no compression."""

    source: ClassVar[str] = _ASKED
    requirements: ClassVar[tuple[str, ...]] = ("K2", "K8")

    @step
    def choose_queue(self, v: KernelView) -> Next:
        """Store what one word fills here; append the folio to the first queue with room otherwise."""
        if not needs_no_compression(self.the_folio(v)):
            return KcompressdSubmitBio.choose_queue(self, v)
        v[v.at.kcompressd.count.inline_gate] += 1
        return self.compress


@attrs.define
class SwapWritepageWords(SwapWritepageB):
    """Swap a folio out as kswapd, which stores it in place where it needs no compression."""

    source: ClassVar[str] = _ASKED
    requirements: ClassVar[tuple[str, ...]] = ("K1", "K8")

    def may_queue(self, v: KernelView) -> bool:
        """Whether the folio may wait, and needs compression on the way to zram."""
        past = not v[v.at.zswap].enabled and needs_no_compression(self.the_folio(v))
        return not past and SwapWritepageB.may_queue(self, v)
