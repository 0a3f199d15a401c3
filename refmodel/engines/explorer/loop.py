"""The inner loop of the search, generated for the number of actors.

For each state and each actor it looks up what the actor can do and notes the states that this leads to.  An
outcome is one number to add to the state: the components' change and the actor's change in one.  What was noted
is then brought into normal form, each state once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from refmodel.engines.explorer.missing import Missing


class Breach(Exception):
    """A step touched what another actor owned, or two actors own one thing: merging steps is not sound here.

    state: where.  cells: what, as a set of cells.
    """

    def __init__(self, state: int, cells: int) -> None:
        super().__init__("a step touched what another actor owned")
        self.state, self.cells = state, cells


class Stuck(Exception):
    """Every operation in flight waits, and nothing that could end that is able to run."""

    def __init__(self, state: int) -> None:
        super().__init__("every operation in flight waits")
        self.state = state


def loop_source(groups: Sequence[Sequence[int]], *, owners: bool, waits: bool) -> str:
    """Return the source of the loop that expands states.

    groups: actors that are not told apart; their local states stand in ascending order.  owners: check who owns
    what.  waits: look for states in which every operation in flight waits.

    The widths of fields, which change during a search, are arguments of the loop.
    """
    actors = [actor for group in groups for actor in group]
    out = ["def loop(level, table, add, at, width):"]
    line = out.append
    line(" learn, owners, owner_mask = table.learn, table.owners, table.owner_mask")
    line(f" low, everyone = (1 << width) - 1, (1 << width * {len(actors)}) - 1")
    for a in actors:
        line(f" acts{a}, shift{a} = table.acts[{a}], width * {a}")
    line(" for st in level:")
    line("  ls = st & everyone")
    for a in actors:
        line(f"  l{a} = ls >> shift{a} & low" if a else "  l0 = ls & low")
    if waits:
        line("  moved = busy = 0")
    if owners:
        _owners_source(line, actors)
    for group in groups:
        for a in group:
            _actor_source(line, a, group, actors, owners, waits)
    if waits:
        line("  if busy and not moved: raise Stuck(st)")
    return "\n".join(out)


def normals_source(sorts: bool, columns: int) -> str:
    """Return the source of what brings states into normal form.

    sorts: there are actors that are not told apart.  columns: how many indexes may be renamed.
    """
    found = "n & components | ordered[n & everyone]" if sorts else "n"
    out = ["def normals(states, everyone, ordered, normal, keys):", " components = ~everyone"]
    if columns > 1:
        out.append(f" ({''.join(f'key{i}, ' for i in range(columns))}), key = keys")
        rising = " < ".join(f"n >> key{i} & key" for i in range(columns))
        found += f" if {rising} else normal(n)"
    out.append(f" return {{{found} for n in states}}" if found != "n" else " return states")
    return "\n".join(out)


def _owners_source(line: Callable[[str], None], actors: Sequence[int]) -> None:
    """Look up what each actor owns; nothing may belong to two."""
    for a in actors:
        line(f"  e = owners[l{a}]")
        line(f"  if e is None: o{a} = 0")
        line("  else:")
        line(f"   o{a} = e[1].get(st & e[0])")
        line(f"   if o{a} is None: o{a} = owner_mask(l{a}, st)")
    if len(actors) > 1:
        pairs = " | ".join(f"o{a} & o{b}" for i, a in enumerate(actors) for b in actors[i + 1 :])
        line(f"  if {pairs}: raise Breach(st, {pairs})")


def _actor_source(
    line: Callable[[str], None],
    a: int,
    group: Sequence[int],
    actors: Sequence[int],
    owners: bool,
    waits: bool,
) -> None:
    """Take every transition of one actor; of two in the same local state, of the first only."""
    pad = "  "
    if a != group[0]:
        line(f"{pad}if l{a} != l{a - 1}:")
        pad += " "
    others = " | ".join(f"o{b}" for b in actors if b != a)
    check = owners and bool(others)
    if check:
        line(f"{pad}o = {others}")
    line(f"{pad}for act in acts{a}[l{a}]:")
    pad += " "
    line(f"{pad}r = act[1].get(st & act[0])")
    line(f"{pad}if r is None:")
    line(f"{pad} at[0], at[1] = st, l{a}")
    line(f"{pad} r = learn(act, st)")
    if waits:
        line(f"{pad}if r[0]: moved |= act[3]")
        line(f"{pad}elif act[2] == (-1,): busy = 1")
    if check:
        line(f"{pad}if r[1] & o: raise Breach(st, r[1] & o)")
    line(f"{pad}for c in r[0]: add(st + c)")


class Ordered(Missing[int]):
    """The local states of all actors with those of each group in ascending order, for any order of them."""

    def __init__(self, width: int, groups: Sequence[Sequence[int]]) -> None:
        super().__init__(self._sorted)
        self.width, self.groups = width, groups

    def _sorted(self, ls: int) -> int:
        width, low, found = self.width, (1 << self.width) - 1, 0
        for group in self.groups:
            for actor, local in zip(group, sorted((ls >> width * a) & low for a in group), strict=True):
                found |= local << width * actor
        return found


@cache
def compiled_loop(groups: tuple[tuple[int, ...], ...], owners: bool, waits: bool) -> Callable[..., None]:
    """Return the loop that expands states."""
    names: dict[str, Any] = {"Stuck": Stuck, "Breach": Breach}
    exec(loop_source(groups, owners=owners, waits=waits), names)
    loop: Callable[..., None] = names["loop"]
    return loop


@cache
def compiled_normals(sorts: bool, columns: int) -> Callable[..., set[int]]:
    """Return what brings states into normal form."""
    names: dict[str, Any] = {}
    exec(normals_source(sorts, columns), names)
    normals: Callable[..., set[int]] = names["normals"]
    return normals
