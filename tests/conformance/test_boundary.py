"""What is accepted at the boundary, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from refmodel.conformance.boundary import (
    BadTarget,
    Broke,
    check_answer,
    check_command,
    hello_of,
    schema,
)
from refmodel.conformance.conform_walk import WEIGHTS
from refmodel.conformance.drive import operations
from refmodel.conformance.served import ServedModel
from refmodel.profiles import profile

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
        ({"more": 1}, "'more' was unexpected"),
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
        ({"i": 3, "counters": {"zswpout": 1}}, "counters"),
        ({"i": 4}, "i"),
        ({"i": 3, "post": [{"st": "mem"}, {"st": "mem"}]}, "post"),
        ({"i": 3, "bytes": "00"}, "bytes"),
        ("text", "the answer"),
        ({"i": 3, "events": [{"name": "load"}]}, "events"),
    ],
)
def test_an_answer_that_breaks_the_schema_is_named_by_its_field(answer: Any, field: str) -> None:
    with pytest.raises(Broke) as broke:
        check_answer({"i": 3, "op": "read", "w": 0, "page": 0}, answer)
    assert broke.value.how == "schema"
    assert field in broke.value.field or broke.value.field in field


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
