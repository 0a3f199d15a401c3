"""Test vectors: programs with what the model answers, as files that need no Python to be used.

A vector is a text file of JSON objects, one a line: what it is, then one line for each command with what is
expected of its answer.  Its name is the SHA-256 of its content.  A directory of them has a manifest.

    {"vector": 1, "profile": "linux-7.3", "what": "...", "setting": {}, "needs": {"commands": [...], ...}}
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
from typing import Any

import attrs

from refmodel.conformance.boundary import UNKNOWN, Broke, Hello, Line
from refmodel.conformance.patterns import crc
from refmodel.conformance.served import NOT_SERVED, SIZES, ServedModel
from refmodel.conformance.target import Target
from refmodel.kernel.config import Sizes
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


class BadVector(Exception):
    """A vector or a manifest cannot be read; its text is one line."""


@attrs.frozen
class Case:
    """A vector: what it shows, how it starts, what it needs, and its commands with what is expected of each."""

    profile: str
    what: str
    setting: Line
    needs: dict[str, Any]
    steps: tuple[tuple[Line, Line], ...]

    @property
    def text(self) -> str:
        """The file's content."""
        first = {
            "vector": VERSION, "profile": self.profile, "what": self.what, "setting": self.setting, "needs": self.needs
        }  # fmt: skip
        lines = [first, *({"command": command, "expect": expect} for command, expect in self.steps)]
        return "".join(json.dumps(line) + "\n" for line in lines)

    @property
    def reset(self) -> Line:
        """The command that comes first."""
        return reset_to(self.setting)

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


def reset_to(setting: Line) -> Line:
    """Return the command that goes to the start of a setting."""
    return {"i": 0, "op": "reset", **({"setting": setting} if setting else {})}


# --- making -------------------------------------------------------------------------------------------------------


def vector_of(
    what: str,
    profile: Profile,
    program: Sequence[Line],
    sizes: Sizes = VECTOR_SIZES,
    setting: Line | None = None,
) -> Case:
    """Return a program as a vector; it begins with a setting, the usual one if that is None."""
    numbered = [
        reset_to(setting or {}),
        *({"i": number, **command} for number, command in enumerate(program, start=1)),
    ]
    answers = [_expected(profile, numbered, sizes, compressor) for compressor in COMPRESSORS]
    steps = tuple(
        (command, {key: value for key, value in first.items() if all(o.get(key) == value for o in others)})
        for command, first, *others in zip(numbered[1:], *answers, strict=True)
    )
    return Case(profile.name, what, setting or {}, needs_of(program, setting or {}), steps)


def in_vectors(program: Sequence[Line]) -> bool:
    """Whether the model itself can answer a program, with the pages and commands that vectors have."""
    pages = max((c.get("page", 0) + c.get("n", 1) for c in program if "page" in c), default=0)
    return pages <= VECTOR_SIZES.pages and not any(c["op"] in NOT_SERVED for c in program)


def _expected(profile: Profile, program: Sequence[Line], sizes: Sizes, compressor: str) -> list[Line]:
    """Return what the model answers, one flat object for each command."""
    model = ServedModel(profile, sizes, compressor)
    return [_flat(answer) for answer in [model.answer(command) for command in program][1:]]


def _flat(answer: Line) -> Line:
    """Return an answer as a vector expects it."""
    flat: Line = {"errno": answer["errno"]}
    flat |= {name: answer[name] for name in ("crc", "found") if name in answer}
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


def needs_of(program: Sequence[Line], setting: Line) -> dict[str, Any]:
    """Return what an implementation has to be able to do."""
    return {
        "commands": sorted({command["op"] for command in program}),
        "controls": sorted({_control(command["what"]) for command in program if command["op"] == "set"}),
        "faults": sorted({command["fault"]["site"] for command in program if "fault" in command}),
        "settings": sorted(setting),
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
            first["profile"],
            first["what"],
            first.get("setting", {}),
            first["needs"],
            tuple((s["command"], s["expect"]) for s in steps),
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
    lacks = lacking(case.needs, target.hello)
    if lacks:
        return Outcome(file, case.what, "skipped", f"the implementation has no {lacks}")
    compared = unknown = 0
    command = case.reset
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


def lacking(needs: Line, hello: Hello) -> str:
    """Return what vectors need and an implementation does not have, "" for nothing."""
    kinds = {
        "commands": hello.commands,
        "controls": hello.controls,
        "faults": hello.faults,
        "settings": hello.settings,
    }
    for kind, had in kinds.items():
        for name in needs.get(kind, ()):
            if name not in had:
                return f"{kind[:-1]} {name}"
    for size, had_size in (("workers", hello.workers), ("pages", hello.pages)):
        if needs[size] > had_size:
            return f"{needs[size]} {size}"
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
