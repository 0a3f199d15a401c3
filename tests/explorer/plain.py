"""A naive explorer: breadth first, every state a tuple, every step run anew.  A measure for the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import MethodType
from typing import Any, NamedTuple

import attrs

from refmodel.machine import Call, ChoicePoint, Operation
from tests.explorer.protocol import Protocol, ProtocolView, Violation


class Local(NamedTuple):
    """An operation under way: its class, the name of its next step, the values of its fields."""

    operation: type[Operation]
    step: str
    fields: tuple[Any, ...]


Actor = Local | None
"""What an actor is doing; None: nothing."""

State = tuple[tuple[Any, ...], tuple[Actor, ...]]
"""The components, and what each actor is doing."""


@attrs.frozen
class Explored:
    """What was found.

    states: in the order in which they were met.  transitions: pairs of a state and an outcome of one actor.
    depth: levels below the initial state.  error: what the last level violates, or None.
    """

    states: tuple[State, ...] = attrs.field(repr=lambda states: str(len(states)))
    transitions: int
    depth: int
    error: str | None = None


class Answers:
    """Answers the choices of one run: the script first, then the first option of each."""

    def __init__(self, script: tuple[int, ...]) -> None:
        self.script, self.counts = script, list[int]()

    def __call__(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        assert options is not None
        asked = len(self.counts)
        self.counts.append(len(options))
        return options[self.script[asked] if asked < len(self.script) else 0]

    def others(self) -> Iterator[tuple[int, ...]]:
        """Yield the scripts that differ at a choice that the script did not foresee."""
        for asked in range(len(self.script), len(self.counts)):
            before = (*self.script, *(0 for _ in range(len(self.script), asked)))
            yield from ((*before, answer) for answer in range(1, self.counts[asked]))


def freeze(following: Any) -> Actor:
    """Return what an actor is doing after a step.  A call must be the last thing that its caller does."""
    if isinstance(following, Call):
        assert following.then is None, f"{following}: operations under way are kept without their callers"
        following = following.operation.start()
    if not isinstance(following, MethodType):
        return None
    operation: Any = following.__self__
    return Local(type(operation), following.__name__, tuple(operation.locals().values()))


def thaw(local: Local, v: ProtocolView) -> Callable[[Any], Any]:
    """Return the next step of an operation under way."""
    method: Callable[[Any], Any] = getattr(local.operation(*local.fields), local.step)
    return method


def begin(start: Callable[[ProtocolView], Operation | None], v: ProtocolView) -> Callable[[Any], Any] | None:
    """Return the first step of an operation that an idle actor may start, or None."""
    operation = start(v)
    return None if operation is None else operation.start()


def outcomes(
    system: Protocol, v: ProtocolView, components: tuple[Any, ...], actor: Actor
) -> list[tuple[tuple[Any, ...], Actor]]:
    """Return everything that one actor's next step can lead to."""
    found: dict[tuple[tuple[Any, ...], Actor], None] = {}
    ways = [partial(thaw, actor)] if actor else [partial(begin, start) for _, start in system.starts]
    for way in ways:
        scripts: list[tuple[int, ...]] = [()]
        while scripts:
            v.restore(components)
            v.choose = answers = Answers(scripts.pop())
            step = way(v)
            if step is not None:
                following = freeze(step(v))
                found[v.snapshot(), following] = None
                scripts += answers.others()
    return list(found)


def explore(system: Protocol) -> Explored:
    """Visit every state, level by level, until a check fails."""
    v = system.view()
    level: list[State] = [(system.initial, (None,) * system.actors)]
    seen, transitions, depth = dict.fromkeys(level), 0, 0
    while True:
        following: dict[State, None] = {}
        for components, actors in level:
            v.restore(components)
            error = None if any(actors) else system.at_rest(v)
            if error:
                return Explored(tuple(seen), transitions, depth, error)
            for number, actor in enumerate(actors):
                try:
                    results = outcomes(system, v, components, actor)
                except Violation as violation:
                    return Explored(tuple(seen), transitions, depth, str(violation))
                transitions += len(results)
                for after, doing in results:
                    following[after, (*actors[:number], doing, *actors[number + 1 :])] = None
        level = [state for state in following if state not in seen]
        if not level:
            return Explored(tuple(seen), transitions, depth)
        seen.update(dict.fromkeys(level))
        depth += 1
