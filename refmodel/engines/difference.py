"""Two profiles compared by what they do: the shortest scenario on which an observer can tell them apart.

First every scenario of a few commands, breadth first; if those look the same, random ones of many commands.
Both profiles are given the same commands and the same answers of the environment, and an observer looks at both
after each command.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.command import Command
from refmodel.engines.difference_pair import Act, Answered, Scenario, Told, make_pairs
from refmodel.engines.difference_search import Cell, Clock, OutOfTime, Progress, Search
from refmodel.engines.difference_walk import Walks
from refmodel.engines.setting import Setting
from refmodel.engines.walk import LENGTH

if TYPE_CHECKING:
    from refmodel.profiles import Profile
    from refmodel.properties.observation import Level

COMMANDS = 3
UNUSUAL = 1
RANDOM = 1000
"""Commands and unusual things of a scenario at most, and random scenarios, where nothing else is asked for."""


@attrs.frozen
class Behaviour:
    """What became of a comparison.

    before, after: names of the profiles.  preset, level, seed, only: how they were compared.
    shortest: the shortest scenario on which they look different, None if none was found.
    plain: the shortest in which nothing unusual happens, None if none was found.
    bound: which scenarios were tried, in a few words; those that were tried and are shorter look the same.
    scenarios: how many were tried.  random: the shortest was found at random and then shortened.
    """

    before: str
    after: str
    preset: str
    level: Level
    seed: int
    only: tuple[str, ...]
    shortest: Told | None
    plain: Told | None
    bound: str
    scenarios: int
    seconds: float
    random: bool = False

    @property
    def verdict(self) -> str:
        """Whether they "differ"; else "no difference", or "undecided" where nothing was tried."""
        if self.shortest is not None:
            return "differ"
        return "no difference" if self.bound else "undecided"


def compare(
    before: Profile,
    after: Profile,
    level: Level,
    *,
    preset: str = "toy",
    commands: int = COMMANDS,
    unusual: int = UNUSUAL,
    walks: int = RANDOM,
    seconds: float | None = None,
    seed: int = 0,
    only: Sequence[str] = (),
    progress: Callable[[Progress], None] | None = None,
) -> Behaviour:
    """Look for the shortest scenario on which two profiles look different.

    level: how closely to look.  preset: name of the sizes.
    commands, unusual: of the scenarios that are all tried, at most.  walks: random scenarios after those, at most.
    seconds: bound on the time.  seed: of the random scenarios.
    only: names of the commands that are given, () for all.
    progress: called now and then.  Raises UnknownPreset.
    """
    clock = Clock(None if seconds is None else time.monotonic() + seconds, progress)
    pairs = make_pairs(before, after, preset, level, only)
    search, chance = Search(pairs, clock, commands), Walks(pairs, seed, clock)
    found: list[Told] = []
    with suppress(OutOfTime):
        for told in _told(search, commands, unusual):
            found.append(told)
        if not found:
            found += filter(None, [chance.run(walks)])
    return Behaviour(
        before=before.name,
        after=after.name,
        preset=preset,
        level=level,
        seed=seed,
        shortest=found[0] if found else None,
        plain=next((told for told in found if not told.scenario.unusual), None),
        only=tuple(only),
        bound=_bound(search.cells, chance.number),
        scenarios=clock.scenarios,
        seconds=clock.seconds,
        random=bool(chance.number and found),
    )


def _told(search: Search, commands: int, unusual: int) -> Iterator[Told]:
    """Yield the shortest scenario that tells, then the shortest in which nothing unusual happens."""
    most = unusual
    for length in range(1, commands + 1):
        for number in range(most + 1):
            told = search.run((length, number))
            if told is not None:
                yield told
                if not number:
                    return
                most = 0
                break


def _bound(cells: Sequence[Cell], walks: int) -> str:
    """Write which scenarios were tried."""
    most: dict[int, int] = {}
    for length, unusual in cells:
        most[length] = max(unusual, most.get(length, 0))
    lengths = [length for length in most if most.get(length + 1) != most[length]]
    parts = [_part(length, most[length]) for length in reversed(lengths)]
    every = [f"every scenario of {' and of '.join(parts)}"] if parts else []
    some = [f"{walks:,} random ones of at most {LENGTH} commands"] if walks else []
    return ", and ".join([*every, *some])


def _part(commands: int, unusual: int) -> str:
    count = "1 command" if commands == 1 else f"at most {commands} commands"
    things = {0: "with nothing unusual", 1: "with at most 1 unusual thing"}
    return f"{count} {things.get(unusual, f'with at most {unusual} unusual things')}"


# --- as data ------------------------------------------------------------------------------------------------------


def scenario_data(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as data that JSON can hold."""
    return attrs.asdict(scenario)


def scenario_of(data: dict[str, Any]) -> Scenario:
    """Return the scenario that ``scenario_data`` wrote."""
    acts = (
        Act(
            Command(act["command"]["name"], tuple(act["command"]["arguments"])),
            tuple(Answered(**answered) for answered in act["answers"]),
        )
        for act in data["acts"]
    )
    return Scenario(data["preset"], Setting(**data["setting"]), tuple(acts))
