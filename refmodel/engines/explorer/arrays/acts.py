"""What an actor can do in many states, and what that changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from refmodel.engines.explorer.arrays.memo import Grown, Memo, starts
from refmodel.engines.explorer.arrays.rows import Index, Numbers, Rows, Word, words_of

if TYPE_CHECKING:
    from refmodel.engines.explorer.arrays.expander import Expander
    from refmodel.engines.explorer.transitions import Act


class Acts(Memo):
    """One act of an actor, for each of its local states that has so many.

    number: of the act among those of a local state.  masks: the bits that it depends on, by local state.  has: which
    local states have it.  serves: whether others may wait for it.  waits: whether having no outcome means waiting.
    depends: by local state, the bits of components that the act was found to depend on when masks were made.
    first, counts, touched: of each answer the first outcome, how many, and the number of the touched cells.
    changes: what each outcome changes, as bits to flip.
    """

    def __init__(self, expander: Expander, actor: int, number: int) -> None:
        super().__init__(expander.width, self._ask)
        self.expander, self.actor, self.number = expander, actor, number
        size = 1 << expander.packing.width
        self.masks = [np.zeros(size, np.uint64) for _ in range(expander.width)]
        self.has = np.zeros(size, bool)
        self.serves, self.waits = np.zeros(size, bool), np.zeros(size, bool)
        self.acts: dict[int, Act] = {}
        self.depends: dict[int, int] = {}
        self._clear()

    def _clear(self) -> None:
        self.index = Index(self.expander.width + 1)
        self.first, self.counts, self.touched = Grown(np.int64), Grown(np.int64), Grown(np.int64)
        self.changes = [Grown(np.uint64) for _ in range(self.expander.width)]

    def admit(self, local: int, act: Act) -> None:
        """Take the act of a local state."""
        self.acts[local] = act
        self.has[local], self.serves[local] = True, bool(act[3])
        self.waits[local] = act[2] == (-1,)
        self._set_mask(local, act)

    def refresh(self) -> None:
        """Drop what is known if the act was found to depend on more by somebody else."""
        grown = [local for local, act in self.acts.items() if act[0] != self.depends[local]]
        for local in grown:
            self._set_mask(local, self.acts[local])
        if grown:
            self._clear()

    def _set_mask(self, local: int, act: Act) -> None:
        self.depends[local] = act[0]
        packing = self.expander.packing
        own = (1 << packing.width) - 1 << packing.width * self.actor
        for word, bits in zip(self.masks, words_of(act[0] | own, self.expander.width), strict=True):
            word[local] = bits

    def taken(self, states: Sequence[Word], locals_: Word) -> Numbers:
        """Return the numbers of what the act does in states."""
        while True:
            keys = [state & mask[locals_] for state, mask in zip(states, self.masks, strict=True)]
            self.grew = False
            found = self.find(keys, states)
            if not self.grew:
                return found
            self._clear()  # what was learned depends on more than was known

    def _ask(self, state: int, _: int) -> Any:
        packing = self.expander.packing
        local = state >> packing.width * self.actor & ((1 << packing.width) - 1)
        act = self.acts[local]
        mask = act[0]
        found = act[1].get(state & mask)
        if found is None:
            self.expander.at[:] = state, local
            found = self.expander.table.learn(act, state)
        if act[0] != mask:
            self.grew = True
            self._set_mask(local, act)
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
            change.extend(word)  # type: ignore[arg-type]  # an array is as good as a list here
