"""States that were seen are kept exactly, in either storage."""

from __future__ import annotations

import pytest

from refmodel.engines.explorer.visited import Storage, loosened, packed, squeezed
from tests.explorer.scope import NOTHING, search_of

SCOPE = (1, 2, 2)


@pytest.mark.parametrize("reductions", [NOTHING, "all"])
def test_both_storages_hold_the_same_states(reductions: object) -> None:
    """The compact storage takes longer and nothing else."""
    flat, compact = (
        search_of(SCOPE, reductions, storage=storage).run()  # type: ignore[arg-type]  # object of the parameter
        for storage in ("flat", "compact")
    )
    assert compact.transitions == flat.transitions
    assert list(map(len, compact.visited.levels)) == list(map(len, flat.visited.levels))
    assert len(compact.visited) == len(flat.visited) == len(set(compact.visited.all()))


@pytest.mark.parametrize("storage", ["flat", "compact"])
def test_a_state_is_taken_once(storage: Storage) -> None:
    """A level has what no level before it had."""
    visited = search_of(SCOPE, storage=storage).visited
    (start,) = visited.last
    assert visited.take({start, start + 1, start + 2})
    assert not visited.take({start, start + 2})
    assert [sorted(level) for level in visited.levels] == [[start], [start + 1, start + 2]]
    assert len(visited) == 3


def test_a_compressed_level_has_the_same_states() -> None:
    """States of any size are compressed."""
    for states in ({0}, {3, 1 << 63, 7}, {1 << 70, 5}):
        assert sorted(loosened(*squeezed(packed(states)))) == sorted(states)
