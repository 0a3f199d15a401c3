"""Two profiles in lockstep."""

from __future__ import annotations

import attrs
import pytest

from refmodel.engines.command import Command
from refmodel.engines.difference_pair import (
    Act,
    Answered,
    ByName,
    Pair,
    Scenario,
    Sight,
    make_pairs,
    programs,
    retold,
    sights,
)
from refmodel.engines.replay import replay
from refmodel.engines.setting import TOKENS, Setting
from refmodel.kernel.choices import SLOT, XA_STORE
from refmodel.profiles import Profile, profile
from refmodel.properties.observation import Level
from tests.engines.simple import LINUX, NO_COUNT

PLAIN = Setting(TOKENS)
WRITE, OUT, READ = Command("write", (0, 0, 2)), Command("pageout", (0, 0, 1)), Command("read", (0, 0))
OLD, NEW = profile("linux-6.12"), profile("linux-6.18")


def pair(before: Profile = LINUX, after: Profile = LINUX, level: Level = "counters") -> Pair:
    return Pair(before, after, "toy", PLAIN, level)


def answered(point: str, index: int, time: int = 1) -> tuple[Answered, ...]:
    return (Answered(point, time, index),)


def test_equal_profiles_look_the_same_after_every_command() -> None:
    made = pair(level="strict")

    assert [made.perform(Act(each)) for each in (WRITE, OUT, READ)] == [(), (), ()]
    assert made.alike


def test_both_sides_get_the_same_answer_at_the_same_question() -> None:
    made = pair(OLD, NEW)
    made.perform(Act(WRITE))

    assert made.perform(Act(OUT, answered("xa_store", 1))) == ()
    assert all(len(side.environment.asked) > 3 for side in made.sides)
    assert made.before.v[made.before.v.at.zs.reject_alloc_fail] == 1
    assert made.after.v[made.after.v.at.zs.reject_alloc_fail] == 1


def test_an_answer_to_a_question_that_one_side_does_not_ask_leaves_that_side_alone() -> None:
    made = pair(OLD, NEW)
    made.perform(Act(WRITE))

    different = made.perform(Act(OUT, answered("add_to_swap_cache", 1)))
    assert different is not None
    assert different[0] == Sight("page 0 of process 0", "in memory", "swapped out")


def test_the_second_time_of_a_question_is_another_question() -> None:
    environment = ByName()
    environment.follow({("xa_store", 2): 1})

    assert [environment.pick(XA_STORE, 2) for _ in range(3)] == [0, 1, 0]


def test_an_option_that_there_is_not_is_the_first_one() -> None:
    environment = ByName()
    environment.follow({("xa_store", 1): 4})

    assert environment.pick(XA_STORE, 2) == 0


def test_answers_are_drawn_once_for_both_sides_and_slots_are_never_drawn() -> None:
    one, other = ByName(), ByName()
    wanted: dict[tuple[str, int], int] = {}
    for environment, drawn in ((one, 1), (other, 0)):
        environment.draw = lambda point, count, drawn=drawn: drawn  # type: ignore[misc]  # bound here
        environment.follow(wanted)

    assert [one.pick(XA_STORE, 2), other.pick(XA_STORE, 2)] == [1, 1]
    assert one.pick(SLOT, 9) == 0


def test_a_command_that_one_side_cannot_be_given_is_given_to_none() -> None:
    made = pair(OLD, NEW)

    assert made.perform(Act(Command("zpool", ("zbud",)))) is None
    assert made.before.trial.commands == 0


def test_commands_are_those_that_both_profiles_have() -> None:
    kinds = {kind.name for kind in pair(profile("linux-6.1"), OLD).kinds}

    assert "pageout" in kinds
    # 6.1 has neither list_lru nor the files.
    assert not kinds & {"shrinker_scan", "shrinker_enabled", "zswap_writeback", "thp"}


def test_only_some_commands_may_be_given() -> None:
    (made, *_) = make_pairs(LINUX, LINUX, "toy", "data", ["write", "read"])

    assert [kind.name for kind in made.kinds] == ["write", "read"]


def test_pairs_begin_as_both_profiles_can_the_plain_one_first() -> None:
    pairs = make_pairs(profile("linux-6.1"), NEW, "toy", "data")

    assert [made.setting.text for made in pairs] == [
        "tokens",
        "tokens, synchronous device",
        "tokens, not set up",
    ]


def test_going_back_restores_both_sides() -> None:
    made = pair(OLD, NEW)
    made.perform(Act(WRITE))
    kept = made.keep()
    states = [side.v.snapshot() for side in made.sides]
    made.perform(Act(OUT))
    made.go_back(kept)

    assert [side.v.snapshot() for side in made.sides] == states
    assert made.future(made.keep()) == made.future(kept)


def test_states_that_are_alike_are_kept_once() -> None:
    made = pair(LINUX, NO_COUNT)
    made.perform(Act(WRITE))
    alike = made.keep()
    made.perform(Act(OUT))
    different = made.keep()

    assert alike[0] is alike[1]
    assert different[0] is not different[1]


def test_what_only_one_observer_is_shown_is_not_compared() -> None:
    assert sights({"a": 1, "b": 2}, {"b": 3, "c": 4}) == (Sight("b", 2, 3),)


def test_the_strict_level_sees_the_order_of_events() -> None:
    made = pair(OLD, NEW, "strict")
    made.perform(Act(WRITE))
    different = made.perform(Act(OUT))

    assert different is None or "events" not in [sight.what for sight in different]
    assert [name for name, _ in made.before.events][:2] == ["slot_alloc", "swapcache_add"]


def test_a_step_that_cannot_do_its_work_is_seen_as_the_end() -> None:
    from tests.engines.simple import Raising

    broken = LINUX.with_operations("broken", "Writes fail.", write_page=Raising)
    made = pair(LINUX, broken)
    different = made.perform(Act(WRITE))

    assert different is not None
    assert (different[0].what, different[0].before) == ("returned", None)
    assert str(different[0].after).startswith("nothing: ")
    assert made.over


def test_a_scenario_is_told_again_from_the_start() -> None:
    scenario = Scenario("toy", PLAIN, (Act(WRITE), Act(OUT)))
    (different,) = retold(scenario, LINUX, NO_COUNT, "counters")

    assert (different.what, different.before, different.after) == ("zs.stored_pages", 1, 0)
    assert retold(attrs.evolve(scenario, acts=(*scenario.acts, Act(READ))), LINUX, NO_COUNT, "counters") == ()
    with pytest.raises(ValueError, match="command 1, exit_child: does not apply"):
        retold(Scenario("toy", PLAIN, (Act(Command("exit_child", (0,))),)), LINUX, NO_COUNT, "counters")


def test_a_scenario_counts_what_is_unusual_in_it() -> None:
    acts = (Act(WRITE), Act(OUT, answered("xa_store", 1)))

    assert Scenario("toy", PLAIN, acts).unusual == 1
    assert Scenario("toy", Setting(TOKENS, synchronous=True), acts).unusual == 2


def test_each_side_of_a_scenario_replays_as_a_program() -> None:
    scenario = Scenario("toy", PLAIN, (Act(WRITE), Act(OUT, answered("xa_store", 1))))
    ours, theirs = programs(scenario, OLD, NEW)

    for program, of in ((ours, OLD), (theirs, NEW)):
        told = [
            each for step in replay(program, of, ()).moves[1].steps for each in step.answers if each.index
        ]
        assert [each.choice for each in told] == ["xa_store"]
