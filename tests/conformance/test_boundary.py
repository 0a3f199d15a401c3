"""What is accepted at the boundary, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from refmodel.conformance.boundary import (
    BadTarget,
    Broke,
    Line,
    check_answer,
    check_command,
    event_kinds,
    hello_of,
    schema,
)
from refmodel.conformance.conform_walk import WEIGHTS
from refmodel.conformance.drive import operations
from refmodel.conformance.served import ServedModel
from refmodel.conformance.trace_file import read_trace
from refmodel.profiles import profile
from refmodel.resources import specs_dir

HELLO = {
    "boundary": 1, "name": "x", "profile": "linux-7.3", "workers": 1, "pages": 4, "slots": 8,
    "commands": ["write"], "counters": [], "events": [],
}  # fmt: skip


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_every_command_of_the_schema_is_drawn_by_walks() -> None:
    names = {name[4:] for name in schema()["$defs"] if name.startswith("cmd.")}
    assert set(WEIGHTS) == names - {"hello", "reset"}


def test_page_commands_are_operations_of_the_model() -> None:
    """Names of commands are those of traces, so the validator's table of operations serves both."""
    view = ServedModel(profile("linux-7.3")).view
    for op in ("touch", "out", "free", "lazyfree", "willneed", "peek", "read"):
        list(operations(view, {"op": op, "w": 0, "page": 0}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"boundary": 2}, "boundary 2; expected 1"),
        ({"boundary": None}, "boundary None; expected 1"),
        ({"pages": 0}, "pages: 0 is less than the minimum of 1"),
        ({"commands": ["fly"]}, "commands[0]: 'fly' is not one of"),
        ({"events": ["teleport"]}, "events: 'teleport'; expected some of slot_alloc"),
        ({"more": 1}, "'more' was unexpected"),
        ({"counters": ["zswpout"]}, "counters[0]"),
    ],
)
def test_a_hello_that_cannot_be_used_is_refused_with_its_field(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadTarget, match="command 0") as refused:
        hello_of({**HELLO, **change})
    assert said in str(refused.value)


def test_what_is_no_object_is_no_hello() -> None:
    with pytest.raises(BadTarget, match="boundary None"):
        hello_of([])


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"i": 3, "crc": -1}, "crc"),
        ({"i": 3, "post": {"st": "gone"}}, "post"),
        ({"i": 3, "counters": {"vm.zswpout": "many"}}, "counters['vm.zswpout']"),
        ({"i": 3, "counters": {"vm.zswpout": 1.5}}, "counters['vm.zswpout']"),
        ({"i": 4}, "i"),
        ({"i": 3, "post": [{"st": "mem"}, {"st": "mem"}]}, "post"),
        ({"i": 3, "bytes": "00"}, "bytes"),
        ("text", "the answer"),
        ({"i": 3, "events": [{"name": "load"}]}, "events"),
        ({"i": 3, "events": [{"ev": "teleport"}]}, "events[0]"),
        ({"i": 3, "events": [{"ev": "charge", "size": "big"}]}, "events[0]"),
        ({"i": 3, "events": [{"ev": "charge"}]}, "events[0]"),
    ],
)
def test_an_answer_that_breaks_the_schema_is_named_by_its_field(answer: Any, field: str) -> None:
    with pytest.raises(Broke) as broke:
        check_answer({"i": 3, "op": "read", "w": 0, "page": 0}, answer)
    assert broke.value.how == "schema"
    assert field in broke.value.field or broke.value.field in field


def _mutated(answer: Line) -> Iterator[Line]:
    """Yield answers with one field dropped, or replaced by something strange."""
    for name in answer:
        yield {key: value for key, value in answer.items() if key != name}
        for strange in (None, -1, 1.5, "x", "unknown", [], {}, True, [0, 1], {"st": "mem"}):
            yield {**answer, name: strange}


def test_the_compiled_schema_and_the_schema_agree() -> None:
    """What the fast checker accepts is what the schema says, for right answers and for strange ones."""
    model = ServedModel(profile("linux-7.3"))
    model.answer({"i": 0, "op": "reset"})
    whole = {"$defs": schema()["$defs"], "$ref": "#/$defs/answer"}
    slow = jsonschema.Draft202012Validator(whole)
    commands = [
        {"i": 1, "op": "write", "w": 0, "page": 0, "kind": "text", "seed": 1},
        {"i": 1, "op": "out", "w": 0, "page": 0, "fault": {"site": "zs_handle", "nth": 1}},
        {"i": 1, "op": "read", "w": 0, "page": 0},
    ]
    for command in commands:
        for answer in _mutated({"fired": True, "cg": {}, **model.answer(command)}):
            try:
                check_answer(command, answer)
            except Broke as broke:
                accepted = "expected answer of" not in broke.message
            else:
                accepted = True
            assert accepted == slow.is_valid(answer), answer


def test_events_of_recorded_kernels_are_events_of_the_boundary() -> None:
    trace = read_trace(specs_dir() / "traces" / "lifecycle-6.12.jsonl.gz")
    events = [event.record for op in trace.ops for event in op.events]
    assert len(events) > 500
    for event in events:
        event_kinds()[event["ev"]](event)


def test_everything_may_be_unknown() -> None:
    answer = {
        "i": 3, "errno": "unknown", "pre": "unknown", "post": {"st": "mem", "nid": "unknown", "dirty": "unknown"},
        "crc": "unknown", "counters": {"vm.zswpout": "unknown"}, "events": "unknown",
    }  # fmt: skip
    check_answer({"i": 3, "op": "read", "w": 0, "page": 0}, answer)
    check_answer({"i": 3, "op": "read", "w": 0, "page": 0}, {"i": 3})


def test_a_command_is_checked_by_its_name() -> None:
    check_command({"i": 1, "op": "read", "w": 0, "page": 0})
    with pytest.raises(Broke, match="op is 'fly'"):
        check_command({"i": 1, "op": "fly"})
    with pytest.raises(Broke, match="'page' is a required property"):
        check_command({"i": 1, "op": "read", "w": 0})
