"""The arithmetic of the IAA driver, function by function."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmodel.kernel import iaa_mapping as mapping

COUNT = st.integers(1, 40)


@given(COUNT, COUNT)
def test_shares_are_never_zero(cpus: int, devices: int) -> None:
    """More devices than CPUs, or than packages, leave a share of one (IAA-29)."""
    assert mapping.cpus_per_iaa(cpus, devices) >= 1
    assert mapping.devices_per_package(cpus, devices) >= 1
    assert mapping.cpus_per_iaa(cpus, devices) == max(mapping.cpus_per_iaa_unbounded(cpus, devices), 1)


def test_without_the_bound_a_share_can_be_zero() -> None:
    """One CPU and two devices (I02)."""
    assert mapping.cpus_per_iaa_unbounded(1, 2) == 0


@given(st.integers(0, 500), st.integers(0, 8), COUNT, COUNT, COUNT, COUNT)
def test_every_cpu_is_mapped_to_a_device(
    cpu: int, package: int, cores: int, per_package: int, per_iaa: int, devices: int
) -> None:
    assert 0 <= mapping.cpu_to_iaa(cpu, package, cores, per_package, per_iaa, devices) < devices


@given(COUNT, COUNT, COUNT)
def test_a_start_is_in_the_table(queues: int, per_package: int, position: int) -> None:
    assert 0 <= mapping.start_cursor(queues, per_package, position) < queues


@pytest.mark.parametrize(
    ("queues", "g", "one_by_one", "documented"),
    [
        (1, 0, "g", "g"),
        (1, 1, "g", "g"),
        (1, 2, "g", "g"),
        (2, 0, "gg", "gg"),
        (2, 1, "gc", "gc"),
        (2, 2, "gc", "gg"),
        (3, 0, "ggg", "ggg"),
        (3, 1, "gcc", "ggc"),
        (3, 2, "gcc", "gcc"),
        (4, 0, "gggg", "gggg"),
        (4, 1, "gccc", "gggc"),
        (4, 2, "gccc", "ggcc"),
    ],
)
def test_types_of_queues(queues: int, g: int, one_by_one: str, documented: str) -> None:
    """g: generic, c: compression only.  Bound one by one, all but the first are for compression if g is not 0."""

    def letters(types: tuple[bool, ...]) -> str:
        return "".join("g" if generic else "c" for generic in types)

    assert letters(mapping.typed_one_by_one(queues, g)) == one_by_one
    assert letters(mapping.typed_as_documented(queues, g)) == documented


@given(st.integers(1, 8), st.integers(0, 9))
def test_typed_in_one_shot_queues_are_as_documented_while_there_are_more_than_g(queues: int, g: int) -> None:
    """With no more than g, one shot leaves one generic queue, where the documentation has all generic."""
    one_shot = mapping.typed_one_shot(queues, g)
    if queues > g:
        assert one_shot == mapping.typed_as_documented(queues, g)
    else:
        assert one_shot == (True,) + (False,) * (queues - 1)


@given(st.integers(1, 8), st.integers(0, 9))
def test_a_device_always_has_a_generic_queue(queues: int, g: int) -> None:
    """The first one is, so decompression is never without."""
    for types in (mapping.typed_one_shot(queues, g), mapping.typed_one_by_one(queues, g)):
        assert types[0]


@given(st.integers(1, 64), st.data())
def test_both_ways_to_wrap_agree_inside_the_table(queues: int, data: st.DataObject) -> None:
    cursor = data.draw(st.integers(0, queues - 1))
    assert mapping.next_wrapping(cursor, queues) == mapping.next_equal(cursor, queues)


@given(st.integers(1, 64), st.integers(0, 64))
def test_past_the_table_only_one_way_comes_back(queues: int, beyond: int) -> None:
    """A table that shrank under its reader (IAA-H5)."""
    cursor = queues + beyond
    assert mapping.next_wrapping(cursor, queues) == 0
    assert mapping.next_equal(cursor, queues) == cursor + 1
