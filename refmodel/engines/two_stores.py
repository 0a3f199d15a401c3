"""Two designs of a store, side by side: what a failed insertion costs, and which states each goes through.

Costs and intermediate states are those of one store that runs alone; the states at rest are those of an exploration,
in which others take part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.explorer.progress import resting
from refmodel.engines.exploration import make_search
from refmodel.engines.failure_stage import Stage
from refmodel.engines.setting import TOKENS
from refmodel.engines.store_failures import USUAL, Injected, Old
from refmodel.kernel.choices import XA_STORE
from refmodel.kernel.config import MAX_BATCH
from refmodel.profiles import preset

if TYPE_CHECKING:
    from refmodel.engines.scope import Scope
    from refmodel.kernel.table import KernelView
    from refmodel.profiles import Profile

OLDS: tuple[Old, ...] = ("none", "all")
"""Older entries that a store of the comparison finds."""

ALONE = -1
"""Position at which nothing fails."""


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

    position: of the page in the batch, from 0; ``ALONE`` for none.  work: of each design.
    """

    batch: int
    position: int
    old: Old
    work: tuple[Work, Work]


@attrs.frozen
class Sets:
    """How two sets of states compare: what both have, and what only one has."""

    both: tuple[str, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether neither has a state that the other has not."""
        return not self.first and not self.second


@attrs.frozen
class Comparison:
    """Two designs side by side.

    between: what can be seen between two steps of one store.  rest: states at rest of an exploration.
    states: how many states each exploration had.
    """

    profiles: tuple[str, str]
    costs: tuple[Cost, ...]
    between: Sets
    rest: Sets
    states: tuple[int, int]


def compare(first: Profile, second: Profile, scope: Scope) -> Comparison:
    """Compare two designs of ``zswap_store_pages``.

    scope: in which their states at rest are compared.  Raises NotFinished.
    """
    resting_states = [states_at_rest(each, scope) for each in (first, second)]
    return Comparison(
        (first.name, second.name),
        tuple(costs(first, second)),
        _sets(*(states_between(each) for each in (first, second))),
        _sets(*(found for found, _ in resting_states)),
        (resting_states[0][1], resting_states[1][1]),
    )


def _sets(first: dict[str, None], second: dict[str, None]) -> Sets:
    return Sets(
        tuple(each for each in first if each in second),
        tuple(each for each in first if each not in second),
        tuple(each for each in second if each not in first),
    )


# --- costs ----------------------------------------------------------------------------------------------------


def costs(first: Profile, second: Profile) -> Iterator[Cost]:
    """Yield what stores of a folio of 8 pages cost, for each length of batches and each insertion of the first."""
    for batch in range(1, MAX_BATCH + 1):
        for old in OLDS:
            stages = [_stage(each, old, batch) for each in (first, second)]
            for position in range(ALONE, batch):
                one, other = (_work(stage, position) for stage in stages)
                yield Cost(batch, position, old, (one, other))


def _stage(profile: Profile, old: Old, batch: int, pages: int = 8) -> Stage:
    """Return a system in which a folio of so many pages is stored in batches of a length."""
    sizes = attrs.evolve(
        preset("batches"), pages=pages, max_order=pages.bit_length() - 1, max_batch=batch
    )
    return Stage(profile, sizes, TOKENS, old, USUAL, ())


def _work(stage: Stage, position: int) -> Work:
    stage.store(*(() if position == ALONE else (Injected(XA_STORE.name, position),)))
    window, steps = stage.window, len(stage.window.ran)
    failed = steps if position == ALONE else window.failed_at
    return Work(failed, steps - failed, sum(window.wrote[:failed]), sum(window.wrote[failed:steps]))


# --- states ---------------------------------------------------------------------------------------------------


def states_between(profile: Profile, pages: int = 4, batch: int = 2) -> dict[str, None]:
    """Return what can be seen between two steps of a store of a folio, with a failed insertion anywhere or none."""
    found: dict[str, None] = {}
    for old in OLDS:
        stage = _stage(profile, old, batch, pages)
        stage.store()
        slots = stage.slots
        stage.window.look = lambda: found.setdefault(seen(stage.trial.v, slots))
        for position in range(ALONE, pages):
            _work(stage, position)
    return found


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


def states_at_rest(profile: Profile, scope: Scope) -> tuple[dict[str, None], int]:
    """Return the states at rest of a scope, without the numbers that memory happens to have; and how many there are.

    Raises NotFinished.
    """
    search, judge = make_search(scope, profile)
    search.run()
    if search.found is not None or not search.complete:
        why = f"{search.found.what}" if search.found is not None else search.stopped
        raise NotFinished(f"{scope.name} on {profile.name}: {why}")
    rests, found = resting(search), dict[str, None]()
    v = judge.v
    for state in sorted(state for state in search.visited.all() if rests(state)):
        v.restore(tuple(search.packing.components(state)))
        found.setdefault(at_rest(v))
    return found, len(search.visited)


def at_rest(v: KernelView) -> str:
    """Return a state at rest as text: entries and objects stand where their slot is, not under their numbers."""
    at = v.at
    plain = [at.pte, at.folio, at.slot, at.swap_cache, at.zeromap, at.device, at.pool, at.pool_pages, at.lru_ready]
    groups = [[v[place] for place in _flat(row)] for row in plain]
    stored = [_entry(v, v[place]) for place in at.tree]
    lists = [[_slot_of(v, number) for number in v[place]] for row in at.lru for place in row]
    used = v[at.entries_used].bit_count(), v[at.objects_used].bit_count(), v[at.zs.stored_pages]
    charged = [(v[each.zswap], v[each.zswapped]) for each in at.mc]
    return repr((groups, stored, lists, used, charged))


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
