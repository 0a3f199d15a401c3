"""Discipline A as it was posted, where vendors mended it: parameters, stopping, a thread that does not start."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.kcompressd_queue import is_full, refuse
from refmodel.kernel.kcompressd_submit import KcompressdSubmitBio
from refmodel.kernel.kcompressd_thread import KcompressdParam, KcompressdStopA
from refmodel.machine import Next, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

_RFC = "[RFC] 2/2 kcompressd: Add kcompressd for accelerated zram compression, 7 March 2025"


@attrs.define
class KcompressdSubmitBioRfc(KcompressdSubmitBio):
    """Submit a locked folio to zram: the question whether it may be queued comes a step before it is (I-18)."""

    source: ClassVar[str] = f"schedule_bio_write(), {_RFC}"

    @step
    def choose_queue(self, v: KernelView) -> Next:
        """Ask whether folios may be queued."""
        if any(v[place].stopping or v[place].torn for place in v.at.kcompressd.queue):
            v[v.at.kcompressd.count.inline_gate] += 1
            return self.compress
        return self.append

    @step
    def append(self, v: KernelView) -> Next:
        """Append the folio to the first queue with room, whatever has become of it meanwhile."""
        for queue in range(len(v.at.kcompressd.queue)):
            if not is_full(v, queue):
                self.queue = queue
                return self.kick if self.put(v) else self.publish
        refuse(v, 0, self.folio)
        return self.compress

    @step
    def drain(self, v: KernelView) -> Next:
        """Compress what waits for a thread that there is not, then free the ring for good (A-X7)."""
        place = v.at.kcompressd.queue[self.queue]
        if v[place].fifo:
            return KcompressdSubmitBio.drain(self, v)
        v[place] = evolve(v[place], torn=True)
        return Return()


@attrs.define
class KcompressdStopRfc(KcompressdStopA):
    """Stop a thread, whether it was ever started or not, and whatever kswapd does meanwhile (A-X5, I-18)."""

    source: ClassVar[str] = f"kcompressd_deinit(), {_RFC}"

    @step
    def stop_kswapd(self, v: KernelView) -> Next:
        """Forbid that folios are queued, and tell the thread to end.

        Raises LookupError for a thread that was never started: its task is whatever stands in the array.
        """
        place = v.at.kcompressd.queue[self.queue]
        if v[place].torn or v[place].stopping:
            return Return()
        if v[place].thread in ("not started", "garbage"):
            raise LookupError(f"thread {self.queue}: told to end, and it was never started")
        return self.tell(v)


@attrs.define
class KcompressdParamRfc(KcompressdParam):
    """Write the number of threads; the answer of the parser is taken for its contrary (A-X4)."""

    source: ClassVar[str] = f"nr_kcompressd, {_RFC}"

    @step
    def parse(self, v: KernelView) -> Next:
        """Go on with a bad number, and stop everything for a good one."""
        if v[v.at.param_locked]:
            return Wait("the lock of module parameters")
        return self.stop(v) if self.good(v) else Return(0)

    @step
    def restart(self, v: KernelView) -> Next:
        """Say that a good number is none, and leave the rings freed."""
        v[v.at.param_locked] = False
        return self.refuse(v, usable=False)
