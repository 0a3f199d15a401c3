"""Two profiles compared by what they do, as it is printed."""

from __future__ import annotations

import json

import attrs

from refmodel.engines.difference import Behaviour, compare
from refmodel.engines.difference_pair import Sight
from refmodel.engines.difference_scope import compare_endings
from refmodel.engines.difference_search import Progress
from refmodel.engines.scope import Scope, Thread
from refmodel.museum import exhibit
from refmodel.profiles import Profile, profile
from refmodel.report import difference_page
from refmodel.report.difference_page import text_of
from tests.engines.simple import LINUX, NO_COUNT
from tests.engines.small_scopes import PAGEOUT, READ, SIZES, WRITE

OLD, NEW = profile("linux-6.12"), profile("linux-6.18")


def found(before: Profile, after: Profile, unusual: int = 0, commands: int = 2) -> Behaviour:
    only = ("write", "pageout")
    return compare(before, after, "counters", commands=commands, unusual=unusual, walks=0, only=only)


def page(of: Behaviour, before: Profile, after: Profile, **more: bool) -> str:
    return text_of(*difference_page.behaviour_page(of, before, after, (" --one", " --other"), **more))


def test_a_difference_is_printed_with_commands_steps_and_what_is_seen() -> None:
    text = page(found(LINUX, NO_COUNT), LINUX, NO_COUNT)

    assert text.startswith(f"linux-7.3 and {NO_COUNT.name}, counters: they differ after 2 commands\n")
    for line in (
        "  1  write(mm=0, page=0, content=2)\n     both take the same ",
        "  2  pageout(mm=0, page=0, nr=1)\n     linux-7.3  ",
        "!  zs.stored_pages  1  ",
        "linux-7.3: refmodel replay rm1-",
    ):
        assert line in text
    assert " --one\n" in text
    assert text.rstrip().endswith(" --other")


def test_a_step_of_its_own_is_marked_where_it_first_runs() -> None:
    text = page(found(LINUX, NO_COUNT), LINUX, NO_COUNT)

    # The planted step does the same but for a counter, so that nothing else is printed.
    assert "   ! " not in text
    assert "KeepsNoCount.count" in page(found(LINUX, NO_COUNT), LINUX, NO_COUNT, unfold=True)


def test_what_is_unusual_stands_beside_its_command_with_who_is_not_asked() -> None:
    text = page(found(OLD, NEW, unusual=1), OLD, NEW)

    assert "pageout(mm=0, page=0, nr=1)    where add_to_swap_cache fails (linux-6.18 does not ask)\n" in text
    assert "\n   ! AddToSwap612.alloc_slots" in text
    assert "? add_to_swap_cache fails" in text


def test_the_second_time_of_a_failure_is_said() -> None:
    bug = exhibit("Z11")
    only = ("thp", "write", "pageout")
    made = compare(bug.correct, bug.profile, "counters", commands=3, unusual=1, walks=0, only=only)

    assert "fails the 2nd time\n" in page(made, bug.correct, bug.profile)


def test_without_a_difference_the_bound_is_printed() -> None:
    text = page(found(LINUX, LINUX), LINUX, LINUX)

    assert text.startswith("linux-7.3 and linux-7.3, counters: no difference within what was tried\n")
    assert "tried     every scenario of at most 2 commands with nothing unusual; " in text
    assert "commands  write, pageout" in text


def test_the_plain_scenario_follows_where_it_is_another_one() -> None:
    made = compare(OLD, NEW, "counters", walks=0, only=("write", "pageout", "read"))
    text = page(made, OLD, NEW)

    assert text.count("seen afterwards") == 2
    assert "\nThe shortest scenario in which nothing unusual happens\n" in text


def test_the_data_are_the_same_each_time_and_have_scenarios_that_replay() -> None:
    one, other = (found(OLD, NEW, unusual=1) for _ in range(2))
    data = difference_page.behaviour_data(one, OLD, NEW)

    assert json.dumps(data) == json.dumps(difference_page.behaviour_data(other, OLD, NEW))
    assert data["verdict"] == "differ"
    assert data["shortest"]["sights"][0] == {
        "what": "page 0 of process 0",
        "before": "in memory",
        "after": "swapped out",
    }
    assert all(token.startswith("rm1-") for token in data["shortest"]["tokens"])


def test_values_are_printed_in_words() -> None:
    events = (("a", (("swp", 1),)), ("b", ()))
    sights = (
        Sight("page", ("on the device", 2), "swapped out"),
        Sight("list", (), ("page 0",)),
        Sight("returned", None, -12),
        Sight("events", events, events[:1]),
        Sight("events", events, (events[0], ("b", (("ret", -1),)))),
    )
    text = text_of(difference_page.sights_table(sights, "old", "new"))

    assert [line.split("  ")[1:] for line in text.splitlines()][1][0] == "page"
    for words in ("on the device, 2", "empty", "nothing", "event 2", "no more", "b ret=-1"):
        assert words in text


def test_progress_takes_one_line() -> None:
    line = difference_page.progress_line(Progress("2 commands, 1 unusual", 4, 96, 1234, 2.4))

    assert line == "2 s: 1,234 scenarios; 2 commands, 1 unusual: 4 of 96"


def test_endings_are_printed_with_the_run_that_leads_to_one() -> None:
    scope = Scope("out", (Thread("task", (WRITE, PAGEOUT)),), sizes=SIZES, question="What stays?")
    made = compare_endings(scope, LINUX, NO_COUNT, "counters")
    text = text_of(*difference_page.endings_page(made, scope.question, LINUX, " --known-bugs"))

    assert text.startswith(f"out on linux-7.3 and {NO_COUNT.name}, counters: they differ, ")
    for line in (
        "An ending of linux-7.3 alone, and the one of",
        "!  zs.stored_pages  1  ",
        "Run on linux-7.3, scope out",
        "again: refmodel replay rs1-",
    ):
        assert line in text
    data = difference_page.endings_data(made)
    assert json.loads(json.dumps(data))["sights"] == [
        {"what": "zs.stored_pages", "before": "1", "after": "0"}
    ]


def test_equal_endings_are_counted() -> None:
    scope = Scope("out", (Thread("task", (WRITE, READ)),), sizes=SIZES, question="What stays?")
    made = attrs.evolve(compare_endings(scope, LINUX, LINUX, "data"), seconds=1.0)
    text = text_of(*difference_page.endings_page(made, scope.question, LINUX))

    assert ": no difference, both have the same " in text
    assert "What stays?" in text
    assert difference_page.endings_data(made)["token"] is None
