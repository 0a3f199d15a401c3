"""B08: Blocking wait for a work-queue descriptor hangs tasks.

Each job of a batch takes a descriptor at submission, and none goes back before the batch is polled, which is after the
last submission. Where a submission sleeps until a descriptor is free, batches can hold all descriptors of a queue and
each wait for one more. With k batches of b jobs on N descriptors that happens exactly if k * (b - 1) >= N. Since v6 a
submission tries a limited number of times and then fails, or goes to software, so that every batch comes to its poll.
"""

from __future__ import annotations

from errno import EAGAIN
from typing import TYPE_CHECKING

import attrs

from refmodel.kernel.iaa_desc import alloc_desc
from refmodel.kernel.iaa_job import IaaJobV9
from refmodel.machine import Next, Wait, step
from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import PollPuts, TakesSoftware

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class Blocks(IaaJobV9):
    """A job that sleeps until there is a descriptor (IDXD_OP_BLOCK), as in v5 and in mainline."""

    @step
    def alloc(self, v: KernelView) -> Next:
        """Take a descriptor; sleep while there is none."""
        d = alloc_desc(v, self.q, self.cpu)
        if d == -EAGAIN:
            return Wait("a free descriptor")
        self.d, self.error = max(d, -1), min(d, 0)
        return self.submit if d >= 0 else self.no_desc()


SCOPE = """
[system]
cpus = 2

[iaa]
queues = [2]
tries = 2

[[thread]]
name = "one"
run = ["iaa_compress_batch(0, 2)"]

[[thread]]
name = "other"
run = ["iaa_compress_batch(1, 2)"]

[environment]
fixed = ["cpu"]
"""

EXHIBIT = Exhibit(
    id="B08",
    about=__doc__,
    source="changes from v5 to v6 of batching; batching v9 08/19",
    evidence="A",
    base="iaa-v9",
    operations={"iaa_job": Blocks},
    ground={"iaa_poll": PollPuts, "iaa_batch": TakesSoftware},
    scope=SCOPE,
    meets="PROGRESS",
)
