"""The inner loop's work for many states at a time.

What actors can do is looked up in the same tables (``refmodel.engines.explorer.transitions``), by the same masks.  A
*memo* here is a table from masked states to numbers, which is asked for all states of a portion at once; what it
lacks is learned one by one.  The result is that of the generated loop: the same states, the same transitions, the
same claims checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from refmodel.engines.explorer.arrays.acts import Acts
from refmodel.engines.explorer.arrays.claims import Claims
from refmodel.engines.explorer.arrays.normals import Normals
from refmodel.engines.explorer.arrays.rows import Index, Numbers, Rows, Word, field_of, width_of
from refmodel.engines.explorer.loop import Breach, Stuck
from refmodel.engines.explorer.memory import MemoryFull
from refmodel.engines.explorer.packing import Values
from refmodel.engines.explorer.workers import Unlearned

if TYPE_CHECKING:
    from refmodel.engines.explorer.search import Search

PORTION = 16_384
"""States that are expanded together: enough to make calls cheap, little enough for the caches."""


class Expander:
    """Expands many states at a time, for one packing.

    search: whose tables are used.

    width: words of a state.  at: gets the state and local state of a step that runs.
    left: where model code may not run, gets the states of portions that need it.
    touched, claimed: sets of cells that acts touch, and that actors claim.  apart: which of them are known to have
    nothing in common.
    """

    def __init__(self, search: Search) -> None:
        self.search, self.at = search, [0, 0]
        self.left: list[int] | None = None
        self.packing, self.table = search.packing, search.table
        self.width = width_of(self.packing.bits)
        self.acts: list[list[Acts]] = [[] for _ in range(self.packing.actors)]
        self.known = [np.zeros(self.packing.local_room, bool) for _ in range(self.packing.actors)]
        tasks = len(search.groups) - search.own
        self.alike = {b: a for group in search.groups[:tasks] for a, b in pairwise(group)}
        self.touched, self.claimed = Values(0), Values(0)
        self.apart = np.zeros((64, 64), bool)
        self.claims = Claims(self)
        self.normal = Normals(search, self.width)

    def expand(self, level: Sequence[int], at: list[int]) -> tuple[Index, int]:
        """Return the normal forms of what follows states, and the number of transitions.

        at: gets the state and the local state in which a step runs.
        Raises what ``Search.expanded`` raises.
        """
        self.at, waits = at, self.table.waits
        self.claims.refresh()
        for acts in chain.from_iterable(self.acts):
            acts.refresh()
        rows = level if isinstance(level, Rows) else Rows.of(level, self.width)
        following, transitions = Index(self.width), 0
        for start in range(0, len(rows), PORTION):
            portion = rows[start : start + PORTION]
            try:
                found = self._portion(portion.words, waits)
            except Unlearned:
                assert self.left is not None
                self.left += portion
                continue
            if self.table.waits and not waits:
                return self.expand(level, at)
            transitions += len(found[0])
            following.add(self.normal.of(found))
            if len(rows) > PORTION and self.search.memory_full():
                raise MemoryFull
        return following, transitions

    def _portion(self, states: Sequence[Word], waits: bool) -> Sequence[Word]:
        packing = self.packing
        locals_ = [field_of(states, *field) for field in zip(packing.shifts, packing.lows, strict=True)]
        for actor, local in enumerate(locals_):
            self._admit(actor, local)
        claims = self.claims.of(states, locals_) if self.search.reductions.merge else None
        busy, moved = np.zeros(len(states[0]), bool), np.zeros(len(states[0]), bool)
        found: list[list[Word]] = [[] for _ in states]
        for actor, local in enumerate(locals_):
            other = self.alike.get(actor)
            new = None if other is None else local != locals_[other]
            for acts in self.acts[actor]:
                can = acts.has[local] if new is None else acts.has[local] & new
                rows = np.flatnonzero(can)
                if not rows.size:
                    continue
                sub, mine = [word[rows] for word in states], local[rows]
                numbers = acts.answers(sub, mine)
                if claims is not None:
                    self._check(acts.touched.values[numbers], actor, rows, claims, states)
                counts = acts.counts.values[numbers]
                if waits:
                    busy[rows] |= acts.waits[mine] & (counts == 0)
                    moved[rows] |= acts.serves[mine] & (counts > 0)
                outcomes = _ranges(acts.first.values[numbers], counts)
                for to, word, change in zip(found, sub, acts.changes, strict=True):
                    to.append(np.repeat(word, counts) ^ change.values[outcomes])
        if waits:
            self._look_for_stuck(states, busy & ~moved)
        return [np.concatenate(each) if each else np.empty(0, np.uint64) for each in found]

    def _look_for_stuck(self, states: Sequence[Word], rows: NDArray[np.bool_]) -> None:
        """Raise Stuck for a state in which nobody can move; of actors that are alike one was looked at."""
        for at in np.flatnonzero(rows):
            state = Rows(states)[int(at)]
            if not self.table.moves(state):
                raise Stuck(state)

    def _admit(self, actor: int, local: Word) -> None:
        """Take the acts of local states that were not met before."""
        known = self.known[actor]
        new = np.unique(local[~known[local]])
        for number in new.tolist():
            known[number] = True
            for at, act in enumerate(self.table.acts[actor][number]):
                if at == len(self.acts[actor]):
                    self.acts[actor].append(Acts(self, actor, at))
                self.acts[actor][at].take(number, act)

    def _check(
        self,
        touched: Numbers,
        actor: int,
        rows: Numbers,
        claims: Sequence[Numbers | None],
        states: Sequence[Word],
    ) -> None:
        """Raise Breach where a step touches what another actor claims."""
        for other, claimed in enumerate(claims):
            if other == actor or claimed is None:
                continue
            claim = claimed[rows]
            self._make_room()
            unsure = np.flatnonzero(~self.apart[touched, claim])
            while unsure.size:
                at = int(unsure[0])
                both = self.touched.values[touched[at]] & self.claimed.values[claim[at]]
                if both:
                    raise Breach(Rows(states)[int(rows[at])], both)
                self.apart[touched[at], claim[at]] = True
                unsure = unsure[~self.apart[touched[unsure], claim[unsure]]]

    def _make_room(self) -> None:
        """Have a place in ``apart`` for each touched and each claimed set of cells."""
        need, have = (len(self.touched.values), len(self.claimed.values)), self.apart.shape
        if need[0] > have[0] or need[1] > have[1]:
            more = np.zeros((max(have[0], 2 * need[0]), max(have[1], 2 * need[1])), bool)
            more[: have[0], : have[1]] = self.apart
            self.apart = more


def _ranges(first: Numbers, counts: Numbers) -> Numbers:
    """Return the numbers from each first one on, so many of each."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if ends.size else 0
    return np.repeat(first - ends + counts, counts) + np.arange(total)
