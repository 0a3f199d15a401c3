"""Invariants of zram: each is broken by its bug, planted in a state or shown in the museum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from refmodel.kernel import zsmalloc
from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.zram_config import ZramSystem
from refmodel.kernel.zram_state import EMPTY, ZramPass
from refmodel.machine import evolve, run
from refmodel.museum import exhibit
from refmodel.profiles import NAMED, preset, profile
from refmodel.properties import PROPERTIES, at_rest, by_id, in_history, zram
from refmodel.properties.property import HistoryProperty, Property, StateProperty

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Event

OWN = [each for each in PROPERTIES if each in vars(zram).values()]


def stored() -> KernelView:
    """Return a system with a compressed page in one slot and a same-filled page in another."""
    made = profile("zram-7.3")
    codecs = {"tokens": Symbolic("tokens", (1024,))}
    config = made.config(
        preset("toy"),
        codecs,
        compressor="tokens",
        zswap_enabled=False,
        initial_pool=False,
        zram=ZramSystem(backing=2),
    )
    v = made.system(config)
    for page, content in enumerate((2, -1)):
        run(v, v.ops.write_page(0, page, content))
        run(v, v.ops.madvise_pageout(0, page, 1))
    return v


def slot(v: KernelView, page: int = 0, **fields: Any) -> None:
    """Plant what is said of the slot of a page."""
    place = v.at.zram.slot[v[v.at.pte[0][page]].slot]
    v[place] = evolve(v[place], **fields)


def block(v: KernelView, **fields: Any) -> None:
    """Plant what is said of the first block."""
    v[v.at.zram.block[1]] = evolve(v[v.at.zram.block[1]], **fields)


def forgotten(v: KernelView) -> None:
    """Forget what a slot holds."""
    v[v.at.zram.slot[v[v.at.pte[0][0]].slot]] = EMPTY


def taken(v: KernelView) -> None:
    """Take the compression stream."""
    v[v.at.ctx_locked[0][0]] = True


def counted(name: str) -> Callable[[KernelView], None]:
    """Count one too many."""

    def plant(v: KernelView) -> None:
        v[getattr(v.at.zram.count, name)] += 1

    return plant


def miscounted(v: KernelView) -> None:
    """Count a write that is not under way."""
    v[v.at.zram.ctl] = ZramPass(live=True, inflight=1)


IN_A_STATE: dict[str, tuple[Callable[[KernelView], None], ...]] = {
    "KC-21": tuple(
        counted(name) for name in ("pages_stored", "same_pages", "huge_pages", "compr_data_size", "bd_count")
    ),
    "ZR-1": (
        lambda v: slot(v, 1, size=8),
        lambda v: slot(v, wb=True),
        lambda v: slot(v, huge=True),
        lambda v: slot(v, size=4096),
        lambda v: slot(v, 1, same=False),
    ),
    "ZR-2": (lambda v: zsmalloc.free(v, 1), lambda v: slot(v, size=64)),
    "ZR-3": (forgotten, lambda v: block(v, used=True)),
    "ZR-5": (
        lambda v: slot(v, selected=True),
        lambda v: slot(v, locked=True),
        lambda v: block(v, io="read"),
        taken,
        lambda v: v.__setitem__(v.at.zram.busy, True),
    ),
    "ZR-6": (lambda v: block(v, io="write"), miscounted),
}
"""Planted states for each property."""


@pytest.mark.parametrize(
    ("id", "plant"), [(id, plant) for id, plants in IN_A_STATE.items() for plant in plants]
)
def test_a_planted_state_breaks_its_property_and_stored_pages_do_not(
    id: str, plant: Callable[[KernelView], None]
) -> None:
    found, v = by_id(id), stored()
    assert isinstance(found, StateProperty)
    assert found.check(v) is None
    plant(v)
    assert found.check(v)


def test_two_slots_have_an_object_each() -> None:
    found, v = by_id("ZR-2"), stored()
    assert isinstance(found, StateProperty)
    slot(v, 1, same=False, size=1024)
    assert "share handle 1" in (found.check(v) or "")


def test_a_page_without_its_swap_slot_is_one_whose_free_was_missed() -> None:
    found, v = by_id("ZR-4"), stored()
    assert isinstance(found, StateProperty)
    index = v[v.at.pte[0][0]].slot
    place = v.at.zram.slot[index]
    v[place] = evolve(v[place], locked=True)
    run(v, v.ops.zap_pages(0, 0, 1))
    v[place] = evolve(v[place], locked=False)
    assert found.check(v) is None
    v[v.at.zram.count.miss_free] -= 1
    assert f"zram slots [{index}]" in (found.check(v) or "")


BIO: Event = ("zram_bio", {"slot": 4, "nr": 2})
STORE: Event = ("zram_store", {"slot": 5})
FAILED: Event = ("zram_bio_failed", {"slot": 4})


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([BIO, FAILED], None),
        ([BIO, STORE, BIO, FAILED], None),
        ([BIO, STORE, FAILED], "the bio of slot 4 failed with 1 pages stored; expected 0"),
    ],
)
def test_a_bio_that_fails_has_stored_nothing_since_it_began(events: list[Event], said: str | None) -> None:
    found, v = by_id("ZR-7"), stored()
    assert isinstance(found, HistoryProperty)
    assert found.check(events, v) == said


def test_every_property_is_planted_here_or_shown_in_the_museum() -> None:
    assert {each.id for each in OWN} == {*IN_A_STATE, "ZR-4", "ZR-7"}


@pytest.mark.parametrize(
    "each", [each for each in OWN if "planted" not in each.bug], ids=lambda each: each.id
)
def test_the_bug_that_a_property_names_is_in_the_museum_and_meets_it(each: Property) -> None:
    shown = exhibit(each.bug)
    assert each.id in (shown.meets, *shown.breaks)


@pytest.mark.parametrize("name", NAMED)
def test_profiles_without_zram_have_none_of_these_properties(name: str) -> None:
    made = profile(name)
    ids = {each.id for each in (*at_rest(made), *in_history(made))}
    assert ("ZR-1" in ids) == name.startswith("zram-")
