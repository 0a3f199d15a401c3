"""IAA-H14: Batching v13: who removes a queue spins on the CPU of the task that has to poll.

The removal waits, spinning with a spinlock, until no job holds the queue. A job in flight holds it until its batch is
polled. If the task of the batch may run on no other CPU than the one that spins, it never polls: the remover starves
the one that it waits for. Read in the code; v14 is assumed to be the same (UNVERIFIED). Here the task of the batch is
pinned to the CPU of the remover.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from refmodel.kernel.iaa_batch import IaaBatchV13
from refmodel.machine import Next, Wait, step
from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import UnbindSleeps

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def spun_on(v: KernelView) -> bool:
    """Whether a removal has the CPU: it waits for jobs, and does not sleep."""
    waiting = (v[place].removed and v[place].bound and v[place].refs for place in v.at.iaa.wq)
    return v.ops.iaa_unbind.spins and any(waiting)


@attrs.define
class Pinned(IaaBatchV13):
    """A batch whose task may run on no CPU but that of the remover."""

    @step
    def poll(self, v: KernelView) -> Next:
        """Poll if the CPU is there."""
        return Wait("the CPU, on which the remover spins") if spun_on(v) else IaaBatchV13.poll(self, v)


SCOPE = """
[iaa]
queues = [2]
tries = 1

[[thread]]
name = "task"
run = ["iaa_compress_batch(0, 2)"]

[[thread]]
name = "admin"
run = ["iaa_unbind(0)"]
"""

EXHIBIT = Exhibit(
    id="IAA-H14",
    about=__doc__,
    source="iaa_crypto_remove(), batching v13",
    evidence="B",
    base="iaa-v13",
    ground={"iaa_batch": Pinned},
    operations={},
    remedy={"iaa_unbind": UnbindSleeps},
    scope=SCOPE,
    meets="PROGRESS",
)
