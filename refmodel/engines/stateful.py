"""Rule-based machines of Hypothesis over the same commands as the walks.

Each kind of command is a rule.  Arguments, page contents and what the environment answers are drawn by
Hypothesis, so its data base, its shrinking and its pytest integration all work:

    from refmodel.engines.stateful import machine_for
    from refmodel.profiles import profile

    TestSwap = machine_for(profile("linux-7.3")).TestCase

A subclass may add rules of its own; ``self.perform`` runs a command, ``self.trial.v`` is the system.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
_CONTENTS = st.integers(0, 9999)
_NUMBERS = st.integers(1, 16)


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
    for kind in KINDS.of(profile.operations).values():
        namespace[kind.name] = rule(**_strategies(v, kind))(_method(kind))
    return type("CompressedSwap", (SwapMachine,), namespace)


def _method(kind: Kind) -> Callable[..., None]:
    """Return the method that runs commands of a kind."""

    def perform(self: SwapMachine, answers: bytes, **arguments: Argument) -> None:
        given = tuple(arguments[name] for name in kind.parameters)
        self.perform(Command(kind.name, given), answers)

    perform.__name__ = perform.__qualname__ = kind.name
    perform.__doc__ = kind.meaning
    return perform


def _strategies(v: KernelView, kind: Kind) -> dict[str, st.SearchStrategy[Any]]:
    """Return strategies for the arguments and the answers of a kind."""
    pairs = zip(kind.parameters, kind.domains, strict=True)
    return {"answers": _ANSWERS, **{name: _strategy(v, domain) for name, domain in pairs}}


def _strategy(v: KernelView, domain: Domain) -> st.SearchStrategy[Argument]:
    """Return a strategy for one argument: any content; the values of the domain; numbers of what comes to exist."""
    if domain is palette:
        return _CONTENTS
    values = tuple(domain(v))
    return st.sampled_from(values) if values else _NUMBERS
