"""B05: The flag of a batch stays on a request, and the next page waits for a completion that never comes.

The requests of a batch get a flag that says that their caller polls: the driver returns as soon as they are with
the device, and tells nobody when the device is done. The batch ends, and the flag stays on its first request. The
next page is compressed alone, with that request. The driver sees the flag and returns at once; the caller takes
the request for an asynchronous one and sleeps until it is told of the completion. A caller that does not sleep
reads a buffer that the device has not written. The remedy clears the flag before a request is handed back.
"""

import attrs

from refmodel.kernel.acomp import AcompParallel
from refmodel.kernel.state import AcompCtx
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, Wait, component, step
from refmodel.museum.exhibit import Exhibit


@component
class FlaggedCtx(AcompCtx):
    """A context whose first request has the flag POLL, which stays from call to call."""


@attrs.define
class KeepsTheFlag(AcompParallel):
    """Compress pages; who sets the flag does not clear it."""

    @step
    def submit(self, v: KernelView) -> Next:
        """Set the flag for a batch; a single request is submitted with the flag that it has."""
        place = v.at.acomp_ctx[self.pool][self.cpu]
        ctx = v[place]
        if len(self.contents) == 1 and isinstance(ctx, FlaggedCtx):
            return self.wait_for_callback
        if len(self.contents) > 1:
            v[place] = FlaggedCtx(*[getattr(ctx, field.name) for field in attrs.fields(AcompCtx)])
        return AcompParallel.submit(self, v)

    @step
    def wait_for_callback(self, v: KernelView) -> Next:
        """Sleep until somebody tells that the request is complete (crypto_wait_req)."""
        return Wait("the callback of a request that has to be polled")


SCOPE = """
[system]
pages = 5
slots = 8
folios = 6
entries = 6
objects = 6
max_order = 2
totalram_pages = 60
batch = 4

[initial]
run = ["thp(2, 1)", "write(0, 0, 2)", "write(0, 4, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 4)", "pageout(0, 4, 1)"]
"""

EXHIBIT = Exhibit(
    id="B05",
    about=__doc__,
    source='changelog v3 to v4 of "zswap compression batching", iaa_comp_acompress_batch() (November 2024)',
    evidence="B",
    base="batching-v9",
    operations={"acomp_compress": KeepsTheFlag},
    scope=SCOPE,
    meets="PROGRESS",
)
