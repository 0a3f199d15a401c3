"""What zram is like in a kernel, and what one zram device of a system is like."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class ZramOptions:
    """How zram differs from kernel to kernel where no step does.

    mark_goes_with_content: the mark of a slot that writeback has selected goes when the slot is freed or accessed
        (ZRAM_PP_SLOT, 6.13 and later); before it stays, and the idle flag, which goes, stands guard (ZRAM_UNDER_WB).
    batches: pages of a bio are compressed in one call of the batching interface (B16).
    synchronous_writes: it says of its writes that they are synchronous; with kcompressd they are not (K2).
    """

    mark_goes_with_content: bool
    batches: bool = False
    synchronous_writes: bool = True


@attrs.frozen
class ZramSystem:
    """The zram device that is swapped to.

    backing: blocks of its backing device, 0 for none.  limit: pages that its pool may have (mem_limit), None for any.
    requests: writes to the backing device that a pass has under way at a time (writeback_batch_size, 32 in the kernel).

    Raises ValueError for what no device can have.
    """

    backing: int = 0
    limit: int | None = None
    requests: int = 2

    def __attrs_post_init__(self) -> None:
        """Refuse negative sizes and a pass without requests."""
        if self.backing < 0:
            raise ValueError(f"backing device of {self.backing} blocks: expected 0 or more; 0 is none")
        if self.limit is not None and self.limit < 0:
            raise ValueError(f"limit of {self.limit} pages: expected 0 or more; leave limit out for none")
        if not 1 <= self.requests <= 32:
            raise ValueError(f"{self.requests} requests: expected 1 to 32 (writeback_batch_size)")
