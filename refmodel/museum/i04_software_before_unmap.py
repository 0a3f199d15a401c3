"""I04: Software fallback reads buffers that still belong to the device.

Decompression fails on the device with an analytics error, and the CPU decompresses while source and destination are
still mapped. Unmapping afterwards can copy a bounce buffer over the page. The fix unmaps first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from refmodel.kernel import choices
from refmodel.kernel.iaa_job import DAMAGED, IaaJob612
from refmodel.kernel.iaa_status import ANALYTICS_ERROR, Completion
from refmodel.machine import Next, Return, step
from refmodel.museum.exhibit import Exhibit

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class SoftwareFirst(IaaJob612):
    """A job that goes to software before its buffers are unmapped."""

    def completed(self, v: KernelView, found: Completion) -> Next:
        """Go on after a job was done: software decompresses what the device could not."""
        if self.op == "decompress" and found.status == ANALYTICS_ERROR:
            return self.software
        return IaaJob612.completed(self, v, found)

    @step
    def software_end(self, v: KernelView) -> Next:
        """Take the result, then unmap: a bounce buffer is copied over the page."""
        returned = IaaJob612.software_end(self, v)
        assert isinstance(returned, Return)
        found = returned.value
        self.error, self.length = found.error, found.length
        self.out = DAMAGED if v.fails(choices.IAA_BOUNCE) else found.out
        return self.release

    def ended(self) -> Next:
        """Return what the job came to."""
        return Return(self.outcome())


SCOPE = """
[iaa]
queues = [1]
statuses = ["analytics_error"]

[[thread]]
name = "task"
run = ["iaa_decompress(0, 2)"]

[environment]
faults = ["iaa_status", "iaa_bounce"]
"""

EXHIBIT = Exhibit(
    id="I04",
    about=__doc__,
    source="commit 94a259304771 crypto: iaa - unmap dst before software fallback on decompress (2026)",
    evidence="B",
    base="iaa-6.12",
    operations={"iaa_job": SoftwareFirst},
    scope=SCOPE,
    meets="PROMISE",
)
