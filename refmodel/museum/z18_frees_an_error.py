"""Z18: The way back from a failure frees an error as if it were an object.

A CPU that comes gets, for each pool, a buffer, a transform and a request. What failed to be allocated is absent, or,
for a transform, an error in place of a pointer. Since everything is allocated before the context's lock is taken
(see Z16) there is one way back for all failures, and it freed what was not absent: the error of a transform that the
crypto layer refused, too. The remedy frees what was acquired, and neither what was never asked for nor what failed.
"""

import errno
from typing import ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.cpuhp import CpuOnline612
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit

NEVER_ASKED, THERE = None, 0


@attrs.define
class PreparesInParts(CpuOnline612):
    """A CPU comes; what each context needs is allocated part by part.

    acomp: the transform: never asked for, there, or a negative errno in its place.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_cpu_comp_prepare(), Linux 6.12.117"

    acomp: int | None = NEVER_ASKED

    @step
    def allocate(self, v: KernelView) -> Next:
        """Allocate the buffer of the next pool's context."""
        if self.done == len(self.pools):
            return self.come_up
        self.acomp = NEVER_ASKED
        return self.free_parts if v.fails(choices.ALLOC_CTX) else self.allocate_acomp

    @step
    def allocate_acomp(self, v: KernelView) -> Next:
        """Ask the crypto layer for a transform, which is an error where there is none."""
        self.acomp = -errno.ENOMEM if v.fails(choices.ALLOC_CTX) else THERE
        return self.free_parts if self.acomp else self.allocate_request

    @step
    def allocate_request(self, v: KernelView) -> Next:
        """Allocate the request."""
        return self.free_parts if v.fails(choices.ALLOC_CTX) else self.publish

    @step
    def free_parts(self, v: KernelView) -> Next:
        """Free what was acquired for this pool."""
        if self.acomp == THERE:
            self.free_acomp()
        return self.roll_back

    def free_acomp(self) -> None:
        """Free the transform (crypto_free_acomp)."""
        if self.acomp != THERE:
            raise LookupError(
                f"the transform of CPU {self.cpu}: freed, though the error {self.acomp} stands in its place; "
                "expected a transform that was acquired"
            )


@attrs.define
class FreesWhatIsNotAbsent(PreparesInParts):
    """A CPU comes; the way back frees the transform unless it was never asked for."""

    @step
    def free_parts(self, v: KernelView) -> Next:
        """Free the transform, or the error in its place."""
        if self.acomp is not NEVER_ASKED:
            self.free_acomp()
        return self.roll_back


SCOPE = """
[system]
cpus = 2

[initial]
run = ["cpu_offline(1)"]

[[thread]]
name = "admin"
run = ["cpu_online(1)"]

[environment]
faults = ["alloc_ctx"]
"""

EXHIBIT = Exhibit(
    id="Z18",
    about=__doc__,
    source='commit 590b13669b81 "mm/zswap: fix error pointer free in zswap_cpu_comp_prepare()" (December 2025)',
    evidence="A",
    base="linux-6.12",
    ground={"cpu_online": PreparesInParts},
    operations={"cpu_online": FreesWhatIsNotAbsent},
    scope=SCOPE,
    meets="LIVE",
)
