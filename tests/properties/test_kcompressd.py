"""Invariants of queues of kcompressd: each is broken by its bug, planted in a state, in events, or in the museum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.folio import live_folio
from refmodel.kernel.kcompressd_config import KcompressdSystem
from refmodel.kernel.lru_lists import LruLists
from refmodel.kernel.state import FREE_SLOT, Pte
from refmodel.machine import evolve, run
from refmodel.museum import exhibit
from refmodel.museum.exhibit import Exhibit
from refmodel.profiles import NAMED, preset, profile
from refmodel.properties import PROPERTIES, at_rest, by_id, in_history, kcompressd
from refmodel.properties.property import HistoryProperty, StateProperty
from tests.properties.kcompressd_mutants import KCOMPRESSD_MUTANTS
from tests.properties.verdicts import broken

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Event

IN_THE_MUSEUM = ("KC-LIMIT", "KC-16", "KC-PARAM", "KC-RING")
"""Properties that only exhibits break."""

BUGS = {each.id: each for each in KCOMPRESSD_MUTANTS}

OWN = [each for each in PROPERTIES if each in vars(kcompressd).values()]


def waiting(name: str = "kcompressd-b") -> KernelView:
    """Return a system in which folio 1 waits and its thread was woken."""
    made = profile(name)
    codecs = {"tokens": Symbolic("tokens", (1024,))}
    config = made.config(
        preset("toy"), codecs, compressor="tokens", kcompressd=KcompressdSystem(capacity=1), lists=LruLists()
    )
    v = made.system(config)
    run(v, v.ops.write_page(0, 0, 2))
    run(v, v.ops.kswapd(1))
    return v


def queue(v: KernelView, **fields: Any) -> None:
    """Plant what is said of the first queue."""
    place = v.at.kcompressd.queue[0]
    v[place] = evolve(v[place], **fields)


def folio(v: KernelView, **fields: Any) -> None:
    """Plant what is said of the folio that waits."""
    v[v.at.folio[1]] = evolve(live_folio(v, 1), **fields)


def out_of_the_cache(v: KernelView) -> None:
    """Take the folio out of the swap cache."""
    v[v.at.swap_cache[live_folio(v, 1).swap]] = 0


def without_slot(v: KernelView) -> None:
    """Free its slot."""
    v[v.at.slot[live_folio(v, 1).swap]] = FREE_SLOT


def mapped(v: KernelView) -> None:
    """Map it writable."""
    v[v.at.pte[0][0]] = Pte(folio=1, exclusive=True)
    folio(v, rmap=(v.at.pte[0][0],))


def forgotten(v: KernelView) -> None:
    """Count a folio that no queue has."""
    v[v.at.kcompressd.count.pending] += 1


def listed_twice(v: KernelView) -> None:
    """Put it on both lists."""
    v[v.at.reclaim.list[0]] = v[v.at.reclaim.list[1]] = (1,)


IN_A_STATE: dict[str, Callable[[KernelView], None]] = {
    "KC-1": lambda v: folio(v, locked=False),
    "KC-2": out_of_the_cache,
    "KC-3": without_slot,
    "KC-4": mapped,
    "KC-6": forgotten,
    "KC-7": lambda v: queue(v, fifo=(1, 2)),
    "KC-11": lambda v: queue(v, thread="sleeping"),
    "KC-14": lambda v: queue(v, serving=(1,) * 20),
    "KC-18": lambda v: queue(v, torn=True),
    "KC-22": lambda v: queue(v, putting=((1, 1), (2, 1))),
    "LRU": listed_twice,
}
"""A planted state for each property of states."""

PUT: dict[str, Any] = {"queue": 0, "folio": 1, "memcg": 1, "dirty": False}
SUBMIT: dict[str, Any] = {"folio": 1, "kswapds": 1}
TAKE: dict[str, Any] = {"queue": 0, "folio": 1, "ahead": 0}
REFUSED: dict[str, Any] = {"swp": 1, "nr": 1, "nid": 0, "ret": 0, "ok": False}

IN_EVENTS: dict[str, tuple[list[Event], list[Event]]] = {
    "KC-5": ([("kcompressd_put", PUT)], [("kcompressd_put", PUT | {"dirty": True})]),
    "KC-9": ([("kcompressd_submit", SUBMIT)], [("kcompressd_submit", SUBMIT | {"kswapds": 0})]),
    "KC-8": ([("kcompressd_take", TAKE)], [("kcompressd_take", TAKE | {"ahead": 1})]),
    "KC-17": (
        [("kcompressd_compress", {"memalloc": True}), ("store", REFUSED), ("disk_write", {"swp": 1})],
        [("kcompressd_compress", {"memalloc": True}), ("store", REFUSED)],
    ),
}
"""Events that have each property of events, and planted ones that lack it."""


@pytest.mark.parametrize("id", IN_A_STATE)
def test_a_planted_state_breaks_its_property_and_a_folio_that_waits_does_not(id: str) -> None:
    found, v = by_id(id), waiting()
    assert isinstance(found, StateProperty)
    assert found.check(v) is None
    IN_A_STATE[id](v)
    assert found.check(v)


@pytest.mark.parametrize("id", IN_EVENTS)
def test_planted_events_break_their_property_and_right_ones_do_not(id: str) -> None:
    found, v = by_id(id), waiting()
    assert isinstance(found, HistoryProperty)
    right, wrong = IN_EVENTS[id]
    assert found.check(right, v) is None
    assert found.check(wrong, v)


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        ({"fifo": (1, 1)}, "folio 1 waits twice; expected once"),
        ({"fifo": (5,)}, "a queue names folio 5, which does not exist; expected what was submitted"),
    ],
)
def test_what_a_queue_names_is_there_once(plant: dict[str, Any], said: str) -> None:
    found, v = by_id("KC-1"), waiting()
    assert isinstance(found, StateProperty)
    queue(v, **plant)
    assert found.check(v) == said


@pytest.mark.parametrize("name", ["kcompressd-b", "kcompressd-c"])
def test_a_folio_that_waits_is_locked_and_has_a_reference_where_the_queue_takes_one(name: str) -> None:
    v = waiting(name)
    record = live_folio(v, 1)
    assert (record.locked, record.writeback, record.refs) == (True, False, int(name == "kcompressd-c"))
    states = (each for each in at_rest(profile(name)) if each.check(v))
    assert list(states) == []


def test_every_property_is_planted_here_or_shown_in_the_museum() -> None:
    shown = {id for each in KCOMPRESSD_MUTANTS for id in each.breaks}
    assert {each.id for each in OWN} == {*IN_A_STATE, *IN_EVENTS, *shown - {"REFS"}, *IN_THE_MUSEUM}


@pytest.mark.parametrize(
    "each",
    [each for each in OWN if "planted" not in each.bug and each.bug not in BUGS],
    ids=lambda each: each.id,
)
def test_the_bug_that_a_property_names_is_in_the_museum_and_meets_it(each: StateProperty) -> None:
    shown = exhibit(each.bug)
    assert each.id in (shown.meets, *shown.breaks)


@pytest.mark.parametrize("bug", KCOMPRESSD_MUTANTS, ids=lambda bug: bug.id)
def test_a_planted_bug_breaks_its_property_and_the_model_without_it_nothing(bug: Exhibit) -> None:
    assert bug.breaks[0] in broken(bug, bug.profile)
    assert broken(bug, bug.correct) == ()


@pytest.mark.parametrize("each", [each for each in OWN if each.bug in BUGS], ids=lambda each: each.id)
def test_a_property_names_the_planted_bug_that_breaks_it(each: StateProperty) -> None:
    assert BUGS[each.bug].breaks == (each.id,)


@pytest.mark.parametrize("name", NAMED)
def test_profiles_without_queues_have_none_of_these_properties(name: str) -> None:
    made = profile(name)
    ids = {each.id for each in (*at_rest(made), *in_history(made))}
    assert ("KC-1" in ids) == ("kcompressd-" in name)
