"""Every scenario of a few commands: the shortest one on which two profiles look different.

Breadth first over pairs of states, so the first scenario that is found has the fewest commands.  Something is
*unusual* when the environment does not give its first answer, or when the system is not the plain one at the start;
of scenarios of one length those with fewer unusual things come first.

The last command of a scenario is not run where it is known to show nothing: where both systems are in the same
state, it left them so when it ran before the last command, and it reads nothing that this one wrote.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.command import Argument, Command, Kind
from refmodel.engines.commands import is_there, lives
from refmodel.engines.difference_pair import (
    FIXED,
    Act,
    Answered,
    Kept,
    Pair,
    Question,
    Scenario,
    Told,
)

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

FEW = 3
"""Values of an argument that are tried where nothing else is said: the first ones."""

CONTENTS = (2, 0, 1)
"""Contents of a page that is nowhere: an ordinary one, zeroes, one repeated word."""

OTHER_CONTENTS = (3, 0)
"""Contents that are written over another one."""

Cell = tuple[int, int]
"""A part of the search: how many commands, and how many unusual things among them."""


@attrs.frozen
class Progress:
    """How far a search has come.

    doing: what it does now.  done, due: how much of that.  scenarios: tried so far.
    """

    doing: str
    done: int
    due: int
    scenarios: int
    seconds: float


class OutOfTime(Exception):
    """A search has taken as long as it may."""


class Clock:
    """Watches the time of a search and tells how far it has come.

    until: when to stop (``time.monotonic()``), None for never.  progress: called now and then.
    scenarios: tried so far.
    """

    def __init__(self, until: float | None, progress: Callable[[Progress], None] | None) -> None:
        self.until, self.progress = until, progress
        self.began = time.monotonic()
        self.scenarios = 0

    @property
    def seconds(self) -> float:
        """How long the search has taken."""
        return time.monotonic() - self.began

    def tell(self, doing: str, done: int, due: int) -> None:
        """Say how far the search has come.  Raises OutOfTime."""
        if self.progress is not None:
            self.progress(Progress(doing, done, due, self.scenarios, self.seconds))
        if self.until is not None and time.monotonic() >= self.until:
            raise OutOfTime


@attrs.define(eq=False)
class _Node:
    """A pair of states that a scenario leads to.

    kept: the states.  act, parent: how it is reached.  wrote: places that the act changed, as bits.
    asked: for each command what the environment is asked.
    read: for each act that leaves both systems alike what it reads, as bits.
    """

    pair: Pair
    kept: tuple[Kept, Kept]
    act: Act | None = None
    parent: _Node | None = None
    wrote: int = 0
    asked: dict[Command, list[Question]] = attrs.field(factory=dict)
    read: dict[Act, int] = attrs.field(factory=dict)

    @property
    def alike(self) -> bool:
        """Whether both systems are in the same state."""
        return self.kept[0] is self.kept[1]

    def scenario(self, last: Act) -> Scenario:
        """Return what leads here, and one command more."""
        acts, node = [last], self
        while node.act is not None and node.parent is not None:
            acts.append(node.act)
            node = node.parent
        return Scenario(self.pair.preset, self.pair.setting, tuple(reversed(acts)))

    def is_as_before(self, act: Act) -> bool:
        """Whether an act does here what it did before the last command, and leaves the systems alike."""
        if self.parent is None or not self.alike:
            return False
        read = self.parent.read.get(act)
        return read is not None and not read & self.wrote


class Search:
    """A search through all scenarios of a few commands.

    pairs: the systems in lockstep, the plain ones first.  clock: watches the time.
    longest: most commands of a scenario.
    cells: parts that were searched completely.
    """

    def __init__(self, pairs: Sequence[Pair], clock: Clock, longest: int) -> None:
        self.clock, self.longest = clock, longest
        self.cells: list[Cell] = []
        self.seen: dict[Any, int] = {}
        self.layers: dict[Cell, list[_Node]] = {(0, 0): [], (0, 1): []}
        for number, pair in enumerate(pairs):
            kept, unusual = pair.keep(), int(number > 0)
            self.seen[pair, pair.future(kept)] = unusual
            self.layers[0, unusual].append(_Node(pair, kept))

    def run(self, cell: Cell) -> Told | None:
        """Search through scenarios of exactly so many commands and unusual things; those with fewer were before.

        Raises OutOfTime.
        """
        length, unusual = cell
        numbers = range(unusual, -1, -1)
        starts = [(n, node) for n in numbers for node in self.layers.get((length - 1, unusual - n), ())]
        for done, (more, node) in enumerate(starts):
            self.clock.tell(cell_text(cell), done, len(starts))
            for act in self._acts(node, more):
                found = self._tried(node, act, cell)
                if found is not None:
                    return found
        self.cells.append(cell)
        return None

    def _acts(self, node: _Node, unusual: int) -> Iterator[Act]:
        """Yield the commands that are tried after a scenario, with so many unusual answers."""
        if not unusual:
            node.pair.go_back(node.kept)
            yield from [Act(command) for command in alphabet(node.pair)]
            return
        for command, asked in list(node.asked.items()):
            yield from self._departing(node, command, asked, unusual)

    def _departing(
        self, node: _Node, command: Command, asked: Sequence[Question], unusual: int
    ) -> Iterator[Act]:
        """Yield a command with so many unusual answers, each set of them once."""
        tried: set[frozenset[Answered]] = set()
        acts: list[tuple[Act, Sequence[Question]]] = [(Act(command), asked)]
        for left in range(unusual, 0, -1):
            following: list[tuple[Act, Sequence[Question]]] = []
            for act in [made for one, questions in acts for made in _with_one_more(one, questions)]:
                if frozenset(act.answers) in tried:
                    continue
                tried.add(frozenset(act.answers))
                if left == 1:
                    yield act
                else:
                    node.pair.go_back(node.kept)
                    node.pair.perform(act)
                    following.append((act, node.pair.asked()))
            acts = following

    def _tried(self, node: _Node, act: Act, cell: Cell) -> Told | None:
        """Try a command after a scenario; keep the states that it leads to, or return what looks different."""
        last, pair = cell[0] == self.longest, node.pair
        if last and node.is_as_before(act):
            assert node.parent is not None
            self.clock.scenarios += 1
            if not act.answers:
                node.asked[act.command] = node.parent.asked[act.command]
            return None
        pair.go_back(node.kept)
        different = pair.perform(act)
        if different is None:
            return None
        self.clock.scenarios += 1
        if different:
            return Told(node.scenario(act), different)
        if not act.answers:
            node.asked[act.command] = pair.asked()
        if not last and not pair.over:
            self._go_on(node, act, cell)
        return None

    def _go_on(self, node: _Node, act: Act, cell: Cell) -> None:
        """Keep the states after an act, unless they were reached with as few unusual things before."""
        pair = node.pair
        read, kept = pair.read(), pair.keep()
        if node.alike and kept[0] is kept[1]:
            node.read[act] = read
        future = pair, pair.future(kept)
        if self.seen.get(future, cell[1] + 1) > cell[1]:
            self.seen[future] = cell[1]
            made = _Node(pair, kept, act, node, _changed(node.kept[0], kept[0]))
            self.layers.setdefault(cell, []).append(made)


def cell_text(cell: Cell) -> str:
    """Write which scenarios a part of the search is about."""
    length, unusual = cell
    commands = "1 command" if length == 1 else f"{length} commands"
    return f"{commands}, {unusual or 'nothing'} unusual"


def _changed(before: Kept, after: Kept) -> int:
    """Return the places that differ between two states, as bits."""
    old, new = before.changed, after.changed
    places = (p for p in {**old, **new} if p not in old or p not in new or old[p] != new[p])
    return sum(1 << place for place in places)


def _with_one_more(act: Act, asked: Sequence[Question]) -> Iterator[Act]:
    """Yield an act with one unusual answer more."""
    taken = {(each.point, each.time) for each in act.answers}
    for question in asked:
        if question.point not in FIXED and (question.point, question.time) not in taken:
            for index in range(1, question.options):
                answered = Answered(question.point, question.time, index)
                yield Act(act.command, (*act.answers, answered))


# --- commands -----------------------------------------------------------------------------------------------------


def alphabet(pair: Pair) -> Iterator[Command]:
    """Yield the commands that both systems can be given now and that may do something.

    Processes, pages and contents that are like others are left out: one process and its child, the pages that it
    has and the first that it does not have, a few contents.  Of other arguments the first values are tried.
    """
    ours, theirs = (side.v for side in pair.sides)
    for kind in pair.kinds:
        for arguments in _arguments(ours, kind):
            worth = kind.worth is None or kind.worth(ours, *arguments) or kind.worth(theirs, *arguments)
            if worth and kind.make(ours, *arguments) is not None:
                yield Command(kind.name, arguments)


def _arguments(v: KernelView, kind: Kind) -> list[tuple[Argument, ...]]:
    found: list[tuple[Argument, ...]] = [()]
    for parameter, domain in zip(kind.parameters, kind.domains, strict=True):
        narrow, values = _NARROW.get(parameter, _first), domain(v)
        found = [(*before, value) for before in found for value in narrow(v, values, *before)]
    return found


def _first(v: KernelView, values: Sequence[Argument], *before: Argument) -> Sequence[Argument]:
    return values[:FEW]


def _processes(v: KernelView, values: Sequence[int]) -> list[int]:
    """Return the first process, and its child while that lives."""
    return [mm for mm in values if mm in (0, v.cfg.sizes.processes) and lives(v, mm)]


def _cgroups(v: KernelView, values: Sequence[int]) -> list[int]:
    """Return the cgroup of the first process, and the root."""
    return [memcg for memcg in values if memcg <= 1]


def _pages(v: KernelView, values: Sequence[int], mm: int) -> list[int]:
    fresh = next((page for page in values if not is_there(v, mm, page)), None)
    return [page for page in values if page == fresh or is_there(v, mm, page)]


def _contents(v: KernelView, values: Sequence[int], mm: int, page: int) -> Sequence[int]:
    return OTHER_CONTENTS if is_there(v, mm, page) else CONTENTS


def _lengths(v: KernelView, values: Sequence[int], mm: int, page: int) -> list[int]:
    """Return the lengths of folios that are there from a page on."""
    fitting = (nr for nr in values if nr.bit_count() == 1 and page + nr <= v.cfg.sizes.pages)
    return [nr for nr in fitting if all(is_there(v, mm, each) for each in range(page, page + nr))]


_NARROW: dict[str, Callable[..., Sequence[Argument]]] = {
    "mm": _processes,
    "process": lambda v, values: values[:1],
    "memcg": _cgroups,
    "page": _pages,
    "content": _contents,
    "nr": _lengths,
}
"""Which values of an argument are tried, given those of the arguments before it."""
