"""A divergence as files: a trace that ``refmodel validate`` reads, a vector, and a litmus file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refmodel.conformance.boundary import UNKNOWN, Line
from refmodel.conformance.lockstep import Answered, Divergence
from refmodel.conformance.vectors import in_vectors, vector_of, write_vector
from refmodel.engines.litmus import load_litmus, run_litmus
from refmodel.engines.toml_file import BadFile
from refmodel.profiles import Profile

if TYPE_CHECKING:
    from refmodel.conformance.conform import Conformance

NUMBERS = {"zero": 0, "same": 1, "nsame": 2, "text": 2, "rand": 3, "mix": 4}
"""Contents of litmus files that stand for the patterns of writes."""

DIRTIED = 9
"""Content of a litmus file that stands for a page of which a byte was written."""

TEMPLATE = """\
# {what}
# Found by refmodel conform against {implementation}, seed {seed}; the implementation said: {said}
question = {question}
profiles = [{profile}]
source = "refmodel conform"

[system]
pages = {pages}
slots = {slots}
folios = {folios}
totalram_pages = 4096

[initial]
run = [
{commands}
]

[[thread]]
name = "last"
run = [{last}]

[outcome]
{outcome}
"""


def save(found: Conformance, profile: Profile, directory: Path) -> dict[str, Path]:
    """Write the files of a divergence; return their paths by kind.

    A broken boundary leaves no trace: none can show it.  There is no vector of commands that the model itself does
    not answer, and no litmus file where the scenario has none: commands that only a boundary has, or a field that
    no expression names.
    """
    assert found.shrunk is not None
    directory.mkdir(parents=True, exist_ok=True)
    paths: dict[str, Path] = {}
    if found.shrunk.divergence.kind == "differs":
        paths["trace"] = directory / "trace.jsonl"
        write_trace(found.header, found.seed, found.shrunk.answered, paths["trace"])
    name = f"divergence from {found.implementation}"
    on = {"op": "set", "what": "zswap/shrinker_enabled", "value": found.header["zswap"]["shrinker_enabled"]}
    if in_vectors(found.shrunk.program):
        paths["vector"] = write_vector(vector_of(name, profile, [on, *found.shrunk.program]), directory)
    litmus = directory / "divergence.toml"
    if write_litmus(found, profile, litmus):
        paths["litmus"] = litmus
    return paths


def write_trace(header: Line, seed: int, answered: tuple[Answered, ...], path: Path) -> None:
    """Write the answered commands as a trace; a command without an answer is left out."""
    lines = [{**header, "seed": seed}]
    kept = [each for each in answered if each.record]
    for each in kept:
        lines += [_trace_line(each.record), *each.events]
    totals = dict.fromkeys(header["start"], 0)
    for each in kept:
        for name, change in each.record["d"].items():
            totals[name] += change if change != UNKNOWN else 0
    events = sum(len(each.events) for each in kept)
    end = {"k": "end", "ops": len(kept), "events": events, "content_errors": 0, "unparsed": 0, "end": totals}
    path.write_text("".join(json.dumps(line) + "\n" for line in [*lines, end]))


def _trace_line(record: Line) -> Line:
    """Return an operation with page states as traces write them: a flag that is not set is absent."""
    shown = dict(record)
    for key in ("pre", "post", "memory"):
        if key in record:
            shown[key] = _trace_states(record[key])
    return shown


def _trace_states(states: Any) -> Any:
    if isinstance(states, list):
        return [_trace_states(state) for state in states]
    return _trace_state(states)


def _trace_state(state: Any) -> Any:
    if not isinstance(state, dict) or state["st"] == UNKNOWN:
        return UNKNOWN
    kept = {key: value for key, value in state.items() if value != 0 or key in ("nid", "swp")}
    if kept["st"] == "none":
        return {"st": "none"}
    return {**({"nid": UNKNOWN} if kept["st"] == "mem" else {"swp": UNKNOWN}), **kept}


# --- litmus -------------------------------------------------------------------------------------------------------


def write_litmus(found: Conformance, profile: Profile, path: Path) -> bool:
    """Write the program with what the model expects of it; return whether it can be said in a litmus file.

    The word (always, sometimes) is that which an exploration of the file finds.
    """
    assert found.shrunk is not None
    divergence, program = found.shrunk.divergence, found.shrunk.program
    if divergence.kind != "differs":
        return False
    try:
        commands = [text for command in program for text in commands_of(command)]
        outcome = _outcome(divergence, program, found.shrunk.answered)
    except _NoLitmus:
        return False
    for word in ("always", "sometimes"):
        path.write_text(_text(found, profile, commands, f"{word} = {json.dumps(outcome)}"))
        try:
            if run_litmus(load_litmus(path), profile).found == word:
                return True
        except BadFile:
            break
    path.unlink()
    return False


class _NoLitmus(Exception):
    """A command or a field that litmus files do not have."""


def commands_of(command: Line) -> Iterator[str]:
    """Yield the commands of a litmus file that a command of the boundary stands for."""
    w, page, n = command.get("w", 0), command.get("page", 0), command.get("n", 1)
    pages = range(page, page + n)
    if "fault" in command:
        raise _NoLitmus
    match command["op"]:
        case "write":
            yield f"write({w}, {page}, {NUMBERS[command['kind']] + 5 * (command['seed'] % 2)})"
        case "dirty" if command["val"]:
            yield f"write({w}, {page}, {DIRTIED})"
        case "out":
            yield f"pageout({w}, {page}, {n})"
        case "read" | "touch":
            yield from (f"read({w}, {p})" for p in pages)
        case "free":
            yield f"zap({w}, {page}, {n})"
        case "lazyfree":
            yield from (f"madvise_free({w}, {p})" for p in pages)
        case "willneed":
            yield from (f"willneed({w}, {p})" for p in pages)
        case "fork":
            yield f"fork({w})"
        case "reap":
            yield f"exit_child({w})"
        case "shrink":
            yield f"shrinker_scan({w + 1}, {command['nid']}, {n})"
        case "set":
            yield _control(command["what"], command["value"])
        case "peek" | "settle":
            return
        case _:
            raise _NoLitmus


def _control(what: str, value: object) -> str:
    where, _, name = what.partition("/")
    text = str(value)
    if where == "zswap" and name in ("enabled", "shrinker_enabled"):
        return f"{name}({int(text in ('Y', '1'))})"
    if where == "zswap" and name in ("max_pool_percent", "accept_threshold_percent"):
        return f'{name}("{text}")'
    if where.startswith("w") and name == "memory.zswap.writeback":
        return f"zswap_writeback({int(where[1:]) + 1}, {text})"
    if where.startswith("w") and name in ("memory.zswap.max", "memory.swap.max"):
        return f'{name[7:].replace(".", "_")}({int(where[1:]) + 1}, "{text}")'
    raise _NoLitmus


def _outcome(divergence: Divergence, program: tuple[Line, ...], answered: tuple[Answered, ...]) -> str:
    """Return what the model expects, as an expression."""
    group, _, name = divergence.field.partition(" ")
    if divergence.field == "crc":
        page = program[-1]["page"]
        written = [
            c for c in program if c["op"] == "write" and (c["w"], c["page"]) == (program[-1]["w"], page)
        ]
        if not written or any(c["op"] == "dirty" for c in program):
            raise _NoLitmus
        number = NUMBERS[written[-1]["kind"]] + 5 * (written[-1]["seed"] % 2)
        return f"last[0] == {-1 - number // 5 if number % 5 == 1 else number}"
    if group != "counter" or not name.startswith(("zs.", "vm.")) or name == "zs.pool_total_size":
        raise _NoLitmus
    before = sum(each.record["d"].get(name, 0) for each in answered[:-1])
    return f"{name} == {before + int(divergence.model.split(name + ' ')[1].split(',')[0])}"


def _text(found: Conformance, profile: Profile, commands: list[str], outcome: str) -> str:
    assert found.shrunk is not None
    divergence = found.shrunk.divergence
    switched_on = ["shrinker_enabled(1)"] if found.header["zswap"]["shrinker_enabled"] == "Y" else []
    pages = 1 + max(c.get("page", 0) + c.get("n", 1) - 1 for c in found.shrunk.program)
    everything = [*switched_on, *commands]
    return TEMPLATE.format(
        what=f"{divergence.field} after {commands[-1]}: {divergence.step}",
        implementation=found.implementation,
        seed=found.seed,
        said=divergence.implementation,
        question=json.dumps(f"Is {divergence.field} as the model says?"),
        profile=json.dumps(profile.name),
        pages=pages,
        slots=2 * pages + 3,
        folios=4 * pages + 4,
        commands="\n".join(f"    {json.dumps(c)}," for c in everything[:-1]),
        last=json.dumps(everything[-1]),
        outcome=outcome,
    )
