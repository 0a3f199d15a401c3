"""Rule-based machines of Hypothesis over the same commands as the walks.

There is one rule, which draws the kind of command first, then its arguments, among them page contents, and
what the environment answers.  All of it is data of Hypothesis, so its data base, its shrinking and its pytest
integration work:

    from refmodel.engines.stateful import machine_for
    from refmodel.profiles import profile

    TestSwap = machine_for(profile("linux-7.3")).TestCase

A subclass may add rules of its own; ``self.perform`` runs a command, ``self.trial.v`` is the system.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from refmodel.engines.command import Argument, Command, Domain, Kind, Move
from refmodel.engines.commands import KINDS, palette
from refmodel.engines.environment import Drawn, Draws
from refmodel.engines.setting import TOKENS, Setting
from refmodel.engines.token import Program, encode
from refmodel.engines.trial import Trial
from refmodel.properties import at_rest, in_history

if TYPE_CHECKING:
    from refmodel.engines.violation import Violation
    from refmodel.kernel.table import KernelView
    from refmodel.profiles import Profile
    from refmodel.properties import Property

FAULT_RATE = 6
"""How many of 256 fault points that are asked fail."""

_ANSWERS = st.binary(max_size=32)
_CONTENTS = range(1000)
_NUMBERS = range(1, 17)


class PropertyBroken(AssertionError):
    """A rule-based run broke a property.

    violation: which, and how.  moves: the program up to there.
    """

    def __init__(self, violation: Violation, program: Program) -> None:
        """Say what was broken and which token replays it."""
        self.violation, self.moves = violation, program.moves
        said = f"{violation.property}: {violation.sentence}\nfound {violation.where}: {violation.found}"
        super().__init__(f"{said}\nreplay with: refmodel replay {encode(program)}")


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
    properties: what is to hold, by default all of the profile.  never: choice points that never fail.
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
    kinds = KINDS.of(profile.operations).values()
    of_kind = {kind.name: _commands(v, kind) for kind in kinds}
    names = st.sampled_from([kind.name for kind in kinds for _ in range(kind.weight)])
    commands = names.flatmap(of_kind.__getitem__)
    namespace["command"] = rule(command=commands, answers=_ANSWERS)(command)
    return type("CompressedSwap", (SwapMachine,), namespace)


def command(self: SwapMachine, command: Command, answers: bytes) -> None:
    """Run a command."""
    self.perform(command, answers)


def _commands(v: KernelView, kind: Kind) -> st.SearchStrategy[Command]:
    """Return the commands of a kind, the first arguments first.

    One number stands for all arguments: each further draw would cost as much as the command itself.
    """
    values = [_values(v, domain) for domain in kind.domains]
    return st.integers(0, math.prod(map(len, values)) - 1).map(partial(_numbered, kind.name, values))


def _values(v: KernelView, domain: Domain) -> Sequence[Argument]:
    """Return the values of an argument: any content, those of the domain, or numbers of what comes to exist."""
    return _CONTENTS if domain is palette else tuple(domain(v)) or _NUMBERS


def _numbered(name: str, values: Sequence[Sequence[Argument]], number: int) -> Command:
    """Return the command of a number."""
    given: list[Argument] = []
    for some in values:
        number, index = divmod(number, len(some))
        given.append(some[index])
    return Command(name, tuple(given))
