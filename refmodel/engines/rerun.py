"""A schedule run again, with everything that can be seen written down, and what is wrong at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.interleaving import Interleaving, TurnRecord, violation_of
from refmodel.engines.known import known_profiles
from refmodel.engines.schedule_token import ScheduledRun, decode_run
from refmodel.engines.scope import BadScope, halts
from refmodel.engines.token import BadToken
from refmodel.engines.trial import broken_state
from refmodel.engines.violation import Violation
from refmodel.machine import Wait
from refmodel.machine.flight import advance, describe_frame
from refmodel.machine.view import ignore_event
from refmodel.properties import at_rest

if TYPE_CHECKING:
    from refmodel.engines.explorer.actors import Local
    from refmodel.engines.interleaving import Turn
    from refmodel.profiles import Profile
    from refmodel.properties import StateProperty


STUCK = "Somebody can always go on."
"""What a deadlock breaks."""

OTHER_PROFILE = "replay a run with the same --known-bugs and --with as it was made with"
"""What mostly is the matter when a turn cannot be taken."""


@attrs.frozen
class Waiting:
    """An actor whose next step cannot run.

    actor: its number.  name: as reports print it.  step: for example ``ShrinkFolio.lock``.
    what: what it waits for, as the step says it.
    """

    actor: int
    name: str
    step: str
    what: str


@attrs.frozen
class Rerun:
    """A schedule run again.

    actors: their names.  initial: the components before the first turn, by name.  turns: what was seen.
    violation: what is broken after the last turn, or None.  halted: the kernel stopped where it says that it does.
    waiting: who cannot go on after the last turn.
    """

    run: ScheduledRun
    actors: tuple[str, ...]
    initial: Mapping[str, Any]
    turns: tuple[TurnRecord, ...]
    violation: Violation | None
    halted: bool
    waiting: tuple[Waiting, ...]


def rerun_token(token: str, profiles: Mapping[str, Profile] | None = None) -> Rerun:
    """Run the schedule of a token again.

    profiles: those that are known, by name; by default ``known_profiles()``.
    Raises BadToken as ``decode_run`` and ``rerun`` do.
    """
    known = known_profiles() if profiles is None else profiles
    run = decode_run(token, known)
    return rerun(run, known[run.profile])


def rerun(run: ScheduledRun, profile: Profile, despite: Sequence[str] = ()) -> Rerun:
    """Run a schedule again, up to the first violation.

    profile: the one that the run names.  despite: ids of properties that may be broken.
    Raises BadToken for a scope that cannot be built, and for a turn that cannot be taken.
    """
    system = begin(run, profile)
    initial = {system.v.layout.name(place): value for place, value in enumerate(system.v)}
    properties = [each for each in at_rest(profile) if each.id not in despite]
    turns: list[TurnRecord] = []
    violation, halted = judged(system, properties), False
    for number, turn in enumerate(run.schedule, start=1):
        if violation is not None or halted:
            break
        record, error = attempt(system, turn, number)
        turns.append(record)
        halted = error is not None and halts(error)
        if not halted:
            violation = violation_of(error) if error is not None else judged(system, properties)
    waiting = () if violation is not None or halted else tuple(waits(system))
    if waiting and _stuck(system, waiting):
        violation = Violation("PROGRESS", STUCK, "every operation in flight waits", "")
    names = tuple(system.actors.name(actor) for actor in range(len(system.locals)))
    return Rerun(run, names, initial, tuple(turns), violation, halted, waiting)


def begin(run: ScheduledRun, profile: Profile) -> Interleaving:
    """Return the system of a run before its first turn.  Raises BadToken for a scope that cannot be built."""
    try:
        return Interleaving(run.scope, profile)
    except BadScope as error:
        raise BadToken(f"token of scope {error}") from None
    except (ValueError, TypeError, LookupError, ArithmeticError, AssertionError) as error:
        # The sizes of a token are anybody's; the model says in its own way what it cannot be built with.
        kind = type(error).__name__
        raise BadToken(f"token of scope {run.scope.name!r}: it cannot be built ({kind}: {error})") from error


def attempt(system: Interleaving, turn: Turn, number: int) -> tuple[TurnRecord, Exception | None]:
    """Take a turn; return what was seen, and the error that a step raised.

    number: of the turn, from 1.  Raises BadToken for a turn that cannot be taken.
    """
    name = system.actors.name(turn.actor) if turn.actor < len(system.locals) else ""
    if not name or turn.start not in system.can(turn.actor):
        what = "goes on" if turn.start < 0 else f"starts its number {turn.start}"
        raise BadToken(f"turn {number}: actor {turn.actor} {what}, which it cannot here; {OTHER_PROFILE}")
    record, error = seen(system, turn)
    if record.waited:
        raise BadToken(
            f"turn {number}: {name} cannot take it, it would wait or does not apply; {OTHER_PROFILE}"
        )
    return record, error


def seen(system: Interleaving, turn: Turn) -> tuple[TurnRecord, Exception | None]:
    """Take a turn that its actor can take; return what was seen, and the error that a step raised."""
    try:
        return system.take(turn), None
    except Exception as error:
        starts = system.actors.programs[system.locals[turn.actor].program].starts
        label = str(starts[turn.start].label) if turn.start >= 0 else None
        return TurnRecord(turn, system.actors.name(turn.actor), label, tuple(system.record)), error


def judged(system: Interleaving, properties: Sequence[StateProperty]) -> Violation | None:
    """Return the first property that the present state lacks.

    properties: all; between two steps only those are judged that hold there too.
    """
    resting = system.resting
    due = [each for each in properties if resting or each.when == "step"]
    found = broken_state(system.v, due)
    return found if found is None or resting else attrs.evolve(found, where="between two steps")


def waits(system: Interleaving) -> list[Waiting]:
    """Return the actors whose next step cannot run."""
    found = []
    for actor, local in enumerate(system.locals):
        if local.flight:
            what = _waits_for(system, local)
            if what is not None:
                step = describe_frame(local.flight[0])
                found.append(Waiting(actor, system.actors.name(actor), step, what))
    return found


def _waits_for(system: Interleaving, local: Local) -> str | None:
    """Return what the next step of an actor waits for, or None if it can run.  Changes nothing."""
    v, before = system.v, system.v.snapshot()
    choose, emit = v.choose, v.emit
    v.choose, v.emit = lambda point, options: system.scope.offer(v, point, options)[0], ignore_event
    try:
        following = advance(v, local.flight)
    except Exception:
        return None  # a step that fails does not wait
    finally:
        v.choose, v.emit = choose, emit
        v.restore(before)
    return following.what if isinstance(following, Wait) else None


def _stuck(system: Interleaving, waiting: Sequence[Waiting]) -> bool:
    """Whether all operations in flight wait, and nothing that serves others can begin."""
    if len(waiting) < sum(bool(local.flight) for local in system.locals):
        return False
    starts = (
        system.actors.begin(system.v, local, action)
        for local in system.locals
        if not local.flight and system.actors.serves(local)
        for action in system.actors.actions(local)
    )
    return all(begun is None or _waits_for(system, begun) is not None for begun in starts)
