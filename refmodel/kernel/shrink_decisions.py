"""The decisions of the shrinkers: whose turn it is, how many entries are worth a try, when to give up.

Every function here decides one thing from plain values, so that it can be proved as well as tested.  The steps that
call them read the values and do what is decided.

Source: mm/zswap.c and mm/list_lru.c, Linux 6.12.117 (Z2).
"""

from __future__ import annotations

import errno

from refmodel.kernel.config import MAX_RECLAIM_RETRIES

SHRINK_STOP = -1
"""The dynamic shrinker's answer "do not call me again now"."""


def rotated(entries: tuple[int, ...]) -> tuple[int, ...]:
    """Return an LRU list whose head went to the tail: the entry is visited again after all others.

    entries: one or more, the head first.
    Source: __list_lru_walk_one(), mm/list_lru.c, Linux 6.12.117 (Z2).
    """
    return (*entries[1:], entries[0])


def without(entries: tuple[int, ...], entry: int) -> tuple[int, ...]:
    """Return an LRU list without one of its entries; the others keep their order.

    entries: each once.  entry: one of them.
    Source: list_lru_del(), mm/list_lru.c, Linux 6.12.117 (Z2).
    """
    at = entries.index(entry)
    return entries[:at] + entries[at + 1 :]


def spared_entries(disk_swapins: int, freeable: int) -> int:
    """Return how many entries of a list are spared because that many pages had to be read from the device (Z2).

    disk_swapins: reads from the device that have spared none yet.  freeable: entries on the list.
    What is spared is subtracted from the reads, so each of them spares one entry once.
    Source: zswap_shrinker_count(), Linux 6.12.117.
    """
    return min(disk_swapins, freeable)


def worth_a_try(left: int, backing: int, stored: int) -> int:
    """Return how many entries of a list the shrinker is told of, scaled by what compression saves (Z2).

    Well compressed pages free little memory for the read that they may cost.
    left: entries that are not spared.  backing: pages of memory behind all entries of the cgroup.
    stored: entries of the cgroup, at least 1.
    Source: zswap_shrinker_count(), Linux 6.12.117.
    """
    return left * backing // stored


def memcg_answer(removed: int, visits: int) -> int:
    """Return what shrink_memcg says: 0 for a success, -EAGAIN if entries lost marks only, -ENOENT for empty lists.

    removed: entries that were written back.  visits: entries that were looked at.
    Source: shrink_memcg(), Linux 6.12.117 (Z2, S5).
    """
    if not visits:
        return -errno.ENOENT
    return 0 if removed else -errno.EAGAIN


def scan_answer(removed: int, hot: bool) -> int:
    """Return what the dynamic shrinker says: the entries that it wrote back, or ``SHRINK_STOP``.

    removed: how many these are.  hot: whether an entry ended the walk because it is being swapped in.
    Source: zswap_shrinker_scan(), Linux 6.12.117 (Z2, Z3).
    """
    return SHRINK_STOP if hot or not removed else removed


def after_shrink(attempts: int, failures: int, answer: int) -> tuple[int, int]:
    """Return attempts and failures of the global shrinker after it has tried one cgroup (Z2, Z20).

    attempts: of this pass over the tree.  failures: of the whole run.  answer: as of ``memcg_answer``.
    A cgroup with nothing to write back counts as neither.
    Source: shrink_worker(), Linux 6.12.117.
    """
    if answer == -errno.ENOENT:
        return attempts, failures
    return attempts + 1, failures + (answer != 0)


def failures_after_pass(attempts: int, failures: int) -> int:
    """Return the failures of the global shrinker at the end of a pass: one without any candidate is one more.

    attempts: of this pass.  failures: of the whole run.
    Source: shrink_worker(), Linux 6.12.117 (Z2, Z20).
    """
    return failures + (attempts == 0)


def gives_up(failures: int) -> bool:
    """Whether the global shrinker ends its run: it has failed 16 times (MAX_RECLAIM_RETRIES, mm/internal.h).

    Source: shrink_worker(), Linux 6.12.117 (Z2).
    """
    return failures == MAX_RECLAIM_RETRIES


def following(order: tuple[int, ...], cursor: int) -> tuple[int, ...]:
    """Return the cgroups that a pass has still to visit, the next first.

    order: all cgroups in the order of the tree walk.  cursor: the one that was visited last, or -1 before the first.
    Source: shrink_worker(), Linux 6.12.117 (Z2).
    """
    return order[order.index(cursor) + 1 :] if cursor >= 0 else order
