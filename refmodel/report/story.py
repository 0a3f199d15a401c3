"""A run as reports tell it: who takes part, what happened turn by turn, and what is wrong in the end.

Runs of one actor (``Timeline``) and of several (``Rerun``) are told in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.command import describe
from refmodel.engines.commands import KINDS
from refmodel.engines.interleaving import Turn, TurnRecord
from refmodel.engines.replay import Change, StepRecord

if TYPE_CHECKING:
    from refmodel.engines.replay import Timeline
    from refmodel.engines.rerun import Rerun, Waiting
    from refmodel.engines.violation import Violation
    from refmodel.profiles import Profile

OBJECTS = (
    ("zswap entry", "entry"),
    ("zswap pool", "pool"),
    ("zsmalloc handle", "zs_object"),
    ("vswap cluster", "vswap.cluster"),
    ("mmap lock of process", "mmap_lock"),
    ("page-table lock of process", "ptl"),
    ("folio", "folio"),
    ("slot", "slot"),
)
"""How sentences name the components of a row."""

_WRITERS = {"mmap_lock": "mmap_writer"}
"""Where the writer of a lock stands whose readers are counted."""

_LOCKS = ("locked", "writeback", "cache")
"""Fields of components that keep others away while they are set."""


@attrs.frozen
class Story:
    """A run as reports tell it.

    title: profile and scope, or preset.  question: what the scope asks, or "".
    actors: names of all who could take part.  before: commands that ran before the first turn, as texts.
    initial: the components before the first turn, by name.  turns: what was seen.
    violation: what is broken in the end.  waiting: who cannot go on then.
    """

    title: str
    question: str
    actors: tuple[str, ...]
    before: tuple[str, ...]
    initial: Mapping[str, Any]
    turns: tuple[TurnRecord, ...]
    violation: Violation | None
    waiting: tuple[Waiting, ...] = ()


@attrs.frozen
class Moment:
    """One step of a story.

    actor, turn: their numbers, turns from 1.  label: what the step begins, or None.
    ended: its operation is over; value: what that returned.
    """

    actor: int
    turn: int
    label: str | None
    step: StepRecord
    ended: bool
    value: Any

    @property
    def name(self) -> str:
        """The step, for example ``ZswapStore73.publish``."""
        return f"{self.step.operation}.{self.step.step}"


def of_rerun(rerun: Rerun) -> Story:
    """Return the story of a run of several actors."""
    scope = rerun.run.scope
    return Story(
        title=f"{rerun.run.profile}, scope {scope.name}",
        question=scope.question,
        actors=rerun.actors,
        before=tuple(describe(KINDS, command) for command in scope.initial),
        initial=rerun.initial,
        turns=rerun.turns,
        violation=rerun.violation,
        waiting=rerun.waiting,
    )


def of_timeline(timeline: Timeline, profile: Profile) -> Story:
    """Return the story of a run of one actor.  profile: the one that its program names."""
    program = timeline.program
    v = program.setting.system(profile, program.preset)
    turns = tuple(
        TurnRecord(Turn(0), "commands", move.text, move.steps, ended=True, value=move.value)
        for move in timeline.moves
        if move.steps
    )
    return Story(
        title=f"{program.profile}, {program.preset}, {program.setting.text}",
        question="",
        actors=("commands",),
        before=(),
        initial={v.layout.name(place): value for place, value in enumerate(v)},
        turns=turns,
        violation=timeline.violation,
    )


def moments(story: Story) -> Iterator[Moment]:
    """Yield the steps of a story in order."""
    for number, turn in enumerate(story.turns, start=1):
        for index, step in enumerate(turn.steps):
            last = index == len(turn.steps) - 1
            label = turn.label if index == 0 else None
            ended = turn.ended and last
            yield Moment(turn.turn.actor, number, label, step, ended, turn.value if ended else None)


def released_by(story: Story) -> str | None:
    """Say who released the object that the violation says was used afterwards; None if it speaks of none."""
    violation = story.violation
    place = None if violation is None or violation.property != "LIVE" else place_in(violation.found)
    found = None
    for moment in moments(story):
        for change in moment.step.changes:
            if change.place == place and change.before is not None and change.after is None:
                found = f"{place} was freed by {moment.name} ({_who(story, moment)})"
    return found


def held_by(story: Story, waiting: Waiting) -> list[str]:
    """Say who can be seen to hold what an actor waits for: those who took it and did not give it back."""
    place = place_in(waiting.what) or ""
    family, _, rest = place.partition("[")
    places = (place, f"{_WRITERS.get(family, family)}[{rest}")
    holders: dict[int, Moment] = {}
    for moment in moments(story):
        for change in moment.step.changes:
            if change.place in places:
                _note_holder(holders, moment, _taken(change))
    return [f"held since {moment.name} ({_who(story, moment)})" for moment in holders.values()]


def _note_holder(holders: dict[int, Moment], moment: Moment, taken: int) -> None:
    if taken > 0:
        holders[moment.actor] = moment
    elif taken < 0 and moment.actor in holders:
        del holders[moment.actor]
    elif taken < 0:
        # Given back on behalf of the one who took it, as the end of a write is.
        holders.clear()


def suspects(story: Story) -> list[tuple[str, str]]:
    """Return what else a reader of the violation asks, with a label each: who released, who waits for whom."""
    released = released_by(story)
    found = [("released", released)] if released else []
    for waiting in story.waiting:
        words = [f"{waiting.name} in {waiting.step}: for {waiting.what}", *held_by(story, waiting)]
        found.append(("waiting", "; ".join(words)))
    return found


def place_in(text: str) -> str | None:
    """Return the name of the component that a sentence speaks of first, for example ``folio[2]``."""
    for words, family in OBJECTS:
        match = re.search(rf"\b{words} (\d+)", text)
        if match:
            return f"{family}[{match[1]}]"
    return None


def _taken(change: Change) -> int:
    """Return how many more keep others away from a component than before; negative for fewer."""
    return _kept(change.after) - _kept(change.before)


def _kept(value: Any) -> int:
    if attrs.has(type(value)):
        return sum(bool(getattr(value, field, False)) for field in _LOCKS)
    return abs(value) if isinstance(value, int) else 0


def _who(story: Story, moment: Moment) -> str:
    return f"{story.actors[moment.actor]}, turn {moment.turn}"
