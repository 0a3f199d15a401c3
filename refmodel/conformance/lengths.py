"""Compressed lengths that a trace does not record.

Where probes were off, or where the kernel offered none, lengths still show: another page of the same
pattern was recorded, the pool grew by so many pages, and the cgroup's statistics give their sum.  Lengths
that fit all of this are found here; which of them the kernel really had makes no difference to anything
that the trace says.
"""

from __future__ import annotations

from collections.abc import Iterator

from refmodel.conformance.observed import SHOW_LENGTHS
from refmodel.conformance.trace_file import Op, Trace
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.table import KernelView

Pattern = tuple[str, int]
"""Kind and length of a page pattern."""


def patterns_of(trace: Trace) -> dict[Pattern, int]:
    """Return the one compressed length that a trace records for a pattern, where there is just one."""
    pages: dict[tuple[int, int], Pattern] = {}
    lengths: dict[Pattern, set[int]] = {}
    for op in trace.ops:
        for page, pattern in written(op):
            pages[op.record.get("w", 0), page] = pattern
        if op.record["op"] in ("out", "outrange"):
            worker, first, nr = op.record["w"], op.record["page"], op.record.get("n", 1)
            sizes = list(recorded(op))
            stored = [pages.get((worker, page), ("", 0)) for page in range(first, first + nr)]
            if len(sizes) == nr or (len(set(sizes)) == len(set(stored)) == 1):
                for pattern, size in zip(stored, sizes, strict=False):
                    lengths.setdefault(pattern, set()).add(size)
    return {pattern: min(sizes) for pattern, sizes in lengths.items() if len(sizes) == 1}


class Lengths:
    """Lengths for the operations of a trace that record none."""

    def __init__(self, trace: Trace, view: KernelView) -> None:
        """Look through the trace for patterns whose lengths are recorded."""
        self.trace, self.view = trace, view
        self.known = patterns_of(trace)
        self.pages: dict[tuple[int, int], Pattern] = {}
        probed = set(trace.header["probes"]["ok"])
        lengths_show = SHOW_LENGTHS & set(trace.header["start"])
        self.blind = bool(lengths_show) and not probed & {"compress", "zs_malloc", "charge"}

    def unrecorded(self, op: Op) -> list[int]:
        """Return the lengths of the pages that an operation stores, in order; empty where events tell."""
        worker = op.record.get("w", 0)
        for page, pattern in written(op):
            self.pages[worker, page] = pattern
        if op.record["op"] not in ("out", "outrange"):
            return []
        if op.record.get("untraced"):
            first, nr = op.record["page"], op.record["n"]
            return [self.known[self.pages[worker, page]] for page in range(first, first + nr)]
        if self.blind:
            return self.by_growth(op)
        return []

    def by_growth(self, op: Op) -> list[int]:
        """Return lengths that explain how the pool grew, and the sum that the next statistics give."""
        changes = op.record["d"]
        nr = changes.get("vm.zswpout", 0)
        if not nr:
            return []
        return lengths_for_growth(
            self.view, nr, changes.get("vm.nr_zspages", 0), self.bytes_until_settled(op)
        )

    def bytes_until_settled(self, op: Op) -> int | None:
        """Return the bytes that this operation adds, if it is the last to change them before a ``settle``."""
        v = self.view
        for later in self.trace.ops[op.number + 1 :]:
            changes = later.record["d"]
            if changes.get("vm.zswpout") or changes.get("zs.stored_pages"):
                return None
            if later.record["op"] == "settle":
                now = sum(v[counters.zswap] for counters in v.at.mc)
                return int(sum(n for k, n in later.record["cg"].items() if k.endswith("zswap.current"))) - now
        return None


def written(op: Op) -> Iterator[tuple[int, Pattern]]:
    """Yield the pages that an operation writes as a whole, with their patterns."""
    record = op.record
    if record["op"] == "fill":
        for offset, (kind, _, length) in enumerate(record["contents"]):
            yield record["page"] + offset, (kind, length)
    elif record["op"] in ("write", "fillrange"):
        for page in range(record["page"], record["page"] + record.get("n", 1)):
            yield page, (record["kind"], record.get("len", PAGE_SIZE))


def recorded(op: Op) -> Iterator[int]:
    """Yield the compressed lengths that the events of an operation tell."""
    kinds = {event.record["ev"] for event in op.events}
    for event in op.events:
        record = event.record
        if record["ev"] == "compress" and not record["ret"]:
            yield record["dlen"]
        elif "compress" not in kinds and record["ev"] == "charge":
            yield record["size"]


def lengths_for_growth(v: KernelView, nr: int, pages: int, total: int | None) -> list[int]:
    """Return ``nr`` lengths that let the pool grow by so many pages.

    total: what the lengths have to add up to in bytes, if that is known.
    Two size classes suffice for what traces show; raises LookupError if they do not.
    """
    near = total // nr if total else PAGE_SIZE // 3
    sizes = sorted(range(64, PAGE_SIZE, 16), key=lambda size: abs(size - near))[:64]
    for first in sizes:
        for second in sizes:
            for split in range(nr + 1):
                lengths = [first] * split + [second] * (nr - split)
                if growth(v, lengths) == pages:
                    adjusted = with_sum(v, lengths, total)
                    if adjusted is not None:
                        return adjusted
    raise LookupError(f"no lengths of {nr} pages let the pool grow by {pages} pages")


def growth(v: KernelView, lengths: list[int]) -> int:
    """Return by how many pages the current pool would grow."""
    allocator, row = v.cfg.allocator, v.at.zs_class[v[v.at.pool_list][0]]
    states = {allocator.class_of(length): v[row[allocator.class_of(length)]] for length in set(lengths)}
    grown = 0
    for length in lengths:
        index = allocator.class_of(length)
        states[index], _, pages = allocator.place(states[index], index, length)
        grown += pages
    return grown


def with_sum(v: KernelView, lengths: list[int], total: int | None) -> list[int] | None:
    """Return the lengths moved within their size classes to add up to a total, or None if they cannot."""
    if total is None:
        return lengths
    class_of = v.cfg.allocator.class_of
    missing = total - sum(lengths)
    step = 1 if missing > 0 else -1
    moved = list(lengths)
    for i, length in enumerate(moved):
        while missing and class_of(length + step) == class_of(length):
            length, missing = length + step, missing - step
        moved[i] = length
    return moved if missing == 0 else None
