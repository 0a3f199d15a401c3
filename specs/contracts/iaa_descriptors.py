"""Which descriptor a job gets, and how often it tries to get one."""

from __future__ import annotations

import errno

from refmodel.engines.contract import breaks
from refmodel.kernel import iaa_decisions as iaa

ENTRIES = 3
"""Descriptors of a queue, at most."""

TRIES = 2000
"""Attempts of a job, at most: those of the dynamic mode."""

ERRNO = 4095
"""The largest errno that a kernel function returns."""


# --- descriptors ------------------------------------------------------------------------------------------


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


# --- attempts ---------------------------------------------------------------------------------------------


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
