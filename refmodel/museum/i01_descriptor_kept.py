"""I01: Descriptor kept when a call is forced synchronous on an asynchronous context.

In asynchronous mode whoever completes a job frees its descriptor. A call that asks for the end of its job in place
looks at the record itself, and nobody frees the descriptor. After as many such calls as a queue has descriptors the
queue is used up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from refmodel.kernel.iaa_desc import descriptors
from refmodel.kernel.iaa_job import IaaJob612
from refmodel.machine import Next, Wait, step
from refmodel.museum.exhibit import Exhibit

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class KeepsDescriptor(IaaJob612):
    """A job whose end is looked for in place, and whose descriptor is left to somebody else."""

    @step
    def complete(self, v: KernelView) -> Next:
        """Look at the completion record until the device has written it."""
        desc = v[descriptors(v, self.q)[self.d]]
        if desc.phase != "done":
            return Wait("the device to end the job")
        self.length, self.out = desc.length, desc.out
        return self.release


SCOPE = """
[iaa]
queues = [2]

[[thread]]
name = "task"
run = ["iaa_compress(0, 2)"]
"""

EXHIBIT = Exhibit(
    id="I01",
    about=__doc__,
    source="commit 262534ddc88d crypto: iaa - Fix async_disable descriptor leak (2024)",
    evidence="A",
    base="iaa-6.12",
    operations={"iaa_job": KeepsDescriptor},
    scope=SCOPE,
    meets="IAA-7",
)
