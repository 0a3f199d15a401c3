"""Numbers of folios only name them: states that differ in no more are one; what tells folios apart is refused."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import attrs
import pytest

from refmodel.engines.command import Command
from refmodel.engines.exploration import make_search
from refmodel.engines.explorer.symmetry import BrokenSymmetry
from refmodel.engines.folio_names import folio_renaming
from refmodel.engines.scope import Scope, Thread
from refmodel.machine import Next, step
from refmodel.museum import without_known_bugs
from refmodel.profiles import Profile, profile
from tests.engines.simple import KeepsNoCount
from tests.engines.small_scopes import PAGEOUT, READ, WRITE, free

NAMED = ("folios",)
TWO = attrs.evolve(
    free(READ, PAGEOUT, Command("read", (0, 1)), times=2, before=(WRITE, Command("write", (0, 1, 3)))),
    sizes=attrs.evolve(free(READ).sizes, pages=2, folios=4, slots=4),
)
"""Two tasks read two pages and swap the first out, twice each."""


def forms(scope: Scope, of: Profile) -> tuple[set[str], set[Any], int]:
    """Return the states at rest of a scope in a form without numbers of folios, the steps that ran, and all states."""
    search, _ = make_search(scope, of)
    search.run()
    assert search.complete
    assert search.found is None
    packing, renaming, found = search.packing, folio_renaming(scope, scope.system(of)), set[str]()
    for state in search.visited.all():
        if not any(packing.local(state, actor).flight for actor in range(packing.actors)):
            components = packing.components(state)
            orders = permutations(range(len(renaming.columns)))
            found.add(min(repr(renamed(components, renaming, order)) for order in orders))
    return found, set(search.table.ran), len(search.visited)


def renamed(components: Any, renaming: Any, order: tuple[int, ...]) -> list[Any]:
    """Return components under other numbers of folios."""
    after = list(components)
    for place in renaming.mentions:
        after[place] = renaming.component(place, components[place], order)
    for i, column in enumerate(renaming.columns):
        for source, target in zip(column, renaming.columns[order[i]], strict=True):
            after[target] = components[source]
    return after


@pytest.mark.parametrize("name", ["linux-6.12", "linux-7.3"])
def test_folios_that_are_not_told_apart_change_neither_states_at_rest_nor_what_is_reached(name: str) -> None:
    of = without_known_bugs(profile(name))
    told, steps, many = forms(TWO, of)
    alike, same_steps, few = forms(attrs.evolve(TWO, symmetry=NAMED), of)
    assert alike == told
    assert same_steps == steps
    assert few < many


def test_a_bug_is_found_at_the_same_depth_whether_or_not_folios_are_told_apart() -> None:
    of = without_known_bugs(profile("linux-7.3")).with_operations(
        "forgetful", "counts too few", zswap_store=KeepsNoCount
    )
    depths = []
    for symmetry in ((), NAMED):
        search, _ = make_search(attrs.evolve(free(WRITE, READ, PAGEOUT), symmetry=symmetry), of)
        search.run()
        assert search.found is not None
        depths.append(search.found.depth)
    assert depths[0] == depths[1]


def refused(scope: Scope) -> str:
    with pytest.raises(BrokenSymmetry) as error:
        make_search(attrs.evolve(scope, symmetry=NAMED), profile("linux-7.3"))
    return str(error.value)


def test_a_victim_that_is_always_the_first_folio_is_refused() -> None:
    assert "the folio with the lowest number" in refused(attrs.evolve(free(PAGEOUT), fixed=("victim",)))


def test_an_outcome_about_values_of_commands_is_refused() -> None:
    assert "values of commands" in refused(attrs.evolve(free(READ), keeps=True))


def test_a_command_on_one_folio_is_refused_and_the_way_out_is_named() -> None:
    reclaims = Thread("reclaim", (Command("reclaim", (1,)),))
    said = refused(attrs.evolve(free(READ), threads=(reclaims,)))
    assert "names folios in reclaim" in said
    assert "write reclaim without arguments under choose" in said


@attrs.define
class HidesAFolio(KeepsNoCount):
    """A store that keeps a number nobody knows the meaning of."""

    whatever: int = 0

    @step
    def count(self, v: Any) -> Next:
        """Keep it."""
        self.whatever = 1
        return self.keep

    @step
    def keep(self, v: Any) -> Next:
        """Use it."""
        v[v.at.folios_used] |= self.whatever
        return KeepsNoCount.count(self, v)


def test_a_variable_of_unknown_meaning_is_refused_by_name() -> None:
    of = profile("linux-7.3").with_operations("hides", "hides a number", zswap_store=HidesAFolio)
    search, _ = make_search(attrs.evolve(free(WRITE, PAGEOUT), symmetry=NAMED), of)
    with pytest.raises(
        BrokenSymmetry, match=r"HidesAFolio\.whatever is 1, which may be the number of a folio"
    ):
        search.run()
