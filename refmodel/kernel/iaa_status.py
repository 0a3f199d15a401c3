"""What an IAA device says of a job when it is done, and what the driver makes of it.

A completion record has a status and an error code: two fields, in which the same number means different things.

Source: include/uapi/linux/idxd.h and check_completion() of drivers/crypto/intel/iaa/iaa_crypto_main.c, Linux 6.12.117.
"""

from __future__ import annotations

from errno import E2BIG, EINVAL, EOVERFLOW, ETIMEDOUT
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Op = Literal["compress", "decompress"]

OUTPUT_DOES_NOT_FIT: Final = 0x19
"""Error code of an analytics error: the result is longer than the destination.  As a status 0x19 is another thing."""


class Completion(NamedTuple):
    """What a device reports.

    status: 0 while the job is not finished, 1 for success.  error_code: says more about an analytics error.
    """

    status: int
    error_code: int = 0


NONE: Final = Completion(0x00)
"""The record of a job that is not finished."""

SUCCESS: Final = Completion(0x01)

ANALYTICS_ERROR: Final = 0x0A

OVERFLOW: Final = Completion(ANALYTICS_ERROR, OUTPUT_DOES_NOT_FIT)
"""What a device says of a page that does not become shorter."""

BAD_DATA: Final = Completion(ANALYTICS_ERROR, 0xFF)
"""What a device says of data that it cannot decompress; the error codes other than 0x19 are UNVERIFIED."""

STATUSES: Final[Mapping[str, Completion]] = MappingProxyType(
    {
        "page_fault_ir": Completion(0x04),
        "analytics_error": BAD_DATA,
        "output_does_not_fit": OVERFLOW,
        "outbuf_overflow": Completion(0x0B),
        "bad_opcode": Completion(0x10),
        "invalid_flags": Completion(0x11),
        "nozero_reserve": Completion(0x12),
        "invalid_size": Completion(0x13),
        "overlap_buffers": Completion(0x16),
        "int_handle_inval": Completion(0x19),
        "cra_xlat": Completion(0x1A),
        "cra_align": Completion(0x1B),
        "addr_align": Completion(0x1C),
        "priv_bad": Completion(0x1D),
        "traffic_class_conf": Completion(0x1E),
        "pfault_rdba": Completion(0x1F),
        "hw_err1": Completion(0x20),
        "hw_err_drb": Completion(0x21),
        "translation_fail": Completion(0x22),
        "prs_timeout": Completion(0x23),
        "watchdog": Completion(0x24),
        "invalid_comp_flag": Completion(0x30),
        "invalid_filter_flag": Completion(0x31),
        "invalid_input_size": Completion(0x32),
        "invalid_num_elems": Completion(0x33),
        "invalid_src1_width": Completion(0x34),
        "invalid_invert_out": Completion(0x35),
    }
)
"""Every way in which a job can fail on a device, by name.

The numbers from 0x19 to 0x23 are those of the list in its order; the abort of the software (0xff) is not among them,
because nothing but an abort path sets it.
"""

ONE_OF_EACH: Final = ("page_fault_ir", "analytics_error", "outbuf_overflow", "watchdog")
"""Failures that the driver tells apart: the others end as the first does."""


def errno_of(op: Op, found: Completion) -> int:
    """Return 0 or the errno that the driver makes of what a device reports of a finished job.

    Source: check_completion(), Linux 6.12.117; the same in 7.3.4 and in batching v13.
    """
    if found.status == SUCCESS.status:
        return 0
    if op == "compress" and found == OVERFLOW:
        return E2BIG
    if found.status == STATUSES["outbuf_overflow"].status:
        return EOVERFLOW
    return ETIMEDOUT if found.status == STATUSES["watchdog"].status else EINVAL
