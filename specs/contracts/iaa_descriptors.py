"""Which descriptor a job gets, how often it tries, what a failure is called, and which job of a batch is next."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from typing import TypeVar

from refmodel.engines.contract import breaks
from refmodel.kernel import iaa_decisions as iaa
from refmodel.kernel import iaa_round_robin, iaa_status
from refmodel.kernel.iaa_round_robin import Selection
from refmodel.kernel.iaa_status import Completion, Op
from refmodel.kernel.iaa_tables import CpuTables, Table

T = TypeVar("T")

ENTRIES = 3
"""Descriptors of a queue, at most."""

TRIES = 2000
"""Attempts of a job, at most: those of the dynamic mode."""

ERRNO = 4095
"""The largest errno that a kernel function returns."""

RECORD = 255
"""Statuses and error codes are bytes."""


def _op(compresses: bool) -> Op:
    """Return the direction of a job."""
    return "compress" if compresses else "decompress"


# --- descriptors -------------------------------------------------------------------------------------------


def a_job_gets_a_descriptor_exactly_if_one_is_free(used: int, entries: int) -> int:
    """What a job gets is free, and it gets nothing only where none is.

    Source: drivers/dma/idxd/submit.c idxd_alloc_desc(), Linux 6.12.117
    Requirement: I7

    pre: 1 <= entries <= ENTRIES
    pre: 0 <= used < 2**entries
    post: (_ == -errno.EAGAIN) == (used == 2**entries - 1)
    post: implies(_ >= 0, _ < entries and used // 2**_ % 2 == 0)
    post: implies(_ < 0, _ == -errno.EAGAIN)
    """
    return iaa.descriptor_to_take(used, entries)


@breaks(a_job_gets_a_descriptor_exactly_if_one_is_free, iaa.descriptor_to_take)
def hands_out_a_taken_one(used: int, entries: int) -> int:
    """Every job gets the first descriptor."""
    return 0


@breaks(a_job_gets_a_descriptor_exactly_if_one_is_free, iaa.descriptor_to_take)
def says_there_is_no_device(used: int, entries: int) -> int:
    """An empty pool ends the attempts at once, as a halted device does."""
    return -errno.EIO


def descriptors_are_taken_in_their_order(used: int, entries: int) -> int:
    """All descriptors before the one that a job gets are taken.

    Source: drivers/dma/idxd/submit.c idxd_alloc_desc(), Linux 6.12.117
    Requirement: I7

    pre: 1 <= entries <= ENTRIES
    pre: 0 <= used < 2**entries - 1
    post: used % 2**_ == 2**_ - 1
    """
    return iaa.descriptor_to_take(used, entries)


@breaks(descriptors_are_taken_in_their_order, iaa.descriptor_to_take)
def takes_the_last(used: int, entries: int) -> int:
    """The search goes from the end."""
    return max(k for k in range(entries) if used // 2**k % 2 == 0)


def taking_a_descriptor_costs_one_credit(used: int, d: int) -> int:
    """A descriptor that is taken is one credit less, its own; those of others stay.

    Source: drivers/dma/idxd/submit.c idxd_alloc_desc(), Linux 6.12.117
    Requirement: I7

    pre: 0 <= used < 2**ENTRIES
    pre: 0 <= d < ENTRIES
    pre: used // 2**d % 2 == 0
    post: _ == used + 2**d
    """
    return iaa.taken(used, d)


@breaks(taking_a_descriptor_costs_one_credit, iaa.taken)
def takes_no_credit(used: int, d: int) -> int:
    """The descriptor is handed out again."""
    return used


def giving_back_is_the_inverse_of_taking(used: int, d: int) -> int:
    """A descriptor that is given back is free, and the pool is what it was before the job.

    Source: drivers/dma/idxd/submit.c idxd_free_desc(), Linux 6.12.117
    Requirement: I7

    pre: 0 <= used < 2**ENTRIES
    pre: 0 <= d < ENTRIES
    pre: used // 2**d % 2 == 0
    post: _ == used
    """
    return iaa.given_back(iaa.taken(used, d), d)


@breaks(giving_back_is_the_inverse_of_taking, iaa.given_back)
def loses_the_credit(used: int, d: int) -> int:
    """The descriptor stays taken for ever."""
    return used


@breaks(giving_back_is_the_inverse_of_taking, iaa.given_back)
def gives_everything_back(used: int, d: int) -> int:
    """The descriptors of other jobs go as well."""
    return 0


def a_descriptor_is_given_back_once(used: int, d: int) -> tuple[bool, bool]:
    """What is taken can be given back; what was given back is not taken.

    Source: drivers/dma/idxd/submit.c idxd_free_desc(), Linux 6.12.117
    Requirement: I7

    pre: 0 <= used < 2**ENTRIES
    pre: 0 <= d < ENTRIES
    post: _[0] == (used // 2**d % 2 == 1)
    post: not _[1]
    """
    return iaa.is_taken(used, d), iaa.is_taken(iaa.given_back(used, d), d)


@breaks(a_descriptor_is_given_back_once, iaa.is_taken)
def is_always_taken(used: int, d: int) -> bool:
    """A second time is not noticed (IAA-H20)."""
    return True


@breaks(a_descriptor_is_given_back_once, iaa.is_taken)
def looks_at_the_whole_pool(used: int, d: int) -> bool:
    """A descriptor counts as taken where any is."""
    return used != 0


# --- attempts ----------------------------------------------------------------------------------------------


def a_job_has_no_more_attempts_than_its_version(of_version: int, of_system: int) -> int:
    """A system can have fewer attempts, not more, and not none; who sleeps for a descriptor has none in any system.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c, batching v6 to v14
    Requirement: I7

    pre: 0 <= of_version <= TRIES
    pre: 0 <= of_system <= TRIES
    post: 0 <= _ <= of_version
    post: (_ == 0) == (of_version == 0)
    post: implies(0 < of_system < of_version, _ == of_system)
    post: implies(of_system == 0, _ == of_version)
    """
    return iaa.attempts(of_version, of_system)


@breaks(a_job_has_no_more_attempts_than_its_version, iaa.attempts)
def lets_the_system_rule(of_version: int, of_system: int) -> int:
    """The number of the system counts, whatever the version has."""
    return of_system


@breaks(a_job_has_no_more_attempts_than_its_version, iaa.attempts)
def takes_zero_for_the_least(of_version: int, of_system: int) -> int:
    """A system that says nothing makes every job sleep."""
    return min(of_version, of_system)


@breaks(a_job_has_no_more_attempts_than_its_version, iaa.attempts)
def ignores_the_system(of_version: int, of_system: int) -> int:
    """A system cannot have fewer attempts."""
    return of_version


def only_an_empty_pool_is_waited_for(empty: bool, other: int, limit: int) -> str:
    """A job that met another error than an empty pool fails at once; it sleeps exactly where it has no limit.

    Source: drivers/dma/idxd/submit.c idxd_alloc_desc(), Linux 6.12.117; batching v6 to v14
    Requirement: I7

    pre: -ERRNO <= other < 0
    pre: other != -errno.EAGAIN
    pre: 0 <= limit <= TRIES
    post: (_ == "fail") == (not empty)
    post: (_ == "sleep") == (empty and limit == 0)
    post: (_ == "try") == (empty and limit > 0)
    """
    return iaa.without_descriptor(-errno.EAGAIN if empty else other, limit)


@breaks(only_an_empty_pool_is_waited_for, iaa.without_descriptor)
def tries_a_halted_device(error: int, limit: int) -> iaa.Without:
    """The device is asked again whatever it said."""
    return "try"


@breaks(only_an_empty_pool_is_waited_for, iaa.without_descriptor)
def sleeps_in_any_version(error: int, limit: int) -> iaa.Without:
    """Jobs of a batch sleep with descriptors in their hands, until everybody does (IAA-H26)."""
    return "sleep"


def attempts_come_to_an_end(limit: int, free_after: int) -> int:
    """A job makes one attempt at least and its limit at most; it stops as soon as one gets a descriptor.

    free_after: how many attempts are in vain.
    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c, batching v6 to v14
    Requirement: I7

    pre: 1 <= limit <= 6
    pre: 0 <= free_after <= 8
    post: _ == min(free_after + 1, limit)
    """
    for tried in range(1, 9):
        if tried > free_after or not iaa.tries_again(tried, limit):
            return tried
    return 0


@breaks(attempts_come_to_an_end, iaa.tries_again)
def tries_once_more(tried: int, limit: int) -> bool:
    """There is an attempt more than there should be."""
    return tried <= limit


@breaks(attempts_come_to_an_end, iaa.tries_again)
def tries_once(tried: int, limit: int) -> bool:
    """The first attempt is the last."""
    return False


# --- what became of a job ----------------------------------------------------------------------------------


def a_success_is_the_only_success(compresses: bool, status: int, code: int) -> int:
    """A job has succeeded exactly if its status says so, whatever the error code; an errno is a positive number.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c check_completion(), Linux 6.12.117
    Requirement: I8

    pre: 1 <= status <= RECORD
    pre: 0 <= code <= RECORD
    post: (_ == 0) == (status == 1)
    post: 0 <= _ <= ERRNO
    """
    return iaa_status.errno_of(_op(compresses), Completion(status, code))


@breaks(a_success_is_the_only_success, iaa_status.errno_of)
def goes_by_the_error_code(op: Op, found: Completion) -> int:
    """A job without an error code counts as a success."""
    return errno.EINVAL if found.error_code else 0


@breaks(a_success_is_the_only_success, iaa_status.errno_of)
def returns_it_negative(op: Op, found: Completion) -> int:
    """The errno is negative already, and the callers turn it round."""
    return 0 if found.status == 1 else -errno.EINVAL


def a_page_that_does_not_get_shorter_has_an_errno_of_its_own(compresses: bool, status: int, code: int) -> int:
    """Output that does not fit is told from other failures, in compression alone and by both fields of the record.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c check_completion(), Linux 6.12.117
    Requirement: I8

    pre: 1 <= status <= RECORD
    pre: 0 <= code <= RECORD
    post: (_ == errno.E2BIG) == (compresses and status == 0x0a and code == 0x19)
    """
    return iaa_status.errno_of(_op(compresses), Completion(status, code))


@breaks(a_page_that_does_not_get_shorter_has_an_errno_of_its_own, iaa_status.errno_of)
def reads_the_code_as_a_status(op: Op, found: Completion) -> int:
    """The number is looked for in the wrong field, where it means another thing."""
    return errno.E2BIG if op == "compress" and found.status == 0x19 else errno.EINVAL


@breaks(a_page_that_does_not_get_shorter_has_an_errno_of_its_own, iaa_status.errno_of)
def says_so_of_decompression(op: Op, found: Completion) -> int:
    """A decompression can fail in this way as well."""
    return errno.E2BIG if found == iaa_status.OVERFLOW else errno.EINVAL


def other_failures_are_told_by_their_status(compresses: bool, status: int, code: int) -> int:
    """A buffer overflow and the watchdog have an errno each, in both directions; all others share one.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c check_completion(), Linux 6.12.117
    Requirement: I8

    pre: 2 <= status <= RECORD
    pre: 0 <= code <= RECORD
    post: (_ == errno.EOVERFLOW) == (status == 0x0b)
    post: (_ == errno.ETIMEDOUT) == (status == 0x24)
    post: implies(status not in (0x0a, 0x0b, 0x24), _ == errno.EINVAL)
    """
    return iaa_status.errno_of(_op(compresses), Completion(status, code))


@breaks(other_failures_are_told_by_their_status, iaa_status.errno_of)
def knows_one_failure(op: Op, found: Completion) -> int:
    """Every failure is an invalid argument."""
    return errno.EINVAL


@breaks(other_failures_are_told_by_their_status, iaa_status.errno_of)
def takes_them_all_for_time_outs(op: Op, found: Completion) -> int:
    """Every failure is a time-out."""
    return errno.ETIMEDOUT


def a_failure_moves_one_counter(compresses: bool, status: int, code: int) -> str:
    """Successes move none; failures the one of their errno, but the overflow of a buffer with its own status none.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c check_completion(), Linux 6.12.117
    Requirement: I8

    pre: 1 <= status <= RECORD
    pre: 0 <= code <= RECORD
    post: (_ == "") == (status in (0x01, 0x0b))
    post: (_ == "timeout") == (status == 0x24)
    post: (_ == "overflow") == (compresses and status == 0x0a and code == 0x19)
    """
    return iaa.error_counter(iaa_status.errno_of(_op(compresses), Completion(status, code)), status)


@breaks(a_failure_moves_one_counter, iaa.error_counter)
def counts_successes(error: int, status: int) -> iaa.ErrorCounter:
    """Everything that is not a time-out is invalid."""
    return "timeout" if error == errno.ETIMEDOUT else "einval"


@breaks(a_failure_moves_one_counter, iaa.error_counter)
def counts_by_status_first(error: int, status: int) -> iaa.ErrorCounter:
    """Whatever the analytics engine reports counts as an overflow, bad data too."""
    return "overflow" if status == 0x0A else "einval"


@breaks(a_failure_moves_one_counter, iaa.error_counter)
def counts_no_time_outs(error: int, status: int) -> iaa.ErrorCounter:
    """The watchdog is in no counter."""
    return "einval" if error == errno.EINVAL else ""


def every_kind_of_failure_has_its_counter(compresses: bool, status: int, code: int) -> str:
    """Of the kinds of failure that the driver tells apart, each moves the counter that its name says.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c check_completion(), Linux 6.12.117
    Requirement: I8

    pre: status in (0x01, 0x02, 0x0a, 0x0b, 0x24)
    pre: code in (0, 0x19)
    post: implies(status == 0x02, _ == "einval")
    post: implies(status == 0x24, _ == "timeout")
    post: implies(status == 0x0a, _ == ("overflow" if compresses and code else "einval"))
    post: implies(status in (0x01, 0x0b), _ == "")
    """
    return iaa.error_counter(iaa_status.errno_of(_op(compresses), Completion(status, code)), status)


@breaks(every_kind_of_failure_has_its_counter, iaa.error_counter)
def has_one_counter(error: int, status: int) -> iaa.ErrorCounter:
    """Successes and failures are counted together."""
    return "overflow"


@breaks(every_kind_of_failure_has_its_counter, iaa.error_counter)
def takes_long_results_for_invalid(error: int, status: int) -> iaa.ErrorCounter:
    """A page that does not get shorter counts as an invalid argument."""
    return "timeout" if error == errno.ETIMEDOUT else "einval" if error else ""


def software_helps_with_bad_data_only(compresses: bool, status: int) -> bool:
    """Software does nothing that the device could do, nothing in compression, and nothing after other failures.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c iaa_comp_adecompress(), Linux 6.12.117
    Requirement: I8

    pre: 1 <= status <= RECORD
    post: implies(_, not compresses and iaa_status.errno_of(_op(compresses), Completion(status)) != 0)
    post: _ == (not compresses and status == 0x0a)
    """
    return iaa.software_can(_op(compresses), status)


@breaks(software_helps_with_bad_data_only, iaa.software_can)
def repeats_successes(op: Op, status: int) -> bool:
    """Every decompression is done once more."""
    return op == "decompress"


@breaks(software_helps_with_bad_data_only, iaa.software_can)
def compresses_as_well(op: Op, status: int) -> bool:
    """A page that does not become shorter is tried in software."""
    return status == 0x0A


def a_page_can_be_read_whatever_the_device_does(compresses: bool, error: int) -> bool:
    """In the series software takes over every decompression that failed, for whatever reason, and nothing else.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c iaa_comp_adecompress(), batching v9, v13 and v14
    Requirement: I7, I8

    pre: -ERRNO <= error <= 0
    post: implies(not compresses, _ == (error < 0))
    post: implies(compresses, not _)
    """
    return iaa.software_takes_over(_op(compresses), error)


@breaks(a_page_can_be_read_whatever_the_device_does, iaa.software_takes_over)
def gives_up_without_credits(op: Op, error: int) -> bool:
    """A page cannot be read where no descriptor came."""
    return op == "decompress" and error not in (0, -errno.ENODEV)


@breaks(a_page_can_be_read_whatever_the_device_does, iaa.software_takes_over)
def takes_over_both(op: Op, error: int) -> bool:
    """Software also compresses what the device could not."""
    return error != 0


def an_interrupt_tells_one_error(error: int) -> int:
    """Who is called back learns whether the job succeeded, not why it failed; an errno of either sign is a failure.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c iaa_desc_complete(), Linux 6.12.117
    Requirement: I8

    pre: -ERRNO <= error <= ERRNO
    post: (_ == 0) == (error == 0)
    post: _ in (0, -errno.EIO)
    """
    return iaa.error_by_interrupt(error)


@breaks(an_interrupt_tells_one_error, iaa.error_by_interrupt)
def tells_the_reason(error: int) -> int:
    """The errno is handed on."""
    return error


@breaks(an_interrupt_tells_one_error, iaa.error_by_interrupt)
def hides_negative_ones(error: int) -> int:
    """A job of which verification failed counts as a success."""
    return -errno.EIO if error > 0 else 0


# --- queues ------------------------------------------------------------------------------------------------


def directions_have_cursors_of_their_own(
    comp: int, decomp: int, queues: int, compresses: bool
) -> tuple[object, int, int]:
    """A job gets the queue at the cursor of its direction, which moves on; the cursor of the other stays.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c comp_wq_table_next_wq(), batching v9 06/19
    Requirement: I3, I5

    pre: 0 <= queues <= 3
    pre: 0 <= comp <= 4
    pre: 0 <= decomp <= 4
    post: _[0] == _at(comp if compresses else decomp, queues)
    post: implies(compresses, _[1] != comp or queues == 1)
    post: implies(compresses, _[2] == decomp)
    post: implies(not compresses, _[1] == comp)
    """
    row: tuple[object, ...] = tuple(range(10, 10 + queues))
    before = CpuTables(Table(row, comp), Table(row, decomp))  # type: ignore[arg-type]  # numbers for queues
    wq, after = iaa_round_robin.use_then_move(before, _op(compresses))
    return wq, after.comp.cursor, after.decomp.cursor


def _at(cursor: int, queues: int) -> int | None:
    """Return the queue at a cursor, None past the end."""
    return 10 + cursor if cursor < queues else None


@breaks(directions_have_cursors_of_their_own, iaa_round_robin.use_then_move)
def moves_both(tables: CpuTables, op: Op) -> Selection:
    """Both cursors go back to the beginning, and the job gets no queue."""
    return None, CpuTables(Table(tables.comp.wqs), Table(tables.decomp.wqs))


@breaks(directions_have_cursors_of_their_own, iaa_round_robin.use_then_move)
def moves_none(tables: CpuTables, op: Op) -> Selection:
    """No cursor moves, so that one queue gets all the jobs."""
    return None, tables


def released_kernels_have_one_cursor(cursor: int, queues: int, compresses: bool) -> tuple[object, int, int]:
    """A job gets the queue behind the one before it, whichever direction that had.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c wq_table_next_wq(), Linux 6.12.117
    Requirement: I3, I5

    pre: 1 <= queues <= 3
    pre: 0 <= cursor < queues
    post: _[0] == 10 + (cursor + 1) % queues
    post: _[1] == _[2] == (cursor + 1) % queues
    """
    table = Table(tuple(range(10, 10 + queues)), cursor)  # type: ignore[arg-type]  # numbers for queues
    wq, after = iaa_round_robin.move_then_use(CpuTables(table, table), _op(compresses))
    return wq, after.comp.cursor, after.decomp.cursor


@breaks(released_kernels_have_one_cursor, iaa_round_robin.move_then_use)
def uses_before_it_moves(tables: CpuTables, op: Op) -> Selection:
    """The job gets the queue of the one before, and the cursor stays."""
    return tables.comp.wqs[tables.comp.cursor], tables


# --- batches -----------------------------------------------------------------------------------------------


def only_what_is_in_flight_is_polled(in_flight: bool, other: int, d: int) -> bool:
    """A record is looked at where the job is with the device, and its request knows which one it is.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c iaa_comp_poll(), batching v9 and v13
    Requirement: I8, A6

    pre: -ERRNO <= other <= 0
    pre: other != -errno.EINPROGRESS
    pre: -1 <= d < 8
    post: _ == (in_flight and d != -1)
    """
    return iaa.can_be_looked_at(-errno.EINPROGRESS if in_flight else other, d)


@breaks(only_what_is_in_flight_is_polled, iaa.can_be_looked_at)
def polls_without_a_descriptor(error: int, d: int) -> bool:
    """The record of no descriptor is looked at."""
    return error == -errno.EINPROGRESS


@breaks(only_what_is_in_flight_is_polled, iaa.can_be_looked_at)
def polls_what_has_ended(error: int, d: int) -> bool:
    """A job is polled twice, and its descriptor given back twice."""
    return d >= 0


def a_round_ends_at_the_first_that_is_done(done: tuple[bool, ...]) -> int:
    """A round of polling finds a job exactly if one is done, and it is the first of them.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c, batching v9 to v14
    Requirement: I10, A6

    pre: len(done) <= 4
    post: (_ == -1) == (not any(done))
    post: implies(_ != -1, 0 <= _ < len(done) and done[_] and not any(done[:_]))
    """
    return iaa.first_done(done)


@breaks(a_round_ends_at_the_first_that_is_done, iaa.first_done)
def waits_for_the_first(done: Iterable[bool]) -> int:
    """The first job is polled whether it is done or not."""
    return 0


def a_result_stands_at_the_index_of_its_job(row: tuple[int, ...], index: int, result: int) -> tuple[int, ...]:
    """A result goes to the index of its job and nowhere else; those of the others stay where they are.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c iaa_comp_acompress_batch(), batching v9
    Requirement: I10

    pre: 1 <= len(row) <= 4
    pre: 0 <= index < len(row)
    post: _[index] == result
    post: _[:index] == row[:index] and _[index + 1:] == row[index + 1:]
    post: len(_) == len(row)
    """
    return iaa.with_result(row, index, result)


@breaks(a_result_stands_at_the_index_of_its_job, iaa.with_result)
def appends_it(row: Sequence[T], index: int, result: T) -> tuple[T, ...]:
    """Results stand in the order in which jobs end."""
    return (*row, result)


@breaks(a_result_stands_at_the_index_of_its_job, iaa.with_result)
def forgets_the_others(row: Sequence[T], index: int, result: T) -> tuple[T, ...]:
    """Every job has the result of the last."""
    return (result,) * len(row)


def every_job_is_submitted_once(lengths: tuple[int, ...]) -> tuple[int, ...]:
    """The order of submission has every job of the batch in it, once.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c iaa_comp_adecompress_batch(), batching v10 16/25
    Requirement: I10

    pre: len(lengths) <= 3
    pre: all(1 <= length <= 4096 for length in lengths)
    post: sorted(_) == list(range(len(lengths)))
    """
    return iaa.largest_first(lengths)


@breaks(every_job_is_submitted_once, iaa.largest_first)
def forgets_the_rest(lengths: Sequence[int]) -> tuple[int, ...]:
    """Only the largest is submitted."""
    return (0,)


def the_largest_two_are_submitted_first(lengths: tuple[int, int, int]) -> tuple[int, ...]:
    """No job is larger than the first, none but that is larger than the second; the rest keep their order.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c iaa_comp_adecompress_batch(), batching v10 16/25
    Requirement: I10

    pre: all(1 <= length <= 4096 for length in lengths)
    post: all(lengths[_[0]] >= length for length in lengths)
    post: lengths[_[1]] >= lengths[_[2]]
    post: implies(lengths[0] == lengths[1] == lengths[2], _ == (2, 1, 0))
    """
    return iaa.largest_first(lengths)


@breaks(the_largest_two_are_submitted_first, iaa.largest_first)
def keeps_their_order(lengths: Sequence[int]) -> tuple[int, ...]:
    """Jobs are submitted as they come."""
    return tuple(range(len(lengths)))


def a_chain_goes_with_its_head(sent: int, in_flight: bool, other: int) -> bool:
    """A chain is given up exactly if its head was refused; what becomes of later members stops nobody.

    Source: crypto/acompress.c acomp_do_req_chain(), batching v8
    Requirement: A4

    pre: 0 <= sent < 8
    pre: -ERRNO <= other <= 0
    pre: other != -errno.EINPROGRESS
    post: implies(_, sent == 0)
    post: implies(sent == 0, _ == (not in_flight and other != 0))
    """
    return iaa.chain_given_up(sent, -errno.EINPROGRESS if in_flight else other)


@breaks(a_chain_goes_with_its_head, iaa.chain_given_up)
def gives_up_for_any_member(sent: int, error: int) -> bool:
    """A member that is refused takes the others along."""
    return error not in (0, -errno.EINPROGRESS)


@breaks(a_chain_goes_with_its_head, iaa.chain_given_up)
def gives_up_what_is_in_flight(sent: int, error: int) -> bool:
    """A head that the device has counts as refused."""
    return sent == 0 and error != 0


def a_chain_returns_the_error_of_its_head(length: int) -> int:
    """A result is no error, and an error is handed on as it is.

    Source: crypto/acompress.c acomp_do_req_chain(), batching v8
    Requirement: A4

    pre: -ERRNO <= length <= 4096
    post: implies(length >= 0, _ == 0)
    post: implies(length < 0, _ == length)
    """
    return iaa.error_of_head(length)


@breaks(a_chain_returns_the_error_of_its_head, iaa.error_of_head)
def returns_the_length(length: int) -> int:
    """The length of the result is taken for an error."""
    return length


@breaks(a_chain_returns_the_error_of_its_head, iaa.error_of_head)
def returns_nothing(length: int) -> int:
    """The call always succeeds."""
    return 0
