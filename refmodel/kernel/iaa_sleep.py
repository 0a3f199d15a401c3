"""Sleeping for a descriptor, where a version does that: who gives one back wakes sleepers in batches (I7).

A queue counts what is given back only while somebody waits, and wakes when as many have come as its wake batch: an
eighth of its descriptors, 1 to 8.  So a sleeper sleeps only while enough are out to reach that count.  Who has queued
up looks once more before it sleeps, for a descriptor may have come back since its attempt.

Source: idxd_alloc_desc(), drivers/dma/idxd/submit.c, and lib/sbitmap.c, Linux 6.12.117.
"""

from __future__ import annotations

from errno import EAGAIN
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.iaa_desc import alloc_desc, descriptors, name_of
from refmodel.machine import Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class IaaSleep(Operation):
    """Sleep until there is a descriptor.

    cpu: who allocates.  q: number of the queue.
    Value: the number of the descriptor, or a negative errno: -EAGAIN after a signal, -EIO if the device is not enabled.
    """

    source: ClassVar[str] = "idxd_alloc_desc() with IDXD_OP_BLOCK, drivers/dma/idxd/submit.c, Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("I7",)

    cpu: int
    q: int

    @step
    def queue_up(self, v: KernelView) -> Next:
        """Take a place among those who wait, and look once more before sleeping."""
        place = v.at.iaa.wq[self.q]
        v[place] = evolve(v[place], asleep=v[place].asleep + 1, wakes=v[place].wakes + 1)
        return self.look

    @step
    def look(self, v: KernelView) -> Next:
        """Look whether there is a descriptor, once for each wake-up; a signal ends the sleep (-EAGAIN)."""
        descriptors(v, self.q)
        place = v.at.iaa.wq[self.q]
        if v.fails(choices.IAA_SIGNAL):
            return self.leave(v, -EAGAIN)
        if not v[place].wakes:
            return Wait(f"a free descriptor of {name_of(v, self.q)}")
        d = alloc_desc(v, self.q, self.cpu)
        if d != -EAGAIN:
            return self.leave(v, d)
        v[place] = evolve(v[place], wakes=v[place].wakes - 1)
        return self.look

    def leave(self, v: KernelView, found: int) -> Return:
        """Leave the queue; what was to wake nobody else is forgotten."""
        place = v.at.iaa.wq[self.q]
        asleep = v[place].asleep - 1
        v[place] = evolve(v[place], asleep=asleep, wakes=min(max(v[place].wakes - 1, 0), asleep))
        return Return(found)
