"""The boundary to other implementations: lines of ``specs/boundary.schema.json``, checked.

An implementation gets commands and answers them, each one JSON object.  Commands, page states, counters and
events have the names that traces give them, so a run against an implementation can be written down as a trace.
Whoever holds a `Hello` or an answer that passed ``check_answer`` needs no further checks of form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import attrs
import fastjsonschema
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from refmodel.resources import specs_dir

VERSION = 1
"""The version of the boundary that this package speaks."""

UNKNOWN = "unknown"
"""What an implementation says where it cannot tell: neither pass nor failure."""

Line = dict[str, Any]
"""A command or an answer."""


class BadTarget(Exception):
    """An implementation cannot be used at all: it is not there, cannot be started, or speaks something else."""


class Broke(Exception):
    """An implementation broke the boundary while it ran.

    how: what it did, in a word or two, which is what shrinking keeps.
    field: the field of the answer that is meant, or "".  message: what was found and what was expected.
    """

    def __init__(self, how: str, field: str, message: str) -> None:
        """Say what was broken."""
        super().__init__(message)
        self.how, self.field, self.message = how, field, message


@attrs.frozen
class Hello:
    """What an implementation says of itself; the fields are those of the schema.

    profile: name of the one that it claims to behave like.  workers, pages, slots, nodes, cpus: sizes.
    totalram_pages: what ``max_pool_percent`` is a share of, None if unknown.
    commands, faults, counters, events: what it knows.  controls: values to try, by name.
    settings: fields of a setting that a reset may have.
    zswap: parameters at the start.  free_order: entries may be written back in any order.
    synchronous: reads and writes of the swap device are over when they return, as those of a RAM disk.
    slot_cache: freed slots wait in per-CPU caches from the start.
    reclaims_mapped: ``reclaim`` takes mapped pages, too, and the answer tells the state of every page.
    """

    name: str
    version: str
    profile: str
    workers: int
    pages: int
    slots: int
    nodes: int
    cpus: int
    totalram_pages: int | None
    commands: tuple[str, ...]
    controls: Mapping[str, tuple[str | int, ...]]
    faults: tuple[str, ...]
    settings: tuple[str, ...]
    counters: tuple[str, ...]
    events: tuple[str, ...]
    zswap: Mapping[str, str]
    free_order: bool
    synchronous: bool
    slot_cache: bool
    reclaims_mapped: bool


def hello_of(line: Any) -> Hello:
    """Return what a hello says.  Raises BadTarget for one that the schema forbids, or of another version."""
    version = line.get("boundary") if isinstance(line, dict) else None
    if version != VERSION:
        raise BadTarget(
            f"command 0 (hello): boundary {version!r}; expected {VERSION}; use a refmodel that speaks the "
            "implementation's version, or port it (specs/boundary.schema.json)"
        )
    try:
        _check("hello", line)
    except Broke as broke:
        raise BadTarget(f"command 0 (hello): {broke.message}") from None
    strange = [kind for kind in line["events"] if kind not in event_kinds()]
    if strange:
        known = ", ".join(event_kinds())
        raise BadTarget(f"command 0 (hello): events: {strange[0]!r}; expected some of {known}")
    ram = line.get("totalram_pages", UNKNOWN)
    return Hello(
        name=line["name"],
        version=line.get("version", ""),
        profile=line["profile"],
        workers=line["workers"],
        pages=line["pages"],
        slots=line["slots"],
        nodes=line.get("nodes", 1),
        cpus=line.get("cpus", 1),
        totalram_pages=None if ram == UNKNOWN else ram,
        commands=tuple(line["commands"]),
        controls={name: tuple(values) for name, values in line.get("controls", {}).items()},
        faults=tuple(line.get("faults", ())),
        settings=tuple(line.get("settings", ())),
        counters=tuple(line["counters"]),
        events=tuple(line["events"]),
        zswap=line.get("zswap", {}),
        free_order=line.get("writeback_order") == "free",
        synchronous=line.get("synchronous", False),
        slot_cache=line.get("slot_cache", False),
        reclaims_mapped=line.get("reclaims") == "mapped",
    )


def check_answer(command: Line, answer: Any) -> None:
    """Check the answer to a command.  Raises Broke, naming the field."""
    _check("answer", answer)
    if answer["i"] != command["i"]:
        raise Broke("schema", "i", f"i is {answer['i']}; expected {command['i']}, the number of the command")
    if command["op"] == "reset" and "counters" not in answer:
        raise Broke("schema", "counters", "no counters in the answer to reset; expected all, {} for none")
    expected = command.get("n", 1)
    for field in ("pre", "post"):
        found = answer.get(field, UNKNOWN)
        nr = len(found) if isinstance(found, list) else 1
        if nr != expected and found != UNKNOWN:
            raise Broke("schema", field, f"{field} has {nr} page states; expected {expected}, as n says")
    _check_many(command, answer)
    events = answer.get("events", UNKNOWN)
    for number, event in enumerate(events if events != UNKNOWN else ()):
        _check_event(number, event)


def _check_many(command: Line, answer: Line) -> None:
    """Check what the answer to commands at once has several of."""
    reads = sum(each["op"] == "read" for each in command.get("ops", ()))
    found = answer.get("crcs", UNKNOWN)
    if found != UNKNOWN and len(found) != reads:
        raise Broke("schema", "crcs", f"crcs has {len(found)} checksums; expected {reads}, one for each read")


def _check_event(number: int, event: Line) -> None:
    """Check an event as a line of a trace."""
    field, kind = f"events[{number}]", event["ev"]
    if kind not in event_kinds():
        known = ", ".join(event_kinds())
        raise Broke("schema", field, f"{field}: ev is {kind!r}; expected one of {known}")
    line = {"k": "ev", "i": 0, "cpu": 0, **event}
    try:
        event_kinds()[kind](line)
    except fastjsonschema.JsonSchemaValueException:
        found = best_match(Draft202012Validator(_traced(f"ev.{kind}")).iter_errors(line))
        assert found is not None
        said = f"{field}{found.json_path[1:]}: {_short(found.message)}"
        raise Broke("schema", field, f"{said}; expected ev.{kind} of specs/trace.schema.json") from None


def check_command(line: Any) -> None:
    """Check a command.  Raises Broke, naming the field."""
    op = line.get("op") if isinstance(line, dict) else None
    definition = f"cmd.{op}"
    if definition not in schema()["$defs"]:
        known = ", ".join(name[4:] for name in schema()["$defs"] if name.startswith("cmd."))
        raise Broke("schema", "op", f"op is {op!r}; expected one of {known}")
    _check(definition, line)


def _check(definition: str, line: Any) -> None:
    try:
        _fast(definition)(line)
    except fastjsonschema.JsonSchemaValueException:
        found = best_match(_slow(definition).iter_errors(line))
        assert isinstance(found, ValidationError)
        field = found.json_path.removeprefix("$").removeprefix(".")
        said = f"{field}: {_short(found.message)}" if field else _short(found.message)
        message = f"{said}; expected {definition} of specs/boundary.schema.json"
        raise Broke("schema", field or "the answer", message) from None


def _short(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:157]}..."


@cache
def schema() -> Line:
    """Return the schema."""
    read: Line = json.loads((specs_dir() / "boundary.schema.json").read_text())
    return read


@cache
def _trace_schema() -> Line:
    read: Line = json.loads((specs_dir() / "trace.schema.json").read_text())
    return read


def _traced(definition: str) -> Line:
    schema = _trace_schema()
    return {"$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": f"#/$defs/{definition}"}


@cache
def event_kinds() -> dict[str, Callable[[Any], Any]]:
    """Return the kinds of events that traces have, each with what checks one."""
    names = [name for name in _trace_schema()["$defs"] if name.startswith("ev.")]
    return {name[3:]: fastjsonschema.compile(_draft_7(_traced(name))) for name in names}


def _draft_7(part: Any) -> Any:
    """Return a schema in the words of draft 7, the last that the compiler knows: tuples are written otherwise."""
    if isinstance(part, list):
        return [_draft_7(item) for item in part]
    if not isinstance(part, dict):
        return part
    names = {"prefixItems": "items", "items": "additionalItems"} if "prefixItems" in part else {}
    return {names.get(key, key): _draft_7(value) for key, value in part.items()}


def _part(definition: str) -> Line:
    return {"$schema": schema()["$schema"], "$defs": schema()["$defs"], "$ref": f"#/$defs/{definition}"}


@cache
def _fast(definition: str) -> Callable[[Any], Any]:
    """Compile a definition: checking an answer must cost less than running it."""
    compiled: Callable[[Any], Any] = fastjsonschema.compile(_part(definition))
    return compiled


@cache
def _slow(definition: str) -> Draft202012Validator:
    """Return a checker that explains what is wrong."""
    return Draft202012Validator(_part(definition))
