"""What a device reports, and what the driver makes of it."""

from errno import E2BIG, EINVAL, EOVERFLOW, ETIMEDOUT

import pytest

from refmodel.kernel.iaa_status import OUTPUT_DOES_NOT_FIT, OVERFLOW, STATUSES, SUCCESS, errno_of


def test_success_is_no_error() -> None:
    assert errno_of("compress", SUCCESS) == errno_of("decompress", SUCCESS) == 0


def test_a_page_that_does_not_become_shorter_is_too_big() -> None:
    assert errno_of("compress", OVERFLOW) == E2BIG


def test_the_same_number_as_a_status_is_another_thing() -> None:
    assert STATUSES["int_handle_inval"].status == OUTPUT_DOES_NOT_FIT
    assert errno_of("compress", STATUSES["int_handle_inval"]) == EINVAL


def test_numbers_run_from_the_first_to_the_last_of_each_range() -> None:
    assert [STATUSES[name].status for name in ("int_handle_inval", "prs_timeout", "watchdog")] == [
        0x19,
        0x23,
        0x24,
    ]
    assert [STATUSES[name].status for name in ("invalid_comp_flag", "invalid_invert_out")] == [0x30, 0x35]


OWN_ERRNO = {"outbuf_overflow": EOVERFLOW, "watchdog": ETIMEDOUT}


@pytest.mark.parametrize("name", STATUSES)
def test_every_other_status_has_the_errno_of_its_kind(name: str) -> None:
    assert errno_of("decompress", STATUSES[name]) == OWN_ERRNO.get(name, EINVAL)
