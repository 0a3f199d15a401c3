"""I07: Driver stores its own pointer in the field reserved for the caller.

A caller puts its wait object into the request, for the callback, and sleeps on it. The driver put its descriptor
into the same field when it submitted an asynchronous job. Who is called back then gets a descriptor where it expects
its wait object: whatever it does there, nobody wakes the caller, who has locked the request and keeps it. Mainline
stored the descriptor only for asynchronous jobs without an interrupt, which nothing in it calls back; here every
asynchronous job stores it, so a job that an interrupt ends shows what the field is for. The fix removes the store, and
batching v9, which has to find the descriptor of a job that it polls, has a field of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from refmodel.kernel.iaa_desc import name_of
from refmodel.kernel.iaa_job import IaaJob612
from refmodel.machine import Next, evolve, step
from refmodel.museum.exhibit import Exhibit

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class ClobbersData(IaaJob612):
    """A job of 6.12 whose descriptor is found in the request, in the place of the caller's wait object."""

    @step
    def submit(self, v: KernelView) -> Next:
        """Store the descriptor of an asynchronous job in the request; fill it and hand it to the device."""
        if v[v.at.iaa.crypto].latched_mode != "sync":
            place = v.at.iaa.request[self.req]
            v[place] = evolve(v[place], data=f"descriptor {self.d} of {name_of(v, self.q)}")
        return IaaJob612.submit(self, v)


SCOPE = """
[iaa]
queues = [1]
sync_mode = "async_irq"
verify_compress = false

[[thread]]
name = "task"
run = ["iaa_compress(0, 2)"]
"""

EXHIBIT = Exhibit(
    id="I07",
    about=__doc__,
    source="commit cc98d8ce934b crypto: iaa - Do not clobber req->base.data (2025)",
    evidence="A",
    base="iaa-6.12",
    operations={"iaa_job": ClobbersData},
    scope=SCOPE,
    meets="PROGRESS",
)
