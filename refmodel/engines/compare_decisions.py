"""Comparing two versions of a decision: alike for all inputs within bounds, or different, and where first.

A comparison is written as a contract (``refmodel.engines.contract``) that returns both answers and has equality as its
condition, in a module of ``specs/comparisons``; ``Expect:`` says what is known of it.  So CrossHair compares them
within the bounds, which its own comparison of two functions would not regard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import attrs

from refmodel.engines.contract import BadContract, Contract, NoContract, chosen
from refmodel.engines.contract_inputs import smallest_inputs
from refmodel.engines.prove import JOBS, SECONDS, Progress, answers
from refmodel.engines.symbolic import require_crosshair

FOLDER = "comparisons"
"""Where comparisons stand in ``specs``."""

Found = Literal["alike", "different", "undecided"]
"""Alike over all paths; different for an input that was tried; neither is known."""


@attrs.frozen
class Comparison:
    """What became of a comparison.

    inputs: the smallest that were found, as text.  first, second: what the versions answer for them.
    seconds: of CPU.
    """

    contract: Contract
    found: Found
    seconds: float
    inputs: tuple[tuple[str, str], ...] = ()
    first: str = ""
    second: str = ""

    @property
    def expected(self) -> bool:
        """Whether it is what the comparison expects."""
        return self.found == self.contract.facts.get("Expect")


def compare(
    names: Sequence[str] = (),
    *,
    seconds: float = SECONDS,
    jobs: int = JOBS,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[Comparison, ...]:
    """Compare versions of decisions.

    names: as for ``chosen``; or of versions, for the comparisons that have all of these.
    seconds: of CPU for each comparison.
    Raises NoCrossHair, NoContract, BadContract.
    """
    require_crosshair()
    contracts = comparisons(names)
    found: list[Comparison] = []
    for contract, rows in answers([(each, None) for each in contracts], seconds, jobs):
        alike = all(each.verdict == "confirmed" for each in rows)
        found.append(_comparison(contract, alike, sum(each.seconds for each in rows)))
        if progress is not None:
            expected = sum(each.expected for each in found)
            progress(Progress(len(found), len(contracts), expected, "as expected"))
    return tuple(found)


def comparisons(names: Sequence[str]) -> tuple[Contract, ...]:
    """Return the comparisons that names mean, which are those of versions or of comparisons.

    Raises NoContract for versions that no comparison has, BadContract for what is none, and as ``chosen``.
    """
    for each in (found := _comparisons(names)):
        if each.facts.get("Expect") not in ("alike", "different") or len(each.versions) != 2:
            raise BadContract(
                f"{each.path}: {each.function.__name__} is no comparison; expected Versions: A and B, "
                "and Expect: alike or different"
            )
    return found


def _comparisons(names: Sequence[str]) -> tuple[Contract, ...]:
    known = chosen((), FOLDER)
    versions = [name for name in names if any(name in each.versions for each in known)]
    if not versions or len(versions) < len(names):
        return chosen(names, FOLDER)
    found = tuple(each for each in known if set(versions) <= set(each.versions))
    if not found:
        pairs = dict.fromkeys(each.facts["Versions"] for each in known)
        raise NoContract(f"{' and '.join(versions)}: no comparison of these; there are {'; '.join(pairs)}")
    return found


def _comparison(contract: Contract, alike: bool, seconds: float) -> Comparison:
    """Return what was found, and for different versions the smallest input."""
    if alike:
        return Comparison(contract, "alike", seconds)
    smallest = smallest_inputs(contract)
    if smallest is None:
        return Comparison(contract, "undecided", seconds)
    first, second = contract.function(**smallest)
    shown = tuple((name, repr(value)) for name, value in smallest.items())
    return Comparison(contract, "different", seconds, shown, repr(first), repr(second))
