"""The queues under zswap page by page: what is read, written back, and in mainline stored, are jobs of the device."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from refmodel.kernel.iaa_config import IaaSystem, one_device
from refmodel.kernel.iaa_topology import Queue
from refmodel.kernel.swap_fault import SIGBUS
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_load import CannotDecompress, KernelBug
from refmodel.museum import without_known_bugs
from refmodel.profiles import preset, profile
from tests.kernel.iaa import DRIVERS, answers, counted, do
from tests.kernel.test_iaa_acomp import NOISE, page

MAINLINE = DRIVERS[:2]


def system(name: str, queue: int = 4, *, written: bool = False, **fixed: Any) -> KernelView:
    """Return a system whose pool has the device's compressor; results are not verified."""
    made = profile(name) if written else without_known_bugs(profile(name))
    sizes = attrs.evolve(preset("toy"), cpus=1, nodes=1)
    devices = IaaSystem(one_device(1, (Queue(queue),)), **({"verify_compress": False} | fixed))
    return made.system(made.config(sizes, compressor="deflate-iaa", iaa=devices))


def stored(name: str, content: bytes = page(2), **fixed: Any) -> KernelView:
    """Return a system in which one page was swapped out."""
    v = system(name, **fixed)
    do(v, v.ops.write_page(0, 0, content))
    do(v, v.ops.madvise_pageout(0, 0, 1))
    return v


@pytest.mark.parametrize("name", DRIVERS)
def test_a_page_is_stored_and_read_by_jobs_of_the_device(name: str) -> None:
    v = stored(name)
    assert v[v.at.zs.stored_pages] == 1
    length = next(v[place].size for place in v.at.zs_object if v[place] is not None)  # type: ignore[union-attr]
    assert do(v, v.ops.read_page(0, 0)) == page(2)
    assert counted(v) == {
        "total_comp_calls": 1,
        "total_comp_bytes_out": length,
        "total_decomp_calls": 1,
        "total_decomp_bytes_in": length,
    }


@pytest.mark.parametrize("name", DRIVERS)
def test_writeback_decompresses_with_the_device(name: str) -> None:
    v = stored(name)
    do(v, v.ops.shrink_memcg(memcg=1))
    do(v, v.ops.shrink_memcg(memcg=1))
    assert (v[v.at.vm.zswpwb], counted(v)["total_decomp_calls"]) == (1, 1)


@pytest.mark.parametrize("name", ["iaa-v8", "iaa-v9", "iaa-v13", "iaa-v14"])
def test_who_gets_no_descriptor_in_time_reads_with_software(name: str) -> None:
    v = stored(name, queue=1, tries=3)
    do(v, v.ops.iaa_job(0, "compress", page(3), poll=True))
    assert do(v, v.ops.read_page(0, 0)) == page(2)
    assert counted(v)["total_sw_decomp_calls"] == 1
    assert "total_decomp_calls" not in counted(v)


@pytest.mark.parametrize("name", DRIVERS)
def test_a_device_that_fails_is_replaced_by_software_where_the_version_has_that(name: str) -> None:
    """Mainline does so after an analytics error alone; then 6.12 stops, and 7.3 counts and answers with an error."""
    v = stored(name, statuses=("analytics_error", "page_fault_ir"))
    v.choose = answers(iaa_status=(1,))
    assert do(v, v.ops.read_page(0, 0)) == page(2)
    assert counted(v)["total_sw_decomp_calls"] == 1

    v = stored(name, statuses=("page_fault_ir",))
    v.choose = answers(iaa_status=(1,))
    if name == "iaa-6.12":
        with pytest.raises(CannotDecompress, match="cannot be decompressed"):
            do(v, v.ops.read_page(0, 0))
    elif name == "iaa-7.3":
        assert do(v, v.ops.read_page(0, 0)) == SIGBUS
        assert v[v.at.zs.decompress_fail] == 1
    else:
        assert do(v, v.ops.read_page(0, 0)) == page(2)
    assert counted(v)["total_completion_einval_errors"] == 1


def test_the_time_out_of_a_device_reaches_the_reader_in_7_3() -> None:
    """The driver is off then, and as written nobody can read anything any more."""
    v = stored("iaa-7.3", written=True)
    v.choose = answers(iaa_spin=(1,))
    assert do(v, v.ops.read_page(0, 0)) == SIGBUS
    assert not v[v.at.iaa.crypto].enabled


@pytest.mark.parametrize("name", DRIVERS)
def test_damaged_bytes_are_found_by_the_device_and_by_software(name: str) -> None:
    v = stored(name)
    v.choose = answers(decompress=(1,))
    if name == "iaa-6.12":
        with pytest.raises(CannotDecompress):
            do(v, v.ops.read_page(0, 0))
    else:
        assert do(v, v.ops.read_page(0, 0)) == SIGBUS
        assert v[v.at.zs.decompress_fail] == 1
    assert counted(v)["total_completion_einval_errors"] == 1
    assert counted(v)["total_sw_decomp_calls"] == 1


def test_without_a_queue_6_12_stops_and_the_others_lose_the_reader_as_written() -> None:
    """As intended all of them read with software (IAA-H2, IAA-H27)."""
    for name in DRIVERS:
        v = stored(name)
        do(v, v.ops.iaa_unbind(0))
        assert do(v, v.ops.read_page(0, 0)) == page(2)
        v = stored(name, written=True)
        do(v, v.ops.iaa_unbind(0))
        if name == "iaa-6.12":
            with pytest.raises(KernelBug, match="is whole, and no queue takes it"):
                do(v, v.ops.read_page(0, 0))
        else:
            assert do(v, v.ops.read_page(0, 0)) == SIGBUS


def test_a_page_that_does_not_become_shorter_is_refused_in_6_12_and_kept_raw_in_7_3() -> None:
    """The driver says -E2BIG, which zswap counts as a failure, not as poor compression."""
    v = stored("iaa-6.12", NOISE)
    assert (v[v.at.zs.stored_pages], v[v.at.zs.reject_compress_fail], v[v.at.zs.reject_compress_poor]) == (
        0,
        1,
        0,
    )
    assert counted(v)["total_completion_comp_buf_overflow_errors"] == 1
    v = stored("iaa-7.3", NOISE)
    assert (v[v.at.zs.stored_pages], v[v.at.zs.stored_incompressible_pages]) == (1, 1)
    assert do(v, v.ops.read_page(0, 0)) == NOISE
    assert "total_decomp_calls" not in counted(v), "a raw page is copied"


@pytest.mark.parametrize("name", MAINLINE)
def test_mainline_verifies_what_it_stores(name: str) -> None:
    v = stored(name, verify_compress=True)
    assert v[v.at.zs.stored_pages] == 1
    assert counted(v)["total_comp_calls"] == 1


@pytest.mark.parametrize("name", DRIVERS)
def test_other_compressors_of_the_same_system_do_without_the_device(name: str) -> None:
    made = without_known_bugs(profile(name))
    v = made.system(made.config(preset("toy"), compressor="zstd"))
    do(v, v.ops.write_page(0, 0, page(2)))
    do(v, v.ops.madvise_pageout(0, 0, 1))
    assert do(v, v.ops.read_page(0, 0)) == page(2)
    assert not counted(v)
    do(v, v.ops.write_page(0, 0, page(3)))
    do(v, v.ops.madvise_pageout(0, 0, 1))
    v.choose = answers(decompress=(1,))
    if name == "iaa-6.12":
        with pytest.raises(CannotDecompress):
            do(v, v.ops.read_page(0, 0))
    else:
        assert do(v, v.ops.read_page(0, 0)) == SIGBUS
