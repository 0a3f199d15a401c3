"""What a search takes for granted, and what it does when that turns out wrong.

That steps commute, that cells are constant, that counters are looked at by nobody, that operations claim what is
theirs: the search relies on these until a run shows otherwise.  Then it begins again without the wrong one, and keeps
all that was learned without relying on it.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

from refmodel.engines.explorer.loop import Breach, Unfounded
from refmodel.engines.explorer.packing import Inconstant
from refmodel.engines.explorer.transitions import Restart
from refmodel.machine import Operation
from refmodel.machine.recorder import Cell, Unkept

if TYPE_CHECKING:
    from refmodel.engines.explorer.search import Search

WRONG = (Restart, Inconstant, Unkept, Breach, Unfounded)
"""Something that was taken for granted is not so."""


def correct(search: Search, wrong: BaseException) -> None:
    """Take something for granted no more, and drop what relied on it."""
    match wrong:
        case Restart():
            _unlearn(search, wrong.why, {wrong.at})
        case Inconstant():
            _unlearn(search, str(wrong), _varying(search, wrong.cell))
        case Unkept():
            search.recorder.kept.add(wrong.place)
            _unlearn(search, f"the counter at place {wrong.place} is looked at", None)
        case Breach():
            claiming = search.table.ownership.claiming(wrong.state, wrong.cells)
            _distrust(search, claiming, "others touch it")
        case Unfounded():
            _distrust(search, wrong.classes, wrong.why)


def _distrust(search: Search, classes: Sequence[type[Operation]], why: str) -> None:
    """Believe the claims of some operations no more."""
    search.table.ownership.distrusted |= dict.fromkeys(classes)
    names = " and ".join(cls.__qualname__ for cls in classes)
    _unlearn(search, f"what {names} claims is not so: {why}", None)


def _varying(search: Search, cell: Cell) -> list[Cell]:
    """Take a cell, and those that are packed like it, for constant no more; return them."""
    place, name = cell
    cells = [(other, name) for other in search.packing.alike[place]]
    for each in cells:
        search.packing.constants.get(each[0], {}).pop(each, None)
    return cells


def _unlearn(search: Search, why: str, wrong: Container[Any] | None) -> None:
    """Drop all that was learned and relied on something wrong."""
    search.restarts.append(why)
    search.table.unlearn(wrong)
