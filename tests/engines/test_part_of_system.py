"""Parts of a system: only what is there can be read, and calls are told by name and arguments."""

from __future__ import annotations

import pytest

from refmodel.engines.part_of_system import called, part_of_system
from refmodel.kernel import zswap_entry
from refmodel.machine import Return


def test_a_step_runs_on_the_part_that_it_needs() -> None:
    v = part_of_system([0, 5, 7], tree=range(3))
    following = zswap_entry.ZswapInvalidate(slot=1).erase(v)

    assert list(v) == [0, 0, 7]
    assert called(following) == ("zswap_entry_free", {"entry": 5})
    assert called(Return()) is None


def test_a_component_that_is_not_there_cannot_be_read() -> None:
    with pytest.raises(AttributeError, match="entry"):
        zswap_entry.live_entry(part_of_system([]), 1)
