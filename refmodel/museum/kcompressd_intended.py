"""Kcompressd as it was meant to be: what the remedies of the exhibits put in the place of the steps as written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from refmodel.kernel import memcg
from refmodel.kernel.kcompressd_config import KcompressdOptions
from refmodel.kernel.kcompressd_submit import SwapWritepageB, SwapWritepageC
from refmodel.kernel.kcompressd_thread import KcompressdStopA, KcompressdSwapoutC
from refmodel.profiles.kcompressd_profiles import KCOMPRESSD_A_ZEROED, KCOMPRESSD_B_REFERENCE

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

WITH_REFERENCE: dict[str, Any] = {"kcompressd_swapout": KcompressdSwapoutC}
"""The operation that gives a reference of the queue back."""

TAKES_REFERENCE: dict[str, Any] = {"kcompressd": KCOMPRESSD_B_REFERENCE.options.kcompressd}
"""The option by which a queue takes one."""

ZEROED: dict[str, Any] = {"kcompressd": KCOMPRESSD_A_ZEROED.options.kcompressd}
"""The option by which threads are known not to have started, and producers kept apart."""

UNLOCKED_A: dict[str, Any] = {
    "kcompressd": KcompressdOptions(protects="writeback", per_node=False, most=5461, producer_lock=False)
}
"""The option by which only the first of these is so."""


STOPS: dict[str, Any] = {"kcompressd_stop": KcompressdStopA}
"""The operation that stops the threads there are, while no kswapd appends anything."""


def compresses(v: KernelView, writepage: SwapWritepageB) -> bool:
    """Whether the folio may use zswap, or there is zram to compress it."""
    objcg = memcg.folio_objcg(v, writepage.the_folio(v))
    return v[v.at.si].synchronous or not objcg or memcg.may_zswap(v, objcg)


@attrs.define
class AsksLimitB(SwapWritepageB):
    """Swap a folio out as kswapd; what may not use zswap goes to the disk at once."""

    def may_queue(self, v: KernelView) -> bool:
        """Whether the folio may wait."""
        return SwapWritepageB.may_queue(self, v) and compresses(v, self)


@attrs.define
class AsksLimitC(SwapWritepageC):
    """The same for the descendants."""

    def may_queue(self, v: KernelView) -> bool:
        """Whether the folio may wait."""
        return SwapWritepageB.may_queue(self, v) and compresses(v, self)
