"""The judge of an exploration passes over no state, also when the search has to begin again."""

from __future__ import annotations

import pytest

from refmodel.engines.exploration import make_search
from refmodel.machine.recorder import Unkept
from refmodel.museum import without_known_bugs
from refmodel.profiles import profile
from refmodel.properties.index import Index
from refmodel.properties.property import state_property
from tests.engines.small_scopes import PAGEOUT, READ, WRITE, free


@state_property("MINE", source="this test", bug="none: nothing has it")
def something_is_stored(index: Index) -> str | None:
    """At least one page is stored."""
    v = index.v
    return None if v[v.at.zs.stored_pages] else "no page is stored"


def test_a_state_is_judged_again_when_the_search_begins_again() -> None:
    scope = free(READ, PAGEOUT, number=1, before=(WRITE,))
    of = without_known_bugs(profile("linux-7.3"))
    search, judge = make_search(scope, of, properties=[something_is_stored])
    with pytest.raises(Unkept) as unkept:
        judge(search, search.visited.last)

    search.recorder.kept.add(unkept.value.place)
    search.restarts.append("a counter is looked at")
    found = judge(search, search.visited.last)

    assert found is not None
    assert found[1].property == "MINE"
