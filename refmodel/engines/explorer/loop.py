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
from refmodel.engines.explorer.packing import Packing
from refmodel.machine import Operation


class Breach(Exception):
    """A step touched what another actor owns, or changed what another pins: the claim is wrong.

    state: where.  cells: what, as a set of cells.
    """

    def __init__(self, state: int, cells: int) -> None:
        super().__init__("a step touched what another actor claims")
        self.state, self.cells = state, cells


class Unfounded(Exception):
    """What an operation claims cannot be told, or depends on what it does not claim: the claim is wrong.

    classes: of the operations.  why: in a few words.
    """

    def __init__(self, classes: Sequence[type[Operation]], why: str) -> None:
        super().__init__(why)
        self.classes, self.why = classes, why


class Stuck(Exception):
    """Every operation in flight waits, and nothing that could end that is able to run."""

    def __init__(self, state: int) -> None:
        super().__init__("every operation in flight waits")
        self.state = state


def loop_source(groups: Sequence[Sequence[int]], own: int, *, owners: bool, waits: bool) -> str:
    """Return the source of the loop that expands states.

    groups: actors that are not told apart; their local states stand in ascending order.  own: how many of the last
    groups do the system's own work: they are idle most of the time, so what they can do is looked up together.
    owners: check who claims what.  waits: look for states in which every operation in flight waits.

    The widths of fields, which change during a search, are arguments of the loop.
    """
    tasks = groups[: len(groups) - own]
    actors = [actor for group in tasks for actor in group]
    out = ["def loop(level, table, add, at, packing):"]
    line = out.append
    line(
        " learn, plans, claim, owners = table.learn, table.plans, table.ownership.learn, table.ownership.memos"
    )
    line(" everyone = packing.local_bits")
    for a in actors:
        line(f" acts{a}, shift{a}, low{a} = table.acts[{a}], packing.shifts[{a}], packing.lows[{a}]")
    if own:
        line(f" rest = packing.shifts[{len(actors)}]")
    line(" for st in level:")
    line("  ls = st & everyone")
    for a in actors:
        line(f"  l{a} = ls >> shift{a} & low{a}" if a else "  l0 = ls & low0")
    if own:
        line("  plan = plans[ls >> rest]")
    if waits:
        line("  busy = 0")
    if owners:
        _owners_source(line, actors, own)
    for group in tasks:
        for a in group:
            others = [*(f"o{b}" for b in actors if b != a), *(["own"] if own else [])]
            same = "" if a == group[0] else f"if l{a} != l{a - 1}"
            _actor_source(line, f"acts{a}[l{a}]", f"l{a}", same, others if owners else (), waits)
    if own:
        _actor_source(line, "plan[0]", "act[4]", "", [f"o{b}" for b in actors] if owners else (), waits)
    if waits:
        line("  if busy and not table.moves(st): raise Stuck(st)")
    return "\n".join(out)


def normals_source(sorts: bool, columns: int, whole: bool) -> str:
    """Return the source of what brings states into normal form.

    sorts: there are actors that are not told apart.  columns: how many indexes may be renamed.
    whole: columns and what mentions indexes beside them are renamed with one look-up.
    """
    out = ["def normals(states, everyone, ordered, names):", " components = ~everyone"]
    found = "n & components | ordered[n & everyone]" if sorts else "n"
    if columns > 1 and whole:
        out.append(" choices, sides, rest = names.choices, names.sides, names.rest")
        found = "(c := choices[n & sides])[0] | c[1][n & everyone] | n & rest"
    elif columns > 1:
        out.append(
            f" normal, (({''.join(f'key{i}, ' for i in range(columns))}), key) = names.state, names.keys"
        )
        rising = " < ".join(f"n >> key{i} & key" for i in range(columns))
        found += f" if {rising} else normal(n)"
    out.append(f" return {{{found} for n in states}}" if found != "n" else " return states")
    return "\n".join(out)


def _owners_source(line: Callable[[str], None], actors: Sequence[int], own: int) -> None:
    """Look up what each actor claims."""
    for a in actors:
        line(f"  e = owners[l{a}]")
        line(f"  if e is None: o{a} = 0")
        line("  else:")
        line(f"   try: o{a} = e[1][st & e[0]]")
        line(f"   except KeyError: o{a} = claim(l{a}, st)")
    if own:
        line("  own = table.own_claims(st, plan) if plan[1] else 0")
    line(f"  claimed = {' | '.join([*(f'o{a}' for a in actors), *(['own'] if own else [])])}")


def _actor_source(
    line: Callable[[str], None], acts: str, local: str, condition: str, others: Sequence[str], waits: bool
) -> None:
    """Take every transition of some actors.

    acts, local: expressions for what they can do, and for the number of the local state.  condition: under which.
    others: names of what others claim.
    """
    pad = "  "
    if condition:
        line(f"{pad}{condition}:")
        pad += " "
    if others:
        line(f"{pad}o = claimed and {' | '.join(others)}")
    line(f"{pad}for act in {acts}:")
    pad += " "
    line(f"{pad}try: changes, cells = act[1][st & act[0]]")
    line(f"{pad}except KeyError:")
    line(f"{pad} at[0], at[1] = st, {local}")
    line(f"{pad} changes, cells = learn(act, st)")
    if others:
        line(f"{pad}if o and cells & o: raise Breach(st, cells & o)")
    if waits:
        line(f"{pad}if changes:")
        line(f"{pad} for c in changes: add(st + c)")
        line(f"{pad}elif act[2] == (-1,): busy = 1")
    else:
        line(f"{pad}for c in changes: add(st + c)")


class Ordered(Missing[int]):
    """The local states of all actors with those of each group in ascending order, for any order of them."""

    def __init__(self, packing: Packing, groups: Sequence[Sequence[int]]) -> None:
        super().__init__(self._sorted)
        self.lows = list(packing.lows)
        self.alike = [
            ([packing.shifts[a] for a in group], packing.lows[group[0]]) for group in groups if len(group) > 1
        ]
        self.rest = packing.local_bits & ~sum(low << shift for shifts, low in self.alike for shift in shifts)

    def _sorted(self, ls: int) -> int:
        found = ls & self.rest
        for shifts, low in self.alike:
            for shift, local in zip(shifts, sorted([ls >> shift & low for shift in shifts]), strict=True):
                found |= local << shift
        return found


@cache
def compiled_loop(
    groups: tuple[tuple[int, ...], ...], own: int, owners: bool, waits: bool
) -> Callable[..., None]:
    """Return the loop that expands states."""
    names: dict[str, Any] = {"Stuck": Stuck, "Breach": Breach}
    exec(loop_source(groups, own, owners=owners, waits=waits), names)
    loop: Callable[..., None] = names["loop"]
    return loop


@cache
def compiled_normals(sorts: bool, columns: int, whole: bool) -> Callable[..., set[int]]:
    """Return what brings states into normal form."""
    names: dict[str, Any] = {}
    exec(normals_source(sorts, columns, whole), names)
    normals: Callable[..., set[int]] = names["normals"]
    return normals
