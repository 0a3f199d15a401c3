"""Describing operations: what the definitions tell without being run."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import pytest

from refmodel.kernel.zswap_store import ZswapStore61, ZswapStore73, ZswapStore612
from refmodel.kernel.zswap_writeback import ZswapWriteback73
from refmodel.machine import Call, ChoicePoint, Next, Operation, Return, Wait, step
from refmodel.machine.introspect import StepInfo, describe_operation, first_sentence

BREAKS = ChoicePoint("breaks", "The glass breaks.", fault=True)
SIDE = ChoicePoint("side", "Which side the glass falls to.")


def which_side(v: Any, spill: int) -> Any:
    """Ask, and note what was spilt."""
    v[v.at.count.spilt] += spill
    return v.choose(SIDE, ("left", "right"))


@attrs.define
class Pour(Operation):
    """Pour water into a glass.  More than it holds runs over.

    amount: in drops.
    """

    source: ClassVar[str] = "kitchen.c pour(), Kitchen 1.0"
    requirements: ClassVar[tuple[str, ...]] = ("K1",)

    amount: int
    left: int = 3

    @step
    def check(self, v: Any) -> Next:
        """Look at the glass.

        A glass may be anywhere.
        """
        glass = v[v.at.shelf[self.amount]]
        if glass.held and not glass.broken:
            return Wait(f"glass {self.amount}, which somebody holds")
        if not self.amount:
            return self.finish(v, "nothing to pour")
        return self.pour if v[v.at.tap].open or self.left > 1 else self.give_up

    @step(source="kitchen.c __pour(), Kitchen 1.1", requirements=("K2",))
    def pour(self, v: Any) -> Next:
        """Open the tap: the glass may break."""
        if v.fails(BREAKS):
            raise RuntimeError("shards")
        place = v.at.shelf[self.amount]
        v[place] = which_side(v, self.left)
        work = v.ops.wipe(side=v[place])
        return Call(work, then=self.give_up)

    @step
    def give_up(self, v: Any) -> Next:
        """Leave it."""
        return Call(v.ops.leave())

    @step
    def forgotten(self, v: Any) -> Next:
        """Nothing leads here."""
        return Return()

    def finish(self, v: Any, value: str) -> Return:
        """End and tell."""
        v.emit("poured", value=value)
        return Return(value)


@attrs.define
class PourTwice(Pour):
    """Pour, look, pour again."""

    @step
    def pour(self, v: Any) -> Next:
        """Pour without looking."""
        return self.look

    @step
    def look(self, v: Any) -> Next:
        """Look."""
        return self.give_up


def info(cls: Any, name: str) -> StepInfo:
    return describe_operation(cls).step(name)


def ways(step: StepInfo) -> list[tuple[str, str]]:
    return [(successor.guard, successor.next) for successor in step.successors]


def test_an_operation_is_described_by_its_docstring_its_source_and_its_fields() -> None:
    pour = describe_operation(Pour)

    assert (pour.name, pour.summary, pour.first) == ("Pour", "Pour water into a glass.", "check")
    assert (pour.source, pour.requirements) == ("kitchen.c pour(), Kitchen 1.0", ("K1",))
    assert [(field.name, field.type, field.default) for field in pour.arguments] == [("amount", "int", None)]
    assert [(field.name, field.type, field.default) for field in pour.variables] == [("left", "int", "3")]


def test_the_steps_stand_in_the_order_of_reading_and_those_out_of_reach_are_left_out() -> None:
    assert [step.name for step in describe_operation(Pour).steps] == ["check", "pour", "give_up"]


def test_a_step_that_a_subclass_adds_stands_after_the_step_that_leads_to_it() -> None:
    steps = describe_operation(PourTwice).steps

    assert [step.name for step in steps] == ["check", "pour", "look", "give_up"]
    assert [step.defined_in for step in steps] == ["Pour", "PourTwice", "PourTwice", "Pour"]
    assert {step.operation for step in steps} == {"PourTwice"}


def test_guards_are_listed_in_the_order_in_which_the_code_asks() -> None:
    assert ways(info(Pour, "check")) == [
        ("glass.held and not glass.broken", "wait for glass {amount}, which somebody holds"),
        ("not amount", "return 'nothing to pour'"),
        ("tap.open or left > 1", "pour"),
        ("", "give_up"),
    ]


def test_calls_name_the_operation_and_the_step_that_follows() -> None:
    assert ways(info(Pour, "pour")) == [
        ("breaks fails", "raise RuntimeError"),
        ("", "call wipe then give_up"),
    ]
    assert ways(info(Pour, "give_up")) == [("", "call leave")]


def test_choices_events_and_counters_are_found_through_helpers() -> None:
    pour, check = info(Pour, "pour"), info(Pour, "check")

    assert (pour.choices, pour.failures) == (("breaks", "side"), ("breaks",))
    assert pour.counters == ("count.spilt",)
    assert check.events == ("poured",)
    assert [function.__name__ for function in pour.functions] == ["pour", "which_side"]


def test_the_components_that_a_step_touches_are_found_by_their_family() -> None:
    pour, check = info(Pour, "pour"), info(Pour, "check")

    assert (check.reads, check.writes) == (("shelf", "tap"), ())
    assert (pour.reads, pour.writes) == (("shelf",), ("shelf",))


def test_a_step_has_the_source_of_its_operation_or_one_of_its_own() -> None:
    check, pour = info(Pour, "check"), info(Pour, "pour")

    assert (check.source, check.requirements) == ("kitchen.c pour(), Kitchen 1.0", ("K1",))
    assert (pour.source, pour.requirements) == ("kitchen.c __pour(), Kitchen 1.1", ("K2",))


def test_an_unknown_step_is_named_with_those_that_exist() -> None:
    with pytest.raises(KeyError, match="Pour has no step 'drink'; it has check, pour, give_up"):
        info(Pour, "drink")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One.  Two.", "One."),
        ("Over\n    two lines. Next", "Over two lines."),
        ("Linux 6.12.117 does it.", "Linux 6.12.117 does it."),
        ("No stop", "No stop"),
        ("", ""),
    ],
)
def test_the_first_sentence_ends_at_a_stop_before_a_blank(text: str, sentence: str) -> None:
    assert first_sentence(text) == sentence


def test_the_store_of_6_12_publishes_before_it_charges() -> None:
    store = describe_operation(ZswapStore612)
    names = [step.name for step in store.steps]

    assert names.index("publish") < names.index("charge") < names.index("lru_add") < names.index("count")
    assert ways(store.step("publish")) == [("xa_store fails", "free_object"), ("", "free_old")]
    assert store.step("publish").failures == ("xa_store",)
    assert store.step("publish").counters == ("zs.reject_alloc_fail",)
    assert store.step("publish").writes == ("tree",)
    assert store.step("alloc_entry").choices == ("alloc_entry", "entry_node")
    assert store.step("charge").counters[:2] == ("mc.zswap", "mc.zswapped")
    assert store.step("count").events == ("store",)
    assert ways(store.step("refused")) == [("", "return False")]


def test_the_store_of_6_1_charges_before_it_publishes() -> None:
    names = [step.name for step in describe_operation(ZswapStore61).steps]

    assert names.index("charge") < names.index("publish")


def test_a_loop_over_the_pages_of_a_folio_leads_back() -> None:
    again = ("index < len(the_folio().contents)", "alloc_entry")

    assert ways(info(ZswapStore73, "lru_add")) == [again, ("", "count")]


def test_a_helper_of_a_base_is_read_as_the_subclass_has_it() -> None:
    """``claimed`` stands in the base and asks ``errno_of``, which 7.3 answers differently."""
    claimed = info(ZswapWriteback73, "claimed")

    assert claimed.defined_in == "ZswapWritebackBase"
    assert ZswapWriteback73.errno_of in claimed.functions
    assert ("result < 0", "return errno_of(result)") in ways(claimed)
    assert [step.name for step in describe_operation(ZswapWriteback73).steps][3:6] == [
        "decompress",
        "decompressed",
        "erase",
    ]
