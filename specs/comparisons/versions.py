"""The same decision in two versions, side by side: what each answers for the same inputs."""

from __future__ import annotations

import errno

from refmodel.kernel import iaa_decisions as jobs
from refmodel.kernel import iaa_mapping as iaa
from refmodel.kernel import iaa_status
from refmodel.kernel import limit_decisions as limits
from refmodel.kernel import zsmalloc_classes as zs
from refmodel.kernel.iaa_status import Completion
from refmodel.profiles import profile

PAGES = 2**40
"""Pages of a machine, at most."""


def whether_a_full_pool_refuses(cur: int, limit: int, threshold: int, full: bool) -> tuple[bool, bool]:
    """Whether pools count as full: Linux 6.1 beside 6.12 and later.

    Source: mm/zswap.c zswap_frontswap_store(), Linux 6.1.192; zswap_check_limits(), Linux 6.12.117
    Requirement: Z1
    Versions: linux-6.1 and linux-6.12
    Expect: different

    pre: 0 <= cur <= PAGES
    pre: 0 <= threshold <= limit <= PAGES
    post: _[0] == _[1]
    """
    return limits.stays_full_61(cur, limit, threshold, full), limits.stays_full(cur, limit, threshold, full)


def whether_a_pool_between_the_marks_refuses(
    cur: int, limit: int, threshold: int, full: bool
) -> tuple[bool, bool]:
    """Whether pools count as full while they hold more than the threshold and less than the limit: 6.1 beside 6.12.

    Source: mm/zswap.c zswap_frontswap_store(), Linux 6.1.192; zswap_check_limits(), Linux 6.12.117
    Requirement: Z1
    Versions: linux-6.1 and linux-6.12
    Expect: alike

    pre: 0 <= threshold < cur < limit <= PAGES
    post: _[0] == _[1]
    """
    return limits.stays_full_61(cur, limit, threshold, full), limits.stays_full(cur, limit, threshold, full)


def where_a_full_pool_accepts_again(totalram: int, percent: int, accept: int) -> tuple[int, int]:
    """The accept threshold in pages: Linux 6.1 beside 6.12 and later, which round in another order.

    Source: mm/zswap.c zswap_can_accept(), Linux 6.1.192; zswap_accept_thr_pages(), Linux 6.12.117
    Requirement: Z1
    Versions: linux-6.1 and linux-6.12
    Expect: different

    pre: 0 <= totalram <= PAGES
    pre: 0 <= percent <= 100
    pre: 0 <= accept <= 100
    post: _[0] == _[1]
    """
    later = limits.threshold_pages(limits.limit_pages(totalram, percent), accept)
    return limits.threshold_pages_61(totalram, percent, accept), later


def which_group_a_zspage_is_in(inuse: int, objs: int) -> tuple[bool, bool]:
    """Whether a zspage counts as nearly full: more than three quarters in 6.1, from eight tenths on in 6.12.

    Source: mm/zsmalloc.c get_fullness_group(), Linux 6.1 and 6.12
    Requirement: Z1
    Versions: linux-6.1 and linux-6.12
    Expect: different

    pre: 1 <= objs <= 512
    pre: 0 < inuse < objs
    post: _[0] == _[1]
    """
    return zs.three_quarters_group(inuse, objs) == 2, zs.inuse_ratio_group(inuse, objs) >= 9


def which_queue_is_next(cursor: int, queues: int) -> tuple[int, int]:
    """The next queue of a table that has not shrunk: Linux 6.12 beside batching v9.

    Source: wq_table_next_wq(), Linux 6.12.117; comp_wq_table_next_wq(), batching v9 06/19
    Requirement: I3, I5
    Versions: iaa-6.12 and iaa-v9
    Expect: alike

    pre: 0 <= cursor < queues <= 64
    post: _[0] == _[1]
    """
    return iaa.next_wrapping(cursor, queues), iaa.next_equal(cursor, queues)


def which_queue_is_next_after_an_unbind(cursor: int, queues: int) -> tuple[int, int]:
    """The next queue of a table that has shrunk under the cursor: Linux 6.12 beside batching v9 (IAA-H5).

    Source: wq_table_next_wq(), Linux 6.12.117; comp_wq_table_next_wq(), batching v9 06/19
    Requirement: I3, I5
    Versions: iaa-6.12 and iaa-v9
    Expect: different

    pre: 1 <= queues <= cursor <= 64
    post: _[0] == _[1]
    """
    return iaa.next_wrapping(cursor, queues), iaa.next_equal(cursor, queues)


def which_queues_decompress(queues: int, g: int) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """The types of a device's queues if all are bound before any is typed: the driver beside its documentation.

    Source: map_iaa_device_wqs() and Documentation/driver-api/crypto/iaa/iaa-crypto.rst, batching v9 06/19
    Requirement: I1
    Versions: iaa-v9 and its documentation
    Expect: different

    pre: 1 <= queues <= 8
    pre: 0 <= g <= 8
    post: _[0] == _[1]
    """
    return iaa.typed_one_shot(queues, g), iaa.typed_as_documented(queues, g)


def what_share_a_device_gets(cpus: int, devices: int) -> tuple[int, int]:
    """The CPUs of a device: before 5a7e89d3315d beside since then.

    Source: save_iaa_wq(), Linux 6.8 as released and later
    Requirement: I2
    Versions: Linux 6.8 and iaa-6.12
    Expect: different

    pre: 1 <= cpus <= 4096
    pre: 1 <= devices <= 64
    post: _[0] == _[1]
    """
    return iaa.cpus_per_iaa_unbounded(cpus, devices), iaa.cpus_per_iaa(cpus, devices)


COUNTED = {name: profile(name).options.memcg_counts_incompressible for name in ("linux-6.18", "linux-7.3")}
"""Which kernels count incompressible pages for a cgroup."""


def whether_a_page_counts_as_incompressible(length: int) -> tuple[bool, bool]:
    """Whether storing a page moves the cgroup's counter of incompressible pages: there is none before 7.3.

    Source: mm/memcontrol.c obj_cgroup_charge_zswap(), Linux 6.18.15 and 7.3.4
    Requirement: Z5
    Versions: linux-6.18 and linux-7.3
    Expect: different

    pre: 1 <= length <= 4096
    post: _[0] == _[1]
    """
    former, later = (limits.counts_as_incompressible(length, each) for each in COUNTED.values())
    return former, later


def who_reads_a_page_that_the_device_did_not(status: int) -> tuple[bool, bool]:
    """Whether software decompresses what the device did not: after bad data only, beside after every failure.

    Source: iaa_comp_adecompress(), Linux 6.12.117 and batching v9
    Requirement: I8
    Versions: iaa-6.12 and iaa-v9
    Expect: different

    pre: 2 <= status <= 255
    post: _[0] == _[1]
    """
    error = -iaa_status.errno_of("decompress", Completion(status))
    return jobs.software_can("decompress", status), jobs.software_takes_over("decompress", error)


def what_a_job_without_a_descriptor_does(empty: bool, compresses: bool) -> tuple[str, str]:
    """Whether a job sleeps for a descriptor, tries again or fails: 6.12 has no limit of attempts, the series has one.

    Source: drivers/dma/idxd/submit.c idxd_alloc_desc(), Linux 6.12.117; the loops around it, batching v9
    Requirement: I7
    Versions: iaa-6.12 and iaa-v9
    Expect: different

    post: _[0] == _[1]
    """
    error = -errno.EAGAIN if empty else -errno.EIO
    former, later = (jobs.without_descriptor(error, tries[compresses]) for tries in TRIES.values())
    return former, later


def _tries(name: str) -> tuple[int, int]:
    """Return the attempts of a decompression and of a compression."""
    options = profile(name).options.iaa
    assert options is not None
    return options.decomp_tries, options.comp_tries


TRIES = {name: _tries(name) for name in ("iaa-6.12", "iaa-v9")}
"""Attempts of a job to get a descriptor."""
