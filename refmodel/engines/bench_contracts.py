"""Benchmarks of contracts: how many conditions there are, how many are confirmed, and what that costs.

Seconds are CPU seconds of the processes that ask CrossHair.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from refmodel.engines.bench import Figure
from refmodel.engines.prove import bite, prove


def bench_contracts() -> Iterator[Figure]:
    """Yield the figures of all contracts; takes some minutes.

    Raises NoCrossHair.
    """
    proof = prove()
    seconds = [each.seconds for each in proof.answers]
    confirmed = len(proof.with_verdict("confirmed"))
    yield Figure("conditions of contracts", 100, len(proof.answers), "conditions")
    yield Figure("confirmed over all paths", 95, 100 * confirmed / len(proof.answers), "%")
    yield Figure("a condition, median", 1, median(seconds), "s", at_most=True)
    yield Figure("a condition, longest", 15, max(seconds), "s", at_most=True)
    yield Figure("all of them, on two cores", 240, proof.wall, "s", at_most=True)
    teeth = bite(seconds=3)
    yield Figure("wrong twins refuted", 100, 100 * sum(bool(each.broken) for each in teeth) / len(teeth), "%")
