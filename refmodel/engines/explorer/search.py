"""The search: whole levels of states as sets, breadth first.

The inner loop is generated for the number of actors, because a loop over actors costs more in Python than what
it does.  A state that has been seen is never expanded again; the set of seen states is exact.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from refmodel.engines.explorer.actors import Actors
from refmodel.engines.explorer.agenda import Agenda, Order
from refmodel.engines.explorer.ahead import look_around, scout
from refmodel.engines.explorer.bits import change_bits, insert_bits, remove_bits
from refmodel.engines.explorer.branches import Offer
from refmodel.engines.explorer.comparing import compare
from refmodel.engines.explorer.granted import WRONG, correct
from refmodel.engines.explorer.loop import Ordered, Stuck, compiled_loop, compiled_normals
from refmodel.engines.explorer.memory import MemoryFull, allowance, resident
from refmodel.engines.explorer.packing import Packing, Widened
from refmodel.engines.explorer.symmetry import Normal, Renaming
from refmodel.engines.explorer.transitions import StepFailed, Transitions
from refmodel.engines.explorer.visited import (
    STORAGES,
    Following,
    Storage,
    Visited,
    arrays_able,
)
from refmodel.machine import View
from refmodel.machine.choice import ChoicePoint
from refmodel.machine.recorder import Recorder

if TYPE_CHECKING:
    from refmodel.engines.explorer.arrays.expander import Expander
    from refmodel.engines.explorer.checkpoint import Checkpoint

T = TypeVar("T")

CHUNK = 32_768
"""States that are expanded before what follows them is brought into normal form."""

YOUNG = 5_000
"""States before the search goes ahead, and fields are packed tightly."""

ARRAYS = 150_000
"""States from which on they are kept in arrays."""

MANY = 2_000
"""States of a level from which on arrays expand it."""

PAYS = 100_000
"""States of a level from which on it pays to expand it in several processes."""

LEARNED = 500
"""States from which on what steps depend on is known well enough to join acts that depend on the same."""


@attrs.frozen
class Reductions:
    """What the search does not distinguish.

    actors: actors that run one program.  merge: the order of steps that commute.  names: interchangeable
    indexes, as the scope declares them; None: it declares none.
    """

    actors: bool = True
    merge: bool = True
    names: Renaming | None = None


@attrs.frozen
class Bounds:
    """Where a search stops although there is more.

    states: most states to keep.  seconds: of the whole search.  depth: most transitions of a run.
    megabytes: most memory of the process (10^6 bytes), by default 80 % of what is available when the search begins.
    """

    states: int | None = None
    seconds: float | None = None
    depth: int | None = None
    megabytes: float | None = None


@attrs.define
class Found:
    """What went wrong.

    kind: "step" (a step raised an error), "state" (a property of states), "stuck", or "trap" (rest cannot be
    reached any more).
    what: the error, or what is wrong.  state: where.  depth: its level.  local: number of the local state whose
    step failed, -1 for a state.
    """

    kind: str
    what: Any
    state: int
    depth: int
    local: int = -1


@attrs.define
class Progress:
    """How far a search has come: states kept, transitions taken, the level, and how many wait in it."""

    states: int
    transitions: int
    depth: int
    waiting: int
    seconds: float


StateCheck = Callable[["Search", Sequence[int]], "tuple[int, Any] | None"]
"""Judges the states of a level; returns a state and what is wrong with it, or None."""


def every_option(point: ChoicePoint, options: Sequence[Any] | None) -> Sequence[Any]:
    """Offer all options of a choice point.  Raises ValueError where they are not listed."""
    if options is None:
        raise ValueError(f"choice {point.name} lists no options: give the search an offer that does")
    return options


class Search:
    """One exploration.

    view: the system in its initial state.  actors: who runs what.  offer: options that the scope allows.
    counters: places of counters.  halts: whether an error of a step is the system's own way to stop.
    check: judges states.  storage: how states are kept.  checkpoint: where the search is saved, see ``resume``.
    jobs: processes that expand large levels.  order: which states come first.

    visited: all states, and those of each level in no order.  found: what went wrong, or None.
    complete: whether everything was seen.  stopped: which bound was reached, or "".  full: it was that of memory.
    restarts: sentences that say why the search began again.
    """

    def __init__(
        self,
        view: View,
        actors: Actors,
        *,
        counters: Iterable[int] = (),
        offer: Offer = every_option,
        reductions: Reductions = Reductions(),
        bounds: Bounds = Bounds(),
        halts: Callable[[Exception], bool] = lambda error: False,
        check: StateCheck | None = None,
        progress: Callable[[Progress], None] | None = None,
        storage: Storage = "flat",
        checkpoint: Checkpoint | None = None,
        jobs: int = 1,
        order: Order = "breadth",
    ) -> None:
        self.checkpoint, self.jobs, self.order = checkpoint, jobs, order
        self.storage: Storage = storage
        self.view, self.actors, self.offer = view, actors, offer
        self.reductions, self.bounds, self.halts, self.check = reductions, bounds, halts, check
        self.progress = progress
        self.initial = view.snapshot()
        self.recorder = Recorder(len(view), frozenset(counters))
        self.restarts: list[str] = []
        self.groups = self._groups()
        self.own = self._own()
        columns = reductions.names.columns if reductions.names is not None else ()
        self.packing = Packing(self.initial, actors.initial, columns)
        self.table = Transitions(
            view, self.packing, actors, offer, self.recorder, merge=reductions.merge, halts=halts
        )
        self.table.own = sum(len(group) for group in self.groups[len(self.groups) - self.own :])
        self.allowed: int | None = None
        self.compared = 0
        self.ordered = Ordered(self.packing, self.groups)
        self.names: Normal | None = None
        self.expander: Expander | None = None
        self._reset()

    def _groups(self) -> tuple[tuple[int, ...], ...]:
        programs = [local.program for local in self.actors.initial]
        if not self.reductions.actors:
            return tuple((actor,) for actor in range(len(programs)))
        kinds = dict.fromkeys(programs)
        return tuple(tuple(a for a, q in enumerate(programs) if q == p) for p in kinds)

    def _own(self) -> int:
        """Return how many of the last groups do the system's own work."""
        serving = [
            self.actors.programs[self.actors.initial[group[0]].program].serves for group in self.groups
        ]
        return next((n for n, serves in enumerate(reversed(serving)) if not serves), len(serving))

    def _reset(self) -> None:
        self.visited = STORAGES[self.storage](self.packing)
        self.agenda = Agenda(self.order)
        self.transitions = 0
        self.found: Found | None = None
        self.complete = self.full = False
        self.stopped = ""
        self.cut = ""

    # --- running ----------------------------------------------------------------------------------------------

    def run(self) -> Search:
        """Search until everything was seen, something is wrong, or a bound is reached."""
        self.began = self.saved = time.monotonic()
        self.allowed = allowance(self.bounds.megabytes)
        self.stopped, self.full = "", False
        collecting = gc.isenabled()
        gc.disable()
        try:
            while not self._searched():
                pass
        finally:
            if collecting:
                gc.enable()
        return self

    def resume(self) -> Search:
        """Go on where the search was that is saved in the checkpoint; ``run`` is to follow.

        Raises Refused where the file is of another search; OSError.
        """
        from refmodel.engines.explorer.checkpoint import load

        assert self.checkpoint is not None, "a search without a checkpoint"
        load(self, self.checkpoint)
        return self

    def _save(self, since: float) -> None:
        """Save the search, unless that was done less than some seconds ago."""
        if self.checkpoint is not None and time.monotonic() - self.saved >= since:
            from refmodel.engines.explorer.checkpoint import save

            save(self, self.checkpoint)
            self.saved = time.monotonic()

    def _searched(self) -> bool:
        try:
            self._run_levels()
            if self.stopped:
                self._save(0)
        except WRONG as wrong:
            correct(self, wrong)
            near = self.agenda.portion(self.visited.levels)
            self._reset()
            if not self.packing.young and self.bounds.depth is None:
                look_around(self, near)
            return False
        return True

    def _run_levels(self) -> None:
        if self._judge():
            return
        gathered = -1
        self._fit()
        while not self._over():
            if self.packing.young and len(self.visited) >= YOUNG:
                if self.restarts and self.bounds.depth is None and not scout(self):
                    self._reset()
                self._tighten()
            if len(self.visited) >= LEARNED and gathered != self.packing.layout:
                self.table.gather()
                self.expander, gathered = None, self.packing.layout
            try:
                compare(self)
                portion = self.agenda.portion(self.visited.levels)
                if not portion:
                    self.complete, self.stopped = not self.cut, self.cut
                    return
                if self._too_deep():
                    self.agenda.leave_out()
                    continue
                following, transitions = self._expand(portion)
            except Widened as wide:
                self.repack(wide)
                continue
            except MemoryFull:
                self._stop_full()
                return
            if following is None:
                return
            self.transitions += transitions
            fresh = self.visited.take(following)
            self.agenda.expanded(len(self.visited.last) if fresh else 0)
            if not fresh:
                continue
            if self.progress is not None:
                self.progress(self._progress())
            if self._judge():
                return
            if self.checkpoint is not None:
                self._save(self.checkpoint.seconds)

    def _progress(self) -> Progress:
        seconds = time.monotonic() - self.began
        return Progress(len(self.visited), self.transitions, self.depth, len(self.visited.last), seconds)

    @property
    def depth(self) -> int:
        """Transitions of the longest run that was followed."""
        return self.agenda.deepest

    def _too_deep(self) -> bool:
        """Whether the portion is beyond the bound of a run; others may not be."""
        bound = self.bounds.depth
        if bound is None or self.agenda.depths[self.agenda.at] < bound:
            return False
        self.cut = f"stopped at the bound of {bound:,} transitions of a run"
        return True

    def _over(self) -> bool:
        bounds = self.bounds
        if bounds.states is not None and len(self.visited) >= bounds.states:
            self.stopped = f"stopped at the bound of {bounds.states:,} states"
        elif self.memory_full():
            self._stop_full()
        elif bounds.seconds is not None and time.monotonic() - self.began >= bounds.seconds:
            self.stopped = f"stopped at the bound of {bounds.seconds:g} seconds"
        return bool(self.stopped)

    def memory_full(self) -> bool:
        """Whether the process has as much memory as it may have, or would with the next level."""
        if self.allowed is None:
            return False
        have = resident()
        return have is not None and have + self.visited.room > self.allowed

    def _stop_full(self) -> None:
        assert self.allowed is not None
        self.full = True
        self.stopped = f"stopped at the bound of {self.allowed // 1_000_000:,} megabytes of memory"

    def _judge(self) -> bool:
        wrong = None if self.check is None else self.check(self, self.visited.last)
        if wrong is None:
            return False
        state, what = wrong
        self.found = Found("state", what, state, len(self.agenda.parents) - 1)
        return True

    def repack(self, wide: Widened) -> None:
        """Insert bits into all states, because a field got wider."""
        inserted = partial(change_bits, insert_bits, wide.inserts)
        self.visited.repack(wide.inserts)
        if self.found is not None:
            (self.found.state,) = inserted([self.found.state])
        self.table.repack(inserted)
        self._fit()

    def fitting(self, work: Callable[[], T]) -> T:
        """Return what something returns that may meet new values; begin it again where a field gets wider.

        It has to read the numbers of states anew each time: they change.
        """
        while True:
            try:
                return work()
            except Widened as wide:
                self.repack(wide)

    def _tighten(self) -> None:
        """Take the spare bits of a young search out of all states."""
        removed = self.packing.tighten()
        self.visited.tighten(removed)
        self.table.repack(partial(change_bits, remove_bits, removed))
        self._fit()

    def _fit(self) -> None:
        """Make what depends on the widths of fields."""
        self.expander = None
        if self.ordered.lows != self.packing.lows:
            self.ordered = Ordered(self.packing, self.groups)
        names = self.reductions.names
        self.names = None if names is None else Normal(names, self.packing, self.ordered, self.names)

    def normal(self, state: int) -> int:
        """Return the state that stands for a state and for all that are not told apart from it."""
        if self.names is not None:
            return self.names.state(state)
        everyone = self.packing.local_bits
        return state & ~everyone | self.ordered[state & everyone]

    def successors(self, states: Sequence[int], *, owners: bool = False) -> set[int]:
        """Return the normal forms of what some states lead to; steps that fail lead nowhere.

        owners: check who claims what.
        """
        found: list[int] = []
        try:
            self.run_loop(states, found, [0, 0], owners=owners, waits=False)
        except StepFailed:
            for state in states:
                with suppress(StepFailed):
                    self.run_loop((state,), found, [0, 0], owners=owners, waits=False)
        return self.normals(found)

    # --- expanding --------------------------------------------------------------------------------------------

    def _expand(self, level: Sequence[int]) -> tuple[Following | None, int]:
        """Return what follows a level, and how many transitions lead there; None when something is wrong."""
        at = [0, 0]
        try:
            return self._expand_all(level, at)
        except StepFailed as failed:
            self.found = Found("step", failed.error, at[0], self.agenda.at, at[1])
        except Stuck as stuck:
            self.found = Found("stuck", str(stuck), stuck.state, self.agenda.at)
        return None, 0

    def expanded(self, level: Sequence[int], at: list[int]) -> tuple[set[int], int]:
        """Return the normal forms of what follows states, and the number of transitions.

        at: gets the state and the local state in which a step runs.
        Raises StepFailed, Stuck, Breach, Unfounded, Widened, Restart, Inconstant, Unkept.
        """
        following: set[int] = set()
        waits, transitions = self.table.waits, 0
        for start in range(0, len(level), CHUNK):
            found: list[int] = []
            chunk = level[start : start + CHUNK]
            self.run_loop(chunk, found, at, owners=self.reductions.merge, waits=waits)
            if self.table.waits and not waits:
                return self.expanded(level, at)
            transitions += len(found)
            following |= self.normals(found)
            if len(level) > CHUNK and self.memory_full():
                raise MemoryFull
        return following, transitions

    def _expand_all(self, level: Sequence[int], at: list[int]) -> tuple[Following, int]:
        """Return what ``expanded`` does; with arrays, and with several processes, where that pays."""
        expand: Callable[[Sequence[int], list[int]], tuple[Following, int]] = self.expanded
        if len(level) >= MANY and self._in_arrays():
            self._fit_arrays()
            expand = self._expanded_rows
        if len(level) < PAYS or self.jobs == 1:
            return expand(level, at)
        from refmodel.engines.explorer.workers import able, expand_in_parts

        if not able(self.jobs):
            return expand(level, at)
        return expand_in_parts(self, level, self.jobs, lambda states: expand(states, at))

    def _expanded_rows(self, level: Sequence[int], at: list[int]) -> tuple[Following, int]:
        """Return what ``expanded`` does, with arrays."""
        assert self.expander is not None
        return self.expander.expand(level, at)

    def _fit_arrays(self) -> None:
        """Make what expands many states at once for the present packing."""
        from refmodel.engines.explorer.arrays.expander import Expander

        if self.expander is None:
            self.expander = Expander(self)

    def _in_arrays(self) -> bool:
        """Keep the states in arrays from here on, if there are many and that is possible; return whether it is so."""
        if (
            type(self.visited) is Visited
            and len(self.visited) >= ARRAYS
            and self.order == "breadth"
            and arrays_able()
        ):
            from refmodel.engines.explorer.arrays.visited import VisitedRows

            rows = VisitedRows(self.packing)
            rows.fill(self.visited.levels)
            self.visited = rows
        return self.visited.in_arrays

    def run_loop(
        self, level: Iterable[int], found: list[int], at: list[int], *, owners: bool, waits: bool
    ) -> None:
        """Note what follows states, and in ``at`` the state and the local state in which a step runs.

        owners: check who claims what.  waits: look for states in which every operation in flight waits.
        Raises what ``expanded`` does.
        """
        loop = compiled_loop(self.groups, self.own, owners, waits)
        loop(level, self.table, found.append, at, self.packing)

    def normals(self, states: Iterable[int]) -> set[int]:
        """Return the normal forms of states."""
        names, sorts = self.names, any(len(group) > 1 for group in self.groups)
        columns, whole = (len(names.renaming.columns), not names.pieces) if names is not None else (0, False)
        normals = compiled_normals(sorts, columns, whole)
        return normals(set(states), self.packing.local_bits, self.ordered, names)
