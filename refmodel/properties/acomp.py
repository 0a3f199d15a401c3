"""The contract of the acomp interface (ACOMP-SAME), as a check of one form of it.

A form is an operation of ``refmodel.kernel.acomp``, or one that a user wrote.  For the same pages and the same faults
every form gives the same lengths, errors and bytes, in whatever order a device completes the requests (A1, A3, A4):

* for each request, in order, the length of the result or a negative errno, and never the mark "in flight";
* the bytes of a result stand in the buffer of its own request; the buffer of one that failed holds anything;
* a request that fails keeps no other from being attempted, and its error stays its own;
* nothing else is touched: the context stays locked, for the caller unlocks it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from errno import EINVAL, errorcode
from itertools import combinations
from typing import Any

import attrs

from refmodel.kernel.acomp import Acomp, AcompCompress
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Codec, Compressed, CompressError, CorruptData, Outcome, Symbolic
from refmodel.kernel.state import Content
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import ChoicePoint, Execution, evolve, first_answer
from refmodel.machine.choice import Chooser
from refmodel.profiles import preset, profile

LEFT_OVER: Content = "left over from an earlier call"
"""What a buffer holds that nobody has written in this call."""

_KERNEL = "linux-6.18"
_POOL, _CPU = 1, 0
_MOST_STEPS = 1_000


@attrs.frozen
class Faulty:
    """A compressor that refuses some pages, and does not recognise what is stored of them.

    codec: what it does with the others.  errors: page -> positive errno.
    """

    codec: Codec
    errors: Mapping[Hashable, int]

    @property
    def name(self) -> str:
        """The name of the compressor."""
        return self.codec.name

    @property
    def batch_size(self) -> int:
        """How many pages it takes in one call."""
        return self.codec.batch_size

    def outcomes(self, content: Hashable) -> tuple[Outcome, ...]:
        """Return the one result for a page; raises ValueError where only a record knows it."""
        if content in self.errors:
            return (CompressError(self.errors[content]),)
        outcomes = self.codec.outcomes(content)
        if outcomes is None:
            raise ValueError(f"codec {self.name!r} has recorded results; expected one that computes them")
        return outcomes[:1]

    def decompress(self, data: Hashable) -> Hashable:
        """Return the page; raises CorruptData for what it does not recognise."""
        if data in self.errors:
            raise CorruptData(f"{self.name}: {data!r} was damaged for a test")
        return self.codec.decompress(data)


def disagreement(
    form: type[Acomp],
    codec: Codec,
    contents: Sequence[Content],
    faults: Mapping[int, int] | None = None,
    choose: Chooser = first_answer,
) -> str | None:
    """Run one call of a form; return None if it keeps the contract, else one sentence that says what is wrong.

    codec: a compressor that computes its results.  contents: pages, or what is stored of pages.
    faults: index of a request that fails -> positive errno; decompression knows EINVAL only.
    choose: the environment, which says in what order a device completes the requests.
    """
    faulty = Faulty(codec, {contents[index]: error for index, error in (faults or {}).items()})
    v = _context(faulty, len(contents))
    v.choose = choose
    before = v.snapshot()
    found = _outcome(form(pool=_POOL, cpu=_CPU, contents=tuple(contents)), v)
    wrong = found if isinstance(found, str) else _difference(form, faulty, contents, found, v, before)
    return wrong and f"{form.__name__}, {len(contents)} requests, {_told(faults)}: {wrong}"


def first_disagreement(form: type[Acomp], requests: int = 3, batch_size: int = 8) -> str | None:
    """Check a form with every number of requests, every set of failing ones and every order of completion.

    requests: how many there are at most; 3 take 58 calls, 4 take 442.
    batch_size: how many pages the compressor takes in one call, which may tell a form how to work.
    Returns None if the form keeps the contract throughout, else what is wrong with the first call that does not.
    """
    codec = Symbolic("tokens", batch_size=batch_size)
    for count in range(1, requests + 1):
        contents = _contents(form, codec, count)
        for faults in _subsets(count):
            for wrong in _every_order(form, codec, contents, dict.fromkeys(faults, EINVAL)):
                if wrong:
                    return wrong
    return None


def _contents(form: type[Acomp], codec: Symbolic, count: int) -> tuple[Content, ...]:
    """Return pages, or what is stored of them, as a form takes them."""
    pages = [f"page {number}" for number in range(count)]
    if issubclass(form, AcompCompress):
        return tuple(pages)
    stored = (codec.outcomes(page)[0] for page in pages)
    return tuple(outcome.data for outcome in stored if isinstance(outcome, Compressed))


def _subsets(count: int) -> Iterator[tuple[int, ...]]:
    for size in range(count + 1):
        yield from combinations(range(count), size)


def _every_order(
    form: type[Acomp], codec: Codec, contents: Sequence[Content], faults: Mapping[int, int]
) -> Iterator[str | None]:
    """Yield what is wrong with each run: every answer of the environment that is no failure is tried."""
    scripts: list[tuple[int, ...]] = [()]
    while scripts:
        script = scripts.pop()
        taken: list[tuple[int, int]] = []
        yield disagreement(form, codec, contents, faults, _follow(script, taken))
        for at in range(len(script), len(taken)):
            before = tuple(index for index, _ in taken[:at])
            scripts += [(*before, other) for other in range(1, taken[at][1])]


def _follow(script: tuple[int, ...], taken: list[tuple[int, int]]) -> Chooser:
    """Return an environment that takes the options of a script, then the first; it notes index and number."""

    def choose(point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        if point.fault or options is None:
            return first_answer(point, options)
        index = script[len(taken)] if len(taken) < len(script) else 0
        taken.append((index, len(options)))
        return options[index]

    return choose


def _context(codec: Codec, requests: int) -> KernelView:
    """Return a system with one pool, whose context is locked and has been used before."""
    kernel = profile(_KERNEL)
    v = kernel.system(kernel.config(preset("toy"), {codec.name: codec}, compressor=codec.name))
    place = v.at.acomp_ctx[_POOL][_CPU]
    v[place] = evolve(v[place], reqs=requests, buffers=(LEFT_OVER,) * requests)
    v[v.at.ctx_locked[_POOL][_CPU]] = True
    return v


def _outcome(call: Acomp, v: KernelView) -> tuple[int, ...] | str:
    """Return what a call answers, or what keeps it from answering."""
    execution = Execution(call)
    try:
        for _ in range(_MOST_STEPS):
            if execution.over:
                return tuple(execution.value)
            if not execution.advance(v):
                return f"{execution.at[1]} waits, and nobody else runs who could end that"
    except (KernelBug, LookupError) as error:
        return str(error)
    return f"no answer after {_MOST_STEPS:,} steps"


def _difference(
    form: type[Acomp],
    codec: Faulty,
    contents: Sequence[Content],
    lengths: tuple[int, ...],
    v: KernelView,
    before: tuple[Any, ...],
) -> str | None:
    """Return what is wrong with an answer, or None."""
    place = v.at.acomp_ctx[_POOL][_CPU]
    buffers = v[place].buffers
    if (len(lengths), len(buffers)) != (len(contents), len(contents)):
        return f"{len(lengths)} results in {len(buffers)} buffers; expected {len(contents)} of both"
    owed = _compressed if issubclass(form, AcompCompress) else _decompressed
    for index, content in enumerate(contents):
        length, data = owed(codec, content)
        if lengths[index] != length:
            return f"request {index} is answered with {_value(lengths[index])}; expected {_value(length)}"
        if length > 0 and buffers[index] != data:
            return f"buffer {index} holds {_data(buffers[index])}; expected {_data(data)}"
    v[place] = evolve(v[place], buffers=before[place].buffers)
    changed = [number for number, old in enumerate(before) if v[number] != old]
    return f"{v.layout.name(changed[0])} was changed" if changed else None


def _compressed(codec: Faulty, content: Content) -> tuple[int, Content]:
    """Return the length or error that a page is owed, and the bytes."""
    outcome = codec.outcomes(content)[0]
    return (outcome.length, outcome.data) if isinstance(outcome, Compressed) else (-outcome.errno, None)


def _decompressed(codec: Faulty, content: Content) -> tuple[int, Content]:
    """Return the length or error that stored data is owed, and the page."""
    try:
        return PAGE_SIZE, codec.decompress(content)
    except CorruptData:
        return -EINVAL, None


def _told(faults: Mapping[int, int] | None) -> str:
    if not faults:
        return "none of which fails"
    return "of which " + ", ".join(f"{index} fails ({errorcode[error]})" for index, error in faults.items())


def _value(length: int) -> str:
    return f"{length} bytes" if length > 0 else f"{length} ({errorcode.get(-length, 'no error')})"


def _data(data: Content) -> str:
    return f"{len(data)} bytes" if isinstance(data, bytes) else repr(data)
