"""Presets: how big a system is."""

from __future__ import annotations

import difflib

from refmodel.kernel.config import Sizes

PRESETS = {
    "toy": Sizes(
        nodes=2, cpus=2, memcgs=2, processes=2, pages=4, slots=12, slot_cache=4, folios=24, entries=20,
        objects=20, max_batch=3, totalram_pages=30,
    ),
    "real": Sizes(
        nodes=2, cpus=4, memcgs=4, processes=4, pages=256, slots=2048, folios=2400, entries=2048,
        objects=2048, max_order=9, totalram_pages=4096, vswap_cluster_size=512, vswap_clusters=16,
    ),
    "batches": Sizes(
        nodes=2, cpus=2, memcgs=2, processes=3, pages=8, slots=32, slot_cache=4, folios=32, entries=32,
        objects=32, max_order=3, max_batch=3, totalram_pages=150,
    ),
}  # fmt: skip
"""toy: everything happens within a few operations, limits and a nearly full device included.
real: 1024 pages of four processes, folios up to 2 MiB, four cgroups, two nodes.
batches: as toy, with folios of 8 pages, which batches of 3 divide into three of different lengths."""


class UnknownPreset(LookupError):
    """There is no preset of that name."""


def preset(name: str) -> Sizes:
    """Return the sizes of a preset.

    Raises UnknownPreset, naming the presets that exist.
    """
    if name in PRESETS:
        return PRESETS[name]
    near = difflib.get_close_matches(name, PRESETS, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UnknownPreset(f"preset {name!r}: expected one of {', '.join(PRESETS)}{hint}")
