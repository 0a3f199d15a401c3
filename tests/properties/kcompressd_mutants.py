"""Planted bugs of kcompressd, in the form of exhibits."""

from __future__ import annotations

from typing import Any, Unpack

import attrs

from refmodel.kernel.kcompressd_config import KcompressdSystem
from refmodel.kernel.kcompressd_submit import (
    EndSwapWriteRotates,
    KswapdShrinkFolio,
    SwapWritepageB,
    SwapWritepageC,
)
from refmodel.kernel.kcompressd_thread import KcompressdSwapoutA, KcompressdSwapoutC
from refmodel.kernel.page_io import WRITTEN
from refmodel.kernel.state import FolioFlags
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, Operation, Return, step
from refmodel.museum.exhibit import Command, Exhibit, do

ZRAM: dict[str, Any] = {"synchronous_device": True, "zswap_enabled": False, "initial_pool": False}
WRITE = do("write_page", mm=0, page=0, content=1)
SECOND = do("write_page", mm=0, page=1, content=2)
KSWAPD = do("kswapd", folio=1)
STOP = do("kcompressd_stop", queue=0)


def mutant(
    name: str, base: str, operations: dict[str, type[Operation]], breaks: str, *program: Command, **fixed: Any
) -> Exhibit:
    """Plant a bug: as an exhibit, but nobody ever made it."""
    return Exhibit(
        id=name,
        about=None,
        source="planted",
        evidence="B",
        base=base,
        operations=operations,
        breaks=(breaks,),
        program=program,
        fixed=fixed,
    )


@attrs.define
class ForgetsRotation(EndSwapWriteRotates):
    def rotate(self, v: KernelView) -> None:
        """Leave the folio where it is."""


@attrs.define
class ForgetsFailure(EndSwapWriteRotates):
    def change(self, v: KernelView, **fields: Unpack[FolioFlags]) -> None:
        """Leave the folio clean after a write that has failed."""
        fields["dirty"] = False
        EndSwapWriteRotates.change(self, v, **fields)


@attrs.define
class DropsRefused(SwapWritepageB):
    @step
    def store_here(self, v: KernelView) -> Next:
        """Unlock a folio that finds no room, and say that it was written."""
        self.change(v, locked=False)
        return Return(WRITTEN)


@attrs.define
class CompressesTheNewest(SwapWritepageC):
    @step
    def enqueue(self, v: KernelView) -> Next:
        """Compress the folio that finds no room."""
        return SwapWritepageB.enqueue(self, v)


@attrs.define
class KeepsReference(KcompressdSwapoutC):
    @step
    def end(self, v: KernelView) -> Next:
        """Forget the reference of the queue."""
        return Return()


@attrs.define
class KeepsBio(KcompressdSwapoutA):
    @step
    def release(self, v: KernelView) -> Next:
        """Forget the reference to the bio."""
        return Return()


KCOMPRESSD_MUTANTS = (
    mutant(
        "forgets_rotation",
        "kcompressd-a-zeroed",
        {"end_swap_write": ForgetsRotation},
        "KC-13",
        WRITE,
        KSWAPD,
        STOP,
        **ZRAM,
    ),
    mutant(
        "failed_write_is_forgotten",
        "kcompressd-a-zeroed",
        {"end_swap_write": ForgetsFailure},
        "KC-5",
        WRITE,
        KSWAPD,
        do("kcompressd_stop", {"disk_write": (1,)}, queue=0),
        **ZRAM,
    ),
    mutant(
        "direct_reclaim_queues",
        "kcompressd-b-reference",
        {"shrink_folio": KswapdShrinkFolio},
        "KC-9",
        WRITE,
        do("shrink_folio", folio=1),
    ),
    mutant(
        "refused_is_dropped",
        "kcompressd-b-reference",
        {"kswapd_writepage": DropsRefused},
        "KC-10",
        WRITE,
        SECOND,
        KSWAPD,
        do("kswapd", folio=2),
        kcompressd=KcompressdSystem(capacity=1),
    ),
    mutant(
        "compresses_the_newest",
        "kcompressd-c",
        {"kswapd_writepage": CompressesTheNewest},
        "KC-ORDER",
        WRITE,
        SECOND,
        KSWAPD,
        do("kswapd", folio=2),
        kcompressd=KcompressdSystem(capacity=1),
    ),
    mutant(
        "keeps_reference_of_the_queue",
        "kcompressd-b-reference",
        {"kcompressd_swapout": KeepsReference},
        "REFS",
        WRITE,
        KSWAPD,
        STOP,
    ),
    mutant(
        "keeps_bio",
        "kcompressd-a-zeroed",
        {"kcompressd_swapout": KeepsBio},
        "KC-20",
        WRITE,
        KSWAPD,
        STOP,
        **ZRAM,
    ),
)
