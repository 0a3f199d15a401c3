"""Rule-based machines of Hypothesis that drive an implementation in lockstep with the model.

For test suites that have Hypothesis already: its data base, its shrinking and its pytest integration work.

    from refmodel.conformance.stateful import machine_for_target
    from refmodel.conformance.target import open_target

    TestStore = machine_for_target(open_target("lib:./store.so")).TestCase

The commands are those of ``refmodel conform``, drawn from data of Hypothesis instead of a seed.  A divergence is
shrunk to any divergence, where ``refmodel conform`` keeps to the one that it found.
"""

from __future__ import annotations

from random import Random
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from refmodel.conformance.conform import profile_for
from refmodel.conformance.conform_walk import CommandDraws
from refmodel.conformance.lockstep import Divergence, Lockstep
from refmodel.conformance.target import Target
from refmodel.conformance.validator import Level
from refmodel.profiles import Profile


class Diverged(AssertionError):
    """An implementation left what the model allows.

    divergence: where and how.
    """

    def __init__(self, divergence: Divergence) -> None:
        """Say what both sides say, and which step of the model decides."""
        self.divergence = divergence
        super().__init__(
            f"command {divergence.number} ({divergence.command['op']}), field {divergence.field}: "
            f"the implementation says {divergence.implementation}; the model says {divergence.model}\n"
            f"the model's step: {divergence.step}"
        )


class TargetMachine(RuleBasedStateMachine):
    """The base of the machines; ``machine_for_target`` fills it in.

    lockstep: the implementation beside the model, begun anew for each run.
    """

    lockstep: ClassVar[Lockstep]

    @initialize(chance=st.randoms(use_true_random=False))
    def begin(self, chance: Random) -> None:
        """Reset both sides, and draw what this run is like."""
        _check(self.lockstep.reset())
        self.draws = CommandDraws(chance, self.lockstep.hello, self.lockstep.v)

    @rule(chance=st.randoms(use_true_random=False))
    def command(self, chance: Random) -> None:
        """Give both sides a command."""
        self.draws.chance = chance
        _check(self.lockstep.do(self.draws.draw()))


def machine_for_target(
    target: Target, profile: Profile | None = None, level: Level = "counters"
) -> type[TargetMachine]:
    """Return a rule-based machine.

    profile: what the implementation is held against, by default the one that it names.
    Raises BadTarget for a profile that does not exist.
    """
    against = profile_for(target, None) if profile is None else profile
    namespace: dict[str, Any] = {
        "__doc__": f"{target.hello.name} beside {against.name}.",
        "__module__": __name__,
        "lockstep": Lockstep(target, against, level),
    }
    return type("TargetBesideModel", (TargetMachine,), namespace)


def _check(found: Divergence | None) -> None:
    if found is not None:
        raise Diverged(found)
