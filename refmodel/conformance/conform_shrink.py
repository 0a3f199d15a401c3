"""The shortest and plainest program on which an implementation still goes wrong in the same way.

Delta debugging over commands, like the minimiser of the model's own walks; a candidate runs from the start,
because an implementation cannot be put back into a state.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import attrs

from refmodel.conformance.boundary import Line
from refmodel.conformance.conform_walk import CONTENTS, simpler
from refmodel.conformance.lockstep import Answered, Divergence, Lockstep

_MOST_FOR_PAIRS = 16
"""Commands of a program at most for deleting every pair of them."""

MOST_REPLAYS = 4000
"""Candidates that are run at most."""

MOST_WAITS = 20
"""The same for a failure that is waited for: each run of it takes as long as an answer may take."""

WAITED_FOR = ("hang", "closed")
"""Kinds of failures that are waited for."""


@attrs.frozen
class Shrunk:
    """A shortened program with the failure at its end, what was answered, and how many candidates ran."""

    program: tuple[Line, ...]
    divergence: Divergence
    answered: tuple[Answered, ...]
    replays: int


def run_program(lockstep: Lockstep, program: Sequence[Line]) -> Divergence | None:
    """Run a program from the start; return where it diverges."""
    lockstep.recall()
    lockstep.announce(program)
    found = lockstep.reset()
    for command in program:
        if found is not None:
            return found
        found = lockstep.do(command)
    return found


def shrink(lockstep: Lockstep, program: Sequence[Line], divergence: Divergence) -> Shrunk:
    """Shorten a program that diverges at its end; the result diverges in the same kind, command and field."""
    shrinker = _Shrinker(lockstep, list(program), divergence)
    shrinker.run()
    return Shrunk(tuple(shrinker.best), shrinker.divergence, tuple(shrinker.answered), shrinker.replays)


class _Shrinker:
    """The best program so far."""

    def __init__(self, lockstep: Lockstep, program: list[Line], divergence: Divergence) -> None:
        self.lockstep, self.best, self.divergence = lockstep, program, divergence
        self.answered = list(lockstep.answered)
        self.replays = 0
        self.failed: set[str] = set()
        self.most = MOST_WAITS if divergence.kind in WAITED_FOR else MOST_REPLAYS

    def run(self) -> None:
        """Delete, then simplify, until neither changes anything or there were too many candidates."""
        before: list[Line] = []
        while before != self.best:
            before = self.best
            self.delete_chunks()
            self.delete_pairs()
            self.merge_pairs()
            self.rename()
            self.simplify()

    def accepts(self, program: list[Line]) -> bool:
        """Run a program; keep it, cut where it diverges, if it does so in the same way."""
        key = json.dumps(program)
        if key in self.failed or self.replays >= self.most:
            return False
        self.replays += 1
        found = run_program(self.lockstep, program)
        if found is None or found.same_as != self.divergence.same_as:
            self.failed.add(key)
            return False
        self.best, self.divergence = program[: found.number], found
        self.answered = list(self.lockstep.answered)
        return True

    def delete_chunks(self) -> None:
        """Delete runs of commands: halves first, single ones last."""
        size = len(self.best) // 2
        while size:
            start = 0
            while start < len(self.best) - 1:
                end = min(start + size, len(self.best) - 1)
                if not self.accepts(self.best[:start] + self.best[end:]):
                    start += size
            size //= 2

    def delete_pairs(self) -> None:
        """Delete two commands that need each other."""
        if len(self.best) > _MOST_FOR_PAIRS:
            return
        tried = True
        while tried:
            pairs = combinations(range(len(self.best) - 1), 2)
            rests = ([c for i, c in enumerate(self.best) if i not in pair] for pair in pairs)
            tried = any(self.accepts(rest) for rest in rests)

    def merge_pairs(self) -> None:
        """Put one command in the place of two: a copy in memory goes by reclaim, a store fails by an injection."""
        index = 0
        while index + 2 < len(self.best):
            before, after = self.best[:index], self.best[index + 2 :]
            if not any(self.accepts([*before, one, *after]) for one in self.stand_ins(index)):
                index += 1

    def stand_ins(self, index: int) -> list[Line]:
        """Return commands that may do what two in a row do."""
        hello, second = self.lockstep.hello, self.best[index + 1]
        found: list[Line] = []
        if "reclaim" in hello.commands:
            found.append({"op": "reclaim", "cg": f"w{second.get('w', 0)}", "what": "4K"})
        if second["op"] == "out" and "fault" not in second:
            found += [{**second, "fault": {"site": site, "nth": 1}} for site in hello.faults]
        return found

    def rename(self) -> None:
        """Let all commands use another worker or another page, where they use the same one."""
        for name in ("w", "page"):
            for value in sorted({c[name] for c in self.best if c.get(name)}):
                for plainer in range(value):
                    if self.accepts(
                        [_with(c, name, plainer) if c.get(name) == value else c for c in self.best]
                    ):
                        break

    def simplify(self) -> None:
        """Make each command plainer by itself."""
        index = 0
        while index < len(self.best):
            while index < len(self.best) and self.make_simpler(index):
                pass
            if index < len(self.best) and self.best[index]["op"] == "write":
                self.simplify_content(index)
            index += 1

    def make_simpler(self, index: int) -> bool:
        """Make one change that leaves a command plainer; return whether there was one."""
        command = self.best[index]
        if command["op"] == "dirty":
            plainer = {"op": "write", "w": command["w"], "page": command["page"], **CONTENTS[0]}
            if self.replace(index, plainer):
                return True
        return any(self.replace(index, _with(command, name, value)) for name, value in simpler(command))

    def simplify_content(self, index: int) -> None:
        """Write the plainest content that does."""
        rest = {k: v for k, v in self.best[index].items() if k not in ("kind", "seed", "len")}
        for content in CONTENTS:
            plainer = {**rest, **content}
            if plainer == self.best[index] or self.replace(index, plainer):
                return

    def replace(self, index: int, command: Line) -> bool:
        """Try another command in a place."""
        return command != self.best[index] and self.accepts(
            [*self.best[:index], command, *self.best[index + 1 :]]
        )


def _with(command: Line, name: str, value: Any) -> Line:
    """Return a command with a field changed, or dropped where the value is None."""
    kept = {key: field for key, field in command.items() if key != name}
    return kept if value is None else {key: value if key == name else field for key, field in command.items()}
