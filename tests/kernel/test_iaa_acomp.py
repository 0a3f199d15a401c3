"""The queues under zswap: pages that are swapped out go through them, really compressed."""

from __future__ import annotations

import zlib

import attrs
import pytest

from refmodel.kernel.crypto import DeflateIaa, DeflateIaaDynamic
from refmodel.kernel.iaa_config import IaaSystem, one_device
from refmodel.kernel.iaa_topology import Queue
from refmodel.kernel.table import KernelView
from refmodel.museum import without_known_bugs
from refmodel.profiles import preset, profile
from tests.kernel.iaa import BATCHES, counted, do

NOISE = b"".join(zlib.crc32(bytes([k % 256, k // 256])).to_bytes(4, "big") for k in range(1024))
"""A page that does not become shorter."""


def page(number: int) -> bytes:
    """Return a page that becomes shorter; no two numbers have the same."""
    return (f"page {number} of a process; ".encode() * 256)[:4096]


def swap(name: str, *contents: bytes, queue: int = 8) -> KernelView:
    """Return a system in which a folio of these pages was swapped out."""
    made, sizes = (
        without_known_bugs(profile(name)),
        attrs.evolve(preset("batches"), cpus=1, nodes=1, max_batch=8),
    )
    devices = IaaSystem(one_device(1, (Queue(queue),)), tries=2)
    v = made.system(made.config(sizes, compressor="deflate-iaa", iaa=devices))
    do(v, v.ops.set_thp(order=len(contents).bit_length() - 1, on=True))
    for number, content in enumerate(contents):
        do(v, v.ops.write_page(0, number, content))
    do(v, v.ops.madvise_pageout(0, 0, len(contents)))
    return v


@pytest.mark.parametrize("name", BATCHES)
def test_a_large_folio_is_compressed_by_the_device_and_read_again(name: str) -> None:
    contents = tuple(page(number) for number in range(2, 10))
    v = swap(name, *contents)
    assert counted(v)["total_comp_calls"] == 8
    assert v[v.at.zs.stored_pages] == 8
    for number, content in enumerate(contents):
        assert do(v, v.ops.read_page(0, number)) == content


def test_results_are_raw_deflate_with_fixed_codes_and_a_window_of_a_page() -> None:
    v = swap("iaa-v14", *(page(number) for number in range(2, 10)))
    stored = [v[place] for place in v.at.zs_object if v[place] is not None]
    assert len(stored) == 8
    for each in stored:
        assert each is not None
        assert each.data[0] & 7 == 3  # the last block, of fixed codes
        assert len(zlib.decompressobj(-12).decompress(each.data)) == 4096
        assert len(each.data) == each.size


def test_a_page_that_does_not_become_shorter_is_stored_raw_in_v14_and_refused_in_v9() -> None:
    assert DeflateIaa().outcomes(NOISE)[0].errno == 7  # type: ignore[union-attr]  # an error
    contents = (page(2), NOISE, page(3), page(4))
    v = swap("iaa-v14", *contents)
    assert (v[v.at.zs.stored_pages], v[v.at.zs.reject_compress_fail]) == (4, 0)
    assert counted(v)["total_completion_comp_buf_overflow_errors"] == 1
    assert [do(v, v.ops.read_page(0, k)) for k in range(4)] == [*contents]
    v = swap("iaa-v9", *contents)
    assert (v[v.at.zs.stored_pages], v[v.at.zs.reject_compress_fail]) == (0, 1)


def test_pages_without_a_descriptor_are_stored_raw_in_v14() -> None:
    v = swap("iaa-v14", *(page(number) for number in range(2, 6)), queue=2)
    sizes = sorted(v[place].size for place in v.at.zs_object if v[place] is not None)  # type: ignore[union-attr]
    assert sizes[2:] == [4096, 4096]
    assert sizes[1] < 4096
    assert do(v, v.ops.read_page(0, 3)) == page(5)


def test_other_compressors_pass_the_queues_by() -> None:
    made, sizes = profile("iaa-v14"), preset("toy")
    v = made.system(made.config(sizes, compressor="zstd"))
    do(v, v.ops.write_page(0, 0, page(2)))
    do(v, v.ops.madvise_pageout(0, 0, 1))
    assert v[v.at.zs.stored_pages] == 1
    assert not counted(v)


def test_dynamic_mode_makes_blocks_with_tables_of_their_own() -> None:
    """The page has letters of very different frequency, for which fixed codes are poor."""
    made = without_known_bugs(profile("iaa-v13-dynamic"))
    sizes = attrs.evolve(preset("toy"), cpus=1, nodes=1)
    text = bytes(255 if zlib.crc32(bytes([k % 256, k // 256])) % 9 else k % 7 for k in range(4096))
    lengths = []
    for device in (DeflateIaaDynamic(), DeflateIaa()):
        v = made.system(made.config(sizes, {device.name: device}, compressor=device.name))
        lengths.append(do(v, v.ops.iaa_call(0, "compress", text)))
        assert do(v, v.ops.iaa_call(0, "decompress", text)) == 4096
    assert 0 < lengths[0] < lengths[1]
