"""Runs as reports tell them."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from refmodel.engines.interleaving import Turn, TurnRecord
from refmodel.engines.replay import Change, StepRecord, replay
from refmodel.engines.rerun import Waiting, rerun
from refmodel.engines.token import Program
from refmodel.engines.violation import Violation
from refmodel.kernel.state import Folio, ZswapEntry
from refmodel.report.story import Story, moments, of_rerun, of_timeline, place_in, suspects
from tests.engines.scheduled import DEADLOCK, GRABBING, run_of
from tests.engines.simple import LINUX, STORE, TOY

FOLIO, LOCKED = Folio(0, 1, (0,)), Folio(0, 1, (0,), locked=True)
ENTRY = ZswapEntry(slab_nid=0)


def story(*steps: tuple[int, str, str, Any, Any], found: str = "", waits: str = "") -> Story:
    """Return a story of steps: actor, name, and a component with its values before and after."""
    turns = tuple(_turn(*one) for one in steps)
    violation = Violation("LIVE" if found else "PROGRESS", "A sentence.", found, "")
    waiting = (Waiting(2, "task 3", "ShrinkFolio.lock", waits),) if waits else ()
    return Story("linux-7.3", "", ("task 1", "task 2", "task 3"), (), {}, turns, violation, waiting)


def _turn(actor: int, name: str, place: str, before: Any, after: Any) -> TurnRecord:
    operation, _, step = name.partition(".")
    record = StepRecord(operation, step, (), (), (Change(place, before, after),))
    return TurnRecord(Turn(actor), f"task {actor + 1}", None, (record,))


class TestReleased:
    def test_who_freed_what_was_used_afterwards_is_named(self) -> None:
        told = story(
            (0, "Store.alloc", "entry[1]", None, ENTRY),
            (1, "Free.free_metadata", "entry[1]", ENTRY, None),
            found="zswap entry 1: used after it was freed",
        )

        assert suspects(told) == [("released", "entry[1] was freed by Free.free_metadata (task 2, turn 2)")]

    def test_the_last_release_counts(self) -> None:
        told = story(
            (1, "Free.first", "folio[2]", FOLIO, None),
            (0, "Alloc.again", "folio[2]", None, FOLIO),
            (2, "Free.second", "folio[2]", FOLIO, None),
            found="folio 2: used after it was freed",
        )

        assert suspects(told) == [("released", "folio[2] was freed by Free.second (task 3, turn 3)")]

    def test_what_nobody_released_has_no_culprit(self) -> None:
        assert suspects(story((0, "A.b", "folio[1]", FOLIO, None), found="folio 2: used")) == []


class TestHeld:
    def test_who_took_a_lock_is_named(self) -> None:
        told = story((1, "Fault.lock", "folio[1]", FOLIO, LOCKED), waits="the lock of folio 1")

        assert suspects(told) == [
            (
                "waiting",
                "task 3 in ShrinkFolio.lock: for the lock of folio 1; held since Fault.lock (task 2, turn 1)",
            )
        ]

    def test_who_gave_it_back_is_not_named(self) -> None:
        told = story(
            (0, "A.read_lock", "mmap_lock[0]", 0, 1),
            (1, "B.read_lock", "mmap_lock[0]", 1, 2),
            (0, "A.unlock", "mmap_lock[0]", 2, 1),
            waits="the mmap lock of process 0",
        )

        assert suspects(told)[0][1].endswith("; held since B.read_lock (task 2, turn 2)")

    def test_what_another_gives_back_is_held_no_more(self) -> None:
        writing = attrs.evolve(FOLIO, writeback=True)
        told = story(
            (0, "Submit.submit", "folio[1]", FOLIO, writing),
            (1, "EndSwapWrite.complete", "folio[1]", writing, FOLIO),
            waits="the write of folio 1",
        )

        assert suspects(told) == [("waiting", "task 3 in ShrinkFolio.lock: for the write of folio 1")]

    def test_a_deadlock_names_both_holders(self) -> None:
        texts = [text for _, text in suspects(of_rerun(rerun(DEADLOCK, GRABBING)))]

        assert texts[0].endswith("the mmap lock of process 0; held since Grabbing.access (task 2, turn 2)")
        assert texts[1].endswith(
            "the page-table lock of process 0; held since Grabbing.access (task 1, turn 1)"
        )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("zswap pool 3: used after it was destroyed", "pool[3]"),
        ("slot 2, which another swap-in has claimed", "slot[2]"),
        ("the compression context of CPU 0", None),
    ],
)
def test_sentences_name_components(text: str, place: str | None) -> None:
    assert place_in(text) == place


def test_runs_of_one_actor_and_of_several_are_told_in_the_same_way() -> None:
    alone = of_timeline(replay(Program("linux-7.3", "toy", TOY, STORE), LINUX), LINUX)
    several = of_rerun(rerun(run_of(LINUX), LINUX))

    assert "ZswapStore73.publish" in [moment.name for moment in moments(alone)]
    assert "ZswapStore73.publish" in [moment.name for moment in moments(several)]
    assert alone.title == "linux-7.3, toy, tokens"
    assert (several.title, several.question) == ("linux-7.3, scope small", "What is lost?")
    assert [moment.label for moment in moments(alone) if moment.label] == [
        "write(mm=0, page=0, content=2)",
        "pageout(mm=0, page=0, nr=1)",
    ]
