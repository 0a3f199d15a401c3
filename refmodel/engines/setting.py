"""Settings: what a run fixes besides profile and preset, and the settings that a check goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from refmodel.kernel.config import MAX_BATCH
from refmodel.kernel.crypto import Symbolic, make_codec
from refmodel.kernel.lru_lists import LruLists
from refmodel.kernel.zram_config import ZramSystem
from refmodel.profiles import preset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refmodel.kernel.config import Sizes
    from refmodel.kernel.crypto import Codec
    from refmodel.kernel.table import KernelView
    from refmodel.profiles import Profile

REAL = ("zstd", "deflate-iaa", "deflate", "lz4")
"""Compressors that compress pages of bytes."""

TOKENS = "tokens"
"""Stands for compressors of tokens, whose results the environment chooses: the fastest runs."""

BATCHES = "tokens-2"
"""Stands for compressors of tokens that take several pages in one call, where a profile has batches."""

COMPRESSORS = (*REAL, TOKENS)
"""Compressors that a check goes through."""

NAMES = (*COMPRESSORS, BATCHES)
"""What a setting can name as its compressor."""

LENGTHS = (1024, 64, 3072, 4096)
"""Compressed lengths of tokens in bytes: a good one, a tiny one, a poor one, one that saves nothing."""


@attrs.frozen
class Setting:
    """What stands at the start of a run.

    compressor: the first pool's, one of ``NAMES``; the others of its kind can be switched to.
    zpool: the first pool's allocator.
    synchronous: whether the swap device is synchronous (SWP_SYNCHRONOUS_IO).
    enabled: whether zswap is on; if not, nobody has set it up yet.
    device: whether there is a swap device; without one only a profile with virtual swap swaps.
    """

    compressor: str = "zstd"
    zpool: str = "zsmalloc"
    synchronous: bool = False
    enabled: bool = True
    device: bool = True

    @property
    def text(self) -> str:
        """The setting in a few words, for example ``lz4, synchronous device``."""
        words = [
            self.compressor,
            self.zpool if self.zpool != "zsmalloc" else "",
            "synchronous device" if self.synchronous else "",
            "" if self.device else "no device",
            "" if self.enabled else "not set up",
        ]
        return ", ".join(word for word in words if word)

    def system(self, profile: Profile, sizes: str) -> KernelView:
        """Return a system in its initial state.

        sizes: name of a preset.  Raises UnknownPreset, and ValueError for a compressor or an allocator that
        does not exist.
        """
        return self.system_of(profile, preset(sizes))

    def system_of(self, profile: Profile, sizes: Sizes) -> KernelView:
        """Return a system of any sizes, as ``system`` does."""
        fixed: dict[str, Any] = {} if self.device else {"device_slots": 0}
        if profile.operations.shrink_lru_list is not None:
            fixed["lists"] = LruLists()
        config = profile.config(
            sizes,
            codecs(self.compressor, profile.kernel),
            compressor=self.compressor,
            zpool=self.zpool,
            synchronous_device=self.synchronous,
            zswap_enabled=self.enabled,
            initial_pool=self.enabled,
            zram=zram_device(profile),
            **fixed,
        )
        return profile.system(config)


def zram_device(profile: Profile) -> ZramSystem | None:
    """Return the zram device of runs that name none: one with a small backing device, where the profile has zram."""
    return ZramSystem(backing=2) if profile.options.zram is not None else None


def codecs(compressor: str, kernel: str) -> Mapping[str, Codec]:
    """Return the compressors that go together with one: all real ones, or two that take tokens.

    Raises ValueError for a compressor that is not among ``NAMES``.
    """
    if compressor not in NAMES:
        raise ValueError(f"compressor {compressor!r}: expected one of {', '.join(NAMES)}")
    if compressor in (TOKENS, BATCHES):
        return {
            TOKENS: Symbolic(TOKENS, LENGTHS),
            BATCHES: Symbolic(BATCHES, LENGTHS, batch_size=MAX_BATCH),
        }
    return {name: make_codec(name, kernel) for name in REAL}


def settings(profile: Profile, compressors: tuple[str, ...] = COMPRESSORS) -> tuple[Setting, ...]:
    """Return the settings that a check of a profile goes through, one after the other.

    Each compressor comes once on its own, where there are batches also one of tokens that has them; then, with
    tokens or with the first of them, each other allocator, a synchronous device, zswap that was never set up and,
    under virtual swap, no device.
    """
    plain = [Setting(compressor) for compressor in compressors]
    if TOKENS in compressors and "batches" in profile.traits:
        plain.append(Setting(BATCHES))
    usual = Setting(TOKENS if TOKENS in compressors else compressors[0])
    special = [attrs.evolve(usual, zpool=zpool) for zpool in profile.allocators if zpool != usual.zpool]
    special += [attrs.evolve(usual, synchronous=True), attrs.evolve(usual, enabled=False)]
    if profile.options.virtual_swap:
        special.append(attrs.evolve(usual, device=False))
    return (*plain, *special)
