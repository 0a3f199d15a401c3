"""Rule-based machines of Hypothesis that race: several tasks whose operations are under way at the same time.

There are two rules.  ``begins`` lets a task begin a command and says how far it goes before another one may;
``goes_on`` lets a task go on, or the system's own work, or everybody.  The simplest answer to "how far" is "to its
end", so a failure shrinks to few switches between tasks, and is printed as it would be told:

    state.begins(command='write(mm=0, page=1, content=0)', fails=[], picks=[], task='task 1', until='its end')
    state.begins(command='pageout(mm=0, page=1, nr=1)', fails=[], picks=[], task='task 2', until=7)
    state.begins(command='zap(mm=0, page=1, nr=1)', fails=[], picks=[], task='task 1', until='its end')
    state.goes_on(actor='everybody', until='its end')

All of it is data of Hypothesis, so its data base, its shrinking and its pytest integration work:

    from refmodel.engines.race_stateful import race_machine_for
    from refmodel.profiles import profile

    TestRaces = race_machine_for(profile("linux-7.3")).TestCase

A subclass may add rules of its own; ``self.course`` is the run, ``self.trial.v`` is the system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from refmodel.engines.command import Command, Move, describe
from refmodel.engines.commands import KINDS
from refmodel.engines.race_course import TO_ITS_END, Course
from refmodel.engines.race_schedule import scheduled
from refmodel.engines.race_trial import TASKS, Part, RaceTrial, Repeated
from refmodel.engines.races import FAULTS, MEETING, race_scope
from refmodel.engines.rerun import rerun
from refmodel.engines.schedule_token import encode_run
from refmodel.engines.scope import expand
from refmodel.engines.setting import TOKENS, Setting
from refmodel.properties import at_rest

if TYPE_CHECKING:
    from refmodel.engines.race_trial import Race
    from refmodel.engines.violation import Violation
    from refmodel.kernel.config import Sizes
    from refmodel.kernel.table import KernelView
    from refmodel.machine import ChoicePoint
    from refmodel.profiles import Profile
    from refmodel.properties import Property

Until = int | Literal["its end"]
"""How far a task goes before another one may: so many steps, or to the end of its command, unless it waits."""

EVERYBODY = "everybody"
"""Stands for all actors, who go on until they rest."""

_CONTENTS = 3
"""Page contents that are written."""

_EACH = 4
"""How many of the commands that are drawn from are of a kind of weight 1, at least."""

_UNTIL = st.just("its end") | st.integers(1, 4) | st.integers(1, 60)
_PICKS = st.lists(st.integers(0, 3), max_size=4)


class RaceBroken(AssertionError):
    """A race broke a property.  violation: which, and how.  race: what ran up to there.

    Its text says what was broken, by which turns, and which token replays them.
    """

    def __init__(self, violation: Violation, race: Race, trial: RaceTrial) -> None:
        super().__init__(violation.property)
        self.violation, self.race, self.trial = violation, race, trial

    def __str__(self) -> str:
        """Return the text: made only when somebody reads it, for a search raises this many times."""
        violation = self.violation
        run = scheduled(self.trial, self.race)
        said = f"{violation.property}: {violation.sentence}\nfound {violation.where or 'then'}: {violation.found}"
        turns = rerun(run, self.trial.profile).turns
        lines = (f"\n    {turn.actor}: {turn.label or 'goes on'}, {len(turn.steps)} steps" for turn in turns)
        return f"{said}\nby{''.join(lines)}\nreplay with: refmodel replay {encode_run(run)}"


class RaceMachine(RuleBasedStateMachine):
    """The base of the machines; ``race_machine_for`` adds the rules.

    trial: the system, started anew for each run.  commands: all that there are, by their text.
    course: the run.
    """

    trial: ClassVar[RaceTrial]
    commands: ClassVar[dict[str, Command]]
    never: ClassVar[frozenset[str]]

    def __init__(self) -> None:
        """Go back to the initial state."""
        super().__init__()
        self.course = _Course(self.trial)
        self.course.begin()

    def begin(
        self,
        task: int,
        command: Command,
        until: Until = "its end",
        fails: Sequence[str] = (),
        picks: Sequence[int] = (),
    ) -> None:
        """Let a task begin a command, after what it has begun before; nothing happens where it does not apply.

        task: its number from 0.  until: how far it goes.  fails: names of choice points that fail when they are
        asked first.  picks: numbers of the options that are taken at other choices, in their order.
        Raises RaceBroken.
        """
        course = self.course
        course.asked = [name for name in fails if name not in self.never], list(picks)
        course.finish(task)
        if not course.over and course.start(len(course.ran), Part(task, Move(command))):
            self.run(task, _steps(until) - 1)
        self.judge()

    def go_on(self, actor: int, until: Until = "its end") -> None:
        """Let an actor go on; the system's own work begins what is due if it is idle.  Raises RaceBroken."""
        course = self.course
        idle = self.trial.racers[actor].current is None
        due = self.trial.due(actor) if idle and actor >= TASKS and not course.over else []
        course.asked = [], []
        if due:
            command = Command(self.trial.own[actor - TASKS].name, (due[0],))
            if course.start(len(course.ran), Part(actor, Move(command))):
                self.run(actor, _steps(until) - 1)
        elif not idle:
            self.run(actor, _steps(until))
        self.judge()

    def run(self, actor: int, steps: int) -> None:
        """Let an actor go so many steps, while it can."""
        for _ in range(steps):
            idle = self.trial.racers[actor].current is None
            if idle or self.course.over or not self.course.step(actor):
                return

    def judge(self) -> None:
        """Raise RaceBroken if something is broken."""
        violation = self.course.violation
        if violation is not None:
            raise RaceBroken(violation, self.course.race, self.trial)

    def rest(self) -> None:
        """Let everybody come to rest.  Raises RaceBroken, also where somebody waits for ever."""
        if not self.course.over:
            self.course.settle()
        self.judge()


class _Course(Course):
    """A course whose environment is told in words.

    asked: for the part that begins next, what fails and what is picked.
    """

    asked: tuple[list[str], list[int]] = [], []

    def environment(self, part: Part) -> Repeated:
        """Return who answers the choices of a part."""
        return _Words(*self.asked)


class _Words(Repeated):
    """Fails where its words say so.  fails: names of points.  picks: options at other choices, in their order."""

    def __init__(self, fails: list[str], picks: list[int]) -> None:
        super().__init__(())
        self.fails, self.picks = fails, picks

    def pick(self, point: ChoicePoint, count: int) -> int:
        """Answer from the words; nothing unusual happens where they say nothing."""
        if point.fault:
            if point.name not in self.fails:
                return 0
            self.fails.remove(point.name)
            return 1
        return self.picks.pop(0) % count if self.picks else 0


def race_machine_for(
    profile: Profile,
    tasks: int = 2,
    sizes: Sizes = MEETING,
    setting: Setting | None = None,
    properties: Sequence[Property] | None = None,
    never: frozenset[str] = frozenset(),
    *,
    kinds: Sequence[str] = (),
    every_step: bool = False,
) -> type[RaceMachine]:
    """Return a rule-based machine that races.

    tasks: how many, 1 to 4.  sizes: of the system.  setting: what stands at the start, with a compressor of tokens.
    properties: what is to hold, by default all of the profile.  never: names of choice points that never fail.
    kinds: names of the kinds of commands that are drawn, by default all; with few a search is quicker.
    every_step: judge after every step what holds between any two of them (slow).
    Raises ValueError for another number of tasks.
    """
    if not 1 <= tasks <= TASKS:
        raise ValueError(f"{tasks} tasks: expected 1 to {TASKS}")
    checked = at_rest(profile) if properties is None else properties
    trial = RaceTrial(
        race_scope(setting or Setting(TOKENS), sizes, profile), profile, checked, every_step=every_step
    )
    texts = {name: some for name, some in _texts(trial.v, profile).items() if name in kinds or not kinds}
    names = [f"task {number + 1}" for number in range(tasks)]
    actors = {name: number for number, name in enumerate(names)}
    actors |= {program.name: TASKS + number for number, program in enumerate(trial.own)}

    def begins(
        self: RaceMachine, task: str, command: str, until: Until, fails: list[str], picks: list[int]
    ) -> None:
        """Let a task begin a command."""
        self.begin(actors[task], self.commands[command], until, fails, picks)

    def goes_on(self: RaceMachine, actor: str, until: Until) -> None:
        """Let an actor go on, or everybody, to rest."""
        if actor == EVERYBODY:
            self.rest()
        else:
            self.go_on(actors[actor], until)

    begin = rule(
        task=st.sampled_from(names),
        command=st.sampled_from(_weighted(texts, profile)),
        until=_UNTIL,
        fails=st.lists(st.sampled_from([name for name in FAULTS if name not in never]), max_size=1),
        picks=_PICKS,
    )
    namespace: dict[str, Any] = {
        "__doc__": f"Races on {profile.name}.",
        "__module__": __name__,
        "trial": trial,
        "commands": {text: command for some in texts.values() for text, command in some.items()},
        "never": never,
        "begins": begin(begins),
        "goes_on": rule(actor=st.sampled_from([*actors, EVERYBODY]), until=_UNTIL)(goes_on),
    }
    return type("CompressedSwapRace", (RaceMachine,), namespace)


def _texts(v: KernelView, profile: Profile) -> dict[str, dict[str, Command]]:
    """Return all commands with few page contents, by kind and text; kinds without any are left out."""
    found: dict[str, dict[str, Command]] = {}
    for name, kind in KINDS.of(profile.operations).items():
        some = expand(v, name, [None] * len(kind.parameters))
        plain = [each for each in some if name != "write" or int(each.arguments[2]) < _CONTENTS]
        found[name] = {describe(KINDS, each): each for each in plain}
    return {name: some for name, some in found.items() if some}


def _weighted(texts: Mapping[str, Mapping[str, Command]], profile: Profile) -> list[str]:
    """Return the texts of all commands, those of a kind together about as often as the kind's weight says."""
    weights = {name: kind.weight for name, kind in KINDS.of(profile.operations).items()}
    times = {name: -(-_EACH * weights[name] // len(some)) for name, some in texts.items()}
    return [text for name, some in texts.items() for text in some for _ in range(times[name])]


def _steps(until: Until) -> int:
    return TO_ITS_END if isinstance(until, str) else until
