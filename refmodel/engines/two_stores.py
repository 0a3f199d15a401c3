"""Two designs of a store, side by side: what a failed insertion costs, and which states each goes through.

Costs and intermediate states are those of one store that runs alone; the states at rest are those of an exploration,
in which others take part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.exploration import make_search
from refmodel.engines.explorer.progress import resting
from refmodel.engines.failure_stage import Stage
from refmodel.engines.setting import TOKENS
from refmodel.engines.store_failures import ALONE, Injected, Old
from refmodel.kernel.choices import XA_STORE
from refmodel.kernel.config import MAX_BATCH
from refmodel.profiles import preset

if TYPE_CHECKING:
    from refmodel.engines.scope import Scope
    from refmodel.kernel.table import KernelView
    from refmodel.profiles import Profile

OLDS: tuple[Old, ...] = ("none", "all")
"""Older entries that a store of the comparison finds."""

STORE_PAGES = "zswap_store_pages"
"""The operation of which there are two designs."""

NOWHERE = -1
"""Position of a store in which nothing fails."""


class NotComparable(ValueError):
    """Two profiles differ in more than the design of a store."""


class NotFinished(RuntimeError):
    """An exploration found something wrong, or did not come to its end, so there is no set of states."""


@attrs.frozen
class Work:
    """What one store did.

    steps: before and with the failure, or all of them.  undoing: steps after it.
    wrote: components that the steps before it changed, each counted once a step.  rewrote: those after it.
    """

    steps: int
    undoing: int
    wrote: int
    rewrote: int


@attrs.frozen
class Cost:
    """What a store costs whose first batch has ``batch`` pages, and fails at an insertion.

    position: of the page in the batch, from 0; ``NOWHERE`` for none.  work: of each design.
    """

    batch: int
    position: int
    old: Old
    work: tuple[Work, Work]


@attrs.frozen
class Between:
    """What can be seen between two steps of a store: of both designs, and of one only."""

    both: tuple[str, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]


@attrs.frozen
class Rest:
    """States at rest of an exploration, counted: those of both designs, and those of one only.

    who: what takes part and what may fail.  states: how many states the exploration of each design had.
    """

    who: str
    both: int
    first: int
    second: int
    states: tuple[int, int]


@attrs.frozen
class Comparison:
    """Two designs side by side.

    profiles: their names.  costs: of stores.  between: of one store.  rests: of several explorations.
    """

    profiles: tuple[str, str]
    costs: tuple[Cost, ...]
    between: Between
    rests: tuple[Rest, ...]


def compare(
    first: Profile, second: Profile, scope: Scope, progress: Callable[[str], None] | None = None
) -> Comparison:
    """Compare two designs of ``STORE_PAGES``.

    scope: in which their states at rest are compared, its first thread being the one that stores: as it is, with
    nothing that fails, and with that thread alone.  progress: told what is done next.
    Raises NotComparable, and NotFinished.
    """
    _check(first, second)
    tell = progress or (lambda what: None)
    tell("costs of failures")
    spent = tuple(costs(first, second))
    rests = []
    for who, each in _scopes(scope).items():
        tell(f"states at rest: {who}")
        rests.append(_rest(who, first, second, each))
    one, other = states_between(first), states_between(second)
    between = Between(
        tuple(seen for seen in one if seen in other),
        tuple(seen for seen in one if seen not in other),
        tuple(seen for seen in other if seen not in one),
    )
    return Comparison((first.name, second.name), spent, between, tuple(rests))


def _check(first: Profile, second: Profile) -> None:
    tables = (attrs.asdict(each.operations, recurse=False) for each in (first, second))
    one, other = tables
    differing = [name for name in one if one[name] is not other[name]]
    if differing != [STORE_PAGES]:
        found = ", ".join(differing) or "no operation"
        raise NotComparable(
            f"{first.name} and {second.name} differ in {found}; expected {STORE_PAGES} and nothing else; "
            f"refmodel diff {first.name} {second.name} tells any two profiles apart"
        )


def _scopes(scope: Scope) -> dict[str, Scope]:
    others = " and ".join(thread.name for thread in scope.threads[1:])
    held = tuple(point for point in scope.faults if point != XA_STORE.name)
    return {
        "insertions fail, nobody else runs": attrs.evolve(scope, threads=scope.threads[:1]),
        f"no insertion fails, {others} runs": attrs.evolve(scope, faults=held),
        f"insertions fail, {others} runs": scope,
    }


def _rest(who: str, first: Profile, second: Profile, scope: Scope) -> Rest:
    (one, explored), (other, also) = (states_at_rest(each, scope) for each in (first, second))
    return Rest(who, len(one & other), len(one - other), len(other - one), (explored, also))


# --- costs ----------------------------------------------------------------------------------------------------


def costs(first: Profile, second: Profile) -> Iterator[Cost]:
    """Yield what stores of a folio of 8 pages cost, for each length of batches and each insertion of the first."""
    for batch in range(1, MAX_BATCH + 1):
        for old in OLDS:
            stages = [_stage(each, old, batch) for each in (first, second)]
            for position in range(NOWHERE, batch):
                one, other = (_work(stage, position) for stage in stages)
                yield Cost(batch, position, old, (one, other))


def _stage(profile: Profile, old: Old, batch: int, pages: int = 8) -> Stage:
    """Return a system in which a folio of so many pages is stored in batches of a length."""
    sizes = attrs.evolve(preset("batches"), pages=pages, max_order=pages.bit_length() - 1, max_batch=batch)
    return Stage(profile, sizes, TOKENS, old, ALONE, ())


def _work(stage: Stage, position: int) -> Work:
    stage.store(*(() if position == NOWHERE else (Injected(XA_STORE.name, position),)))
    window, steps = stage.window, len(stage.window.ran)
    failed = steps if position == NOWHERE else window.failed_at
    return Work(failed, steps - failed, sum(window.wrote[:failed]), sum(window.wrote[failed:steps]))


# --- states ---------------------------------------------------------------------------------------------------


def states_between(profile: Profile, pages: int = 4, batch: int = 2) -> dict[str, None]:
    """Return what can be seen between two steps of a store of a folio, with a failed insertion anywhere or none."""
    found: dict[str, None] = {}
    for old in OLDS:
        stage = _stage(profile, old, batch, pages)
        stage.store()
        stage.window.look = partial(_note, found, stage, stage.slots)
        for position in range(NOWHERE, pages):
            _work(stage, position)
    return found


def _note(found: dict[str, None], stage: Stage, slots: range) -> None:
    found.setdefault(seen(stage.trial.v, slots))


def seen(v: KernelView, slots: range) -> str:
    """Return what tree, lists and counter tell of some slots, for example ``.uLL, 1 off the tree, 3 counted``.

    For each slot: ``.`` without an entry, ``u`` for one that is on no list, ``L`` for one that is on a list.
    Off the tree: entries on a list that the tree has not any more.
    """
    listed = [number for row in v.at.lru for place in row for number in v[place]]
    tree = [v[v.at.tree[slot]] for slot in slots]
    mine = set(slots)
    off = [number for number in listed if number not in tree and _slot_of(v, number) in mine]
    marks = "".join("." if not number else "L" if number in listed else "u" for number in tree)
    return f"{marks}, {len(off)} off the tree, {v[v.at.zs.stored_pages]} counted"


def _slot_of(v: KernelView, number: int) -> int:
    entry = v[v.at.entry[number]]
    return entry.swpentry if entry is not None else 0


def states_at_rest(profile: Profile, scope: Scope) -> tuple[frozenset[Any], int]:
    """Return the states at rest of a scope, without the numbers that memory happens to have; and all there are.

    Raises NotFinished.
    """
    search, judge = make_search(scope, profile)
    search.run()
    if search.found is not None or not search.complete:
        why = search.stopped if search.found is None else search.found.what
        raise NotFinished(f"{scope.name} on {profile.name}: {why}; explore it to see more")
    rests, everyone, found = resting(search), search.packing.local_bits, set[Any]()
    for state in search.visited.all():
        if rests[state & everyone]:
            judge.v.restore(tuple(search.packing.components(state)))
            found.add(at_rest(judge.v))
    return frozenset(found), len(search.visited)


def at_rest(v: KernelView) -> Any:
    """Return what there is in a state at rest: entries and objects by their slots, not by their numbers."""
    at = v.at
    plain = (
        at.pte,
        at.folio,
        at.slot,
        at.swap_cache,
        at.zeromap,
        at.device,
        at.pool,
        at.pool_ref,
        at.pool_pages,
        at.lru_ready,
    )
    groups = tuple(v[place] for row in plain for place in _flat(row))
    stored = tuple(_entry(v, v[place]) for place in at.tree)
    lists = tuple(tuple(_slot_of(v, number) for number in v[place]) for row in at.lru for place in row)
    used = v[at.entries_used].bit_count(), v[at.objects_used].bit_count(), v[at.zs.stored_pages]
    charged = tuple((v[each.zswap], v[each.zswapped]) for each in at.mc)
    return groups, stored, lists, used, charged


def _flat(row: Any) -> Iterator[int]:
    for each in row:
        if isinstance(each, int):
            yield each
        else:
            yield from _flat(each)


def _entry(v: KernelView, number: int) -> Any:
    entry = v[v.at.entry[number]] if number else None
    if entry is None:
        return None
    stored = v[v.at.zs_object[entry.handle]]
    held = None if stored is None else (stored.pool, stored.size, stored.data, stored.nid)
    return attrs.evolve(entry, handle=0), held
