"""The acomp interface: what a user of the crypto layer asks of a compressor that may take several pages at a time.

One call hands over requests, each a page to compress or what is stored of one, and gets a length or an error back
for each.  In which form the work is done is the interface's own affair (A3, A4): by a device that works on all of
them, one after another, in calls of one page each, or as a chain of requests.  All forms give the same results for
the same pages and faults; ``refmodel.properties.acomp`` says so as a check.

Sources: include/crypto/acompress.h, crypto/acompress.c and drivers/crypto/intel/iaa of zswap compression batching
v4 to v14.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Codec, Compressed, CompressError, CorruptData, Outcome
from refmodel.kernel.state import Content
from refmodel.kernel.zram_state import POOL
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

IN_FLIGHT = -errno.EAGAIN
"""In place of the result of a request that was submitted and not polled yet."""


def crypto_acomp_batch_size(codec: Codec) -> int:
    """Return how many pages a compressor takes in one call: 1 for all without batches, never 0 (A1).

    Source: include/crypto/acompress.h, zswap compression batching v9; the question whether it can be 0, v14 25/26.
    """
    return max(codec.batch_size, 1)


def codec_of(v: KernelView, number: int) -> Codec:
    """Return the compressor of a pool; zram's is the one that the system began with."""
    if number == POOL:
        return v.cfg.codecs[v.cfg.compressor]
    pool = v[v.at.pool[number]]
    assert pool is not None
    return v.cfg.codecs[pool.compressor]


def run_compressor(v: KernelView, pool: int, content: Content) -> Outcome:
    """Ask what the compressor of a pool makes of a page."""
    outcomes = codec_of(v, pool).outcomes(content)
    if pool == POOL and outcomes is not None and not isinstance(outcomes[0], Compressed):
        # Zram's buffers have two pages, so no page is too long for them (zcomp_strm_init, 6.12).
        outcomes = (Compressed(PAGE_SIZE, content), CompressError(errno.EINVAL))
    outcome: Outcome = v.choose(choices.COMPRESS, outcomes)
    return outcome


@attrs.frozen
class Job:
    """What becomes of one request: private data of the driver, from submission to poll (A6).

    length: of the result in bytes, or a negative errno.  data: the result, None if there is none.
    """

    length: int
    data: Content


# --- what is asked ------------------------------------------------------------------------------------------


@attrs.define
class Acomp(Operation):
    """One call of the interface.

    pool, cpu: the context, which the caller has locked; its buffers take the results.
    contents: what the requests work on, one to as many as the context has room for.
    Value: for each request, in their order, the length of the result in bytes, or a negative errno.  Buffer k then
    holds the result of request k, None for an error.  Every request is attempted, whatever becomes of the others.

    Raises KernelBug where the context does not belong to the caller, or has too little room.
    """

    pool: int
    cpu: int
    contents: tuple[Content, ...]
    lengths: tuple[int, ...] = ()

    def job(self, v: KernelView, content: Content) -> Job:
        """Return what the compressor will make of a request."""
        raise NotImplementedError

    def tell(self, v: KernelView, length: int) -> None:
        """Tell observers how a request ended."""

    def check(self, v: KernelView) -> None:
        """Check that the context can be used for so many requests (A2)."""
        ctx, asked = v[v.at.acomp_ctx[self.pool][self.cpu]], len(self.contents)
        if not ctx.present or not v[v.at.ctx_locked[self.pool][self.cpu]]:
            state = "not locked by the caller" if ctx.present else "not there"
            raise KernelBug(f"acomp: the context of pool {self.pool} on CPU {self.cpu} is {state}")
        if not 1 <= asked <= ctx.reqs:
            raise KernelBug(
                f"acomp: {asked} requests on CPU {self.cpu}, whose context has room for 1 to {ctx.reqs}"
            )

    def complete(self, v: KernelView, index: int, job: Job) -> int:
        """Write the result of a request into its buffer; return its length or error."""
        place = v.at.acomp_ctx[self.pool][self.cpu]
        ctx, asked = v[place], len(self.contents)
        buffers = [*ctx.buffers[:asked], *[None] * (asked - len(ctx.buffers))]
        buffers[index] = job.data
        v[place] = evolve(ctx, buffers=tuple(buffers))
        self.tell(v, job.length)
        return job.length

    def returns(self, v: KernelView, error: int) -> None:
        """Leave in the context what the call itself returns, where its results do not say it."""
        place = v.at.acomp_ctx[self.pool][self.cpu]
        v[place] = evolve(v[place], error=error)


@attrs.define
class AcompCompress(Acomp):
    """Compress pages (crypto_acomp_compress)."""

    requirements: ClassVar[tuple[str, ...]] = ("A1",)

    def job(self, v: KernelView, content: Content) -> Job:
        """Return what the compressor will make of a page."""
        outcome = run_compressor(v, self.pool, content)
        if isinstance(outcome, Compressed):
            return Job(outcome.length, outcome.data)
        return Job(-outcome.errno, None)

    def tell(self, v: KernelView, length: int) -> None:
        """Tell observers how the compression of a page ended."""
        if length > 0:
            v.emit("compress", slen=PAGE_SIZE, dlen=length, ret=0)
        else:
            v.emit("compress", slen=PAGE_SIZE, dlen=PAGE_SIZE, ret=length)


@attrs.define
class AcompDecompress(Acomp):
    """Decompress what is stored of pages (crypto_acomp_decompress).

    Data that the compressor did not make ends in -EINVAL, as far as the compressor notices.
    """

    requirements: ClassVar[tuple[str, ...]] = ("A1",)

    def job(self, v: KernelView, content: Content) -> Job:
        """Return the page, or the error."""
        if v.fails(choices.DECOMPRESS):
            return Job(-errno.EINVAL, None)
        try:
            return Job(PAGE_SIZE, codec_of(v, self.pool).decompress(content))
        except CorruptData:
            return Job(-errno.EINVAL, None)


# --- in which form it is done --------------------------------------------------------------------------------


@attrs.define
class Parallel(Acomp):
    """All requests are with the device at the same time.

    jobs: private data of the requests, as the driver needs it when it polls them.
    """

    jobs: tuple[Job, ...] = ()

    @step
    def submit(self, v: KernelView) -> Next:
        """Submit every request; one that fails does not keep the others from being submitted.

        Several requests carry the flag POLL: they are in flight when the driver returns, and nobody but a poll ends
        them.  A single one does not: the driver waits for the device itself (A6).
        """
        self.check(v)
        self.jobs = tuple([self.job(v, content) for content in self.contents])
        if len(self.jobs) == 1:
            return Return((self.complete(v, 0, self.jobs[0]),))
        self.lengths = (IN_FLIGHT,) * len(self.jobs)
        return self.poll

    @step
    def poll(self, v: KernelView) -> Next:
        """Poll until the device is done with one more request; which one is up to the device.

        The buffer of a request that is in flight holds anything.  So the call ends when none is.
        """
        pending = tuple([k for k, length in enumerate(self.lengths) if length == IN_FLIGHT])
        done: int = v.choose(choices.COMPLETION, pending) if len(pending) > 1 else pending[0]
        length = self.complete(v, done, self.jobs[done])
        self.lengths = (*self.lengths[:done], length, *self.lengths[done + 1 :])
        return self.poll if len(pending) > 1 else Return(self.lengths)


@attrs.define
class Sequential(Acomp):
    """One request runs to its end before the next begins."""

    @step
    def run_next(self, v: KernelView) -> Next:
        """Run the next request; its error is its own."""
        self.check(v)
        index = len(self.lengths)
        length = self.complete(v, index, self.job(v, self.contents[index]))
        self.lengths = (*self.lengths, length)
        return self.run_next if len(self.lengths) < len(self.contents) else Return(self.lengths)


@attrs.define
class Chained(Parallel, Sequential):
    """The requests are chained on the first, which one call hands over.

    Who has chained them takes the chain apart afterwards, so that the next request on the first is alone.
    """

    first: ClassVar[str] = "call"

    @step
    def call(self, v: KernelView) -> Next:
        """Hand the chain to a driver that takes chains; for every other one the core goes through it."""
        takes_chains = crypto_acomp_batch_size(codec_of(v, self.pool)) > 1
        return self.submit if takes_chains else self.run_next


@attrs.define
class OneUnit(Acomp):
    """A single request (a page) a call; the wrapper around drivers that cannot take several."""

    @step
    def run(self, v: KernelView) -> Next:
        """Run the request; refuse several (-ENOSYS), which nobody asks of such a driver.

        The error of the refusal is the call's: the lengths of the requests stay what the caller had set,
        a whole page each, and who looks at them alone takes what is in the buffers for results (HB-11).
        """
        self.check(v)
        if len(self.contents) > 1:
            self.returns(v, -errno.ENOSYS)
            return Return((PAGE_SIZE,) * len(self.contents))
        return Return((self.complete(v, 0, self.job(v, self.contents[0])),))


@attrs.define
class OneByOne(Acomp):
    """A call for every page: what a user does whose interface has no batches.

    one: the call.  found: results of the calls so far.
    """

    one: ClassVar[type[Acomp]]

    found: tuple[Content, ...] = ()

    @step
    def next_page(self, v: KernelView) -> Next:
        """Call for the next page."""
        self.check(v)
        page = self.contents[len(self.lengths)]
        return Call(self.one(pool=self.pool, cpu=self.cpu, contents=(page,)), self.keep)

    @step
    def keep(self, v: KernelView) -> Next:
        """Keep the result, for the next call uses the same buffer."""
        place = v.at.acomp_ctx[self.pool][self.cpu]
        ctx = v[place]
        self.lengths, self.found = (*self.lengths, *self.result), (*self.found, ctx.buffers[0])
        if len(self.lengths) < len(self.contents):
            return self.next_page
        v[place] = evolve(ctx, buffers=self.found)
        return Return(self.lengths)


# --- both together --------------------------------------------------------------------------------------------


@attrs.define
class AcompParallel(Parallel, AcompCompress):
    """Compress pages: all are with the device at the same time, the caller polls."""

    source: ClassVar[str] = (
        "iaa_comp_acompress_batch(), zswap compression batching v9; the driver of v14 16/26"
    )
    requirements: ClassVar[tuple[str, ...]] = ("A1", "A6")


@attrs.define
class AcompSequential(Sequential, AcompCompress):
    """Compress pages one after another inside the interface, each into its own buffer of the batch."""

    source: ClassVar[str] = (
        "crypto_acomp_batch_compress() with parallel = false, review of zswap compression batching v4 09/10"
    )
    requirements: ClassVar[tuple[str, ...]] = ("A1", "A3")


@attrs.define
class AcompChained(Chained, AcompCompress):
    """Compress pages whose requests are chained on the first."""

    source: ClassVar[str] = "crypto_acomp_compress(), zswap compression batching v8"
    requirements: ClassVar[tuple[str, ...]] = ("A1", "A4")


@attrs.define
class AcompOneUnit(OneUnit, AcompCompress):
    """Compress one page, with a driver that takes no more."""

    source: ClassVar[str] = "crypto_acomp_compress(), zswap compression batching v14 15/26"
    requirements: ClassVar[tuple[str, ...]] = ("A1", "A3")


@attrs.define
class AcompOneByOne(OneByOne, AcompCompress):
    """Compress pages with a call for each."""

    source: ClassVar[str] = "mm/zswap.c zswap_compress(), Linux 6.18.15"
    requirements: ClassVar[tuple[str, ...]] = ("A1", "A3")
    one: ClassVar[type[Acomp]] = AcompOneUnit


@attrs.define
class AcompDecompressParallel(Parallel, AcompDecompress):
    """Decompress pages: all are with the device at the same time, the caller polls."""

    source: ClassVar[str] = "iaa_comp_adecompress_batch(), zswap compression batching v9"
    requirements: ClassVar[tuple[str, ...]] = ("A1", "A6")


@attrs.define
class AcompDecompressSequential(Sequential, AcompDecompress):
    """Decompress pages one after another inside the interface."""

    source: ClassVar[str] = (
        "crypto_acomp_batch_decompress() with parallel = false, as the review of v4 09/10 has it for compression"
    )
    requirements: ClassVar[tuple[str, ...]] = ("A1", "A3")


@attrs.define
class AcompDecompressChained(Chained, AcompDecompress):
    """Decompress pages whose requests are chained on the first."""

    source: ClassVar[str] = "crypto_acomp_decompress(), zswap compression batching v8"
    requirements: ClassVar[tuple[str, ...]] = ("A1", "A4")


@attrs.define
class AcompDecompressOneUnit(OneUnit, AcompDecompress):
    """Decompress one page, with a driver that takes no more."""

    source: ClassVar[str] = "crypto_acomp_decompress(), zswap compression batching v14 15/26"
    requirements: ClassVar[tuple[str, ...]] = ("A1", "A3")


@attrs.define
class AcompDecompressOneByOne(OneByOne, AcompDecompress):
    """Decompress pages with a call for each."""

    source: ClassVar[str] = "mm/zswap.c zswap_decompress(), Linux 6.18.15"
    requirements: ClassVar[tuple[str, ...]] = ("A1", "A3")
    one: ClassVar[type[Acomp]] = AcompDecompressOneUnit
