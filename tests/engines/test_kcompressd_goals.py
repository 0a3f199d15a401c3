"""Every event meets a queue in every state that it can, and nothing breaks where it does."""

from __future__ import annotations

import pytest

from refmodel.engines import kcompressd_goals
from refmodel.engines.kcompressd_cells import CELLS, EVENTS, FILLS, THREADS, Cell, state_of, why_not
from refmodel.engines.kcompressd_goals import reach, shipped
from refmodel.kernel.kcompressd_state import KcompressdQueue
from refmodel.museum import without_known_bugs
from refmodel.profiles import profile


@pytest.mark.parametrize(
    ("name", "reached", "states"),
    [("kcompressd-a", 138, 357_903), ("kcompressd-b", 97, 271_657), ("kcompressd-c", 115, 266_992)],
)
def test_every_cell_is_reached_or_cannot_be(name: str, reached: int, states: int) -> None:
    """The number of states is the same everywhere; in none of them a property is broken."""
    goals = reach(without_known_bugs(profile(name)))

    assert (goals.missed, goals.wrong, goals.broken) == ((), (), {})
    assert goals.fine
    assert (len(goals.reached), goals.states) == (reached, states)


def test_a_bug_is_found_on_the_way_and_cells_are_missed_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As written the first folio is queued to a thread that nobody starts."""
    few = [scope for scope in shipped() if scope.name == "kcompressd-third with queues of 1"]
    monkeypatch.setattr(kcompressd_goals, "shipped", lambda: iter(few))
    goals = reach(profile("kcompressd-a"))

    assert [*goals.broken] == ["kcompressd-third with queues of 1"]
    assert Cell("empty", "awake", "the thread goes to sleep") in goals.missed
    assert not goals.fine


def test_the_cells_are_all_states_with_all_events() -> None:
    assert len(CELLS) == len(FILLS) * len(THREADS) * len(EVENTS) == 378
    assert len(set(CELLS)) == len(CELLS)


@pytest.mark.parametrize(
    ("queue", "state"),
    [
        (KcompressdQueue(), ("empty", "asleep")),
        (KcompressdQueue(thread="not started"), ("empty", "not started")),
        (KcompressdQueue((1,), thread="running"), ("some", "awake")),
        (KcompressdQueue((1, 2), thread="running", stopping=True), ("full", "ending")),
        (KcompressdQueue(thread="gone", stopping=True), ("empty", "ended")),
        (KcompressdQueue(thread="gone", torn=True), ("empty", "freed")),
        (KcompressdQueue((1,), thread="garbage"), ("some", "lost")),
    ],
)
def test_states_of_a_queue(queue: KcompressdQueue, state: tuple[str, str]) -> None:
    assert state_of(queue, 2) == state


def test_what_cannot_be_says_why() -> None:
    options = profile("kcompressd-b").options.kcompressd
    assert options is not None
    assert why_not(options, Cell("full", "awake", "kswapd compresses the oldest")) == (
        "a folio that finds no room is compressed itself"
    )
    assert why_not(options, Cell("full", "awake", "kswapd brings a folio")) == ""


def test_a_cell_is_named_in_a_few_words() -> None:
    assert Cell("empty", "asleep", "a write fails").text == "empty, asleep: a write fails"
