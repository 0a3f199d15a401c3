"""What an observer sees of a system at rest."""

from __future__ import annotations

import random
from typing import Any

import pytest

from refmodel.engines.commands import KINDS
from refmodel.engines.setting import TOKENS, Setting
from refmodel.engines.trial import Trial
from refmodel.engines.walk import BYTES, walk
from refmodel.kernel.choices import ALLOC_SLOT
from refmodel.kernel.table import KernelView
from refmodel.machine import ChoicePoint, run
from refmodel.profiles import PROFILES, Profile, profile
from refmodel.properties.observation import LEVELS, SEES, Level, Observer, event_counters, shows, spelled


def system(which: str = "linux-7.3") -> KernelView:
    return Setting(TOKENS).system(profile(which), "toy")


def seen(v: KernelView, level: Level = "data", kernel: str = "7.3") -> dict[str, Any]:
    return Observer(v, kernel, level).sees()


def failing(point: ChoicePoint) -> Any:
    return lambda asked, options: options[asked == point]


def test_each_level_sees_what_those_before_it_see() -> None:
    v = system()
    names = [set(seen(v, level)) for level in LEVELS]

    assert names[0] < names[1] < names[2]
    assert list(SEES) == list(LEVELS)


def test_pages_are_seen_where_they_are() -> None:
    v = system()
    run(v, v.ops.write_page(0, 0, 2))
    run(v, v.ops.read_page(0, 1))
    run(v, v.ops.write_page(0, 2, 3))
    run(v, v.ops.madvise_pageout(0, 2, 1))

    pages = [seen(v)[f"page {page} of process 0"] for page in range(4)]
    assert pages == ["in memory", "zero page", "swapped out", "nowhere"]


def test_a_page_that_only_the_device_has_is_seen_with_its_bytes() -> None:
    v = system()
    run(v, v.ops.set_param("enabled", "0"))
    run(v, v.ops.write_page(0, 0, 2))
    run(v, v.ops.madvise_pageout(0, 0, 1))
    folio = next(n for n, place in enumerate(v.at.folio) if v[place] is not None)
    run(v, v.ops.end_swap_write(folio=folio))

    assert seen(v)["page 0 of process 0"] == ("on the device", 2)


def test_the_level_data_does_not_see_counters() -> None:
    v = system()
    before = seen(v)
    v[v.at.vm.pgmajfault] += 1

    assert seen(v) == before
    assert seen(v, "counters")["vm.pgmajfault"] == 1


@pytest.mark.parametrize(
    ("name", "kernels"),
    [
        ("vm.pswpin", ["6.1", "6.12", "6.18", "6.19", "7.3"]),
        ("vm.zswpwb", ["6.12", "6.18", "6.19", "7.3"]),
        ("zs.duplicate_entry", ["6.1"]),
        ("memcg.zswap_incomp", ["7.3"]),
    ],
)
def test_a_kernel_shows_the_counters_that_recordings_of_it_have(name: str, kernels: list[str]) -> None:
    """``specs/traces`` has the headers; a kernel between two of them shows what the older one shows."""
    assert [each for each in ("6.1", "6.12", "6.18", "6.19", "7.3") if shows(each, name)] == kernels


def test_a_counter_that_a_kernel_does_not_show_is_not_seen() -> None:
    v = system("linux-6.12")

    assert "memcg[1].pswpin" in seen(v, "counters", "6.18")
    assert "memcg[1].pswpin" not in seen(v, "counters", "6.12")


def test_a_cgroup_that_is_gone_is_seen_in_its_parent_only() -> None:
    v = system("linux-6.18")
    run(v, v.ops.write_page(0, 0, 2))
    run(v, v.ops.madvise_pageout(0, 0, 1))
    run(v, v.ops.memcg_offline(1))

    found = seen(v, "counters", "6.18")
    assert "memcg[1].zswapped" not in found
    assert found["memcg[0].zswapped"] == 1


def test_lists_are_seen_as_pages_not_as_numbers_of_entries() -> None:
    v = system()
    run(v, v.ops.write_page(0, 0, 2))
    run(v, v.ops.madvise_pageout(0, 0, 1))

    listed = seen(v, "strict")["LRU list of cgroup 1 on node 0, coldest first"]
    assert listed == ("page 0 of process 0",)


def test_a_page_of_zeroes_has_one_spelling() -> None:
    assert (spelled(bytes(4096)), spelled(0), spelled(7)) == (0, 0, 7)


@pytest.mark.parametrize("which", PROFILES.values(), ids=PROFILES)
def test_what_happens_does_not_depend_on_counters_of_events(which: Profile) -> None:
    """A walk goes the same way when they begin with other values."""
    one, other = (Trial(Setting(TOKENS).system(which, "toy"), ()) for _ in range(2))
    events = event_counters(one.v)
    for seed in range(6):
        data = random.Random(seed).randbytes(BYTES)
        moves = walk(one, KINDS.of(which.operations), data).moves
        other.initial = tuple(
            value + 1000 if place in events else value for place, value in enumerate(one.initial)
        )
        assert walk(other, KINDS.of(which.operations), data).moves == moves
        assert [v - 1000 * (p in events) if p in events else v for p, v in enumerate(other.v)] == list(one.v)


def test_a_failure_leaves_a_page_in_memory() -> None:
    v = system()
    run(v, v.ops.write_page(0, 0, 2))
    v.choose = failing(ALLOC_SLOT)
    run(v, v.ops.madvise_pageout(0, 0, 1))

    assert seen(v)["page 0 of process 0"] == "in memory"
