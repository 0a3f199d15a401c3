"""One command on two profiles, side by side."""

from __future__ import annotations

from refmodel.engines.replay import Answer, Change, MoveRecord, StepRecord
from refmodel.report.side_by_side import Row, command_lines, rows, summary_line

CLASSES = {"Store612": "store", "Store73": "store"}


def step(name: str, *changes: Change, fails: str = "") -> StepRecord:
    operation, _, method = name.partition(".")
    answers = (Answer(fails, 1, 2, True),) if fails else ()
    return StepRecord(operation, method, answers, (), changes)


def move(*steps: StepRecord) -> MoveRecord:
    return MoveRecord("pageout()", True, steps, None)


def drawn(before: MoveRecord, after: MoveRecord, *, unfold: bool = False) -> list[str]:
    lines = command_lines(before, after, ("old", "new"), CLASSES, unfold=unfold)
    return [" ".join(line.plain.split()) for line in lines]


def test_steps_of_one_operation_and_name_stand_side_by_side_whatever_the_class() -> None:
    found = rows(
        [step("Store612.find"), step("Store612.end")], [step("Store73.find"), step("Store73.end")], CLASSES
    )

    assert [row.same for row in found] == [True, True]


def test_a_step_that_one_side_has_alone_stands_alone() -> None:
    extra = step("Store73.count")
    found = rows([step("Store612.find")], [step("Store73.find"), extra], CLASSES)

    assert found[1] == Row(None, extra)


def test_steps_that_change_other_things_are_not_the_same() -> None:
    found = rows([step("A.x", Change("tree[1]", 0, 1))], [step("A.x", Change("tree[1]", 0, 2))], CLASSES)

    assert [row.same for row in found] == [False]


def test_counters_and_maps_of_used_numbers_are_no_difference() -> None:
    before = step("A.x", Change("vm.pswpin", 0, 1), Change("folios_used", 1, 3))

    assert rows([before], [step("A.x")], CLASSES)[0].same


def test_the_first_difference_is_marked_with_what_failed_and_changed() -> None:
    before = move(step("A.x"), step("A.y", Change("tree[1]", 0, 1)), step("A.z"))
    after = move(step("A.x"), step("A.y", fails="xa_store"), step("A.z"))

    assert drawn(before, after) == [
        "old new",
        "A.x A.x",
        "! A.y A.y",
        "tree[1] 0 -> 1 ? xa_store fails",
        "A.z A.z",
    ]


def test_what_both_take_is_folded_but_for_the_nearest_step() -> None:
    same = [step(f"A.s{number}") for number in range(5)]
    before, after = move(*same, step("A.x"), *same), move(*same, *same)

    assert drawn(before, after) == [
        "old new",
        "⋮ 4 steps",
        "A.s4 A.s4",
        "! A.x",
        "A.s0 A.s0",
        "⋮ 4 steps",
    ]
    assert len(drawn(before, after, unfold=True)) == 12


def test_a_long_way_of_one_side_alone_is_folded() -> None:
    before, after = move(*(step(f"A.s{number}") for number in range(30))), move()

    lines = drawn(before, after)
    assert lines[9:] == ["⋮ 20 steps", "A.s28", "A.s29"]


def test_a_command_after_which_nothing_looks_different_takes_a_line() -> None:
    one, two = move(step("A.x")), move(step("A.x"), step("A.y"))

    assert summary_line(two, two, ("old", "new"), CLASSES).plain.strip() == "both take the same 2 steps"
    assert summary_line(one, one, ("old", "new"), CLASSES).plain.strip() == "both take the same step"
    assert (
        summary_line(one, two, ("old", "new"), CLASSES).plain.strip()
        == "1 step on old, 2 steps on new; nothing looks different"
    )
