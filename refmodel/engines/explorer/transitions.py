"""Learned transitions: model code runs once for each value of what a step reads.

An *act* is one thing that an actor in one local state may do.  Its mask is the set of bits that the step has
been seen to read; its memo gives, for each value of those bits, the outcomes: what to add to the state, the
actor's next local state, and the bits that the step touched.  When a run reads more, the mask grows and the memo
of that act is dropped.  That is sound because a step is a function of what it reads and of its choices.

Steps that commute with everything that others can do are run on in the same transition.  Such a step touches
only what its actor owns (``owns`` of the operations in flight), what nobody ever changes, and counters that are
only added to.  Nobody else may touch what an actor owns: the search checks that for every transition that it
takes, and a breach is an error.  So a reduction that is not sound ends the exploration instead of hiding a bug
(Stoller and Cohen, "Optimistic synchronization-based state-space reduction", 2006).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from functools import partial
from typing import Any

import attrs

from refmodel.engines.explorer.actors import Actors, Local
from refmodel.engines.explorer.branches import Branches, Offer, Took, not_told
from refmodel.engines.explorer.lesson import Lesson
from refmodel.engines.explorer.missing import Missing
from refmodel.engines.explorer.packing import Packing
from refmodel.machine import Operation, View
from refmodel.machine.choice import ChoicePoint
from refmodel.machine.flight import thaw
from refmodel.machine.recorder import Cell, Recorder, Unkept, record_fields, recording_view

MOST_STEPS = 2_000
"""Steps that run as one transition at most; more are taken for a loop that nobody else can end."""

Control = tuple[tuple[str, str], ...]
"""Where an operation in flight stands, without its variables: class and step of each frame."""


class Restart(Exception):
    """Something that was taken for granted turned out wrong; the search has to begin again.

    why: one sentence.  at: where the operation stands whose step does not commute.
    """

    def __init__(self, why: str, at: Control) -> None:
        super().__init__(why)
        self.why, self.at = why, at


class StepFailed(Exception):
    """A step of the model raised an exception.

    error: that exception.  steps, points: steps that ran, the failing one last, and choices on the way.
    """

    def __init__(self, error: Exception, steps: Iterable[Any] = (), points: Iterable[Any] = ()) -> None:
        super().__init__(str(error))
        self.error, self.steps, self.points = error, tuple(steps), tuple(points)


@attrs.frozen
class Outcome:
    """One way in which a transition can go, with what a person wants to know of it.

    local: the actor's local state afterwards.  points: the choices taken, number and option of each.
    steps: the steps that ran: operation, name, in order.
    """

    state: int
    local: Local
    points: tuple[tuple[ChoicePoint, int, Any], ...]
    steps: tuple[tuple[type[Operation], str], ...]


Act = list[Any]
"""mask, memo (masked state to outcomes and touched cells), numbers of starts or (-1,), whether others may wait for
it (0 or 1), number of the local state, actor."""


def _joined(acts: tuple[Act, ...]) -> tuple[Act, ...]:
    joined: list[Act] = []
    for act in sorted(acts, key=lambda act: -act[0].bit_count()):
        into = next((other for other in joined if act[0] | other[0] == other[0]), None)
        if into is None:
            joined.append([act[0], {}, *act[2:]])
        else:
            into[2] = (*into[2], *act[2])
    return tuple(joined)


class Transitions:
    """What actors can do in which states.

    view: the system, in its initial state.  actors: who runs what.  offer: options that the scope allows.
    merge: whether steps that commute run on.  halts: whether an error is the system's own way to stop.
    took: told of the choices that are taken.
    visible: cells that properties look at between any two steps: no step that writes one is merged.
    hidden: cells that merged steps write, with where those stand.

    waits: whether any step was met that had to wait.
    runs: executions of model code.  ran: (class, step) and (class, step, failed point) that were reached.
    """

    def __init__(
        self,
        view: View,
        packing: Packing,
        actors: Actors,
        offer: Offer,
        recorder: Recorder,
        *,
        merge: bool,
        halts: Callable[[Exception, Iterable[ChoicePoint]], bool],
    ) -> None:
        self.packing, self.actors, self.offer, self.recorder = packing, actors, offer, recorder
        self.view = recording_view(view, recorder)
        self.merge, self.halts = merge, halts
        self.took: Took = not_told
        self.shared: set[Control] = set()
        self.merged: dict[Control, None] = {}
        self.visible: dict[Cell, None] = {}
        self.hidden: dict[Cell, dict[Control, None]] = {}
        self.acts = [Missing(partial(self.acts_of, actor)) for actor in range(packing.actors)]
        self.waits = False
        self.owners: dict[int, list[Any] | None] = Missing(self.owner_of)
        self.lessons: dict[tuple[int, int], Lesson] = {}
        self.relies: dict[Control | Cell, None] = {}
        self.runs = 0
        self.ran: dict[tuple[type[Operation], str], None] = {}
        self.failed: dict[tuple[type[Operation], str, str], None] = {}

    def forget(self) -> None:
        """Drop all masks and memos: the packing has changed."""
        for acts in self.acts:
            acts.clear()
        self.owners.clear()

    def unlearn(self, wrong: Container[Control | Cell] | None) -> None:
        """Drop what relied on something that turned out wrong; on what does not matter if that is None."""
        for key, lesson in list(self.lessons.items()):
            if wrong is None or any(each in wrong for each in lesson.relies):
                del self.lessons[key]
        self.forget()

    def acts_of(self, actor: int, number: int) -> tuple[Act, ...]:
        """Return the acts of an actor in a local state."""
        local = self.packing.locals.values[number]
        serves = int(self.actors.serves(local))
        return tuple([0, {}, (action,), serves, number, actor] for action in self.actors.actions(local))

    def gather(self) -> None:
        """Join the acts of an idle actor that depend on the same things: one look-up then serves them all."""
        for acts_of_actor in self.acts:
            for number, acts in acts_of_actor.items():
                if len(acts) > 1:
                    acts_of_actor[number] = _joined(acts)

    def learn(self, act: Act, state: int) -> tuple[tuple[int, ...], int]:
        """Return the outcomes of an act in a state, and remember them for all states that look alike to it.

        The outcomes are what to add to the state, and all cells that any of them touches.
        Raises Widened, Inconstant, Restart, StepFailed.
        """
        packing, number, actor = self.packing, act[4], act[5]
        shift = packing.width * actor
        outcomes: list[int] = []
        need, everything = act[0], 0
        for start in act[2]:
            lesson = self.lessons.setdefault((number, start), Lesson())
            known = lesson.recall(packing, state)
            if known is None:
                known = self._study(lesson, number, start, state)
            if not known and start < 0:
                self.waits = True
            found: dict[int, None] = {}
            for changes, following, touched in known:
                change = packing.local_number(following) - number
                found[packing.moved(state, changes) + (change << shift)] = None
                everything |= touched
            outcomes += found
            need |= packing.mask(lesson.places)
        if need != act[0]:
            act[0] = need
            act[1].clear()
        remembered = act[1][state & need] = tuple(outcomes), everything
        return remembered

    def _study(self, lesson: Lesson, number: int, start: int, state: int) -> list[Any]:
        """Run every way through an act and note it down in terms that no packing changes."""
        packing, recorder = self.packing, self.recorder
        read: dict[int, None] = {}
        found: dict[Any, None] = {}
        self.relies = lesson.relies
        branches = Branches(self.offer, self.took)
        while branches.next_run():
            outcome = self.one(packing.locals.values[number], start, state, branches, [])
            read |= dict.fromkeys(place for place, _ in (*recorder.read, *recorder.written))
            read |= dict.fromkeys(recorder.added)
            if outcome is not None:
                touched, following = outcome
                changes = packing.changes(state, self._written(state))
                found[changes, following, packing.cells(touched)] = None
        return lesson.note(packing, state, read, list(found))

    def _written(self, state: int) -> dict[Cell, Any]:
        written = dict(self.recorder.written)
        for place, added in self.recorder.added.items():
            written[(place, "")] = self.packing.component(state, place) + added
        return written

    def explain(self, local: Local, action: int, state: int) -> list[Outcome]:
        """Return the outcomes of an act with the steps and choices that led to them."""
        found = []
        branches = Branches(self.offer, self.took)
        while branches.next_run():
            steps: list[tuple[type[Operation], str]] = []
            outcome = self.one(local, action, state, branches, steps)
            if outcome is not None:
                after = state + self.packing.moved(state, self.packing.changes(state, self._written(state)))
                found.append(Outcome(after, outcome[1], tuple(branches.points), tuple(steps)))
        return found

    def one(
        self,
        local: Local,
        action: int,
        state: int,
        branches: Branches,
        steps: list[tuple[type[Operation], str]],
    ) -> tuple[dict[Cell, None], Local] | None:
        """Run one way through an act.

        Returns the touched cells and the local state afterwards, or None where the step cannot run.
        """
        self.runs += 1
        recorder, value = self.recorder, self.packing.value
        recorder.begin(lambda cell: value(state, cell))
        self.view.choose = branches.answer
        started = self.actors.begin(self.view, local, action) if action >= 0 else local
        if started is None:
            return None
        at = started.flight[0][:2]
        try:
            following = self.actors.step(self.view, started)
        except (Unkept, Restart):
            raise
        except Exception as error:
            self._note(at, branches, steps)
            if self.halts(error, [point for point, number, _ in branches.points if number]):
                return None
            raise StepFailed(error, steps, branches.points) from error
        if following is None:
            return None
        self._note(at, branches, steps)
        touched = dict(recorder.touched)
        if self.merge:
            following = self._run_on(following, branches, touched, steps)
        return touched, following

    def _note(
        self,
        at: tuple[type[Operation], str],
        branches: Branches,
        steps: list[tuple[type[Operation], str]],
    ) -> None:
        steps.append(at)
        self.ran[at] = None
        for point, number, _ in branches.points:
            if point.fault and number:
                self.failed[(*at, point.name)] = None

    # --- steps that commute -----------------------------------------------------------------------------------

    def _run_on(
        self,
        local: Local,
        branches: Branches,
        touched: dict[Cell, None],
        steps: list[tuple[type[Operation], str]],
    ) -> Local:
        """Run the steps that follow as long as they commute with everybody else's."""
        for _ in range(MOST_STEPS):
            if not local.flight:
                return local
            at = control(local)
            if at in self.shared:
                return local
            following = self._commutes(local, at, branches, touched)
            if following is None:
                if at in self.merged:
                    self.shared.add(at)
                    raise Restart(f"{_shown(at)} does not commute everywhere", at)
                self.shared.add(at)
                return local
            self.merged[at] = self.relies[at] = None
            steps.append(local.flight[0][:2])
            self.ran[local.flight[0][:2]] = None
            local = following
        raise StepFailed(RuntimeError(f"{MOST_STEPS} steps run on without an end: {_shown(control(local))}"))

    def _commutes(
        self, local: Local, at: Control, branches: Branches, touched: dict[Cell, None]
    ) -> Local | None:
        """Run the next step of an actor if that commutes, and take it back if not."""
        recorder = self.recorder
        owned = self.owned_cells(local)
        before = dict(recorder.read), dict(recorder.written), dict(recorder.added), len(branches.points)
        recorder.touched = {}
        self.view.choose = _no_choice(self.offer)
        following: Local | None
        try:
            following = self.actors.step(self.view, local)
        except (Unkept, Restart):
            raise
        except Exception:
            following = None
        finally:
            self.view.choose = branches.answer
        cells = recorder.touched
        if following is not None and self._own_all(at, cells, owned, before[1]):
            touched |= cells
            return following
        recorder.read, recorder.written, recorder.added = before[:3]
        return None

    def _own_all(
        self, at: Control, cells: Iterable[Cell], owned: dict[Any, None], before: dict[Cell, Any]
    ) -> bool:
        """Whether a step that touched cells commutes: it owned them, or nobody ever changes them."""
        written = self.recorder.written
        changed = [cell for cell in written if cell not in before or written[cell] is not before[cell]]
        if any(cell in self.visible for cell in changed):
            return False
        constant = []
        for cell in cells:
            if cell in owned or cell[0] in owned:
                continue
            if cell in changed or not self.packing.is_constant(cell):
                return False
            constant.append(cell)
        for cell in constant:
            self.packing.constants.setdefault(cell[0], {})[cell] = self.relies[cell] = None
        for cell in changed:
            self.hidden.setdefault(cell, {})[at] = None
        return True

    def watch(self, cells: Iterable[Cell]) -> None:
        """Properties look at cells between any two steps.

        Raises Restart where a step that writes one of them was merged.
        """
        for cell in cells:
            if cell not in self.visible:
                self.visible[cell] = None
            for at in self.hidden.get(cell, {}):
                if at not in self.shared:
                    self.shared.add(at)
                    raise Restart(f"{_shown(at)} writes what properties look at", at)

    def owned_cells(self, local: Local) -> dict[Any, None]:
        """Return the places and cells that an actor owns in the state of the running view."""
        owned: dict[Any, None] = {}
        for cls, step, values in local.flight:
            operation = _thawed(cls, values)
            if operation is not None:
                owned |= dict.fromkeys(operation.owns(self.view, step))
        return owned

    def owner_mask(self, number: int, state: int) -> int:
        """Return the cells that an actor with a local state owns in a state, and remember them."""
        entry = self.owners[number]
        assert entry is not None
        recorder, packing = self.recorder, self.packing
        recorder.begin(lambda cell: packing.value(state, cell))
        owned = self.owned_cells(packing.locals.values[number])
        need = entry[0] | packing.mask(place for place, _ in recorder.read)
        if need != entry[0]:
            entry[0] = need
            entry[1].clear()
        for cell in recorder.read:
            if cell not in owned and cell[0] not in owned and not packing.is_constant(cell):
                raise StepFailed(
                    RuntimeError(f"what {number} owns depends on {cell}, which it does not own itself")
                )
        cells = [each for each in owned if isinstance(each, tuple)]
        for place in owned:
            if not isinstance(place, tuple):
                cells += [(place, name) for name in self._names(place)]
        found = entry[1][state & need] = packing.cells(cells)
        return found

    def _names(self, place: int) -> Iterable[str]:
        """Yield the names of the cells that a place has with any of its values."""
        names: dict[str, None] = {"": None}
        for value in self.packing.fields[place].values.values:
            names |= dict.fromkeys(record_fields(type(value)) or ())
        return names

    def owner_of(self, number: int) -> list[Any] | None:
        """Return mask and memo of what a local state owns, None for one that never owns anything."""
        local: Local = self.packing.locals.values[number]
        owning = self.merge and any(cls.owns is not Operation.owns for cls, _, _ in local.flight)
        return [0, {}] if owning else None


def control(local: Local) -> Control:
    """Return where an actor's operation stands."""
    return tuple((cls.__qualname__, step) for cls, step, _ in local.flight)


def _shown(at: Control) -> str:
    return ".".join(at[0])


def _no_choice(offer: Offer) -> Callable[..., Any]:
    def answer(point: ChoicePoint, options: Any) -> Any:
        offered = offer(point, options)
        if len(offered) > 1:
            raise LookupError("a choice")
        return offered[0]

    return answer


def _thawed(cls: type[Operation], values: tuple[Any, ...]) -> Operation | None:
    return thaw(cls, values) if cls.owns is not Operation.owns else None
