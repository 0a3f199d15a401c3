"""What jobs decide: which descriptor is next, whether to try again, who does a job that the device does not.

Every function here decides one thing from plain values, so that it can be proved as well as tested.  The steps that
call them read the values and do what is decided.

Source: drivers/dma/idxd/submit.c and drivers/crypto/intel/iaa/iaa_crypto_main.c, Linux 6.12.117 and 7.3.4, and the
batching series (I6, I7, I8, I10).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from errno import EAGAIN, EINPROGRESS, EINVAL, EIO, ETIMEDOUT
from typing import Literal, TypeVar

from refmodel.kernel.iaa_status import ANALYTICS_ERROR, Op
from refmodel.kernel.table import lowest_free

T = TypeVar("T")

Without = Literal["fail", "try", "sleep"]
"""What a job does that got no descriptor."""

ErrorCounter = Literal["", "einval", "timeout", "overflow"]
"""Which counter of failed jobs moves, "" for none."""


# --- descriptors -------------------------------------------------------------------------------------------


def descriptor_to_take(used: int, entries: int) -> int:
    """Return the descriptor that a job gets, the lowest one that is free, or -EAGAIN if none is (I7).

    used: bit k is set while descriptor k is taken.  entries: descriptors of the queue.
    Source: idxd_alloc_desc(), Linux 6.12.117; the kernel begins its search elsewhere, which nobody can tell.
    """
    d = lowest_free(used)
    return d if d < entries else -EAGAIN


def taken(used: int, d: int) -> int:
    """Return the map of taken descriptors with one more.

    Source: idxd_alloc_desc(), Linux 6.12.117.
    """
    return used | 1 << d


def is_taken(used: int, d: int) -> bool:
    """Whether a descriptor is taken; one that is not cannot be given back (IAA-H20).

    Source: idxd_free_desc(), Linux 6.12.117.
    """
    return bool(used >> d & 1)


def given_back(used: int, d: int) -> int:
    """Return the map of taken descriptors without one of them.

    Source: idxd_free_desc(), Linux 6.12.117.
    """
    return used & ~(1 << d)


# --- attempts ----------------------------------------------------------------------------------------------


def attempts(of_version: int, of_system: int) -> int:
    """Return how often a job tries to get a descriptor, 0 if it sleeps for one (I7).

    of_version: of the version, 0 where it sleeps.  of_system: fewer of them, to keep runs short; 0 for the version's.
    Source: the loops around idxd_alloc_desc(), batching v6 to v14: 1000, 500 for decompression, 2000 in dynamic mode.
    """
    return min(of_version, of_system or of_version)


def without_descriptor(error: int, limit: int) -> Without:
    """Return what a job does after an attempt without a descriptor: fail, count and try, or sleep (I7).

    error: of the attempt.  limit: attempts of the job, 0 where it sleeps.  Only an empty pool is waited for.
    Source: idxd_alloc_desc(), Linux 6.12.117; those around it, batching v6 to v14.
    """
    if error != -EAGAIN:
        return "fail"
    return "try" if limit else "sleep"


def tries_again(tried: int, limit: int) -> bool:
    """Whether there is an attempt left.

    tried: attempts so far, all of them in vain.  limit: attempts of the job.
    Source: the loops around idxd_alloc_desc(), batching v6 to v14.
    """
    return tried < limit


# --- what became of a job ----------------------------------------------------------------------------------


def error_counter(error: int, status: int) -> ErrorCounter:
    """Return which counter of failed jobs moves (I8).

    error: 0 or the positive errno of the job.  status: that the device reported.  A result that outgrows its buffer
    with a status of its own (-EOVERFLOW) is in no counter.
    Source: check_completion(), Linux 6.12.117.
    """
    if error == EINVAL:
        return "einval"
    if error == ETIMEDOUT:
        return "timeout"
    return "overflow" if status == ANALYTICS_ERROR else ""


def software_can(op: Op, status: int) -> bool:
    """Whether 6.12 does in software what the device could not: decompression of data that it did not understand (I8).

    Source: iaa_comp_adecompress() and iaa_desc_complete(), Linux 6.12.117.
    """
    return op == "decompress" and status == ANALYTICS_ERROR


def software_takes_over(op: Op, error: int) -> bool:
    """Whether the series does in software what the device did not: decompression, whatever the reason (I7, I8).

    error: negative errno, 0 for none.
    Source: iaa_comp_adecompress(), batching v9, v13 and v14.
    """
    return op == "decompress" and error != 0


def error_by_interrupt(error: int) -> int:
    """Return what the interrupt thread tells of a job: 0, or -EIO for whatever went wrong (I8).

    Source: iaa_desc_complete(), Linux 6.12.117.
    """
    return -EIO if error else 0


# --- batches -----------------------------------------------------------------------------------------------


def can_be_looked_at(error: int, d: int) -> bool:
    """Whether a poll finds the record of a job: it is in flight, and its request remembers the descriptor (IAA-H12).

    error: of its submission.  d: number of its descriptor, -1 for none.
    Source: iaa_comp_poll(), batching v9 and v13.
    """
    return error == -EINPROGRESS and d >= 0


def first_done(done: Iterable[bool]) -> int:
    """Return the first job of a round of polling that is done, -1 if none is.

    done: of each job, whether the device has ended it; jobs behind the first such one are not looked at.
    Source: the loops over iaa_comp_poll(), batching v9 to v14.
    """
    for index, each in enumerate(done):
        if each:
            return index
    return -1


def with_result(row: Sequence[T], index: int, result: T) -> tuple[T, ...]:
    """Return the results of a batch with that of one job, which stands at the index of the job (IAA-44).

    Source: iaa_comp_acompress_batch(), batching v9.
    """
    return (*row[:index], result, *row[index + 1 :])


def largest_first(lengths: Sequence[int]) -> tuple[int, ...]:
    """Return the order in which data of these lengths is submitted for decompression: the largest two first (I10).

    Of equal ones the later is the largest.  The rest keep their order.
    Source: iaa_comp_adecompress_batch(), batching v10 16/25 to v14 17/26.
    """
    ranked = sorted(range(len(lengths)), key=lambda k: (lengths[k], k), reverse=True)[:2]
    return (*ranked, *(k for k in range(len(lengths)) if k not in ranked))


def chain_given_up(sent: int, error: int) -> bool:
    """Whether a chain is given up: its head was refused (A4).

    sent: members that were submitted before this one.  error: of the submission of this one.
    Source: acomp_do_req_chain(), batching v8.
    """
    return sent == 0 and error not in (0, -EINPROGRESS)


def error_of_head(length: int) -> int:
    """Return what a chain returns: the error of its head, whatever became of the others (A4).

    length: of the head's result in bytes, or a negative errno.
    Source: acomp_do_req_chain(), batching v8.
    """
    return min(length, 0)
