"""Reading recorded traces: files of the schema ``linux-zswap-trace/1``, plain or compressed with gzip.

A trace tells what one kernel did: a header line, then operations numbered from 0, each followed by the kernel
events that it caused, then a line of totals. ``specs/trace.schema.json`` says which fields a line has. What a
schema of single lines cannot say is checked here: the order of the lines, the numbering, and the totals.
Whoever holds a `Trace` needs no further checks of form.
"""

import gzip
import json
import zlib
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from attrs import frozen
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from refmodel.resources import specs_dir

SCHEMA = "linux-zswap-trace/1"
"""The schema that this reader understands, as the header names it."""

Record = dict[str, Any]
"""One line of a trace: a JSON object that fits the schema."""

_AGAIN = "copy or record the trace again"


class TraceError(Exception):
    """A trace cannot be read.

    Args:
        path: the trace file.
        line: number of the offending line, from 1; 0 when the file as a whole is meant.
        message: what was found, what was expected and what to try, in one line.
    """

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(path, line, message)
        self.path = path
        self.line = line
        self.message = message

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.message}"


@frozen
class Event:
    """One kernel event: a line of kind ``ev``."""

    line: int
    """Line number in the file, from 1."""
    record: Record


@frozen
class Op:
    """One operation with the events that it caused, in the order of the kernel's clock."""

    line: int
    """Line number in the file, from 1."""
    number: int
    """Position among the operations, from 0: the field ``i``."""
    record: Record
    events: tuple[Event, ...]


@frozen
class Trace:
    """A whole trace, checked."""

    path: Path
    header: Record
    ops: tuple[Op, ...]
    end: Record
    end_line: int
    """Line number of the totals, which is the number of lines in the file."""


def read_trace(path: str | Path) -> Trace:
    """Read and check a trace file.

    Args:
        path: a ``.jsonl`` file, or a ``.jsonl.gz`` file, which is decompressed.

    Raises:
        TraceError: the file cannot be read, is not text of JSON objects, does not fit the schema, is cut off,
            or its lines are out of order.
    """
    path = Path(path)
    lines = _Lines(path)
    for number, text in enumerate(_text_lines(path), start=1):
        lines.add(number, _record(path, number, text))
    return lines.trace()


class _Lines:
    """The lines read so far. Each is checked against those before it, so the first misplaced one is named."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: Record = {}
        self.ops: list[tuple[int, Record, list[Event]]] = []
        self.end: tuple[int, Record] | None = None
        self.last = 0

    def add(self, line: int, record: Record) -> None:
        self.last = line
        kind = record["k"]
        if (kind == "header") != (line == 1):
            self.refuse(f"found {kind!r} as line {line}; expected one header, as line 1; {_AGAIN}")
        if self.end:
            self.refuse(
                f"found {kind!r} after the end line; expected nothing; keep each trace in its own file"
            )
        match kind:
            case "header":
                self.header = record
            case "op":
                self.add_op(record)
            case "ev":
                self.add_event(record)
            case "end":
                self.end = line, record

    def add_op(self, record: Record) -> None:
        if record["i"] != len(self.ops):
            self.refuse(f"found operation number {record['i']}; expected {len(self.ops)}; {_AGAIN}")
        for field in ("pre", "post", "contents"):
            self.check_page_count(record, field)
        self.ops.append((self.last, record, []))

    def check_page_count(self, record: Record, field: str) -> None:
        pages, expected = record.get(field), record.get("n", 1)
        found = len(pages) if isinstance(pages, list) else 1
        if pages is not None and found != expected:
            self.refuse(f"found {found} pages in {field!r}; expected {expected}, as 'n' says; {_AGAIN}")

    def add_event(self, record: Record) -> None:
        current = len(self.ops) - 1
        if record["i"] != current:
            above = f"{current}, which stands above it" if self.ops else "an operation before any event"
            self.refuse(f"found an event of operation {record['i']}; expected {above}; {_AGAIN}")
        self.ops[-1][2].append(Event(self.last, record))

    def trace(self) -> Trace:
        if self.end is None:
            self.refuse(
                f"found no end line, so the file is cut off; expected totals as the last line; {_AGAIN}"
            )
        line, end = self.end
        found = {
            "ops": len(self.ops),
            "events": sum(len(events) for _, _, events in self.ops),
            "content_errors": sum(record.get("crc_ok") is False for _, record, _ in self.ops),
        }
        for total, count in found.items():
            if end[total] != count:
                self.refuse(f"found {count} {total}; expected {end[total]}, as the end line says; {_AGAIN}")
        ops = tuple(Op(at, record["i"], record, tuple(events)) for at, record, events in self.ops)
        return Trace(self.path, self.header, ops, end, line)

    def refuse(self, message: str) -> NoReturn:
        raise TraceError(self.path, self.last, message)


def _text_lines(path: Path) -> list[str]:
    """Read the file, decompress it if its name ends in ``.gz``, and split it at line feeds."""
    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"cannot be read ({error.strerror}); expected a .jsonl or .jsonl.gz file; check its name"
        raise TraceError(path, 0, message) from error
    if path.suffix == ".gz":
        data = _decompressed(path, data)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"found byte {data[error.start]:#04x}; expected UTF-8 text; name a gzip file .jsonl.gz"
        raise TraceError(path, line, message) from error
    return text.removesuffix("\n").split("\n")


def _decompressed(path: Path, data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        message = f"found no whole gzip file ({error}); expected one by its name; name a plain file .jsonl"
        raise TraceError(path, 0, message) from error


def _record(path: Path, line: int, text: str) -> Record:
    """Parse one line and check it against the schema."""
    try:
        record = json.loads(text, parse_float=_refuse_number, parse_constant=_refuse_number)
    except (ValueError, RecursionError) as error:
        reason = str(error).split(": line ")[0]  # the position would count lines from this one
        message = f"found {_excerpt(text)}, not JSON ({reason}); expected one object a line; {_AGAIN}"
        raise TraceError(path, line, message) from error
    if not isinstance(record, dict):
        raise TraceError(path, line, f"found {_excerpt(text)}; expected one JSON object a line; {_AGAIN}")
    definition = _definition(path, line, record)
    misfit = best_match(islice(_validators()[definition].iter_errors(record), 1))
    if misfit is not None:
        message = f"found a wrong {definition} line: {misfit.json_path}: {_excerpt(misfit.message)}"
        raise TraceError(path, line, f"{message}; expected {SCHEMA}; compare with specs/trace.schema.json")
    return record


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no whole number")


def _definition(path: Path, line: int, record: Record) -> str:
    """Name the schema's definition for a line: ``header``, ``op.<name>``, ``ev.<name>`` or ``end``."""
    kind = record.get("k")
    if kind == "header" and record.get("schema") != SCHEMA:
        message = (
            f"found schema {_excerpt(record.get('schema'))}; expected {SCHEMA}; use the refmodel made for it"
        )
        raise TraceError(path, line, message)
    if kind == "header" or kind == "end":
        return str(kind)
    if kind == "op" or kind == "ev":
        definition = f"{kind}.{record.get(kind)}"
        if definition in _validators():
            return definition
        known = ", ".join(name[3:] for name in _validators() if name.startswith(f"{kind}."))
        message = f"found {kind} {_excerpt(record.get(kind))}; expected one of {known}"
        raise TraceError(path, line, f"{message}; check the name, or use a later refmodel")
    message = f"found kind {_excerpt(kind)} in 'k'; expected header, op, ev or end; {_AGAIN}"
    raise TraceError(path, line, message)


def _excerpt(value: object) -> str:
    """Show a value from the file in at most 120 printable characters."""
    shown = value if isinstance(value, str) and value.isprintable() else repr(value)
    return shown if len(shown) <= 120 else f"{shown[:117]}..."


@cache
def _validators() -> dict[str, Draft202012Validator]:
    """One validator for each definition of the schema.

    A validator for the line at hand, not one that tries every definition, is faster and explains better.
    """
    parts = json.loads((specs_dir() / "trace.schema.json").read_text())["$defs"]
    return {name: Draft202012Validator(_inlined(part, parts)) for name, part in parts.items()}


def _inlined(part: Any, definitions: Record) -> Any:
    """Replace references by what they refer to, because jsonschema resolves them again at each use."""
    if isinstance(part, list):
        return [_inlined(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(definitions[part["$ref"].removeprefix("#/$defs/")], definitions)
    return {key: _inlined(value, definitions) for key, value in part.items()}
