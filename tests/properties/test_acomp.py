"""The contract of the acomp interface: the forms of the model keep it, and each way of breaking it is noticed."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from refmodel.kernel import acomp, choices
from refmodel.kernel.crypto import Recorded, Symbolic
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, Return, Wait, step
from refmodel.properties.acomp import disagreement, first_disagreement
from tests.docs.console import files

PAGE = Path(__file__).parent.parent.parent / "docs" / "understand" / "acomp.md"

COMPRESSING = (acomp.AcompParallel, acomp.AcompSequential, acomp.AcompChained, acomp.AcompOneByOne)
DECOMPRESSING = (
    acomp.AcompDecompressParallel,
    acomp.AcompDecompressSequential,
    acomp.AcompDecompressChained,
    acomp.AcompDecompressOneByOne,
)


@attrs.define
class StopsAtFirstError(acomp.AcompSequential):
    @step
    def run_next(self, v: KernelView) -> Next:
        """Leave the rest alone when a request failed."""
        following = acomp.AcompSequential.run_next(self, v)
        if self.lengths[-1] < 0:
            rest = len(self.contents) - len(self.lengths)
            return Return((*self.lengths, *[acomp.IN_FLIGHT] * rest))
        return following


@attrs.define
class ErrorLandsOnTheHead(acomp.AcompChained):
    @step
    def poll(self, v: KernelView) -> Next:
        """Note an error where the caller looks first."""
        following = acomp.AcompChained.poll(self, v)
        failed = [length for length in self.lengths if length not in (acomp.IN_FLIGHT, 1024)]
        return (
            Return((*failed[:1], *self.lengths[1:]))
            if isinstance(following, Return) and failed
            else following
        )


@attrs.define
class HeadFailsAll(acomp.AcompChained):
    @step
    def submit(self, v: KernelView) -> Next:
        """A head that fails takes the chain with it (v5 to v8)."""
        following = acomp.AcompChained.submit(self, v)
        return Return((self.jobs[0].length,) * len(self.jobs)) if self.jobs[0].length < 0 else following


@attrs.define
class ReturnsAtFirstCompletion(acomp.AcompParallel):
    @step
    def poll(self, v: KernelView) -> Next:
        """Take the first completion for that of all: read lengths that were never written."""
        acomp.AcompParallel.poll(self, v)
        return Return(tuple(job.length for job in self.jobs))


@attrs.define
class InOrderOfCompletion(acomp.AcompParallel):
    order: tuple[int, ...] = ()

    @step
    def poll(self, v: KernelView) -> Next:
        """Hand the results back as they come in."""
        pending = tuple(k for k in range(len(self.jobs)) if k not in self.order)
        done = v.choose(choices.COMPLETION, pending)
        self.lengths = (*self.lengths[: len(self.order)], self.jobs[done].length)
        self.complete(v, len(self.order), self.jobs[done])
        self.order = (*self.order, done)
        return self.poll if len(pending) > 1 else Return(self.lengths)


@attrs.define
class NeverPolls(acomp.AcompParallel):
    @step
    def poll(self, v: KernelView) -> Next:
        """Wait for somebody to tell."""
        return Wait("a completion that nobody tells of")


@attrs.define
class PollsForEver(acomp.AcompParallel):
    @step
    def poll(self, v: KernelView) -> Next:
        """Find nothing, again and again: the device has lost a job (H13)."""
        return self.poll


@attrs.define
class UnlocksTheContext(acomp.AcompSequential):
    @step
    def run_next(self, v: KernelView) -> Next:
        """Let the caller's context go."""
        following = acomp.AcompSequential.run_next(self, v)
        if isinstance(following, Return):
            v[v.at.ctx_locked[self.pool][self.cpu]] = False
        return following


@attrs.define
class ForgetsTheLast(acomp.AcompSequential):
    @step
    def run_next(self, v: KernelView) -> Next:
        """Answer for one request less."""
        following = acomp.AcompSequential.run_next(self, v)
        return Return(self.lengths[:-1]) if isinstance(following, Return) else following


@attrs.define
class KeepsResultsInOneBuffer(acomp.AcompSequential):
    one: ClassVar[int] = 0

    @step
    def run_next(self, v: KernelView) -> Next:
        """Use the first buffer for every request."""
        self.check(v)
        content = self.contents[len(self.lengths)]
        self.lengths = (*self.lengths, self.complete(v, self.one, self.job(v, content)))
        return self.run_next if len(self.lengths) < len(self.contents) else Return(self.lengths)


@attrs.define
class DecompressesTheFirst(acomp.AcompDecompressSequential):
    @step
    def run_next(self, v: KernelView) -> Next:
        """Decompress one request, and say the same of all."""
        self.check(v)
        length = self.complete(v, 0, self.job(v, self.contents[0]))
        return Return((length,) * len(self.contents))


@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("form", [*COMPRESSING, *DECOMPRESSING], ids=lambda form: form.__name__)
def test_every_form_keeps_the_contract(form: type[acomp.Acomp], batch_size: int) -> None:
    """ACOMP-SAME: up to three requests, any of which fail, completed in any order."""
    assert first_disagreement(form, batch_size=batch_size) is None


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        (StopsAtFirstError, "2 requests, of which 0 fails (EINVAL): request 1 is answered with -11 (EAGAIN)"),
        (
            ErrorLandsOnTheHead,
            "2 requests, of which 1 fails (EINVAL): request 0 is answered with -22 (EINVAL)",
        ),
        (HeadFailsAll, "2 requests, of which 0 fails (EINVAL): request 1 is answered with -22 (EINVAL)"),
        (
            ReturnsAtFirstCompletion,
            "2 requests, none of which fails: buffer 1 holds 'left over from an earlier call'",
        ),
        (InOrderOfCompletion, "2 requests, none of which fails: buffer 0 holds Packed(content='page 1')"),
        (NeverPolls, "2 requests, none of which fails: poll waits, and nobody else runs who could end that"),
        (PollsForEver, "no answer after 1,000 steps"),
        (UnlocksTheContext, "ctx_locked[1][0] was changed"),
        (ForgetsTheLast, "0 results in 1 buffers; expected 1 of both"),
        (
            KeepsResultsInOneBuffer,
            "buffer 0 holds Packed(content='page 1'); expected Packed(content='page 0')",
        ),
        (DecompressesTheFirst, "buffer 1 holds 'left over from an earlier call'; expected 'page 1'"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_form_that_breaks_the_contract_is_caught(form: type[acomp.Acomp], wrong: str) -> None:
    """Each is found with the fewest requests that show it, and the sentence says with which."""
    found = first_disagreement(form)

    assert found is not None
    assert found.startswith(form.__name__)
    assert wrong in found


def test_the_wrapper_of_v14_refuses_two_units_so_that_nobody_notices() -> None:
    """HB-11: the error is the call's alone, and the lengths that the caller had set look like results."""
    codec = Symbolic("tokens")

    assert first_disagreement(acomp.AcompOneUnit, requests=1) is None
    assert disagreement(acomp.AcompOneUnit, codec, ("a", "b")) == (
        "AcompOneUnit, 2 requests, none of which fails: request 0 is answered with 4096 bytes; expected 1024 bytes"
    )


def test_a_compressor_whose_results_were_recorded_cannot_be_checked() -> None:
    with pytest.raises(ValueError, match="'lzo' has recorded results; expected one that computes them"):
        disagreement(acomp.AcompParallel, Recorded("lzo"), ("a",))


def test_the_error_is_that_of_the_page() -> None:
    """An errno is handed on as it is: zswap tells poor compression from failure by it."""
    codec = Symbolic("tokens", batch_size=8)

    faults = {0: errno.ENOSPC, 2: errno.E2BIG}
    assert disagreement(acomp.AcompParallel, codec, ("a", "b", "c"), faults) is None


def test_the_page_of_the_book_shows_what_the_check_says() -> None:
    """A form that a user writes is checked like those of the model."""
    page = PAGE.read_text(encoding="utf-8")
    ((_, source),) = files(page)
    written: dict[str, Any] = {"__name__": "one_interrupt"}
    exec(source, written)
    found = first_disagreement(written["OneInterrupt"])

    assert found is not None
    assert found in page
