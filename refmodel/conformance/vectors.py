"""Test vectors: programs with what the model answers, as files that need no Python to be used.

A vector is a text file of JSON objects, one a line: what it is, then one line for each command with what is
expected of its answer.  Its name is the SHA-256 of its content.  A directory of them has a manifest.

    {"vector": 1, "profile": "linux-7.3", "what": "...", "needs": {"commands": [...], ...}}
    {"command": {"i": 1, "op": "write", ...}, "expect": {"errno": 0, "post": ["mem"], "vm.zswpout": 0, ...}}

``post`` has the state of each page as its ``st`` and the flags that are set, in the order of ``FLAGS``.  All
other keys are a field of the answer or a counter, with a number.  What depends on an implementation's free
decisions is left out: the model runs with several compressors, and only what all agree on is expected.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs

from refmodel.conformance.boundary import UNKNOWN, Broke, Hello, Line, hello_of
from refmodel.conformance.conform_walk import CommandDraws
from refmodel.conformance.patterns import crc
from refmodel.conformance.served import SIZES, ServedModel
from refmodel.conformance.target import Target
from refmodel.engines.coverage import Goal, declared, reached
from refmodel.kernel.config import Sizes
from refmodel.machine import run
from refmodel.profiles import Profile

VERSION = 1
"""The version of the format."""

FLAGS = ("dirty", "wb", "swcache", "head", "tail", "zeropage")
"""Flags of a page state, in the order in which a vector names them."""

COMPRESSORS = ("deflate", "lz4", "zstd")
"""Compressors that have to agree on what is expected."""

VECTOR_SIZES = attrs.evolve(SIZES, totalram_pages=4096)
"""Sizes of the model that fills vectors: the pools are never full."""

NOT_COMPARED = frozenset({"zs.pool_total_size", "vm.nr_zspages"})
"""Counters that say how an allocator packs its objects."""

_NOT_TRIED = ("settle", "peek")
"""Commands that vectors do without: their answers hold nothing that other commands' do not."""


class BadVector(Exception):
    """A vector or a manifest cannot be read; its text is one line."""


@attrs.frozen
class Case:
    """A vector: what it shows, what it needs, and its commands with what is expected of each."""

    profile: str
    what: str
    needs: dict[str, Any]
    steps: tuple[tuple[Line, Line], ...]

    @property
    def text(self) -> str:
        """The file's content."""
        first = {"vector": VERSION, "profile": self.profile, "what": self.what, "needs": self.needs}
        lines = [first, *({"command": command, "expect": expect} for command, expect in self.steps)]
        return "".join(json.dumps(line) + "\n" for line in lines)

    @property
    def sha256(self) -> str:
        """The name of the content."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@attrs.frozen
class Outcome:
    """What became of a vector: ``passed``, ``failed`` or ``skipped``, and why.

    compared: values that were compared.  unknown: values that the implementation left open.
    """

    file: str
    what: str
    verdict: str
    why: str = ""
    compared: int = 0
    unknown: int = 0


# --- making -------------------------------------------------------------------------------------------------------


def vector_of(what: str, profile: Profile, program: Sequence[Line], sizes: Sizes = VECTOR_SIZES) -> Case:
    """Return a program as a vector."""
    numbered = [{"i": number, **command} for number, command in enumerate(program, start=1)]
    answers = [_expected(profile, numbered, sizes, compressor) for compressor in COMPRESSORS]
    steps = tuple(
        (command, {key: value for key, value in first.items() if all(o.get(key) == value for o in others)})
        for command, first, *others in zip(numbered, *answers, strict=True)
    )
    return Case(profile.name, what, _needs(program), steps)


def _expected(profile: Profile, program: Sequence[Line], sizes: Sizes, compressor: str) -> list[Line]:
    """Return what the model answers, one flat object for each command."""
    model = ServedModel(profile, sizes, compressor)
    model.answer({"i": 0, "op": "reset"})
    return [_flat(model.answer(command)) for command in program]


def _flat(answer: Line) -> Line:
    """Return an answer as a vector expects it."""
    flat: Line = {"errno": answer["errno"]}
    if "crc" in answer:
        flat["crc"] = answer["crc"]
    if "post" in answer:
        flat["post"] = [state_text(state) for state in _states(answer["post"])]
    return flat | {name: n for name, n in answer["counters"].items() if name not in NOT_COMPARED}


def state_text(state: Any) -> str:
    """Return a page state in words, for example ``swap swcache``; unknown if any of it is."""
    if state == UNKNOWN or UNKNOWN in state.values():
        return UNKNOWN
    return " ".join([state["st"], *(flag for flag in FLAGS if state.get(flag))])


def _states(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _needs(program: Sequence[Line]) -> dict[str, Any]:
    """Return what an implementation has to be able to do."""
    return {
        "commands": sorted({command["op"] for command in program}),
        "controls": sorted({_control(command["what"]) for command in program if command["op"] == "set"}),
        "faults": sorted({command["fault"]["site"] for command in program if "fault" in command}),
        "workers": 1 + max((command.get("w", 0) for command in program), default=0),
        "pages": max((command.get("page", 0) + command.get("n", 1) for command in program), default=1),
    }


def _control(what: str) -> str:
    where, _, name = what.partition("/")
    return f"{'wK' if where.startswith('w') else where}/{name}"


def write_vector(case: Case, directory: Path) -> Path:
    """Write a vector under its name; return its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{case.sha256[:16]}.jsonl"
    path.write_text(case.text)
    return path


# --- filling ------------------------------------------------------------------------------------------------------


class _Watched(ServedModel):
    """A served model that notes which goals it reaches."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile, VECTOR_SIZES, COMPRESSORS[0])
        self.reached: set[Any] = set()
        self.failed: set[Any] = set()
        self.pending = ""

    def run(self, operation: Any) -> Any:
        return run(self.view, operation, self.observe)

    def choose(self, point: Any, options: Any) -> Any:
        before = self.fired
        answer = super().choose(point, options)
        if self.fired and not before:
            self.pending = point.name
        return answer

    def observe(self, step: Any) -> None:
        self.reached.add((type(step.__self__), step.__func__))
        if self.pending:
            self.failed.add((type(step.__self__), step.__func__, self.pending))
            self.pending = ""

    def goals(
        self, program: Sequence[Line], stop: frozenset[Goal] | None = None
    ) -> tuple[frozenset[Goal], int]:
        """Run a program; return the goals that it reaches, and after how many commands those of ``stop`` were."""
        self.reached.clear()
        self.failed.clear()
        self.answer({"i": 0, "op": "reset"})
        for number, command in enumerate(program, start=1):
            self.answer({"i": number, **command})
            if stop is not None and stop <= reached(self.profile.operations, [self]):
                return stop, number
        return reached(self.profile.operations, [self]), len(program)


@attrs.frozen
class Filled:
    """Vectors with the goals that each adds, and the goals that none reaches."""

    cases: tuple[tuple[Case, tuple[Goal, ...]], ...]
    unreached: tuple[Goal, ...]

    @property
    def goals(self) -> int:
        """How many goals are reached."""
        return sum(len(goals) for _, goals in self.cases)


def fill(profile: Profile, seed: int = 0, runs: int = 400) -> Filled:
    """Return vectors that reach whatever random programs reach.

    Each is the shortest that was found for one goal, and counts for all others that it reaches.
    """
    model = _Watched(profile)
    hello = _fillable(model)
    known: set[Goal] = set()
    cases: list[tuple[Case, tuple[Goal, ...]]] = []
    for number in range(runs):
        program = _program(model, hello, Random(f"{seed}/{number}"))
        for goal in sorted(model.goals(program)[0]):
            if goal in known:
                continue
            wanted = frozenset({goal})
            _, length = model.goals(program, wanted)
            shortest = _shortened(model, program[:length], wanted)
            new = model.goals(shortest)[0] - known
            known |= new
            ordered = (goal, *sorted(new - wanted))
            cases.append((vector_of(goal.text, profile, shortest), ordered))
    unreached = tuple(goal for goal in declared(profile.operations) if goal not in known)
    return Filled(tuple(cases), unreached)


def _fillable(model: ServedModel) -> Hello:
    """Return what vectors are drawn from."""
    hello = hello_of(model.hello())
    return attrs.evolve(hello, commands=tuple(op for op in hello.commands if op not in _NOT_TRIED))


def _program(model: _Watched, hello: Hello, chance: Random) -> list[Line]:
    """Draw a program; it begins by saying whether the dynamic shrinker is on."""
    model.answer({"i": 0, "op": "reset"})
    program: list[Line] = []
    if "zswap/shrinker_enabled" in hello.controls:
        program.append({"op": "set", "what": "zswap/shrinker_enabled", "value": chance.choice("YN")})
    draws = CommandDraws(chance, hello, model.view)
    for _ in range(40):
        program.append(draws.draw())
        model.answer({"i": len(program), **program[-1]})
    return program


def _shortened(model: _Watched, program: list[Line], goals: frozenset[Goal]) -> list[Line]:
    """Return a program without the commands that it does not need to reach some goals."""
    index = 1 if program[0]["op"] == "set" else 0
    while index < len(program):
        shorter = program[:index] + program[index + 1 :]
        if shorter and goals <= model.goals(shorter)[0]:
            program = shorter
        else:
            index += 1
    return program


def write_vectors(filled: Filled, profile: Profile, directory: Path, shards: int, seed: int) -> None:
    """Write vectors in shards, and their manifest."""
    entries = []
    for case, goals in filled.cases:
        shard = int(case.sha256[:8], 16) % shards
        path = write_vector(case, directory / str(shard))
        entries.append(
            {
                "file": f"{shard}/{path.name}",
                "sha256": case.sha256,
                "what": case.what,
                "shard": shard,
                "commands": len(case.steps),
                "needs": case.needs,
                "goals": [goal.text for goal in goals],
            }
        )
    entries.sort(key=lambda entry: str(entry["file"]))
    manifest = {
        "vectors": VERSION,
        "profile": profile.name,
        "seed": seed,
        "shards": shards,
        "cases": entries,
        "unreached": [goal.text for goal in filled.unreached],
    }
    (directory / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


# --- verifying ----------------------------------------------------------------------------------------------------


def read_manifest(directory: Path) -> Line:
    """Return a manifest.  Raises BadVector."""
    path = directory / "manifest.json"
    try:
        manifest: Line = json.loads(path.read_text())
        version = manifest["vectors"]
        manifest["cases"], manifest["shards"], manifest["profile"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadVector(
            f"{path}: no manifest ({type(error).__name__}); expected a directory of refmodel vectors fill"
        ) from None
    if version != VERSION:
        raise BadVector(f"{path}: vectors of version {version!r}; expected {VERSION}; fill them again")
    return manifest


def read_vector(path: Path, sha256: str) -> Case:
    """Return a vector.  Raises BadVector for a file that is not what its name and manifest say."""
    try:
        text = path.read_text()
        first, *steps = (json.loads(line) for line in text.splitlines())
        case = Case(
            first["profile"], first["what"], first["needs"], tuple((s["command"], s["expect"]) for s in steps)
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadVector(
            f"{path}: cannot be read as a vector ({type(error).__name__}); fill it again"
        ) from None
    found = hashlib.sha256(text.encode()).hexdigest()
    if found != sha256:
        raise BadVector(f"{path}: SHA-256 {found[:16]}...; expected {sha256[:16]}...; fill or fetch it again")
    return case


def verify(directory: Path, target: Target, shard: int | None = None) -> Iterator[Outcome]:
    """Run the vectors of a directory, or of one shard, against an implementation.

    Raises BadVector.
    """
    for entry in read_manifest(directory)["cases"]:
        if shard in (None, entry["shard"]):
            case = read_vector(directory / entry["file"], entry["sha256"])
            yield verify_case(case, entry["file"], target)


def verify_case(case: Case, file: str, target: Target) -> Outcome:
    """Run one vector."""
    lacks = lacking(case, target.hello)
    if lacks:
        return Outcome(file, case.what, "skipped", f"the implementation has no {lacks}")
    compared = unknown = 0
    command: Line = {"i": 0, "op": "reset"}
    try:
        target.ask(command)
        for command, expect in case.steps:
            answer = target.ask(command)
            for key, wanted in expect.items():
                found = _found(answer, key)
                if found == UNKNOWN:
                    unknown += 1
                    continue
                compared += 1
                if found != wanted:
                    why = f"command {command['i']} ({command['op']}): {key} is {found}; expected {wanted}"
                    return Outcome(file, case.what, "failed", why, compared, unknown)
    except Broke as broke:
        target.restart()
        why = f"command {command['i']} ({command['op']}): {broke.message}"
        return Outcome(file, case.what, "failed", why, compared, unknown)
    return Outcome(file, case.what, "passed", "", compared, unknown)


def lacking(case: Case, hello: Hello) -> str:
    """Return what a vector needs and an implementation does not have, "" for nothing."""
    for kind, had in (("commands", hello.commands), ("controls", hello.controls), ("faults", hello.faults)):
        for name in case.needs[kind]:
            if name not in had:
                return f"{kind[:-1]} {name}"
    for size, had_size in (("workers", hello.workers), ("pages", hello.pages)):
        if case.needs[size] > had_size:
            return f"{case.needs[size]} {size}"
    return ""


def _found(answer: Line, key: str) -> Any:
    """Return what an answer says under a key of a vector."""
    if key == "post":
        states = [state_text(state) for state in _states(answer.get("post", UNKNOWN))]
        return UNKNOWN if UNKNOWN in states else states
    if key == "crc" and "bytes" in answer and answer["bytes"] != UNKNOWN:
        return crc(bytes.fromhex(answer["bytes"]))
    if "." in key:
        return answer.get("counters", {}).get(key, UNKNOWN)
    return answer.get(key, UNKNOWN)
