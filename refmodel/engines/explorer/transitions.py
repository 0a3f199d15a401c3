"""Learned transitions: model code runs once for each value of what a step reads.

An *act* is one thing that an actor in one local state may do.  Its mask is the set of bits that the step has
been seen to read; its memo gives, for each value of those bits, the outcomes: what to add to the state, the
actor's next local state, and the bits that the step touched.  When a run reads more, the mask grows and the memo
of that act is dropped.  That is sound because a step is a function of what it reads and of its choices.

Steps that commute with everything that others can do are run on in the same transition.  Such a step touches
only what its actor owns (``owns`` of the operations in flight), looks at what it pins (``pins``) or nobody ever
changes, and adds to counters that no step looks at.  Its actor still has these claims when the transition ends: so
whoever would have come in between, and touches what is claimed, does it in a state that is seen, too.  Nobody else
may touch what an actor owns, or change what it pins: the search checks that for every transition that it takes
(Stoller and Cohen, "Optimistic synchronization-based state-space reduction", 2006).  All of this is taken for
granted until a run shows otherwise; then the search begins again without it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from functools import partial, reduce
from itertools import islice
from operator import or_
from typing import Any

import attrs

from refmodel.engines.explorer.actors import Actors, Local
from refmodel.engines.explorer.branches import Branches, Offer, Took, not_told
from refmodel.engines.explorer.claims import Claims, Ownership
from refmodel.engines.explorer.lesson import Known, Lesson, Write, writes_of
from refmodel.engines.explorer.loop import Breach
from refmodel.engines.explorer.missing import Missing
from refmodel.engines.explorer.packing import Packing
from refmodel.machine import Operation, View
from refmodel.machine.choice import ChoicePoint
from refmodel.machine.recorder import Cell, Recorder, Unkept, recording_view

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
        if _never(act):
            continue
        at = next((at for at, other in enumerate(joined) if act[0] | other[0] == other[0]), None)
        if at is None:
            joined.append(act)
        else:
            into = joined[at]
            joined[at] = [into[0], {}, (*into[2], *act[2]), *into[3:]]
    return tuple(joined)


def _never(act: Act) -> bool:
    """Whether an act of an idle actor cannot begin, whatever it depends on being constant as far as is known."""
    tried = bool(act[1])
    return tried and act[0] == 0 and act[2] != (-1,) and all(not outcomes for outcomes, _ in act[1].values())


class Transitions:
    """What actors can do in which states.

    view: the system, in its initial state.  actors: who runs what.  offer: options that the scope allows.
    merge: whether steps that commute run on.  halts: whether an error is the system's own way to stop.
    took: told of the choices that are taken.
    visible: cells that properties look at between any two steps: no step that writes one is merged.
    hidden: cells that merged steps write, with where those stand.

    left_out: acts that cannot begin.
    shifts: where the actors' fields started when the memos were made.
    own: how many actors, the last ones, do the system's own work.  plans: what they can do together.
    ownership: who claims what.

    waits: whether any step was met that had to wait.  halted: whether the act in work has ended the system in any way.
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
        halts: Callable[[Exception], bool],
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
        self.left_out: list[Act] = []
        self.shifts = packing.shifts
        self.own = 0
        self.plans = Missing(self.plan_of)
        self.waits = False
        self.halted = False
        self.ownership = Ownership(self.view, packing, recorder, believed=merge)
        self.lessons: dict[tuple[int, int], Lesson] = {}
        self.relies: dict[Control | Cell, None] = {}
        self.runs = 0
        self.ran: dict[tuple[type[Operation], str], None] = {}
        self.failed: dict[tuple[type[Operation], str, str], None] = {}

    def forget(self) -> None:
        """Drop all masks and memos."""
        for acts in self.acts:
            acts.clear()
        self.left_out.clear()
        self.plans.clear()
        self.ownership.memos.clear()
        self.shifts = self.packing.shifts

    def repack(self, change: Callable[[list[int]], list[int]]) -> None:
        """Keep what the memos of acts hold while fields get other bits.

        change: returns states in the bits that they have from here on.  An outcome is told by a state before and after.
        """
        for act in self.left_out:
            self.acts[act[5]][act[4]] += (act,)
        self.left_out.clear()
        for actor, acts_of_actor in enumerate(self.acts):
            for number, acts in acts_of_actor.items():
                local = number << self.shifts[actor]
                for act in acts:
                    self._repack_act(act, local, change)
        self.plans.clear()
        self.ownership.memos.clear()
        self.shifts = self.packing.shifts

    def _repack_act(self, act: Act, local: int, change: Callable[[list[int]], list[int]]) -> None:
        """Repack the memo of an act.  local: the bits of its actor."""
        states = [key | local for key in act[1]]
        counts = [len(outcomes) for outcomes, _ in act[1].values()]
        after = [n + c for n, (outcomes, _) in zip(states, act[1].values(), strict=True) for c in outcomes]
        lessons = (self.lessons.get((act[4], start)) for start in act[2])
        mask = self.packing.mask(place for lesson in lessons if lesson is not None for place in lesson.places)
        ends, memo = iter(change(after)), {}
        for state, count, (_, cells) in zip(change(states), counts, act[1].values(), strict=True):
            memo[state & mask] = tuple([end - state for end in islice(ends, count)]), cells
        act[0], act[1] = mask, memo

    def unlearn(self, wrong: Container[Control | Cell] | None) -> None:
        """Drop what relied on something that turned out wrong; on what does not matter if that is None."""
        if wrong is None:
            self.lessons.clear()
            self.merged.clear()
            self.hidden.clear()
            self.forget()
            return
        for key, lesson in list(self.lessons.items()):
            if any(each in wrong for each in lesson.relies):
                del self.lessons[key]
        self.ownership.memos.clear()
        for acts_of_actor in self.acts:
            for acts in acts_of_actor.values():
                for act in acts:
                    if not all((act[4], start) in self.lessons for start in act[2]):
                        act[1].clear()

    def acts_of(self, actor: int, number: int) -> tuple[Act, ...]:
        """Return the acts of an actor in a local state."""
        local = self.packing.locals.values[number]
        serves = int(self.actors.serves(local))
        return tuple([0, {}, (action,), serves, number, actor] for action in self.actors.actions(local))

    def gather(self) -> None:
        """Join the acts of an idle actor that depend on the same things: one look-up then serves them all.

        Those that cannot begin are left out, until the packing changes.
        """
        for acts_of_actor in self.acts:
            for number, acts in acts_of_actor.items():
                self.left_out += filter(_never, acts)
                acts_of_actor[number] = _joined(acts)
        self.plans.clear()

    def plan_of(self, locals_: int) -> tuple[tuple[Act, ...], tuple[int, ...]]:
        """Return what the actors that do the system's own work can do together, and those of them that may claim.

        locals_: their local states.
        """
        packing, first = self.packing, self.packing.actors - self.own
        state = locals_ << packing.shifts[first]
        numbers = {actor: packing.local_number(state, actor) for actor in range(first, packing.actors)}
        acts = tuple(act for actor, number in numbers.items() for act in self.acts[actor][number])
        return acts, tuple(
            actor for actor, number in numbers.items() if self.ownership.memos[number] is not None
        )

    def own_claims(self, state: int, plan: tuple[tuple[Act, ...], tuple[int, ...]]) -> int:
        """Return what the actors that do the system's own work claim in a state.

        Raises Breach where one of them can touch what another claims.
        """
        packing, claims = self.packing, dict[int, int]()
        for actor in plan[1]:
            number = packing.local_number(state, actor)
            memo = self.ownership.memos[number]
            assert memo is not None
            known = memo[1].get(state & memo[0])
            claims[actor] = self.ownership.learn(number, state) if known is None else known
        for act in plan[0]:
            others = sum_of(claim for actor, claim in claims.items() if actor != act[5])
            found = act[1].get(state & act[0]) or self.learn(act, state)
            if found[1] & others:
                raise Breach(state, found[1] & others)
        return sum_of(claims.values())

    def moves(self, state: int) -> bool:
        """Whether somebody can do something that others may be waiting for."""
        packing = self.packing
        for actor in range(packing.actors):
            number = packing.local_number(state, actor)
            for act in self.acts[actor][number]:
                if act[3] and (act[1].get(state & act[0]) or self.learn(act, state))[0]:
                    return True
        return False

    def learn(self, act: Act, state: int) -> tuple[tuple[int, ...], int]:
        """Return the outcomes of an act in a state, and remember them for all states that look alike to it.

        The outcomes are what to add to the state, and all cells that any of them touches.
        Raises Widened, Inconstant, Restart, StepFailed.
        """
        packing, number, actor = self.packing, act[4], act[5]
        shift = packing.shifts[actor]
        outcomes: list[int] = []
        need, everything = act[0], 0
        for start in act[2]:
            lesson = self.lessons.get((number, start))
            if lesson is None:
                lesson = self.lessons[number, start] = Lesson()
            told = lesson.told(packing).get(state & lesson.mask)
            if told is None:
                known = lesson.known.get(lesson.key(packing, state))
                if known is None:
                    known = self._study(lesson, number, start, state)
                told = known.changes(packing, state, number, actor), known.cells
                lesson.told(packing)[state & lesson.mask] = told
            changes, cells = told
            if not changes and start < 0:
                self.waits = True
            outcomes += [change + (further << shift) for change, further in changes]
            everything |= cells
            need |= lesson.mask
        if need != act[0]:
            act[0] = need
            act[1].clear()
        remembered = act[1][state & need] = tuple(outcomes), everything
        return remembered

    def _study(self, lesson: Lesson, number: int, start: int, state: int) -> Known:
        """Run every way through an act and note it down in terms that no packing changes.

        What a step looks at before it has to wait is touched, too: it may have been able to run until somebody
        changed what it looks at.
        """
        packing, recorder = self.packing, self.recorder
        read: dict[Cell, None] = {}
        changed: dict[int, None] = {}
        found: list[tuple[tuple[Write, ...], int]] = []
        cells = 0
        self.relies, self.halted = lesson.relies, False
        branches = Branches(self.offer, self.took)
        while branches.next_run():
            touched, following = self.one(packing.locals.values[number], start, state, branches, [])
            read |= recorder.read
            cells |= packing.cells(touched) | packing.changed_cells(recorder.written)
            if recorder.kept:
                self.watch([cell for cell in recorder.read if cell[0] in recorder.kept])
            if following is not None:
                writes = writes_of(recorder.written, recorder.added)
                changed |= dict.fromkeys(write.place for write in writes)
                found.append((writes, packing.locals.number(following)))
        if self.halted and not found:
            found.append(((), number))  # whose every way is the end of the system does not wait
        known = Known(tuple(found), cells)
        lesson.depend(read, changed)
        lesson.known[lesson.key(packing, state)] = known
        return known

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
            _, following = self.one(local, action, state, branches, steps)
            if following is not None:
                after = state + self.packing.moved(state, self.packing.changes(state, self._written(state)))
                found.append(Outcome(after, following, tuple(branches.points), tuple(steps)))
        return found

    def one(
        self,
        local: Local,
        action: int,
        state: int,
        branches: Branches,
        steps: list[tuple[type[Operation], str]],
    ) -> tuple[dict[Cell, None], Local | None]:
        """Run one way through an act.

        Returns the touched cells and the local state afterwards, None where the step cannot run.
        """
        self.runs += 1
        recorder = self.recorder
        recorder.begin(self.packing.peek(state))
        self.view.choose = branches.answer
        started = self.actors.begin(self.view, local, action) if action >= 0 else local
        if started is None:
            return recorder.touched, None
        at = started.flight[0][:2]
        try:
            following = self.actors.step(self.view, started)
        except (Unkept, Restart):
            raise
        except Exception as error:
            self._note(at, branches, steps)
            if self.halts(error):
                self.halted = True
                return recorder.touched, None
            raise StepFailed(error, steps, branches.points) from error
        if following is None:
            return recorder.touched, None
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
        used: dict[Cell, bool] = {}
        for _ in range(MOST_STEPS):
            if not local.flight:
                return local
            at = control(local)
            if at in self.shared:
                return local
            following = self._commutes(local, at, branches, touched, used, steps)
            if following is None:
                self.shared.add(at)
                if at in self.merged:
                    raise Restart(f"{_shown(at)} does not commute everywhere", at)
                return local
            self.merged[at] = self.relies[at] = None
            steps.append(local.flight[0][:2])
            self.ran[local.flight[0][:2]] = None
            local = following
        raise StepFailed(RuntimeError(f"{MOST_STEPS} steps run on without an end: {_shown(control(local))}"))

    def _commutes(
        self,
        local: Local,
        at: Control,
        branches: Branches,
        touched: dict[Cell, None],
        used: dict[Cell, bool],
        steps: list[tuple[type[Operation], str]],
    ) -> Local | None:
        """Run the next step of an actor if that commutes, and take it back if not.

        A step that fails is what a search looks for, whether it commutes or not: the state it fails in can be reached.

        touched: gets what the step touches.  used: claimed cells that steps of this transition relied
        on, and whether they changed them.
        """
        recorder = self.recorder
        claims = self.ownership.claims(local)
        before = dict(recorder.read), dict(recorder.written), dict(recorder.added)
        recorder.touched = {}
        self.view.choose = _no_choice(self.offer)
        following: Local | None
        try:
            following = self.actors.step(self.view, local)
        except _Choice:
            following = None
        except Exception as error:
            if not self.halts(error):
                raise StepFailed(error, [*steps, local.flight[0][:2]], branches.points) from error
            following = None
        finally:
            self.view.choose = branches.answer
        cells = recorder.touched
        if following is not None and self._merges(at, cells, claims, following, before, used):
            touched |= cells
            return following
        recorder.read, recorder.written, recorder.added = before
        return None

    def _merges(
        self,
        at: Control,
        cells: Iterable[Cell],
        claims: Claims,
        following: Local,
        before: tuple[Any, dict[Cell, Any], dict[int, int]],
        used: dict[Cell, bool],
    ) -> bool:
        """Whether a step that ran commutes; if so, note what that relies on.

        It changed only what its actor owns and no property looks at, it looked only at what the actor owns or pins,
        or nobody ever changes, and its actor still claims all that steps of this transition relied on.

        cells: that it touched.  before: what had been read, written and added before it.
        """
        changed = self._changed(*before[1:])
        if any(cell in self.visible for cell in changed):
            return False
        relied, constant = dict(used), list[Cell]()
        for cell in cells:
            writes = cell in changed
            if claims.cover(cell, writes):
                relied[cell] = writes or relied.get(cell, False)
            elif writes or not self.packing.is_constant(cell):
                return False
            else:
                constant.append(cell)
        after = self.ownership.claims(following)
        if not all(after.cover(cell, writes) for cell, writes in relied.items()):
            return False
        used |= relied
        for cell in constant:
            self.packing.constants.setdefault(cell[0], {})[cell] = self.relies[cell] = None
        for cell in changed:
            self.hidden.setdefault(cell, {})[at] = None
        return True

    def _changed(self, written: dict[Cell, Any], added: dict[int, int]) -> dict[Cell, None]:
        """Return the cells that a step wrote or added to, given what had been written and added before it."""
        now, sums = self.recorder.written, self.recorder.added
        changed = {cell: None for cell in now if cell not in written or now[cell] is not written[cell]}
        return changed | {(place, ""): None for place in sums if sums[place] != added.get(place, 0)}

    def watch(self, cells: Iterable[Cell]) -> None:
        """Properties look at cells between any two steps, or steps look at counters.

        Raises Restart where a step that writes one of them was merged.
        """
        for cell in cells:
            if cell not in self.visible:
                self.visible[cell] = None
            for at in self.hidden.get(cell, {}):
                if at not in self.shared:
                    self.shared.add(at)
                    raise Restart(f"{_shown(at)} writes what others look at", at)


def sum_of(sets: Iterable[int]) -> int:
    """Return the union of sets of cells."""
    return reduce(or_, sets, 0)


def control(local: Local) -> Control:
    """Return where an actor's operation stands."""
    return tuple((cls.__qualname__, step) for cls, step, _ in local.flight)


def _shown(at: Control) -> str:
    return ".".join(at[0])


class _Choice(Exception):
    """A step that may go several ways, and so does not commute."""


def _no_choice(offer: Offer) -> Callable[..., Any]:
    def answer(point: ChoicePoint, options: Any) -> Any:
        offered = offer(point, options)
        if len(offered) > 1:
            raise _Choice
        return offered[0]

    return answer
