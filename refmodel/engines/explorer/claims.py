"""Claims: what operations in flight say that nobody else touches, or changes.

Steps that rely on claims are merged (see ``transitions``); the search checks each transition against what the other
actors claim.  What a local state claims is learned as what a step does is: by a mask of bits that it depends on, and a
memo.  An operation whose claims turned out wrong is not believed any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from refmodel.engines.explorer.actors import Local
from refmodel.engines.explorer.loop import Unfounded
from refmodel.engines.explorer.missing import Missing
from refmodel.engines.explorer.packing import Packing
from refmodel.machine import Operation
from refmodel.machine.flight import thaw
from refmodel.machine.recorder import Cell, Recorder, record_fields
from refmodel.machine.remember import remembered


@attrs.frozen
class Claims:
    """What an actor claims: places, or cells.  owned: nobody else touches them.  pinned: nobody else changes them."""

    owned: dict[Any, None]
    pinned: dict[Any, None]

    def cover(self, cell: Cell, change: bool) -> bool:
        """Whether a cell may be looked at, or changed, without anybody noticing."""
        if cell in self.owned or cell[0] in self.owned:
            return True
        return not change and (cell in self.pinned or cell[0] in self.pinned)


class Ownership:
    """Who claims what.

    view: looks at the state of the recorder.  believed: whether claims are asked for at all.

    distrusted: operations whose claims turned out wrong; what they claim is not believed.
    memos: for each local state by number the mask and the memo (masked state to claimed cells) of what it claims; None
    for one that never claims anything.
    """

    def __init__(self, view: Any, packing: Packing, recorder: Recorder, *, believed: bool) -> None:
        self.view, self.packing, self.recorder, self.believed = view, packing, recorder, believed
        self.distrusted: dict[type[Operation], None] = {}
        self.memos: dict[int, list[Any] | None] = Missing(self._memo_of)

    def claims(self, local: Local) -> Claims:
        """Return what an actor claims in the state of the running view.  Raises Unfounded."""
        owned: dict[Any, None] = {}
        pinned: dict[Any, None] = {}
        for cls, step, values in local.flight:
            if claims_something(cls) and cls not in self.distrusted:
                operation = thaw(cls, values)
                try:
                    owned |= dict.fromkeys(operation.owns(self.view, step))
                    pinned |= dict.fromkeys(operation.pins(self.view, step))
                except (LookupError, TypeError, AttributeError) as error:
                    # What it believes to have is gone, or is something else.
                    raise Unfounded([cls], f"{type(error).__name__}: {error}") from error
        return Claims(owned, pinned)

    def learn(self, number: int, state: int) -> int:
        """Return the cells that an actor with a local state claims in a state, and remember them.

        Raises Unfounded.
        """
        memo = self.memos[number]
        assert memo is not None
        recorder, packing = self.recorder, self.packing
        recorder.begin(packing.peek(state))
        local: Local = packing.locals.values[number]
        claims = self.claims(local)
        need = memo[0] | packing.mask(place for place, _ in recorder.read)
        if need != memo[0]:
            memo[0] = need
            memo[1].clear()
        for cell in recorder.read:
            if not claims.cover(cell, False) and not packing.is_constant(cell):
                claiming = [cls for cls, _, _ in local.flight if claims_something(cls)]
                raise Unfounded(claiming, f"a claim depends on {cell}, which is not claimed itself")
        found = self._cells(claims)
        memo[1][state & need] = found
        return found

    def _cells(self, claims: Claims) -> int:
        """Return the cells that nobody else may touch, and those that nobody else may change, as one set."""
        found = self.packing.cells(self._expanded(claims.owned))
        return found | self.packing.changed_cells(self._expanded(claims.pinned))

    def _expanded(self, claimed: Iterable[Any]) -> Iterator[Cell]:
        """Yield the cells of claimed places, with any of their values, and claimed cells."""
        for each in claimed:
            if isinstance(each, tuple):
                yield each
                continue
            names: dict[str, None] = {"": None}
            for value in self.packing.fields[each].values.values:
                names |= dict.fromkeys(record_fields(type(value)) or ())
            yield from ((each, name) for name in names)

    def _memo_of(self, number: int) -> list[Any] | None:
        """Return mask and memo of what a local state claims, None for one that never claims anything."""
        local: Local = self.packing.locals.values[number]
        claiming = self.believed and any(
            claims_something(cls) and cls not in self.distrusted for cls, _, _ in local.flight
        )
        return [0, {}] if claiming else None

    def claiming(self, state: int, cells: int) -> list[type[Operation]]:
        """Return the operations in flight in a state that claim one of some cells."""
        packing, found = self.packing, dict[type[Operation], None]()
        self.recorder.begin(packing.peek(state))
        for actor in range(packing.actors):
            local: Local = packing.local(state, actor)
            for frame in local.flight:
                claims = self.claims(attrs.evolve(local, flight=(frame,)))
                if self._cells(claims) & cells:
                    found[frame[0]] = None
        assert found, "a breach of nobody's claim"
        return list(found)


@remembered
def claims_something(cls: type[Operation]) -> bool:
    """Whether an operation ever claims anything."""
    return cls.owns is not Operation.owns or cls.pins is not Operation.pins
