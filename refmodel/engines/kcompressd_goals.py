"""Goals of kcompressd: every event in every state of a queue, reached by explorations (K1, K5, K6).

Scopes and litmus files that come along are explored completely, each step on its own.  What is about to be run in each
state says which cells are reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.exploration import make_search
from refmodel.engines.explorer.search import Reductions
from refmodel.engines.explorer.transitions import StepFailed
from refmodel.engines.kcompressd_cells import CELLS, EVENTS, Cell, Event, state_of, why_not
from refmodel.engines.scope import FAILURES_LEFT
from refmodel.engines.scope_file import load_scope
from refmodel.kernel.kcompressd_config import KcompressdSystem
from refmodel.machine.flight import thaw
from refmodel.resources import specs_dir

if TYPE_CHECKING:
    from refmodel.engines.explorer.actors import Local
    from refmodel.engines.explorer.search import Search
    from refmodel.engines.explorer.transitions import Outcome
    from refmodel.engines.scope import Scope
    from refmodel.kernel.kcompressd_state import KcompressdQueue
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Operation
    from refmodel.machine.flight import Flight
    from refmodel.profiles import Profile


SCOPES = ("kcompressd-third", "kcompressd-refuses", "kcompressd-events")
"""Scopes that come along and that reach all goals together, each with queues of one and of two folios."""


@attrs.frozen
class Goals:
    """What became of the goals of a discipline.

    reached: name of the first scope in which a cell is reached.  impossible: why a cell cannot be.
    broken: what is wrong in a scope.  states: of all explorations.
    """

    reached: dict[Cell, str]
    impossible: dict[Cell, str]
    broken: dict[str, str]
    states: int

    @property
    def missed(self) -> tuple[Cell, ...]:
        """Return the cells that can be and were not reached."""
        return tuple(cell for cell in CELLS if cell not in self.reached and cell not in self.impossible)

    @property
    def wrong(self) -> tuple[Cell, ...]:
        """Return the cells that were reached although they cannot be."""
        return tuple(cell for cell in CELLS if cell in self.reached and cell in self.impossible)

    @property
    def fine(self) -> bool:
        """Whether all is as it should be."""
        return not (self.missed or self.wrong or self.broken)


def shipped() -> Iterator[Scope]:
    """Yield the scopes of ``SCOPES``, named after the folios that their queues hold."""
    for name in SCOPES:
        scope = load_scope(specs_dir() / "scopes" / f"{name}.toml").scope
        for capacity in (1, 2):
            title = f"{name} with queues of {capacity}"
            yield attrs.evolve(scope, name=title, kcompressd=KcompressdSystem(capacity=capacity))


def reach(profile: Profile) -> Goals:
    """Explore the scopes completely, every step on its own, and note the cells that are reached.

    profile: of a discipline, with the remedies of its known bugs, which are the museum's.
    """
    options = profile.options.kcompressd
    assert options is not None
    reached, broken, states = dict[Cell, str](), dict[str, str](), 0
    for scope in shipped():
        search, _ = make_search(scope, profile, reductions=Reductions(merge=False))
        search.run()
        states += len(search.visited)
        if search.found is not None:
            broken[scope.name] = str(search.found.what)
        for cell in _Reader(search, scope.system(profile)).cells():
            reached.setdefault(cell, scope.name)
    impossible = {cell: reason for cell in CELLS if (reason := why_not(options, cell))}
    return Goals(reached, impossible, broken, states)


class _Reader:
    """Reads cells off the states of a search.

    v: a system whose places are those of the search.
    """

    def __init__(self, search: Search, v: KernelView) -> None:
        self.search, self.packing, self.at = search, search.packing, v.at
        self.events: dict[tuple[type[Operation], str], list[Event]] = {}
        for event in EVENTS:
            for name, _, step in (each.partition(".") for each in event.steps):
                self.events.setdefault((getattr(v.ops, name), step), []).append(event)
        self.within = {event.within: getattr(v.ops, event.within) for event in EVENTS if event.within}
        budget = [family.start for family in v.layout.families if family.name == FAILURES_LEFT]
        kswapd = [v.at.kcompressd.kswapd]
        rows: list[Sequence[int]] = [v.at.kcompressd.queue, kswapd, budget, v.at.swap_cache, *v.at.pte]
        self.places = [place for row in rows for place in row]

    def cells(self) -> Iterator[Cell]:
        """Yield the cells that are reached, each once or more.

        Actors whose next step and surroundings look alike are looked at once.
        """
        packing, mask, seen = self.packing, self.packing.mask(self.places), set[tuple[int, int]]()
        for state in self.search.visited.all():
            for actor in range(packing.actors):
                key = packing.local_number(state, actor), state & mask
                if key not in seen:
                    seen.add(key)
                    yield from self.of_actor(packing.local(state, actor), state)

    def of_actor(self, local: Local, state: int) -> Iterator[Cell]:
        """Yield the cells that an actor is in: what it stands before, and what it can do."""
        queue = self.queue_in(state)
        fill, thread = state_of(queue, self.at.kcompressd.capacity)
        for event in self.met(local.flight, queue, state):
            yield Cell(fill, thread, event.name)
        if local.flight and local.flight[0][:2] not in self.events:
            return
        for action in self.search.actors.actions(local):
            for outcome in self.outcomes(local, action, state):
                for event in self.events.get(outcome.steps[0], ()):
                    if event.about == "queue" and self.happens(event, local.flight, outcome):
                        yield Cell(fill, thread, event.name)

    def met(self, flight: Flight, queue: KcompressdQueue, state: int) -> Iterator[Event]:
        """Yield the events about a folio that somebody stands before, even if he has to wait there."""
        for event in self.events.get(flight[0][:2], ()) if flight else ():
            those = queue.fifo if event.about == "waiting" else queue.serving
            if event.about != "queue" and self.folio(flight, state) in those:
                yield event

    def outcomes(self, local: Local, action: int, state: int) -> list[Outcome]:
        """Return what a step can come to; a step that fails comes to nothing."""
        try:
            return self.search.table.explain(local, action, state)
        except StepFailed:
            return []

    def happens(self, event: Event, flight: Flight, outcome: Outcome) -> bool:
        """Whether a step that has the name of one of the event's is the event."""
        if event.within and self.within[event.within] not in [cls for cls, *_ in flight]:
            return False
        if event.fails and not any(
            point.name == event.fails and number for point, number, _ in outcome.points
        ):
            return False
        if event.result is not None and _running(flight).result is not event.result:
            return False
        _, thread = state_of(self.queue_in(outcome.state), self.at.kcompressd.capacity)
        return event.becomes in ("", thread)

    def queue_in(self, state: int) -> KcompressdQueue:
        """Return the first queue in a state."""
        queue: KcompressdQueue = self.packing.component(state, self.at.kcompressd.queue[0])
        return queue

    def folio(self, flight: Flight, state: int) -> int:
        """Return the folio that a step is about, 0 for none."""
        operation = _running(flight)
        if hasattr(operation, "taken"):
            return operation.taken[0] if operation.taken else 0
        if hasattr(operation, "folio") and not hasattr(operation, "reclaiming"):
            return operation.folio or 0
        slot = self.slot(operation, state)
        return self.packing.component(state, self.at.swap_cache[slot]) if slot else 0

    def slot(self, operation: Any, state: int) -> int:
        """Return the slot that a zap or a fork is about, 0 for none."""
        if hasattr(operation, "reclaiming"):
            return operation.reclaiming[0] if operation.reclaiming else 0
        row = self.at.pte[operation.process]
        return self.packing.component(state, row[operation.page]).slot if operation.page < len(row) else 0


def _running(flight: Flight) -> Any:
    cls, _, values = flight[0]
    return thaw(cls, values)
