"""What a profile is: a table of operation classes, options, and the constants of one kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from refmodel.kernel.allocators import Allocator
from refmodel.kernel.config import Config, KernelOptions, Sizes
from refmodel.kernel.crypto import CODECS, Codec, make_codec
from refmodel.kernel.state import describe
from refmodel.kernel.table import KernelView, OperationTable
from refmodel.kernel.zswap_store_batch import ZswapStoreV6


class UnknownProfile(LookupError):
    """There is no profile of that name."""


@attrs.frozen(kw_only=True)
class Profile:
    """One kernel version or patch series as a table.

    name: as the command line takes it.  kernel: the version whose compressors it has, "6.12".
    summary: one sentence.  operations: a class for each operation.  options: small differences.
    allocators: pool allocators by the name that the ``zpool`` parameter takes.
    base: name of the profile that it stands on, from which everything is taken that it does not change; "" for none.
    parts: names of the profiles that it was put together from.
    """

    name: str
    kernel: str
    summary: str
    operations: OperationTable
    options: KernelOptions
    allocators: Mapping[str, Allocator]
    base: str = ""
    parts: tuple[str, ...] = ()

    @property
    def traits(self) -> frozenset[str]:
        """Return what sets the profile apart from released kernels, in words that properties ask for.

        ``batches``: folios are stored in batches.  ``short``: of a few pages, not of whole folios.
        ``bulk``: their entries are allocated in bulk.  ``raw``: an entry as long as a page holds the page itself.
        ``late lock``: a compression context is locked for the compression of a batch only.
        ``kcompressd``: folios wait for compression threads.
        ``zram``: pages go to the slots of a zram device.  ``zram batches``: as many of a bio as it has at a time.
        ``iaa``: there are IAA devices.  ``iaa waits``: the removal of a queue waits for the jobs that hold it.
        """
        store, pages = self.operations.zswap_store, self.operations.zswap_store_pages
        devices = {
            "iaa": self.options.iaa is not None,
            "iaa waits": self._waits,
            "kcompressd": self.options.kcompressd is not None,
            "zram": self.options.zram is not None,
            "zram batches": self.options.zram is not None and self.options.zram.batches,
        }
        if pages is None:
            return frozenset(trait for trait, there in devices.items() if there)
        has = devices | {
            "batches": True,
            "short": not issubclass(store, ZswapStoreV6),
            "bulk": "alloc_bulk" in pages.step_names,
            "raw": self.options.raw_pages,
            "late lock": "lock_ctx" not in store.step_names,
        }
        return frozenset(trait for trait, there in has.items() if there)

    @property
    def _waits(self) -> bool:
        unbind: type[Any] | None = self.operations.iaa_unbind
        return unbind is not None and bool(unbind.waits)

    def with_operations(self, name: str, summary: str, **classes: type[Any]) -> Profile:
        """Return a sibling in which some operations are implemented by other classes.

        Raises TypeError for an operation that does not exist.
        """
        known = {field.name for field in attrs.fields(OperationTable)}
        for operation in classes:
            if operation not in known:
                raise TypeError(
                    f"operation {operation!r}: not in the table; known are {', '.join(sorted(known))}"
                )
        return attrs.evolve(
            self, name=name, summary=summary, operations=attrs.evolve(self.operations, **classes)
        )

    def config(self, sizes: Sizes, codecs: Mapping[str, Codec] | None = None, **fixed: Any) -> Config:
        """Return the configuration of a system of this profile.

        codecs: compressors by parameter name; by default the real ones of this kernel.
        fixed: further fields of ``Config``.  Raises ValueError as that does.
        """
        made = {name: make_codec(name, self.kernel) for name in CODECS} if codecs is None else codecs
        return Config(sizes=sizes, options=self.options, allocators=self.allocators, codecs=made, **fixed)

    def system(self, config: Config) -> KernelView:
        """Return a system in its initial state."""
        layout, places = describe(config)
        return KernelView(layout.initial, places, config, self.operations, layout)
