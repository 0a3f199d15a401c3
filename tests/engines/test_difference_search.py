"""Every scenario of a few commands."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from refmodel.engines import difference_search
from refmodel.engines.command import Command
from refmodel.engines.difference_pair import Act, Pair, Told, make_pairs
from refmodel.engines.difference_search import Clock, OutOfTime, Progress, Search, alphabet, cell_text
from refmodel.museum import exhibit
from refmodel.profiles import Profile
from tests.engines.simple import LINUX, NO_COUNT


def searched(
    before: Profile, after: Profile, commands: int, unusual: int = 0, only: Sequence[str] = ()
) -> tuple[Told | None, Search]:
    """Search as a comparison does, up to the first scenario that tells."""
    search = Search(make_pairs(before, after, "toy", "counters", only), Clock(None, None), commands)
    for length in range(1, commands + 1):
        for number in range(unusual + 1):
            told = search.run((length, number))
            if told is not None:
                return told, search
    return None, search


def text(told: Told) -> list[str]:
    return [act.command.name for act in told.scenario.acts]


def test_the_shortest_scenario_comes_first() -> None:
    told, search = searched(LINUX, NO_COUNT, 3)

    assert told is not None
    assert text(told) == ["write", "pageout"]
    assert [sight.what for sight in told.sights] == ["zs.stored_pages"]
    assert search.cells == [(1, 0)]


def test_equal_profiles_have_none() -> None:
    told, search = searched(LINUX, LINUX, 2, 1, ["write", "pageout", "read"])

    assert told is None
    assert search.cells == [(1, 0), (1, 1), (2, 0), (2, 1)]


def test_a_failure_is_found_at_the_question_that_matters() -> None:
    """Z11: what was stored is counted only when all pages are, but taken back for each."""
    bug = exhibit("Z11")
    told, _ = searched(bug.correct, bug.profile, 3, 1, ["thp", "write", "pageout"])

    assert told is not None
    (answered,) = told.scenario.acts[-1].answers
    assert (text(told), answered.time) == (["thp", "write", "pageout"], 2)


@pytest.mark.parametrize(("id", "commands", "unusual"), [("Z11", 3, 1), ("Z06", 3, 0)])
def test_what_is_passed_over_would_have_shown_nothing(
    id: str, commands: int, unusual: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same search without passing over anything tries the same scenarios and finds the same."""
    bug, only = exhibit(id), ["thp", "write", "pageout", "zswap_max"]
    told, search = searched(bug.correct, bug.profile, commands, unusual, only)
    monkeypatch.setattr(difference_search._Node, "is_as_before", lambda self, act: False)
    again, whole = searched(bug.correct, bug.profile, commands, unusual, only)

    assert (again, whole.cells, whole.clock.scenarios) == (told, search.cells, search.clock.scenarios)


def test_another_start_is_one_unusual_thing() -> None:
    search = Search(make_pairs(LINUX, LINUX, "toy", "data"), Clock(None, None), 1)

    assert [node.pair.setting.text for node in search.layers[0, 0]] == ["tokens"]
    assert len(search.layers[0, 1]) == 2


def test_each_set_of_unusual_answers_is_tried_once() -> None:
    (pair, *_) = make_pairs(LINUX, LINUX, "toy", "data", ["write", "pageout"])
    search = Search([pair], Clock(None, None), 2)
    search.run((1, 0))
    search.run((2, 0))
    (node,) = [node for node in search.layers[1, 0] if node.act == Act(Command("write", (0, 0, 2)))]
    acts = [act for act in search._acts(node, 2) if act.command.name == "pageout"]

    assert len(acts) == len({frozenset(act.answers) for act in acts}) > 50
    assert all(len(act.answers) == 2 for act in acts)


def test_states_that_were_reached_before_are_not_gone_on_from() -> None:
    """A limit has one of three values, so that two commands lead nowhere where one does not."""
    _, search = searched(LINUX, LINUX, 3, 0, ["zswap_max"])

    assert [len(search.layers[length, 0]) for length in (0, 1)] == [1, 2]
    assert (2, 0) not in search.layers


def test_commands_are_those_that_may_do_something() -> None:
    pair = make_pairs(LINUX, LINUX, "toy", "data")[0]
    at_start = {command.name for command in alphabet(pair)}
    pair.perform(Act(Command("write", (0, 0, 2))))
    later = list(alphabet(pair))

    assert not at_start & {"pageout", "read", "zap", "shrinker_scan", "exit_child", "swapon"}
    assert {"pageout", "zap", "reclaim"} <= {command.name for command in later}
    assert [c.arguments for c in later if c.name == "write"] == [
        (0, 0, 3), (0, 0, 0), (0, 1, 2), (0, 1, 0), (0, 1, 1),
    ]  # fmt: skip


def test_a_forked_child_takes_part() -> None:
    pair: Pair = make_pairs(LINUX, LINUX, "toy", "data")[0]
    pair.perform(Act(Command("fork", (0,))))

    assert {c.arguments[0] for c in alphabet(pair) if c.name == "write"} == {0, 2}


def test_a_search_that_is_out_of_time_stops() -> None:
    search = Search(make_pairs(LINUX, LINUX, "toy", "data"), Clock(time.monotonic(), None), 2)

    with pytest.raises(OutOfTime):
        search.run((1, 0))
    assert search.cells == []


def test_a_search_tells_how_far_it_has_come() -> None:
    told: list[Progress] = []
    search = Search(make_pairs(LINUX, LINUX, "toy", "data", ["write"]), Clock(None, told.append), 2)
    search.run((1, 0))
    search.run((2, 0))

    assert (told[0].doing, told[0].done, told[0].due) == ("1 command, nothing unusual", 0, 1)
    assert told[-1].due == len(search.layers[1, 0])
    assert cell_text((2, 1)) == "2 commands, 1 unusual"
