"""Kcompressd: the disciplines of moving compression off kswapd, on linux-6.18.

Synchronous reclaim is linux-6.18 itself.  The disciplines differ in what protects a folio that waits.  Postings are as
written; what is known to be wrong in one is an exhibit of the museum, whose remedy says what was intended.  They stood
on other kernels (6.13 to 6.15; the base of the second is UNVERIFIED).
"""

from __future__ import annotations

from typing import Any

import attrs

from refmodel.kernel import kcompressd_rfc as rfc
from refmodel.kernel import kcompressd_submit as submit
from refmodel.kernel import kcompressd_thread as thread
from refmodel.kernel.kcompressd_config import KcompressdOptions
from refmodel.kernel.kcompressd_decisions import items_of_ring
from refmodel.kernel.shrink_lru import LruAddDrain, ShrinkLruList
from refmodel.profiles.linux import LINUX_6_18
from refmodel.profiles.profile import Profile

_KSWAPD = {
    "kswapd": submit.Kswapd,
    "kswapd_shrink": submit.KswapdShrinkFolio,
    "end_swap_write": submit.EndSwapWriteRotates,
    "do_swap_page": thread.DoSwapPageStable,
    "shrink_lru_list": ShrinkLruList,
    "lru_add_drain": LruAddDrain,
}

_BIOS = items_of_ring(4096, 24)
"""Bios that a queue of the RFC holds: 5461, for the ring is larger than was asked for."""

_FOLIOS = items_of_ring(256, 8)
"""Folios that a queue of the patch and of its descendants holds: 256."""


def _discipline(
    name: str, summary: str, options: KcompressdOptions, *, split: bool = False, **classes: Any
) -> Profile:
    return attrs.evolve(
        LINUX_6_18,
        name=name,
        base=LINUX_6_18.name,
        parts=(LINUX_6_18.name,),
        summary=summary,
        operations=attrs.evolve(LINUX_6_18.operations, **{**_KSWAPD, **classes}),
        options=attrs.evolve(LINUX_6_18.options, kcompressd=options, split_synchronous=split),
    )


KCOMPRESSD_A = _discipline(
    "kcompressd-a",
    "Kcompressd, RFC of March 2025: zram queues bios for a pool of threads, folios wait under writeback.",
    KcompressdOptions(protects="writeback", per_node=False, most=_BIOS, zeroed=False, producer_lock=False),
    split=True,
    kswapd_writepage=submit.SwapWritepageA,
    kcompressd_submit=rfc.KcompressdSubmitBioRfc,
    kcompressd_swapout=thread.KcompressdSwapoutA,
    kcompressd_run=thread.KcompressdRunA,
    kcompressd_stop=rfc.KcompressdStopRfc,
    kcompressd_param=rfc.KcompressdParamRfc,
)
"""Message-Id 20250307120141.1566673.  4096 items of 24 bytes are asked for."""

KCOMPRESSD_B = _discipline(
    "kcompressd-b",
    "Kcompressd, patch of April 2025: a queue of locked folios for each node, before zswap and zram.",
    KcompressdOptions(protects="lock", per_node=True, most=_FOLIOS, producer_lock=False, memalloc=False),
    kswapd_writepage=submit.SwapWritepageB,
    kcompressd_swapout=thread.KcompressdSwapoutB,
    kcompressd_run=thread.KcompressdRun,
    kcompressd_stop=thread.KcompressdStop,
)
"""Message-Id 20250430082651.3152444."""

KCOMPRESSD_C = _discipline(
    "kcompressd-c",
    "Kcompressd, descendants of 2025: with a reference, and kswapd compresses the oldest of a full queue.",
    KcompressdOptions(protects="reference", per_node=True, most=_FOLIOS, keeps_order=True),
    kswapd_writepage=submit.SwapWritepageC,
    kcompressd_swapout=thread.KcompressdSwapoutC,
    kcompressd_run=thread.KcompressdRunC,
    kcompressd_stop=thread.KcompressdStop,
    kcompressd_limit=thread.KcompressdLimit,
)
"""kcompressd-unofficial 0.5 for 6.12.44; its way to stop and the lock of its ring are those of a port to 6.1."""

KCOMPRESSD_A_ZEROED = attrs.evolve(
    KCOMPRESSD_A,
    name="kcompressd-a-zeroed",
    summary="The RFC as it was meant to be: threads zeroed, producers kept apart, stopping and parameters mended.",
    operations=attrs.evolve(
        KCOMPRESSD_A.operations,
        kcompressd_submit=submit.KcompressdSubmitBio,
        kcompressd_stop=thread.KcompressdStopA,
        kcompressd_param=thread.KcompressdParam,
    ),
    options=attrs.evolve(
        KCOMPRESSD_A.options, kcompressd=KcompressdOptions(protects="writeback", per_node=False, most=_BIOS)
    ),
)
"""Vendors' files in phone kernels of 4.19 and later mend one or another of these; none has all of it."""

KCOMPRESSD_B_REFERENCE = attrs.evolve(
    KCOMPRESSD_B,
    name="kcompressd-b-reference",
    summary="The patch of April 2025 with the reference that its descendants take.",
    operations=attrs.evolve(KCOMPRESSD_B.operations, kcompressd_swapout=thread.KcompressdSwapoutC),
    options=attrs.evolve(
        LINUX_6_18.options, kcompressd=KcompressdOptions(protects="reference", per_node=True, most=_FOLIOS)
    ),
)
"""What the patch was meant to be: nobody has posted it so."""

KCOMPRESSD_CANCEL = attrs.evolve(
    KCOMPRESSD_B_REFERENCE,
    name="kcompressd-cancel",
    summary="Proposal on it: a thread drops a folio that no page table names any more (K7).",
    operations=attrs.evolve(
        KCOMPRESSD_B_REFERENCE.operations, kcompressd_swapout=thread.KcompressdSwapoutCancel
    ),
)
"""Asked for in the thread of March 2025, where it was judged challenging for the queue of bios."""

_ALL = (
    KCOMPRESSD_A,
    KCOMPRESSD_A_ZEROED,
    KCOMPRESSD_B,
    KCOMPRESSD_B_REFERENCE,
    KCOMPRESSD_CANCEL,
    KCOMPRESSD_C,
)

KCOMPRESSD_PROFILES: dict[str, Profile] = {each.name: each for each in _ALL}
"""The disciplines in their order, by the name of the profile."""
