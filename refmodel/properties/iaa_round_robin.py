"""Round robin is fair, within bounds that are known beforehand (IAA-26, IAA-27; I3).

A judge looks at what was chosen since the tables were made, and returns what is wrong with it, or None.  Its docstring
is the sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from refmodel.kernel.iaa_topology import Wq


def uneven(wqs: Sequence[Wq], chosen: Sequence[Wq | None]) -> str | None:
    """After k selections with one cursor each of n queues was chosen floor(k/n) or ceil(k/n) times (IAA-26).

    wqs: of the table.  chosen: by the cursor.
    """
    low, high = len(chosen) // len(wqs), -(-len(chosen) // len(wqs))
    counts = Counter(chosen)
    for wq in wqs:
        if not low <= counts[wq] <= high:
            expected = f"{low} or {high}" if low < high else str(low)
            return f"{wq}: chosen {counts[wq]} times of {len(chosen)}; expected {expected}"
    return None


def uneven_batch(wqs: Sequence[Wq], chosen: Sequence[Wq | None], b: int) -> str | None:
    """Each batch of b jobs takes each of n queues floor(b/n) or ceil(b/n) times, and so do all batches together.

    wqs: of the table.  chosen: by one cursor, batch after batch.  b: jobs of a batch, 1 or more.
    """
    for start in range(0, len(chosen) - b + 1, b):
        wrong = uneven(wqs, chosen[start : start + b])
        if wrong:
            return f"batch {start // b}: {wrong}"
    return uneven(wqs, chosen)


def uneven_package(wqs: Sequence[Wq], by_cpu: Sequence[Sequence[Wq | None]]) -> str | None:
    """Of a table that m CPUs share, queues were chosen equally often, up to a difference of m (IAA-27).

    wqs: of the table.  by_cpu: what each CPU has chosen.
    """
    counts = Counter(wq for chosen in by_cpu for wq in chosen)
    least, most = min(counts[wq] for wq in wqs), max(counts[wq] for wq in wqs)
    if most - least > len(by_cpu):
        return f"queues were chosen {least} to {most} times; expected a difference of at most {len(by_cpu)}"
    return None


def astray(wqs: Sequence[Wq], cursor: int) -> str | None:
    """A cursor stands in its table: 0 <= cursor < n (IAA-26)."""
    if 0 <= cursor < len(wqs):
        return None
    return f"cursor {cursor}: past its table; expected 0 to {len(wqs) - 1}"
