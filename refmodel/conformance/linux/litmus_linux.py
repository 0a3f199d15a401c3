"""A litmus file on a real kernel: many attempts at once, and how often each outcome was seen.

Each page of the file stands for a block of pages, so that a command of the file is a command on many pages and each
page is an attempt. A thread that only reads a page runs on the second CPU while the other thread pages the block out:
it meets the page-out of each page at some place. A visit of the shrinker is brought about by the cgroup's own
limit: while memory.zswap.max is one page, each store has the kernel visit the list of the cgroup.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.linux.setting import Setting

if TYPE_CHECKING:
    from refmodel.conformance.linux.machine import Machine
    from refmodel.engines.command import Command
    from refmodel.engines.litmus import Litmus

BLOCK = 64
"""Pages of the guest that stand for a page of the file."""

_FILLERS = 2 * BLOCK + 8
"""Pages whose stores make the kernel visit every entry of a block twice."""

_LENGTH = 1000
"""Bytes of a page that do not compress: three of them share a page of the pool."""

AS_WRITTEN, AS_BEFORE, OTHER = "as written", "as before", "something else"
STORED, NOT_STORED = "stored", "not stored"
LEFT, GONE = "entry left", "no entry"


@attrs.frozen
class Histogram:
    """What was seen.

    together: the command of the file that the read ran together with, "" without a read.
    seen: how many pages ended in each outcome.  asked: the outcomes that the file asks for.
    """

    together: str
    seen: Counter[str]
    asked: tuple[str, ...]

    @property
    def attempts(self) -> int:
        """How many pages there were."""
        return self.seen.total()

    @property
    def hits(self) -> int:
        """How many of them ended as the file asks."""
        return sum(self.seen[name] for name in self.asked)


def asked_of(litmus: Litmus) -> tuple[str, ...]:
    """Return the outcomes that can be told from outside and that a file asks for.

    Raises BadTarget where there are none.
    """
    if "PROMISE" in litmus.violation:
        return (AS_BEFORE, OTHER)
    if litmus.outcome.startswith("zeromap"):
        return (LEFT,)
    if litmus.outcome.startswith("tree["):
        return (STORED,)
    raise BadTarget(
        f"{litmus.name}: its outcome cannot be told from outside a kernel; expected a broken PROMISE, an entry under "
        "zeromap, or a store (tree[...])"
    )


class LitmusRun:
    """A file on a kernel that runs in a machine with two CPUs."""

    def __init__(self, litmus: Litmus, machine: Machine) -> None:
        """Prepare the guest.  Raises BadTarget for commands that have no counterpart there."""
        self.litmus, self.machine = litmus, machine
        self.asked = asked_of(litmus)
        threads = litmus.scope.threads
        self.readers = {t.commands[0].arguments for t in threads if [c.name for c in t.commands] == ["read"]}
        tasks = [t.commands for t in threads if [c.name for c in t.commands] != ["read"]]
        if len(tasks) != 1 or len(self.readers) > 1:
            raise BadTarget(
                f"{litmus.name}: expected one thread that does things, and at most one that reads a page"
            )
        self.task = tasks[0]
        for command in (*litmus.scope.initial, *self.task):
            if command.name not in COMMANDS:
                known = ", ".join(COMMANDS)
                raise BadTarget(f"{litmus.name}: {command.name} is not known to the guest; expected {known}")
        self.blocks = 1 + max(
            int(c.arguments[1]) for c in (*litmus.scope.initial, *self.task) if c.name == "write"
        )
        self.setting = Setting(machine, self.blocks * BLOCK + _FILLERS)

    def places(self) -> list[int]:
        """Return which commands of the task the read is tried together with; [-1] without a read."""
        raced = [
            number
            for number, command in enumerate(self.task)
            if command.name == "pageout" and tuple(command.arguments[:2]) in self.readers
        ]
        return raced or [-1]

    def run(self, attempts: int) -> list[Histogram]:
        """Make attempts, the same number with the read at each place.  Raises BadTarget, GuestGone."""
        found = []
        for place in self.places():
            seen: Counter[str] = Counter()
            rounds = 0
            while seen.total() < attempts:
                seen += self.round(place, rounds)
                rounds += 1
            name = f"command {place + 1}: {self.task[place].name}" if place >= 0 else ""
            found.append(Histogram(name, seen, self.asked))
        return found

    def round(self, place: int, number: int) -> Counter[str]:
        """Run the file once on a block; return how its pages ended."""
        self.setting.end()
        self.setting.begin()
        self.seed = 1_000_000 * (number + 1)
        self.wrote: dict[int, list[int]] = {}
        self.pressed = False
        self.paged_out = 0
        for command in self.litmus.scope.initial:
            self.do(command)
        before = self.counter("vm.zswpout")
        self.paged_out = 0
        for index, command in enumerate(self.task):
            self.do(command, raced=index == place)
        return self.ended(before)

    def do(self, command: Command, raced: bool = False) -> None:
        """Run a command of the file on its block."""
        first, *others = command.arguments
        match command.name:
            case "write":
                page, content = int(others[0]), int(others[1])
                self.wrote.setdefault(page, []).append(content)
                self.need(f"@{first} range fill {page * BLOCK} {BLOCK} {self.pattern(content)}")
            case "pageout":
                self.need(
                    f"@{first} range {'race' if raced else 'out'} {int(others[0]) * BLOCK} {BLOCK}", "rest"
                )
                self.paged_out += BLOCK
            case "zswap_max":
                limit = others[0] if others[0] == "max" else int(others[0]) * 4096
                self.need(f"put /cg/w{int(first) - 1}/memory.zswap.max {limit}")
            case "shrinker_scan" if not self.pressed:
                self.pressed = True
                self.press()

    def press(self) -> None:
        """Have every entry of the cgroup visited twice, by stores under a limit of one page."""
        at = self.blocks * BLOCK
        self.need(
            f"@0 range fill {at} {_FILLERS} mix {self.seed + 900_000} {_LENGTH}",
            "put /cg/w0/memory.zswap.max 4096", f"@0 range out {at} {_FILLERS}", "rest",
            "put /cg/w0/memory.zswap.max max",
        )  # fmt: skip

    def ended(self, stores_before: int) -> Counter[str]:
        """Return how the pages of a block ended, in the words that the file asks in."""
        if self.asked == (STORED,):
            stored = self.counter("vm.zswpout") - stores_before
            return Counter({STORED: stored, NOT_STORED: self.paged_out - stored})
        if self.asked == (LEFT,):
            left = self.counter("zs.stored_pages")
            return Counter({LEFT: left, GONE: BLOCK - left})
        *_, older, last = [0, *self.wrote[0]]
        good, stale = (self.matching(content) for content in (last, older))
        return Counter({AS_WRITTEN: good, AS_BEFORE: stale, OTHER: BLOCK - good - stale})

    def matching(self, content: int) -> int:
        """Return how many pages of the first block hold a content."""
        answer = self.machine.ask(f"@0 range matching 0 {BLOCK} {self.pattern(content)}")
        return int(answer["matching"])

    def pattern(self, content: int) -> str:
        """Return the pattern that stands for a content of the file; zeroes stand for themselves."""
        return f"mix {self.seed + 1000 * content} {_LENGTH}" if content else "zero 0"

    def counter(self, name: str) -> int:
        """Return a counter of the guest."""
        return int(self.machine.ask("counters")["counters"][name])

    def need(self, *lines: str) -> None:
        """Run commands of the guest that must succeed."""
        self.machine.need(*lines)


COMMANDS = ("write", "pageout", "zswap_max", "shrinker_scan", "shrinker_enabled", "read")
"""Commands of litmus files that the guest has; shrinker_enabled is implied by how visits are brought about."""
