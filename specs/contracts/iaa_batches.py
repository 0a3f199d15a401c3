"""Which job of an IAA batch is submitted or polled next, and what becomes of results and of chains."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from typing import TypeVar

from refmodel.engines.contract import breaks
from refmodel.kernel import iaa_decisions as iaa

T = TypeVar("T")

ERRNO = 4095
"""The largest errno that a kernel function returns."""

JOBS = 4
"""Jobs of a batch."""


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


def the_rest_keep_their_order(lengths: tuple[int, ...]) -> tuple[int, ...]:
    """Behind the two largest the jobs of a batch are submitted as they came.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c iaa_comp_adecompress_batch(), batching v10 16/25
    Requirement: I10
    Random: JOBS = 8

    pre: len(lengths) == JOBS
    pre: all(1 <= length <= 2 for length in lengths)
    post: all(_[k] < _[k + 1] for k in range(2, JOBS - 1))
    """
    return iaa.largest_first(lengths)


@breaks(the_rest_keep_their_order, iaa.largest_first)
def sorts_them_all(lengths: Sequence[int]) -> tuple[int, ...]:
    """All jobs are submitted by their length."""
    return tuple(sorted(range(len(lengths)), key=lambda k: lengths[k], reverse=True))


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
