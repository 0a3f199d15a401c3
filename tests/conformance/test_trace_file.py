"""Reading traces: what a good file gives, and the one line that each kind of bad file gets."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from refmodel.conformance.trace_file import SCHEMA, Record, TraceError, read_trace

Lines = list[Record]
NONE, MEM, SWAP = {"st": "none"}, {"st": "mem", "nid": 0}, {"st": "swap", "swp": [0, 1]}


def header() -> Record:
    guest = {"qemu": "QEMU 7.2.22", "accel": "tcg", "mem": "512M", "cpus": 1, "nodes": 1, "cmdline": "quiet"}
    proc_swaps = ["/dev/vda", "partition", "262140", "0", "5"]
    swap = {
        "device": "/dev/vda",
        "proc_swaps": proc_swaps,
        "page_cluster": 0,
        "rotational": "0",
        "mglru": "no",
    }
    zswap = {"enabled": "Y", "max_pool_percent": "20", "compressor": "lzo", "accept_threshold_percent": "90"}
    return {
        "k": "header",
        "schema": SCHEMA,
        "kernel": "6.12.117",
        "build": "#1 SMP",
        "package": "linux-source-6.12",
        "arch": "x86_64",
        "guest": guest,
        "swap": swap,
        "zswap": zswap,
        "workload": "lifecycle",
        "seed": 1,
        "probes": {"ok": ["slot_alloc", "store"], "unavailable": []},
        "start": {"vm.zswpout": 0},
    }


def small_trace() -> Lines:
    """One page, filled and swapped out: six lines."""
    fill = {"w": 0, "op": "write", "page": 3, "kind": "text", "seed": 7, "pre": NONE, "post": MEM, "d": {}}
    out = {"w": 0, "op": "out", "page": 3, "pre": MEM, "post": SWAP, "d": {"vm.zswpout": 1}}
    end = {"k": "end", "ops": 2, "events": 2, "content_errors": 0, "unparsed": 0, "end": {"vm.zswpout": 1}}
    return [
        header(),
        {"k": "op", "i": 0, **fill},
        {"k": "op", "i": 1, **out},
        {"k": "ev", "i": 1, "ev": "slot_alloc", "cpu": 0, "swp": [0, 1]},
        {"k": "ev", "i": 1, "ev": "store", "cpu": 0, "swp": [0, 1], "nr": 1, "nid": 0, "ret": 1, "ok": True},
        end,
    ]


def text_of(lines: Lines) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def refusal(path: Path) -> TraceError:
    with pytest.raises(TraceError) as refused:
        read_trace(path)
    assert "\n" not in str(refused.value)
    assert str(refused.value).isprintable()
    return refused.value


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz"])
def test_a_trace_gives_its_operations_with_their_events_and_line_numbers(tmp_path: Path, name: str) -> None:
    content = text_of(small_trace())
    path = written(tmp_path / name, gzip.compress(content) if name.endswith(".gz") else content)

    trace = read_trace(path)

    assert trace.path == path
    assert trace.header == header()
    assert [(op.number, op.line, op.record["op"]) for op in trace.ops] == [(0, 2, "write"), (1, 3, "out")]
    assert [(ev.line, ev.record["ev"]) for ev in trace.ops[1].events] == [(4, "slot_alloc"), (5, "store")]
    assert trace.ops[0].events == ()
    assert (trace.end_line, trace.end["ops"]) == (6, 2)


def test_the_last_line_needs_no_line_feed(tmp_path: Path) -> None:
    path = written(tmp_path / "t.jsonl", text_of(small_trace()).removesuffix(b"\n"))

    assert read_trace(path).end_line == 6


def test_a_path_may_be_given_as_text(tmp_path: Path) -> None:
    path = written(tmp_path / "t.jsonl", text_of(small_trace()))

    assert len(read_trace(str(path)).ops) == 2


def test_a_missing_file_is_named_without_a_line(tmp_path: Path) -> None:
    path = tmp_path / "no.jsonl"

    error = refusal(path)

    assert (error.path, error.line) == (path, 0)
    assert str(error).startswith(f"{path}: cannot be read (No such file or directory)")


def test_a_directory_is_no_trace(tmp_path: Path) -> None:
    assert "Is a directory" in refusal(tmp_path).message


GZIPPED = gzip.compress(text_of(small_trace()))
BAD_FILES = {
    "plain text named .gz": ("t.jsonl.gz", text_of(small_trace()), 0, "no whole gzip file (Not a gzipped"),
    "gzip cut off": ("t.jsonl.gz", GZIPPED[:-20], 0, "found no whole gzip file (Compressed file ended"),
    "gzip damaged": ("t.jsonl.gz", GZIPPED[:12] + b"\xff" * 8 + GZIPPED[20:], 0, "found no whole gzip file"),
    "gzip with a wrong checksum": ("t.jsonl.gz", GZIPPED[:-8] + bytes(8), 0, "no whole gzip file (CRC check"),
    "gzip named .jsonl": ("t.jsonl", GZIPPED, 1, "found byte 0x8b; expected UTF-8 text; name a gzip"),
    "not UTF-8": ("t.jsonl", text_of([header()]) + b'{"k":"\xff"}\n', 2, "found byte 0xff; expected UTF-8"),
    "empty file": ("t.jsonl", b"", 1, "found , not JSON"),
    "not JSON": ("t.jsonl", text_of([header()]) + b"hello\n", 2, "found hello, not JSON (Expecting value);"),
    "line cut off": ("t.jsonl", text_of(small_trace())[:-30], 6, "not JSON ("),
    "endless nesting": ("t.jsonl", b"[" * 100_000, 1, "not JSON (maximum recursion depth"),
    "not an object": ("t.jsonl", b"[1, 2]\n", 1, "found [1, 2]; expected one JSON object a line"),
    "fraction": ("t.jsonl", b'{"k": 1.0}\n', 1, "1.0 is no whole number"),
    "not a number": ("t.jsonl", b'{"k": NaN}\n', 1, "NaN is no whole number"),
    "control characters": ("t.jsonl", b"\x1b[2J\n", 1, r"found '\x1b[2J', not JSON"),
}


@pytest.mark.parametrize(("name", "content", "line", "expected"), BAD_FILES.values(), ids=list(BAD_FILES))
def test_a_file_that_holds_no_json_lines_is_refused(
    tmp_path: Path, name: str, content: bytes, line: int, expected: str
) -> None:
    error = refusal(written(tmp_path / name, content))

    assert error.line == line
    assert expected in error.message


def put(line: int, **fields: object) -> Callable[[Lines], None]:
    """Set fields of the given line, from 1."""
    return lambda lines: lines[line - 1].update(fields)


def drop(line: int, *fields: str) -> Callable[[Lines], None]:
    """Remove fields of the given line, from 1, or without fields the line itself."""

    def change(lines: Lines) -> None:
        for field in fields:
            del lines[line - 1][field]
        if not fields:
            del lines[line - 1]

    return change


def again(line: int, at: int) -> Callable[[Lines], None]:
    """Repeat a line, so that the copy becomes line `at`."""
    return lambda lines: lines.insert(at - 1, lines[line - 1])


BAD_LINES = {
    "no kind": (drop(2, "k"), 2, "found kind None in 'k'; expected header, op, ev or end"),
    "unknown kind": (put(4, k="event"), 4, "found kind event in 'k'; expected header, op, ev or end"),
    "unhashable kind": (put(4, k={}), 4, "found kind {} in 'k'"),
    "unknown operation": (put(2, op="writ"), 2, "found op writ; expected one of write, fill, out, read"),
    "unknown event": (put(5, ev="stored"), 5, "found ev stored; expected one of slot_alloc, slot_free"),
    "unprintable name": (put(2, op="\ud800\x1b"), 2, r"found op '\ud800\x1b'; expected one of"),
    "later schema": (put(1, schema="linux-zswap-trace/2"), 1, "found schema linux-zswap-trace/2; expected"),
    "no schema": (drop(1, "schema"), 1, "found schema None; expected linux-zswap-trace/1"),
    "missing field": (drop(2, "post"), 2, "found a wrong op.write line: $: 'post' is a required property"),
    "missing field of the header": (drop(1, "zswap"), 1, "wrong header line: $: 'zswap' is a required"),
    "missing total": (drop(6, "events"), 6, "wrong end line: $: 'events' is a required property"),
    "surplus field": (put(5, size=4), 5, "wrong ev.store line: $: Additional properties are not allowed"),
    "field of a wrong type": (put(5, ok=1), 5, "wrong ev.store line: $.ok: 1 is not of type 'boolean'"),
    "truth for a number": (put(5, nr=True), 5, "$.nr: True is not of type 'integer'"),
    "truth for a flag": (put(2, post={**MEM, "dirty": True}), 2, "$.post.dirty: 1 was expected"),
    "unknown page state": (put(2, post={"st": "swapped"}), 2, "$.post.st: 'swapped' is not one of"),
    "page state of another kind": (put(2, post={**NONE, "nid": 0}), 2, "$.post"),
    "slot without offset": (put(4, swp=[0]), 4, "$.swp: [0] is too short"),
    "unknown counter": (put(3, d={"vm": 1}), 3, "$.d: 'vm' does not match any of the regexes"),
    "no header": (drop(1), 1, "found 'op' as line 1; expected one header, as line 1"),
    "second header": (again(1, at=3), 3, "found 'header' as line 3; expected one header, as line 1"),
    "operation left out": (drop(2), 2, "found operation number 1; expected 0"),
    "operation repeated": (again(2, at=3), 3, "found operation number 0; expected 1"),
    "event before any operation": (
        again(4, at=2),
        2,
        "event of operation 1; expected an operation before any",
    ),
    "event of another operation": (put(4, i=0), 4, "event of operation 0; expected 1, which stands above it"),
    "fewer states than pages": (put(3, n=3, post=[SWAP, SWAP]), 3, "found 1 pages in 'pre'; expected 3"),
    "no end": (drop(6), 5, "found no end line, so the file is cut off; expected totals"),
    "event lost": (drop(5), 5, "found 1 events; expected 2, as the end line says"),
    "operation lost at the end": (put(6, ops=3), 6, "found 2 ops; expected 3, as the end line says"),
    "content errors miscounted": (put(6, content_errors=1), 6, "found 0 content_errors; expected 1"),
    "line after the end": (again(6, at=7), 7, "found 'end' after the end line; expected nothing"),
}


@pytest.mark.parametrize(("change", "line", "expected"), BAD_LINES.values(), ids=list(BAD_LINES))
def test_a_line_that_breaks_the_schema_or_the_order_is_refused_by_number(
    tmp_path: Path, change: Callable[[Lines], None], line: int, expected: str
) -> None:
    lines = small_trace()
    change(lines)

    error = refusal(written(tmp_path / "t.jsonl", text_of(lines)))

    assert expected in error.message
    assert error.line == line


def test_the_first_bad_line_is_the_one_reported(tmp_path: Path) -> None:
    lines = small_trace()
    put(3, i=5)(lines)
    put(5, k="x")(lines)

    assert refusal(written(tmp_path / "t.jsonl", text_of(lines))).line == 3


def test_a_long_value_is_cut_in_the_message(tmp_path: Path) -> None:
    lines = small_trace()
    put(2, post="x" * 10_000)(lines)

    assert len(refusal(written(tmp_path / "t.jsonl", text_of(lines))).message) < 300
