"""Verification: a compressed page is decompressed again, and the checksums are compared (I9).

Source: iaa_compress_verify(), drivers/crypto/intel/iaa/iaa_crypto_main.c, Linux 6.12.117, batching v13 and v14.
"""

from __future__ import annotations

from errno import EINVAL, ENODEV
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import iaa_decisions as decisions
from refmodel.kernel.iaa_desc import (
    alloc_desc,
    descriptors,
    free_desc,
    idxd_submit_desc,
    movdir64b,
    name_of,
)
from refmodel.kernel.iaa_job import count_end, tries_of
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from collections.abc import Hashable

    from refmodel.kernel.table import KernelView


@attrs.define
class IaaVerify(Operation):
    """Decompress a result on the queue that made it, without output, and compare the checksums.

    cpu: who allocates.  q: number of the queue.  data: the page.  out: what it was compressed to.
    Value: 0 if both are the same, else a negative errno.  No counter of calls counts it.
    """

    source: ClassVar[str] = "iaa_compress_verify(), iaa_crypto_main.c, Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("I9",)

    cpu: int
    q: int
    data: Hashable
    out: Hashable
    d: int = -1
    tries: int = 0

    @step
    def alloc(self, v: KernelView) -> Next:
        """Take a descriptor of the same queue: asleep, or so many tries."""
        d = alloc_desc(v, self.q, self.cpu)
        if d >= 0:
            self.d = d
            return self.submit
        limit = tries_of(v, "decompress")
        match decisions.without_descriptor(d, limit):
            case "try":
                self.tries += 1
                again = decisions.tries_again(self.tries, limit)
                return self.alloc if again else Return(self.exhausted())
            case "sleep":
                return Call(v.ops.iaa_sleep(self.cpu, self.q), self.woken)
        return Return(d)

    @step
    def woken(self, v: KernelView) -> Next:
        """Take the descriptor that the sleep has come to, or its error."""
        if self.result < 0:
            return Return(self.result)
        self.d = self.result
        return self.submit

    def exhausted(self) -> int:
        """Return the error where no descriptor came: the page counts as failed."""
        return -ENODEV

    @step
    def submit(self, v: KernelView) -> Next:
        """Hand the result to the device, which is to suppress its output.  Failure: the descriptor goes back."""
        place = descriptors(v, self.q)[self.d]
        v[place] = evolve(v[place], op="decompress", data=self.out, verify=True)
        error = self.hand_over(v)
        if error:
            free_desc(v, self.q, self.d)
            return Return(error)
        return self.complete

    def hand_over(self, v: KernelView) -> int:
        """Submit the descriptor; return 0 or a negative errno."""
        return idxd_submit_desc(v, self.q, self.d)

    @step
    def complete(self, v: KernelView) -> Next:
        """Look until the device is done, give the descriptor back, and compare."""
        desc = v[descriptors(v, self.q)[self.d]]
        if desc.phase != "done":
            return Wait(f"{name_of(v, self.q)} to verify with descriptor {self.d}")
        error = -count_end(v, "decompress", desc.completion)
        same = desc.out == self.data
        free_desc(v, self.q, self.d)
        return Return(error or (0 if same else -EINVAL))


@attrs.define
class IaaVerifyV13(IaaVerify):
    """Verify in batching v13 and v14: the job is submitted with a single store, which cannot fail."""

    source: ClassVar[str] = "iaa_compress_verify(), batching v13"

    def hand_over(self, v: KernelView) -> int:
        """Submit the descriptor; nothing can refuse it."""
        movdir64b(v, self.q, self.d)
        return 0
