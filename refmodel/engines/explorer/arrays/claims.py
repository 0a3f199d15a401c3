"""What actors claim in many states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from refmodel.engines.explorer.arrays.memo import Grown, Memo
from refmodel.engines.explorer.arrays.rows import Index, Numbers, Word, words_of

if TYPE_CHECKING:
    from refmodel.engines.explorer.arrays.expander import Expander


class Claims(Memo):
    """What actors claim, as numbers of sets of cells; the tag of a memo is the actor's local state."""

    def __init__(self, expander: Expander) -> None:
        super().__init__(expander.width, self._ask)
        self.expander = expander
        size = 1 << expander.packing.width
        self.masks = [np.zeros(size, np.uint64) for _ in range(expander.width)]
        self.known, self.may = np.zeros(size, bool), np.zeros(size, bool)
        self.depends: dict[int, int] = {}
        self._clear()

    def _clear(self) -> None:
        self.index, self.numbers = Index(self.expander.width + 1), Grown(np.int64)

    def of(self, states: Sequence[Word], locals_: Sequence[Word]) -> list[Numbers | None]:
        """Return for each actor the numbers of what it claims in states, None if it claims nothing in any."""
        return [self._of(states, local) for local in locals_]

    def _of(self, states: Sequence[Word], local: Word) -> Numbers | None:
        self._admit(local)
        rows = np.flatnonzero(self.may[local])
        if not rows.size:
            return None
        sub, mine = [word[rows] for word in states], local[rows]
        while True:
            keys = [state & mask[mine] for state, mask in zip(sub, self.masks, strict=True)]
            self.grew = False
            found = self.find(keys, sub, mine.astype(np.int64))
            if not self.grew:
                break
            self._clear()
        claimed = np.zeros(len(local), np.int64)
        claimed[rows] = self.numbers.values[found]
        return claimed

    def _admit(self, local: Word) -> None:
        new = np.unique(local[~self.known[local]])
        for number in new.tolist():
            entry = self.expander.table.owners[number]
            self.known[number], self.may[number] = True, entry is not None
            if entry is not None:
                self._set_mask(number, entry[0])

    def refresh(self) -> None:
        """Drop what is known if a claim was found to depend on more by somebody else."""
        owners = self.expander.table.owners
        grown = [number for number, mask in self.depends.items() if (owners[number] or [mask])[0] != mask]
        for number in grown:
            self._set_mask(number, (owners[number] or [0])[0])
        if grown:
            self._clear()

    def _set_mask(self, number: int, mask: int) -> None:
        self.depends[number] = mask
        for word, bits in zip(self.masks, words_of(mask, self.expander.width), strict=True):
            word[number] = bits

    def _ask(self, state: int, number: int) -> Any:
        table = self.expander.table
        entry = table.owners[number]
        assert entry is not None
        mask = entry[0]
        found = entry[1].get(state & mask)
        if found is None:
            found = table.owner_mask(number, state)
        if entry[0] != mask:
            self.grew = True
            self._set_mask(number, entry[0])
        return found

    def noted(self, answers: list[Any]) -> None:
        """Number the sets of cells."""
        self.numbers.extend([self.expander.claimed.number(cells) for cells in answers])
