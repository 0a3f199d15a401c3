"""What an actor can do in many states, and what that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from refmodel.engines.explorer.arrays.memo import Grown, LocalMemo, starts
from refmodel.engines.explorer.arrays.rows import Rows

if TYPE_CHECKING:
    from refmodel.engines.explorer.arrays.expander import Expander
    from refmodel.engines.explorer.transitions import Act


class Acts(LocalMemo):
    """One act of an actor, for each of its local states that has so many.

    number: of the act among those of a local state.  has: which local states have it.  serves: whether others may wait
    for it.  waits: whether having no outcome means waiting.
    first, counts, touched: of each answer the first outcome, how many, and the number of the touched cells.
    changes: what each outcome changes, as bits to flip.
    """

    def __init__(self, expander: Expander, actor: int, number: int) -> None:
        self.expander, self.actor, self.number = expander, actor, number
        size = expander.packing.local_room
        self.has = np.zeros(size, bool)
        self.serves, self.waits = np.zeros(size, bool), np.zeros(size, bool)
        self.acts: dict[int, Act] = {}
        super().__init__(expander.packing, expander.width)

    def clear(self) -> None:
        """Forget all answers."""
        super().clear()
        self.first, self.counts, self.touched = Grown(np.int64), Grown(np.int64), Grown(np.int64)
        self.changes = [Grown(np.uint64) for _ in range(self.expander.width)]

    def take(self, local: int, act: Act) -> None:
        """Take the act of a local state."""
        self.acts[local] = act
        self.has[local], self.serves[local] = True, bool(act[3])
        self.waits[local] = act[2] == (-1,)
        self.admit(local)

    def mask(self, local: int) -> int:
        """Return the bits that the act of a local state is known to depend on."""
        mask: int = self.acts[local][0]
        return mask

    def own(self, local: int) -> int:
        """Return the bits of the actor itself."""
        packing = self.expander.packing
        return packing.lows[self.actor] << packing.shifts[self.actor]

    def local(self, state: int, tag: int) -> int:
        """Return the actor's local state."""
        return self.expander.packing.local_number(state, self.actor)

    def learn(self, state: int, local: int) -> Any:
        """Return a state and what the act does in it."""
        act = self.acts[local]
        found = act[1].get(state & act[0])
        if found is None:
            self.expander.at[:] = state, local
            found = self.expander.table.learn(act, state)
        return state, found

    def noted(self, answers: list[Any]) -> None:
        """Note what the outcomes change."""
        expander, before = self.expander, self.changes[0].count
        counts = [len(outcomes) for _, (outcomes, _) in answers]
        self.first.extend(starts(before, counts))
        self.counts.extend(counts)
        self.touched.extend([expander.touched.number(cells) for _, (_, cells) in answers])
        flips = [state ^ (state + outcome) for state, (outcomes, _) in answers for outcome in outcomes]
        for change, word in zip(self.changes, Rows.of(flips, expander.width).words, strict=True):
            change.extend(word)
