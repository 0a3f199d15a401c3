"""What a failure of an IAA job is called, where it is counted, and whether software takes the job over."""

from __future__ import annotations

import errno

from refmodel.engines.contract import breaks
from refmodel.kernel import iaa_decisions as iaa
from refmodel.kernel import iaa_status
from refmodel.kernel.iaa_status import Completion, Op

ERRNO = 4095
"""The largest errno that a kernel function returns."""

RECORD = 255
"""Statuses and error codes are bytes."""


def _op(compresses: bool) -> Op:
    """Return the direction of a job."""
    return "compress" if compresses else "decompress"


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
