"""The recorded traces: each fits the schema, and the table that introduces them tells the truth."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from refmodel.conformance import trace_file
from refmodel.conformance.trace_file import Record, Trace
from refmodel.resources import specs_dir

TRACES = sorted((specs_dir() / "traces").glob("*.jsonl.gz"))
NAMES = [path.name.removesuffix(".jsonl.gz") for path in TRACES]
each_trace = pytest.mark.parametrize("path", TRACES, ids=NAMES)


@cache
def read_trace(path: Path) -> Trace:
    """Read a trace once for all tests; reading checks every line by the definition of its name."""
    return trace_file.read_trace(path)


@cache
def schema() -> Any:
    return json.loads((specs_dir() / "trace.schema.json").read_text())


@cache
def table() -> dict[str, list[str]]:
    """The cells of each row of the README's table of files, by name."""
    rows = (specs_dir() / "traces" / "README.md").read_text().splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if row.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells if len(row) == 10}


def one_line_of_each_name(trace: Trace) -> dict[str, Record]:
    lines = {"header": trace.header, "end": trace.end}
    for op in trace.ops:
        lines[f"op.{op.record['op']}"] = op.record
        lines.update({f"ev.{event.record['ev']}": event.record for event in op.events})
    return lines


def test_the_schema_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_the_table_lists_every_trace() -> None:
    assert sorted(table()) == NAMES
    assert len(NAMES) == 29


@each_trace
def test_every_line_fits_the_schema_and_the_table_says_what_the_file_is(path: Path) -> None:
    trace = read_trace(path)

    start = trace.header["zswap"]
    guest = trace.header["guest"]
    assert table()[path.name.removesuffix(".jsonl.gz")] == [
        trace.header["kernel"],
        trace.header["package"],
        trace.header["workload"],
        str(trace.header["seed"]),
        ", ".join(filter(None, [start["compressor"], start.get("zpool")])),
        f"{guest['cpus']} / {guest['nodes']}",
        trace.header["swap"]["device"],
        str(trace.end["ops"]),
        str(trace.end["events"]),
    ]
    assert trace.end["content_errors"] == 0


@each_trace
def test_the_schema_as_a_whole_accepts_one_line_of_each_name(path: Path) -> None:
    whole = Draft202012Validator(schema())

    for record in one_line_of_each_name(read_trace(path)).values():
        whole.validate(record)


def test_the_schema_as_a_whole_has_every_definition_of_a_line() -> None:
    lines = [choice["$ref"].removeprefix("#/$defs/") for choice in schema()["oneOf"]]
    named = [name for name in schema()["$defs"] if name.startswith(("op.", "ev."))]

    assert sorted(lines) == sorted(["header", *named, "end"])


@pytest.mark.parametrize(
    "record",
    [
        {"k": "note"},
        {"k": "op", "i": 0, "w": 0, "op": "writ", "d": {}},
        {"k": "ev", "i": 0, "ev": "stored", "cpu": 0},
        {"k": "ev", "i": 0, "ev": "worker", "cpu": 0, "ret": 0},
        {"k": "ev", "i": 0, "ev": "charge", "cpu": 0, "size": "12"},
    ],
    ids=["kind", "operation", "event", "surplus field", "type"],
)
def test_the_schema_as_a_whole_refuses_what_it_does_not_know(record: Record) -> None:
    assert not Draft202012Validator(schema()).is_valid(record)
