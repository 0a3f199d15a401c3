"""A trial of several actors: one system with several operations in flight, everything checked that can be checked.

Races, their minimiser and the rule-based races drive a system through this, a step at a time.  It keeps running
operations as they are, which is several times faster than the plain data of an ``Interleaving``, and turns them
into plain data only to go back to a state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from types import MethodType
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines import promise
from refmodel.engines.command import Command, Move
from refmodel.engines.commands import KINDS
from refmodel.engines.environment import Environment
from refmodel.engines.scope import Scope, halts
from refmodel.engines.trial import broken_state
from refmodel.engines.violation import BUILT_IN, Violation, of_error
from refmodel.machine import Call, Return, Wait
from refmodel.machine.flight import Flight, freeze, thaw
from refmodel.machine.view import ignore_event
from refmodel.properties import Property, StateProperty

if TYPE_CHECKING:
    from refmodel.engines.explorer.actors import Program
    from refmodel.kernel.table import KernelView
    from refmodel.machine import ChoicePoint, Operation
    from refmodel.profiles import Profile

TASKS = 4
"""Tasks of a race at most; the system's own work has the numbers after them."""


class Outcome(Enum):
    """What became of a step.  OVER: it broke a property, or the kernel stopped; nothing more happens."""

    RAN = "ran"
    WAITED = "waited"
    ENDED = "ended"
    OVER = "over"


@attrs.frozen
class Part:
    """One operation of a race.

    actor: who runs it.  move: the command and what its environment answers.  The command of the system's own
    work is the name of a program and the number of one of its starts.
    """

    actor: int
    move: Move


Slice = tuple[int, int]
"""Number of a part, and how many steps it goes on before another one may.  Its first slice begins it."""


@attrs.frozen
class Race:
    """What several actors did.

    parts: operations in the order in which they began.  slices: who went on when.
    violation: what was broken at the end, if anything.
    """

    parts: tuple[Part, ...]
    slices: tuple[Slice, ...]
    violation: Violation | None


class Repeated(Environment):
    """Repeats noted answers; where they end, or do not fit, nothing unusual happens.

    answered: those that were given already.
    """

    def __init__(self, script: Sequence[int], answered: Sequence[int] = ()) -> None:
        super().__init__()
        self.script, self.answers = script, list(answered)

    def pick(self, point: ChoicePoint, count: int) -> int:
        """Take the next noted answer."""
        position = len(self.answers)
        index = self.script[position] if position < len(self.script) else 0
        return index if index < count else 0


Stage = tuple[Flight, int, Command, Sequence[int], tuple[int, ...], frozenset[str]]
"""A racer as plain data: flight, number, command, script, answers given, faults."""

Saved = tuple[tuple[Any, ...], tuple[Stage | None, ...], frozenset[str]]
"""What a trial goes back to."""


class Racer:
    """An actor: idle, or with one operation in flight.

    current: the step that comes next, None while idle.  stack: where the callers go on.
    number: of the operation, as the engine counts.  environment: answers its choices.
    faults: names of the points at which something failed during the operation.
    """

    __slots__ = ("command", "current", "environment", "faults", "number", "stack", "stage")

    def __init__(self) -> None:
        self.current: Any = None
        self.stack: list[Any] = []
        self.stage: Stage | None = None
        self.command: Command = Command("")
        self.environment: Environment = Repeated(())
        self.faults: set[str] = set()
        self.number = -1

    def begin(self, number: int, command: Command, operation: Operation, environment: Environment) -> None:
        """Stand before the first step of an operation."""
        self.number, self.command, self.environment = number, command, environment
        self.current, self.faults = operation.start(), set()
        self.stack.clear()

    def save(self) -> Stage | None:
        """Return the racer as plain data, None while it is idle."""
        if self.current is None:
            return None
        if self.stage is None:
            running = freeze(self.current.__self__, self.current.__name__)
            callers = [freeze(then.__self__, then.__name__, waiting=True) for then in reversed(self.stack)]
            assert isinstance(self.environment, Repeated)
            answers = self.environment.script, tuple(self.environment.answers)
            self.stage = ((running, *callers), self.number, self.command, *answers, frozenset(self.faults))
        return self.stage

    def restore(self, stage: Stage | None) -> None:
        """Go back to what ``save`` returned."""
        self.stage = stage
        if stage is None:
            self.current = None
            self.stack.clear()
            return
        flight, self.number, self.command, script, answered, faults = stage
        (self.current, *callers) = (getattr(thaw(cls, values), name) for cls, name, values in flight)
        self.stack = callers[::-1]
        self.environment, self.faults = Repeated(script, answered), set(faults)


class RaceTrial:
    """One system and its actors, in a row of races.

    scope: the system; its threads do not matter.  properties: what is to hold; those of events are passed over.
    every_step: judge after every step what holds between any two of them (slow).

    racers: tasks first, then one actor for each kind of the system's own work.
    steps, commands, reached, failed, run_faults, halted: as in ``Trial``.
    flying: number of operations in flight.  violation: what the step that was ``OVER`` broke, if anything.
    """

    def __init__(
        self, scope: Scope, profile: Profile, properties: Sequence[Property], *, every_step: bool = False
    ) -> None:
        self.scope, self.profile, self.every_step = scope, profile, every_step
        self.v: KernelView = scope.system(profile)
        self.v.emit = ignore_event
        self.initial = self.v.snapshot()
        self.properties = tuple(p for p in properties if isinstance(p, StateProperty))
        self._between = tuple(p for p in self.properties if p.when == "step") if every_step else ()
        serving = scope.actors(self.v)
        self.own: tuple[Program, ...] = tuple(p for p in serving.programs if p.serves)
        self.racers = [Racer() for _ in range(TASKS + len(self.own))]
        self.steps = self.commands = self.flying = 0
        self.reached: set[tuple[type[object], Callable[..., Any]]] = set()
        self.failed: set[tuple[type[object], Callable[..., Any], str]] = set()
        self.run_faults: set[str] = set()
        self.halted = False
        self.violation: Violation | None = None

    def only(self, property: str) -> RaceTrial:
        """Return a trial of the same system that judges one property besides errors of steps, as early as it can."""
        wanted = [p for p in self.properties if p.id == property]
        return RaceTrial(self.scope, self.profile, wanted, every_step=True)

    # --- states ---------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Go back to the initial state, in which everybody is idle."""
        self.restore((self.initial, (None,) * len(self.racers), frozenset()))

    def save(self) -> Saved:
        """Return what ``restore`` takes to go on from here.  Every environment must be ``Repeated``."""
        return self.v.snapshot(), tuple(racer.save() for racer in self.racers), frozenset(self.run_faults)

    def restore(self, saved: Saved) -> None:
        """Go back to what ``save`` returned."""
        state, stages, faults = saved
        self.v.restore(state)
        for racer, stage in zip(self.racers, stages, strict=True):
            racer.restore(stage)
        self.flying = sum(stage is not None for stage in stages)
        self.run_faults, self.halted, self.violation = set(faults), False, None

    # --- steps ----------------------------------------------------------------------------------------------

    def operation(self, actor: int, command: Command) -> Operation | None:
        """Return what a command of an actor stands for, None where it does not apply."""
        if actor < TASKS:
            return KINDS.operation(self.v, command)
        program, number = self.own[actor - TASKS], command.arguments[0]
        fits = program.name == command.name and isinstance(number, int) and number < len(program.starts)
        return program.starts[int(number)].make(self.v) if fits else None

    def due(self, actor: int) -> list[int]:
        """Return the numbers of the starts that apply for an actor of the system's own work."""
        starts = self.own[actor - TASKS].starts
        return [number for number, start in enumerate(starts) if start.make(self.v) is not None]

    def begin(
        self, actor: int, number: int, command: Command, operation: Operation, environment: Environment
    ) -> Outcome:
        """Begin an operation of an idle actor with its first step; where that waits, the actor stays idle."""
        racer = self.racers[actor]
        racer.begin(number, command, operation, environment)
        self.flying += 1
        outcome = self.step(actor)
        if outcome is Outcome.WAITED:
            racer.current = None
            self.flying -= 1
        elif actor < TASKS:
            self.commands += 1
        return outcome

    def step(self, actor: int) -> Outcome:
        """Run the next step of an actor in flight, and judge what it leaves."""
        racer, v = self.racers[actor], self.v
        current: MethodType = racer.current
        environment = racer.environment
        answered = len(environment.answers)
        v.choose = environment.choose
        try:
            following = current(v)
        except Exception as error:
            return self._failed(racer, current, error)
        kind = following.__class__
        if kind is Wait:
            del environment.answers[answered:]
            environment.faults.clear()
            return Outcome.WAITED
        self.steps += 1
        self.reached.add((current.__self__.__class__, current.__func__))
        racer.stage = None
        if environment.faults:
            self._note_faults(racer, current)
        if kind is MethodType:
            racer.current = following
        elif kind is Call:
            if following.then is not None:
                racer.stack.append(following.then)
            racer.current = following.operation.start()
        elif kind is Return:
            if not racer.stack:
                return self._ended(racer, following.value, current)
            racer.current = racer.stack.pop()
            racer.current.__self__.result = following.value
        else:
            wrong = f"it returned {following!r}: expected a step of the operation, Call, Return or Wait"
            return self._broken(Violation("DEFINED", BUILT_IN["DEFINED"], wrong, _name(current)))
        return self._look(current) if self._between else Outcome.RAN

    def _ended(self, racer: Racer, value: Any, last: MethodType) -> Outcome:
        racer.current = None
        self.flying -= 1
        wrong = promise.broken(self.v, racer.command, value, self.run_faults, racer.faults)
        if wrong is not None:
            return self._broken(Violation("PROMISE", BUILT_IN["PROMISE"], wrong, ""))
        if not self.flying:
            broken = broken_state(self.v, self.properties) if self.properties else None
            return Outcome.ENDED if broken is None else self._broken(broken)
        if self._between and self._look(last) is Outcome.OVER:
            return Outcome.OVER
        return Outcome.ENDED

    def _look(self, last: MethodType) -> Outcome:
        broken = broken_state(self.v, self._between)
        if broken is None:
            return Outcome.RAN
        return self._broken(attrs.evolve(broken, where=f"after {_name(last)}"))

    def _failed(self, racer: Racer, current: MethodType, error: Exception) -> Outcome:
        self.halted = halts(error)
        self._note_faults(racer, current)
        return Outcome.OVER if self.halted else self._broken(of_error(error))

    def _broken(self, violation: Violation) -> Outcome:
        self.violation = violation
        return Outcome.OVER

    def _note_faults(self, racer: Racer, current: MethodType) -> None:
        faults = racer.environment.faults
        for point in faults:
            self.failed.add((current.__self__.__class__, current.__func__, point.name))
            racer.faults.add(point.name)
        self.run_faults |= racer.faults
        faults.clear()


def _name(method: MethodType) -> str:
    return f"{type(method.__self__).__name__}.{method.__name__}"
