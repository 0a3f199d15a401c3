"""Two profiles in lockstep: the same commands, the same answers of the environment, two systems.

An answer is given to a choice point by its name and by which time it is asked in the command, so that it reaches
the same question on both sides although one of them asks more.  Where a side does not ask, or has no such option,
nothing unusual happens there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.command import Kind, Move
from refmodel.engines.commands import KINDS
from refmodel.engines.environment import Environment
from refmodel.engines.promise import UNREADABLE
from refmodel.engines.setting import TOKENS, settings
from refmodel.engines.token import Program
from refmodel.engines.trial import Trial
from refmodel.kernel.choices import SLOT
from refmodel.kernel.table import KernelView
from refmodel.properties.observation import Level, Observer, event_counters, shows, spelled

if TYPE_CHECKING:
    from refmodel.engines.command import Command
    from refmodel.engines.setting import Setting
    from refmodel.machine import ChoicePoint
    from refmodel.profiles import Profile

INTERNAL = frozenset({"reclaim", "shrinker_count", "shrinker_scan"})
"""Kinds of commands whose value only the kernel itself sees."""

WRITES = {
    "shrinker_enabled": "parameter shrinker_enabled",
    "zswap_writeback": "memory.zswap.writeback",
    "thp": "hugepages-*kB/enabled",
}
"""What commands write that not every kernel has."""

FIXED = frozenset({SLOT.name})
"""Choice points that take their first answer: one free slot is as good as another."""

RETURNED = "returned"
EVENTS = "events"
"""Names of what is seen of a command, beside what is seen of the state after it."""


@attrs.frozen
class Answered:
    """An answer of the environment other than the first.

    point: name of the choice point.  time: which time it is asked in the command, from 1.
    index: number of the option, counted from 0.
    """

    point: str
    time: int
    index: int


@attrs.frozen
class Act:
    """One command of a scenario, with the answers that are not the first ones."""

    command: Command
    answers: tuple[Answered, ...] = ()


@attrs.frozen
class Scenario:
    """What is done to both systems.

    preset, setting: what they are at the start.  acts: the commands in order.
    """

    preset: str
    setting: Setting
    acts: tuple[Act, ...]

    @property
    def unusual(self) -> int:
        """How many things are out of the ordinary: answers, and a start that is not the plain one."""
        return sum(len(act.answers) for act in self.acts) + (self.setting.text != TOKENS)


@attrs.frozen
class Sight:
    """Something that looks different.  what: its name.  before, after: how it looks on either side."""

    what: str
    before: Any
    after: Any


@attrs.frozen
class Told:
    """A scenario on which two profiles look different after the last command, and what does."""

    scenario: Scenario
    sights: tuple[Sight, ...]


@attrs.frozen
class Question:
    """A choice point that was asked.  time: which time in the command, from 1.  options: how many there were."""

    point: str
    time: int
    options: int


Answers = dict[tuple[str, int], int]
"""Numbers of options by choice point and time; where there is none, the first option is taken."""


class ByName(Environment):
    """Answers choice points by name.

    draw: says what to answer where there is no answer yet.
    asked: the points with more than one option, since ``follow``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.draw: Callable[[ChoicePoint, int], int] = lambda point, count: 0
        self.follow({})

    def follow(self, wanted: Answers) -> None:
        """Start the next command; what is drawn is added to its answers."""
        self.begin()
        self.asked: list[Question] = []
        self._wanted = wanted
        self._times: Counter[str] = Counter()

    def pick(self, point: ChoicePoint, count: int) -> int:
        """Take the answer for this point and this time."""
        self._times[point.name] += 1
        at = point.name, self._times[point.name]
        self.asked.append(Question(*at, count))
        if at not in self._wanted:
            self._wanted[at] = 0 if point.name in FIXED else self.draw(point, count)
        index = self._wanted[at]
        return index if index < count else 0


@attrs.frozen(eq=False)
class Kept:
    """A state as what differs from the initial one, by place, and the faults of the run that led there."""

    changed: Mapping[int, Any]
    faults: frozenset[str]


class Watched(KernelView):
    """A view that notes the places that are read.  read: since somebody cleared it."""

    __slots__ = ("read",)

    def __init__(self, v: KernelView) -> None:
        super().__init__(v, v.at, v.cfg, v.ops, v.layout)
        self.read: set[int] = set()

    def __getitem__(self, place: Any) -> Any:
        """Read a component, or a row of them."""
        try:
            self.read.add(place)
        except TypeError:
            self.read.update(range(*place.indices(len(self))))
        return list.__getitem__(self, place)


class Side:
    """One of the two systems.

    over: it does not go on, because the kernel stopped or a step could not do its work.
    """

    def __init__(self, profile: Profile, preset: str, setting: Setting, level: Level) -> None:
        self.profile, self.preset, self.setting, self.level = profile, preset, setting, level
        self.v = Watched(setting.system(profile, preset))
        self.trial = Trial(self.v, ())
        self.environment = ByName()
        self.observer = Observer(self.v, profile.kernel, level)
        self.unread = event_counters(self.v)
        self.over = False
        self.events: list[tuple[str, tuple[tuple[str, Any], ...]]] = []
        self._names: dict[tuple[str, Any], int] = {}
        if level == "strict":
            self.v.emit = self._note

    def perform(self, command: Command, wanted: Answers) -> dict[str, Any]:
        """Run a command that applies; return what is seen of the command itself."""
        self.v.read.clear()
        self.environment.follow(wanted)
        self.events, self._names = [], {}
        operation = KINDS.operation(self.v, command)
        assert operation is not None
        violation = self.trial.perform(command, operation, self.environment)
        if self.trial.halted or (violation is not None and violation.property != "PROMISE"):
            self.over = True
            return {RETURNED: f"nothing: {violation.property} is broken" if violation else "the kernel stops"}
        shown = command.name not in INTERNAL or self.level == "strict"
        seen = {RETURNED: spelled(self.trial.value) if shown else None}
        return seen | {EVENTS: tuple(self.events)} if self.level == "strict" else seen

    def applies(self, command: Command) -> bool:
        """Whether a command can be given now."""
        return not self.over and KINDS.operation(self.v, command) is not None

    def read(self) -> int:
        """Return the places that the last command read, as bits, without counters that only observers read."""
        return sum(1 << place for place in self.v.read - self.unread)

    def keep(self) -> Kept:
        """Return the state."""
        components, faults = self.trial.save()
        initial = self.trial.initial
        changed = {
            place: value
            for place, (value, usual) in enumerate(zip(components, initial, strict=True))
            if value is not usual and value != usual
        }
        return Kept(changed, faults)

    def future(self, kept: Kept) -> Any:
        """Return what of a state decides what can happen next."""
        parts = tuple(pair for pair in kept.changed.items() if pair[0] not in self.unread)
        return parts, kept.faults & UNREADABLE

    def go_back(self, kept: Kept) -> None:
        """Go back to a state that ``keep`` returned."""
        components = list(self.trial.initial)
        for place, value in kept.changed.items():
            components[place] = value
        self.trial.restore((tuple(components), kept.faults))
        self.over = False

    def _note(self, name: str, /, **fields: Any) -> None:
        told = tuple((field, self._numbered(field, value)) for field, value in fields.items())
        self.events.append((name, told))

    def _numbered(self, field: str, value: Any) -> Any:
        """Number slots and handles by their first appearance in the command."""
        if field not in ("swp", "h") or not value:
            return value
        return self._names.setdefault((field, value), len(self._names) + 1)


class Pair:
    """Two systems in lockstep.

    before, after: the sides.  preset, setting: how both begin.  level: how closely they are looked at.
    only: names of commands that searches may give, () for all; kinds: those that both profiles have.
    """

    def __init__(
        self,
        before: Profile,
        after: Profile,
        preset: str,
        setting: Setting,
        level: Level,
        only: Sequence[str] = (),
    ) -> None:
        self.preset, self.setting, self.level = preset, setting, level
        self.before, self.after = (Side(each, preset, setting, level) for each in (before, after))
        self.sides = (self.before, self.after)
        self.kinds = tuple(k for k in _shared_kinds(before, after) if not only or k.name in only)
        families = [side.v.layout.families for side in self.sides]
        self.comparable = families[0] == families[1] and self.before.trial.initial == self.after.trial.initial

    @property
    def over(self) -> bool:
        """Whether one of the sides does not go on."""
        return self.before.over or self.after.over

    @property
    def alike(self) -> bool:
        """Whether both states are the same, component by component."""
        return self.comparable and list.__eq__(self.before.v, self.after.v)

    def perform(self, act: Act) -> tuple[Sight, ...] | None:
        """Run a command on both sides; return what looks different, or None where it does not apply to both."""
        return self.run(act.command, {(each.point, each.time): each.index for each in act.answers})

    def run(self, command: Command, wanted: Answers) -> tuple[Sight, ...] | None:
        """Run a command as ``perform`` does.  wanted: its answers; what is drawn besides is added."""
        if not all(side.applies(command) for side in self.sides):
            return None
        before, after = (side.perform(command, wanted) for side in self.sides)
        if not self.over and not self.alike:
            before |= self.before.observer.sees()
            after |= self.after.observer.sees()
        return sights(before, after)

    def begin(self) -> None:
        """Go back to the start."""
        for side in self.sides:
            side.trial.reset()
            side.over = False

    def asked(self) -> list[Question]:
        """Return what the environment was asked in the last command, by either side."""
        found: dict[tuple[str, int], Question] = {}
        for side in self.sides:
            for question in side.environment.asked:
                at = question.point, question.time
                if at not in found or found[at].options < question.options:
                    found[at] = question
        return list(found.values())

    def read(self) -> int:
        """Return the places that the last command read on either side, as bits."""
        return self.before.read() | self.after.read()

    def keep(self) -> tuple[Kept, Kept]:
        """Return both states; the same object twice where they are alike."""
        before = self.before.keep()
        if self.alike and self.before.trial.run_faults == self.after.trial.run_faults:
            return before, before
        return before, self.after.keep()

    def future(self, kept: tuple[Kept, Kept]) -> Any:
        """Return what of both states decides what can happen next."""
        before = self.before.future(kept[0])
        return before if kept[0] is kept[1] else (before, self.after.future(kept[1]))

    def go_back(self, kept: tuple[Kept, Kept]) -> None:
        """Go back to what ``keep`` returned."""
        self.before.go_back(kept[0])
        self.after.go_back(kept[1])


def make_pairs(
    before: Profile, after: Profile, preset: str, level: Level, only: Sequence[str] = ()
) -> list[Pair]:
    """Return systems of both profiles in lockstep, one pair for each start that both can have, the plain one first.

    Pages are tokens, so that the environment says how long they are compressed.
    only: names of the commands that are given, () for all.  Raises UnknownPreset.
    """
    theirs = settings(after, (TOKENS,))
    shared = [setting for setting in settings(before, (TOKENS,)) if setting in theirs]
    return [Pair(before, after, preset, setting, level, only) for setting in shared]


def retold(scenario: Scenario, before: Profile, after: Profile, level: Level) -> tuple[Sight, ...]:
    """Run a scenario again; return what looks different after its last command, () where something did earlier.

    Raises ValueError for a command that does not apply to both.
    """
    pair = Pair(before, after, scenario.preset, scenario.setting, level)
    found: tuple[Sight, ...] = ()
    for number, act in enumerate(scenario.acts, start=1):
        if found:
            return ()
        different = pair.perform(act)
        if different is None:
            raise ValueError(f"command {number}, {act.command.name}: does not apply on both sides")
        found = different
    return found


def programs(scenario: Scenario, before: Profile, after: Profile) -> tuple[Program, Program]:
    """Return a scenario as programs that replay, one for each side."""
    pair = Pair(before, after, scenario.preset, scenario.setting, "data")
    ours, theirs = list[Move](), list[Move]()
    for act in scenario.acts:
        pair.perform(act)
        ours.append(Move(act.command, tuple(pair.before.environment.answers)))
        theirs.append(Move(act.command, tuple(pair.after.environment.answers)))
    start = scenario.preset, scenario.setting
    return Program(before.name, *start, tuple(ours)), Program(after.name, *start, tuple(theirs))


def sights(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Sight, ...]:
    """Return what two observers see differently.  What only one of them is shown is not compared."""
    pairs = ((name, one, after[name]) for name, one in before.items() if name in after)
    return tuple(Sight(name, one, other) for name, one, other in pairs if one != other)


def _shared_kinds(before: Profile, after: Profile) -> Iterator[Kind]:
    """Yield the kinds of commands that both profiles have."""
    theirs = KINDS.of(after.operations)
    for name, kind in KINDS.of(before.operations).items():
        written = WRITES.get(name, "")
        if name in theirs and all(shows(each.kernel, written) for each in (before, after)):
            yield kind
