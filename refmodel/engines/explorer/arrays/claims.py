"""What actors claim in many states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from refmodel.engines.explorer.arrays.memo import Grown, LocalMemo
from refmodel.engines.explorer.arrays.rows import Numbers, Word

if TYPE_CHECKING:
    from refmodel.engines.explorer.arrays.expander import Expander


class Claims(LocalMemo):
    """What actors claim, as numbers of sets of cells; the tag of a memo is the actor's local state."""

    def __init__(self, expander: Expander) -> None:
        self.expander = expander
        size = expander.packing.local_room
        self.known, self.may = np.zeros(size, bool), np.zeros(size, bool)
        super().__init__(expander.packing, expander.width)

    def clear(self) -> None:
        """Forget all answers."""
        super().clear()
        self.numbers = Grown(np.int64)

    def of(self, states: Sequence[Word], locals_: Sequence[Word]) -> list[Numbers | None]:
        """Return for each actor the numbers of what it claims in states, None if it claims nothing in any."""
        return [self._of(states, local) for local in locals_]

    def _of(self, states: Sequence[Word], local: Word) -> Numbers | None:
        self._meet(local)
        rows = np.flatnonzero(self.may[local])
        if not rows.size:
            return None
        mine = local[rows]
        found = self.answers([word[rows] for word in states], mine, mine.astype(np.int64))
        claimed = np.zeros(len(local), np.int64)
        claimed[rows] = self.numbers.values[found]
        return claimed

    def _meet(self, local: Word) -> None:
        """Look at local states that were not met before."""
        for number in np.unique(local[~self.known[local]]).tolist():
            self.known[number], self.may[number] = (
                True,
                self.expander.table.ownership.memos[number] is not None,
            )
            if self.may[number]:
                self.admit(number)

    def _entry(self, local: int) -> list[Any]:
        entry = self.expander.table.ownership.memos[local]
        assert entry is not None
        return entry

    def mask(self, local: int) -> int:
        """Return the bits that a local state's claims are known to depend on."""
        mask: int = self._entry(local)[0]
        return mask

    def local(self, state: int, tag: int) -> int:
        """Return the tag."""
        return tag

    def learn(self, state: int, local: int) -> Any:
        """Return what a local state claims in a state."""
        mask, known = self._entry(local)
        found = known.get(state & mask)
        return self.expander.table.ownership.learn(local, state) if found is None else found

    def noted(self, answers: list[Any]) -> None:
        """Number the sets of cells."""
        self.numbers.extend([self.expander.claimed.number(cells) for cells in answers])
