"""Planted bugs of kcompressd, in the form of exhibits."""

from __future__ import annotations

from typing import Any

import attrs

from refmodel.kernel.kcompressd_submit import EndSwapWriteRotates
from refmodel.kernel.table import KernelView
from refmodel.machine import Operation
from refmodel.museum.exhibit import Command, Exhibit, do

ZRAM: dict[str, Any] = {"synchronous_device": True, "zswap_enabled": False, "initial_pool": False}
WRITE = do("write_page", mm=0, page=0, content=1)
SECOND = do("write_page", mm=0, page=1, content=2)
KSWAPD = do("kswapd", folio=1)
READ = do("read_page", mm=0, page=0)


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


KCOMPRESSD_MUTANTS = (
    mutant(
        "forgets_rotation",
        "kcompressd-a-zeroed",
        {"end_swap_write": ForgetsRotation},
        "KC-13",
        WRITE,
        KSWAPD,
        do("kcompressd_stop", queue=0),
        **ZRAM,
    ),
)
