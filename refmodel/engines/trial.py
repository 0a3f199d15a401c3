"""A trial: one system driven command by command, everything checked that can be checked.

Walks, the minimiser, replays and the rule-based machines all drive a system through this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines import background, promise
from refmodel.engines.commands import KINDS
from refmodel.engines.violation import BUILT_IN, Endless, Violation, of_error, step_of
from refmodel.kernel.zswap_load import CannotDecompress
from refmodel.machine import Event, run
from refmodel.machine.view import ignore_event
from refmodel.properties import (
    HistoryProperty,
    Property,
    StateProperty,
    first_broken,
    first_broken_history,
)

if TYPE_CHECKING:
    from refmodel.engines.command import Command
    from refmodel.engines.environment import Environment
    from refmodel.kernel.table import KernelView
    from refmodel.machine import ChoicePoint, Operation
    from refmodel.machine.run import StepObserver

MOST_STEPS = 200_000
"""No operation that comes to an end takes as many steps, in no preset."""


Saved = tuple[tuple[Any, ...], frozenset[str]]
"""What a trial goes back to: a state and the faults of the run that led there."""


class Broken(Exception):
    """A property that holds at every step was found broken; carries the violation."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.found)
        self.violation = violation


class Trial:
    """One system in a row of runs.

    v: the system, taken in its initial state.  properties: what is to hold.
    initial: the state that runs start in, by default the present one.
    every_step: check the properties that hold at every step after every step, not only at rest (slow).
    watch: called after each step with the bound method that ran.

    steps, commands: how many ran since the beginning.
    reached: (operation class, function of the step) that ran.
    failed: (operation class, function of the step, choice point) at which something failed.
    run_faults, command_faults: names of the points at which something failed in this run, in this command.
    halted: the kernel stopped where it says that it does; nothing more happens in this run.
    value: what the last command's operation returned.
    """

    def __init__(
        self,
        v: KernelView,
        properties: Sequence[Property],
        *,
        every_step: bool = False,
        watch: StepObserver | None = None,
        initial: tuple[Any, ...] | None = None,
    ) -> None:
        self.v, self.properties, self.every_step, self.watch = v, tuple(properties), every_step, watch
        self.initial = v.snapshot() if initial is None else initial
        self.steps = self.commands = 0
        self.reached: set[tuple[type[object], Callable[..., Any]]] = set()
        self.failed: set[tuple[type[object], Callable[..., Any], str]] = set()
        self.run_faults: set[str] = set()
        self.command_faults: set[str] = set()
        self.halted = False
        self.value: Any = None
        self._states = tuple(p for p in self.properties if isinstance(p, StateProperty))
        self._steps = tuple(p for p in self._states if p.when == "step")
        self._histories = tuple(p for p in self.properties if isinstance(p, HistoryProperty))
        self._events: list[Event] = []
        v.emit = self._note_event if self._histories else ignore_event

    def reset(self) -> None:
        """Go back to the initial state."""
        self.restore((self.initial, frozenset()))

    def save(self) -> Saved:
        """Return what ``restore`` takes to go on from here."""
        return self.v.snapshot(), frozenset(self.run_faults)

    def restore(self, saved: Saved) -> None:
        """Go back to what ``save`` returned."""
        self.v.restore(saved[0])
        self.run_faults = set(saved[1])
        self.halted = False
        self._events.clear()

    def do(self, command: Command, environment: Environment) -> Violation | None:
        """Run a command and the background work after it; return the first violation.

        A command that does not apply does nothing, and so does every command after a halt.
        """
        operation = None if self.halted else KINDS.operation(self.v, command)
        return None if operation is None else self.perform(command, operation, environment)

    def perform(self, command: Command, operation: Operation, environment: Environment) -> Violation | None:
        """Run the operation that a command stands for, as ``do`` does."""
        v, observe = self.v, self._observer(environment)
        v.choose = environment.choose
        environment.faults.clear()
        self.commands += 1
        self.command_faults.clear()
        try:
            self.value = run(v, operation, observe, partial(self._serve, observe))
            wrong = promise.broken(v, command, self.value, self.run_faults, self.command_faults)
            if wrong is not None:
                return Violation("PROMISE", BUILT_IN["PROMISE"], wrong, "at rest")
            for work in background.ready(v):
                run(v, work, observe, partial(self._serve, observe))
        except Broken as found:
            return found.violation
        except Exception as error:
            if isinstance(error, CannotDecompress):
                self._halt(error, environment.faults)
                return None
            return of_error(error)
        events, self._events = self._events, []
        return self._history(events) or broken_state(v, self._states)

    def _serve(self, observe: StepObserver) -> bool:
        """Let a device or a thread do the first of what it can do; return whether there was anything."""
        work = background.serving(self.v)
        if work is not None:
            run(self.v, work, observe, partial(self._serve, observe))
        return work is not None

    def _history(self, events: list[Event]) -> Violation | None:
        if not self._histories:
            return None
        broken = first_broken_history(events, self.v, self._histories)
        return None if broken is None else _violation(*broken)

    def _note_event(self, name: str, /, **fields: Any) -> None:
        self._events.append((name, fields))

    def _observer(self, environment: Environment) -> StepObserver:
        reached, faults, last = self.reached, environment.faults, self.steps + MOST_STEPS
        thorough = self.every_step or self.watch is not None

        def observe(method: MethodType) -> None:
            self.steps += 1
            reached.add((method.__self__.__class__, method.__func__))
            if faults:
                self._note_faults(method, faults)
            if thorough:
                self._look(method)
            if self.steps > last:
                raise Endless(f"{MOST_STEPS} steps have not ended the operation")

        return observe

    def _note_faults(self, method: MethodType, faults: list[ChoicePoint]) -> None:
        for point in faults:
            self.failed.add((method.__self__.__class__, method.__func__, point.name))
            self.command_faults.add(point.name)
        self.run_faults |= self.command_faults
        faults.clear()

    def _halt(self, error: Exception, faults: list[ChoicePoint]) -> None:
        self.halted = True
        at = step_of(error)
        if at is not None:
            self._note_faults(getattr(at[0], at[1]), faults)

    def _look(self, method: MethodType) -> None:
        if self.watch is not None:
            self.watch(method)
        broken = broken_state(self.v, self._steps) if self.every_step else None
        if broken is not None:
            where = f"after {type(method.__self__).__name__}.{method.__name__}"
            raise Broken(attrs.evolve(broken, where=where))


def broken_state(v: KernelView, properties: Sequence[StateProperty]) -> Violation | None:
    """Return the first property that a state lacks.

    A property that cannot even be judged does not hold: the state is out of shape.
    """
    try:
        broken = first_broken(v, properties) if properties else None
    except Exception:
        judged = (_judged(v, prop) for prop in properties)
        broken = next(found for found in judged if found is not None)
    return None if broken is None else _violation(*broken)


def _judged(v: KernelView, judged: StateProperty) -> tuple[StateProperty, str] | None:
    try:
        wrong = judged.check(v)
    except Exception as error:
        wrong = f"the state is out of shape: {type(error).__name__}: {error}"
    return None if wrong is None else (judged, wrong)


def _violation(broken: Property, wrong: str) -> Violation:
    return Violation(broken.id, broken.sentence, wrong, "at rest")
