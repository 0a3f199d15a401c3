"""What is done around a run, with a machine that only notes it."""

from __future__ import annotations

from typing import Any, cast

from refmodel.conformance.linux.machine import Machine, Shape
from refmodel.conformance.linux.setting import PARAMETERS, Setting


class Noting:
    """A machine that takes every line, and has every parameter and limit."""

    shape = Shape()

    def need(self, *lines: str) -> None:
        """Take lines."""

    def ask(self, line: str) -> dict[str, Any]:
        """Take a line."""
        return {"errno": 0, "line": line}

    def names(self, directory: str) -> list[str]:
        """Say what a directory has."""
        if directory == PARAMETERS:
            return ["enabled", "max_pool_percent"]
        return ["memory.swap.max", "memory.zswap.max"] if directory == "/cg/w0" else []


def test_a_pool_that_counts_as_full_does_not_stay_so_for_the_run_that_comes_next() -> None:
    """Only a store ends that (6.1 refuses until then): one is made once every limit is back."""
    ending = Setting(cast("Machine", Noting()), 8).ending()
    stored = ending.index("@0 out 0")
    limits = [f"put {PARAMETERS}/max_pool_percent 20", "put /cg/w0/memory.swap.max max"]
    assert all(ending.index(limit) < stored for limit in [*limits, "put /cg/w0/memory.zswap.max max"])
    assert ending.index("@0 write 0 text 1") < stored < ending.index("kill 0")
