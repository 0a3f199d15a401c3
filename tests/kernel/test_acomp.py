"""The acomp interface: several requests a call, a length or an error for each, in four forms (A1 to A6)."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refmodel
from refmodel.conformance.patterns import page
from refmodel.kernel import choices
from refmodel.kernel.acomp import (
    IN_FLIGHT,
    Acomp,
    AcompChained,
    AcompDecompressChained,
    AcompDecompressOneByOne,
    AcompDecompressParallel,
    AcompDecompressSequential,
    AcompOneByOne,
    AcompOneUnit,
    AcompParallel,
    AcompSequential,
    crypto_acomp_batch_size,
)
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import (
    CODECS,
    Codec,
    Compressed,
    CompressError,
    DeflateIaa,
    Lz4,
    Symbolic,
    Zstd,
    make_codec,
)
from refmodel.kernel.state import Content
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import ChoicePoint, Event, Execution, evolve, run
from refmodel.profiles import preset, profile
from refmodel.properties.acomp import disagreement

POOL, CPU = 1, 0
BATCH = 8

FORMS = {
    AcompParallel: AcompDecompressParallel,
    AcompSequential: AcompDecompressSequential,
    AcompChained: AcompDecompressChained,
    AcompOneByOne: AcompDecompressOneByOne,
}
"""The four forms of compression, and the same forms of decompression."""

TOKENS = Symbolic("tokens", batch_size=BATCH)
"""A compressor of tokens with batches."""

PAGE_AT_A_TIME = Symbolic("tokens")
"""The same without."""


def real_pages() -> tuple[bytes, ...]:
    """Return eight pages of a real file: source code."""
    text = b"".join(
        path.read_bytes() for path in sorted((Path(refmodel.__file__).parent / "kernel").glob("*.py"))
    )
    return tuple(text[number * PAGE_SIZE :][:PAGE_SIZE] for number in range(BATCH))


def system(codec: Codec = TOKENS, reqs: int = BATCH) -> KernelView:
    """Return a system whose only pool has a locked context with room for so many requests."""
    kernel = profile("linux-6.18")
    v = kernel.system(kernel.config(preset("toy"), {codec.name: codec}, compressor=codec.name))
    v[v.at.acomp_ctx[POOL][CPU]] = evolve(v[v.at.acomp_ctx[POOL][CPU]], reqs=reqs)
    v[v.at.ctx_locked[POOL][CPU]] = True
    return v


def buffers(v: KernelView) -> tuple[Any, ...]:
    """Return what the buffers of the context hold."""
    return v[v.at.acomp_ctx[POOL][CPU]].buffers


def steps(form: type[Acomp], requests: int, codec: Codec = TOKENS) -> list[str]:
    """Return the steps of a call, in order."""
    names: list[str] = []
    run(
        system(codec),
        form(POOL, CPU, tuple(range(1, requests + 1))),
        lambda done: names.append(done.__name__),
    )
    return names


class Device:
    """An environment that completes requests in an order of its own."""

    def __init__(self, order: Sequence[int]) -> None:
        """Complete the requests as ``order`` ranks them."""
        self.order = order
        self.offered: list[tuple[int, ...]] = []

    def choose(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        """Complete the first of the order that is in flight."""
        assert options is not None
        if point is not choices.COMPLETION:
            return options[0]
        self.offered.append(tuple(options))
        return min(options, key=self.order.index)


# --- batch size -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CODECS)
def test_only_iaa_takes_more_than_one_page(name: str) -> None:
    """The batch size is 8 for deflate-iaa and 1 for all that have no batches."""
    assert crypto_acomp_batch_size(make_codec(name, "6.18")) == (8 if name == "deflate-iaa" else 1)


def test_the_batch_size_is_never_0() -> None:
    """A driver that says that it has no batches takes a page at a time (question of the v14 review)."""

    @attrs.frozen
    class NoBatches(DeflateIaa):
        batch_size = 0

    assert crypto_acomp_batch_size(NoBatches()) == 1


# --- what a call owes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_each_request_has_its_length_or_error_and_its_buffer(form: type[Acomp]) -> None:
    """A request that fails keeps no other from being attempted."""
    v = system(DeflateIaa())
    text, noise = page("text", 7, 0), Random(7).randbytes(PAGE_SIZE)
    lengths = run(v, form(POOL, CPU, (text, noise, text)))

    compressed = DeflateIaa().outcomes(text)[0]
    assert isinstance(compressed, Compressed)
    assert DeflateIaa().outcomes(noise)[0] == CompressError(errno.E2BIG)
    assert lengths == (compressed.length, -errno.E2BIG, compressed.length)
    assert buffers(v) == (compressed.data, None, compressed.data)


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.__name__)
def test_what_cannot_be_decompressed_is_an_error_of_its_own_request(form: type[Acomp]) -> None:
    """Damaged data ends in -EINVAL, and so does the fault of the environment."""
    v = system(DeflateIaa())
    text = page("text", 7, 0)
    stored = DeflateIaa().compress_page(text)

    assert run(v, form(POOL, CPU, (stored, b"damaged", stored))) == (PAGE_SIZE, -errno.EINVAL, PAGE_SIZE)
    assert buffers(v) == (text, None, text)
    v.choose = lambda point, options: options[point is choices.DECOMPRESS]  # type: ignore[index]  # never open
    assert run(v, form(POOL, CPU, (stored,))) == (-errno.EINVAL,)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_observers_see_one_compression_for_each_request(form: type[Acomp]) -> None:
    """As those of the released kernels: an error shows no length."""
    v = system()
    events: list[Event] = []
    v.emit = lambda name, /, **fields: events.append((name, fields))
    outcomes = iter([Compressed(100, "a"), CompressError(errno.ENOSPC)])
    v.choose = lambda point, options: next(outcomes) if point is choices.COMPRESS else (options or [None])[0]
    run(v, form(POOL, CPU, (1, 2)))

    assert events == [
        ("compress", {"slen": PAGE_SIZE, "dlen": 100, "ret": 0}),
        ("compress", {"slen": PAGE_SIZE, "dlen": PAGE_SIZE, "ret": -errno.ENOSPC}),
    ]


# --- what a caller owes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [*FORMS, *FORMS.values(), AcompOneUnit], ids=lambda form: form.__name__)
@pytest.mark.parametrize(
    ("ctx", "locked", "requests", "message"),
    [
        ({}, False, 1, "the context of pool 1 on CPU 0 is not locked by the caller"),
        ({"present": False}, True, 1, "the context of pool 1 on CPU 0 is not there"),
        ({"reqs": 2}, True, 3, "3 requests on CPU 0, whose context has room for 1 to 2"),
        ({}, True, 0, "0 requests on CPU 0, whose context has room for 1 to 8"),
    ],
)
def test_a_context_has_to_be_the_callers_and_large_enough(
    form: type[Acomp], ctx: dict[str, Any], locked: bool, requests: int, message: str
) -> None:
    """That the pool can batch does not say that this CPU's context can (A2, B06)."""
    v = system()
    v[v.at.acomp_ctx[POOL][CPU]] = evolve(v[v.at.acomp_ctx[POOL][CPU]], **ctx)
    v[v.at.ctx_locked[POOL][CPU]] = locked
    with pytest.raises(KernelBug, match=message):
        run(v, form(POOL, CPU, ("page",) * requests))


# --- the forms ------------------------------------------------------------------------------------------------------


def test_the_forms_take_these_steps() -> None:
    """Submission is one step, and each completion; a single request is one step in all."""
    assert steps(AcompParallel, 8) == ["submit", *["poll"] * 8]
    assert steps(AcompParallel, 1) == ["submit"]
    assert steps(AcompSequential, 8) == ["run_next"] * 8
    assert steps(AcompChained, 8) == ["call", "submit", *["poll"] * 8]
    assert steps(AcompChained, 1) == ["call", "submit"]
    assert steps(AcompChained, 8, PAGE_AT_A_TIME) == ["call", *["run_next"] * 8]
    assert steps(AcompOneByOne, 2) == ["next_page", "run", "keep"] * 2


def test_all_requests_are_submitted_before_the_first_is_polled() -> None:
    """They are in flight then, the driver's data of each is kept, and nobody has written a buffer (A6)."""
    v = system()
    place = v.at.acomp_ctx[POOL][CPU]
    v[place] = evolve(v[place], buffers=("old",) * 3)
    call = AcompParallel(POOL, CPU, (1, 2, 3))
    execution = Execution(call)
    execution.advance(v)

    assert execution.at[1] == "poll"
    assert call.lengths == (IN_FLIGHT,) * 3
    assert [job.length for job in call.jobs] == [1024] * 3
    assert buffers(v) == ("old",) * 3


def test_a_single_request_is_not_polled() -> None:
    """Without the flag POLL the driver waits for the device itself (A6)."""
    device = Device([0])
    v = system()
    v.choose = device.choose
    assert run(v, AcompParallel(POOL, CPU, (1,))) == (1024,)
    assert device.offered == []


@pytest.mark.parametrize("form", [AcompParallel, AcompChained], ids=lambda form: form.__name__)
def test_a_device_completes_the_requests_in_any_order(form: type[Acomp]) -> None:
    """The environment says which is next as long as there is more than one; results stay at their own index."""
    device = Device([2, 0, 1])
    v = system()
    v.choose = device.choose
    run(v, form(POOL, CPU, (1, 2, 3)))

    assert device.offered == [(0, 1, 2), (0, 1)]
    assert [v.cfg.codecs["tokens"].decompress(data) for data in buffers(v)] == [1, 2, 3]


@pytest.mark.parametrize("form", [AcompSequential, AcompOneByOne], ids=lambda form: form.__name__)
def test_without_a_device_there_is_no_order_to_choose(form: type[Acomp]) -> None:
    device = Device([0])
    v = system()
    v.choose = device.choose
    run(v, form(POOL, CPU, (1, 2, 3)))
    assert device.offered == []


def test_the_core_goes_through_the_chain_of_a_driver_that_takes_no_chains() -> None:
    """The caller hands over what it has, and the interface divides it (A4)."""
    device = Device([0])
    v = system(PAGE_AT_A_TIME)
    v.choose = device.choose

    assert run(v, AcompChained(POOL, CPU, (1, 2))) == (1024, 1024)
    assert device.offered == []


def test_a_shorter_call_shows_nothing_of_the_one_before() -> None:
    """There are as many buffers as requests."""
    v = system()
    run(v, AcompParallel(POOL, CPU, (1, 2, 3)))
    run(v, AcompParallel(POOL, CPU, (4,)))
    assert [v.cfg.codecs["tokens"].decompress(data) for data in buffers(v)] == [4]


# --- real compressors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", [DeflateIaa(), Zstd("6.18"), Lz4()], ids=lambda codec: codec.name)
@pytest.mark.parametrize(("form", "back"), FORMS.items(), ids=lambda form: form.__name__)
def test_a_batch_of_real_pages_round_trips(codec: Codec, form: type[Acomp], back: type[Acomp]) -> None:
    """Eight pages go through the compressor and come back."""
    pages, v = real_pages(), system(codec)
    lengths = run(v, form(POOL, CPU, pages))
    stored = buffers(v)

    assert lengths == tuple(len(data) for data in stored)
    assert all(0 < length < PAGE_SIZE for length in lengths)
    assert run(v, back(POOL, CPU, stored)) == (PAGE_SIZE,) * BATCH
    assert buffers(v) == pages


ERRORS = st.sampled_from([errno.EINVAL, errno.ENOSPC, errno.E2BIG])
FAULTS = st.dictionaries(st.integers(0, BATCH - 1), ERRORS)
SEEDS = st.integers(0, 9)
NOISE = SEEDS.map(lambda seed: Random(seed).randbytes(PAGE_SIZE))
SHRINKING = st.builds(page, st.sampled_from(["mix", "text", "nsame"]), SEEDS, st.integers(0, PAGE_SIZE))
PAGES = st.lists(NOISE | SHRINKING, min_size=1, max_size=BATCH)
COMPRESSORS = st.sampled_from(["deflate-iaa", "zstd", "lz4"])


@given(pages=PAGES, faults=FAULTS, order=st.permutations(range(BATCH)), compressor=COMPRESSORS)
def test_all_forms_agree_on_the_same_pages_and_faults(
    pages: list[Content], faults: dict[int, int], order: list[int], compressor: str
) -> None:
    """ACOMP-SAME, with pages that real compressors do and do not shrink, and any order of completion."""
    codec = make_codec(compressor, "6.18")
    given_faults = {index: error for index, error in faults.items() if index < len(pages)}
    for form in FORMS:
        assert disagreement(form, codec, pages, given_faults, Device(order).choose) is None
