"""IAA-H25: Batching v13: a request whose source is a virtual address is taken for one that is polled.

The driver copies the flags of its caller's request into the job and tests the bit POLL there, which among the flags of
acomp says that the source is a virtual address. Such a request is submitted and left with the device; its caller takes
it for an asynchronous one and sleeps until a callback that nobody makes. Read in the code; that both are the same bit
in v13 is UNVERIFIED. v14 clears the flags. Zswap hands over no virtual addresses there.
"""

from __future__ import annotations

from errno import EINPROGRESS
from typing import TYPE_CHECKING

import attrs

from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.iaa_call import IaaCall, compressed
from refmodel.machine import Call, Next, Wait, step
from refmodel.museum.exhibit import Exhibit

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class FromVirtualAddress(IaaCall):
    """Compress or decompress one page whose source is a virtual address, which the driver reads as POLL."""

    @step
    def begin(self, v: KernelView) -> Next:
        """Lock the request of the CPU and hand the page over, with a flag that means something else to the driver."""
        if not self.lock(v):
            return Wait(f"the request of CPU {self.cpu}")
        data, length = (self.content, PAGE_SIZE) if self.op == "compress" else compressed(v, self.content)
        job = v.ops.iaa_job(cpu=self.cpu, op=self.op, data=data, length_in=length, req=self.cpu, poll=True)
        return Call(job, self.end)

    @step
    def end(self, v: KernelView) -> Next:
        """Sleep for the callback of a request that is in flight (crypto_wait_req)."""
        if self.result.error == -EINPROGRESS:
            return Wait("the callback of a request that has to be polled")
        return IaaCall.end(self, v)


SCOPE = """
[iaa]
queues = [2]
tries = 1

[[thread]]
name = "task"
run = ["iaa_compress(0, 2)"]
"""

EXHIBIT = Exhibit(
    id="IAA-H25",
    about=__doc__,
    source="iaa_comp_acompress_main(), batching v13; include/crypto/acompress.h",
    evidence="B",
    base="iaa-v13",
    operations={"iaa_call": FromVirtualAddress},
    scope=SCOPE,
    meets="PROGRESS",
)
