"""Rule-based machines of Hypothesis over the same commands as the walks.

There is one rule, which draws the kind of command first, then the command, page contents included, and what the
environment answers.  All of it is data of Hypothesis, so its data base, its shrinking and its pytest integration
work:

    from refmodel.engines.stateful import machine_for
    from refmodel.profiles import profile

    TestSwap = machine_for(profile("linux-7.3")).TestCase

A subclass may add rules of its own; ``self.perform`` runs a command, ``self.trial.v`` is the system.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from refmodel.engines.command import Argument, Command, Kind, Move, describe
from refmodel.engines.commands import KINDS, palette
from refmodel.engines.environment import Drawn, Draws
from refmodel.engines.setting import TOKENS, Setting
from refmodel.engines.token import Program, encode
from refmodel.engines.trial import Trial
from refmodel.properties import at_rest, in_history

if TYPE_CHECKING:
    from refmodel.engines.violation import Violation
    from refmodel.profiles import Profile
    from refmodel.properties import Property

FAULT_RATE = 6
"""How many of 256 fault points that are asked fail."""

_ANSWERS = st.binary(max_size=32)
_NUMBERS = st.integers(0, 2**20)
_CONTENTS = range(1000)

_ATTEMPTS = 16
"""Numbers that are tried for a command that can do much."""


def _command_at(name: str, values: Sequence[Sequence[Argument]], number: int) -> Command:
    """Return the command of a number that is counted through the arguments."""
    given: list[Argument] = []
    for some in values:
        number, index = divmod(number, len(some))
        given.append(some[index])
    return Command(name, tuple(given))


class PropertyBroken(AssertionError):
    """A rule-based run broke a property.

    violation: which, and how.  moves: the program up to there.
    """

    def __init__(self, violation: Violation, program: Program) -> None:
        """Say what was broken, by which program, and which token replays it."""
        self.violation, self.moves = violation, program.moves
        said = f"{violation.property}: {violation.sentence}\nfound {violation.where}: {violation.found}"
        lines = "".join(f"\n    {describe(KINDS, move.command)}" for move in program.moves)
        super().__init__(f"{said}\nby{lines}\nreplay with: refmodel replay {encode(program)}")


class SwapMachine(RuleBasedStateMachine):
    """The base of the machines; ``machine_for`` adds the rules.

    profile, preset, setting: what runs.  trial: its system, started anew for each run.
    """

    profile: ClassVar[Profile]
    preset: ClassVar[str]
    setting: ClassVar[Setting]
    trial: ClassVar[Trial]
    never: ClassVar[frozenset[str]]

    def __init__(self) -> None:
        """Go back to the initial state."""
        super().__init__()
        self.trial.reset()
        self.moves: list[Move] = []

    def numbered(self, name: str, number: int) -> Command:
        """Return the command of a kind that a number stands for.

        Drawing the arguments one by one would cost more than running the command.  Numbers are counted through
        the arguments, the first one fastest; one whose command cannot do much in this state gives way to the
        next, so that runs go deep.
        """
        v, kind = self.trial.v, KINDS[name]
        values = [_CONTENTS if domain is palette else domain(v) or (0,) for domain in kind.domains]
        commands = [_command_at(name, values, number + step) for step in range(_ATTEMPTS)]
        return next((each for each in commands if self.is_worth(kind, each)), commands[0])

    def is_worth(self, kind: Kind, command: Command) -> bool:
        """Whether a command applies and can do much."""
        v = self.trial.v
        applies = KINDS.operation(v, command) is not None
        return applies and (kind.worth is None or kind.worth(v, *command.arguments))

    def perform(self, command: Command, answers: bytes = b"") -> Any:
        """Run a command; return what its operation returned, or None where it does not apply.

        answers: what the environment answers, as bytes of which zero is the usual answer.
        Raises PropertyBroken.
        """
        environment = Drawn(Draws(answers), FAULT_RATE, self.never)
        self.trial.value = None
        violation = self.trial.do(command, environment)
        self.moves.append(Move(command, tuple(environment.answers)))
        if violation is not None:
            program = Program(self.profile.name, self.preset, self.setting, tuple(self.moves))
            raise PropertyBroken(violation, program)
        return self.trial.value


def machine_for(
    profile: Profile,
    preset: str = "toy",
    setting: Setting | None = None,
    properties: Sequence[Property] | None = None,
    never: frozenset[str] = frozenset(),
) -> type[SwapMachine]:
    """Return a rule-based machine.

    preset: name of the sizes.  setting: what stands at the start, by default a compressor of tokens.
    properties: what is to hold, by default all of the profile.  never: names of choice points that
    never fail.
    Raises UnknownPreset, and ValueError as ``Setting.system`` does.
    """
    used = Setting(TOKENS) if setting is None else setting
    checked = (*at_rest(profile), *in_history(profile)) if properties is None else properties
    v = used.system(profile, preset)
    namespace: dict[str, Any] = {
        "__doc__": f"Commands of {profile.name}, preset {preset}, {used.text}.",
        "__module__": __name__,
        "profile": profile,
        "preset": preset,
        "setting": used,
        "trial": Trial(v, checked),
        "never": never,
    }
    weights = {name: kind.weight for name, kind in KINDS.of(profile.operations).items()}
    kinds = st.sampled_from([name for name, weight in weights.items() for _ in range(weight)])
    namespace["command"] = rule(kind=kinds, number=_NUMBERS, answers=_ANSWERS)(_command)
    return type("CompressedSwap", (SwapMachine,), namespace)


def _command(self: SwapMachine, kind: str, number: int, answers: bytes) -> None:
    """Run a command of a kind."""
    self.perform(self.numbered(kind, number), answers)
