"""Which step of the model disagrees: the one that last moved what the implementation has otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.conformance.conform_shrink import Shrunk, run_program
from refmodel.conformance.counters import cgroup_statistics, counters
from refmodel.conformance.drive import page_state
from refmodel.conformance.lockstep import Divergence, Lockstep
from refmodel.conformance.validator import describe_step
from refmodel.kernel.folio import live_folio

if TYPE_CHECKING:
    from types import MethodType

    from refmodel.kernel.table import KernelView


def with_step(lockstep: Lockstep, shrunk: Shrunk) -> Shrunk:
    """Return a shortened program whose divergence names the step that decides.

    The program runs once more; what the implementation has otherwise is looked at after each step of the last
    command.  Where no step of it moves that, the divergence keeps the last step and says so.
    """
    found = shrunk.divergence
    if found.kind != "differs" or run_program(lockstep, shrunk.program[:-1]) is not None:
        return shrunk
    value = _value(lockstep.v, found)
    if value is None:
        return shrunk
    watch = _Watch(value)
    lockstep.validation.watch = watch.look
    lockstep.do(shrunk.program[-1])
    lockstep.validation.watch = None
    if watch.step is None:
        return attrs.evolve(
            shrunk, divergence=attrs.evolve(found, step=f"no step moves it; the last is {found.step}")
        )
    return attrs.evolve(shrunk, divergence=attrs.evolve(found, step=describe_step(watch.step)))


class _Watch:
    """Remembers the step after which a value was last another one."""

    def __init__(self, value: Callable[[], Any]) -> None:
        self.value, self.before = value, value()
        self.step: MethodType | None = None

    def look(self, step: MethodType) -> None:
        """Look at the value after a step."""
        now = self.value()
        if now != self.before:
            self.before, self.step = now, step


def _value(v: KernelView, found: Divergence) -> Callable[[], Any] | None:
    """Return how to look at what a divergence is about."""
    group, _, name = found.field.partition(" ")
    command = found.command
    if group == "counter":
        return lambda: counters(v, [name])
    if group == "statistic":
        return lambda: cgroup_statistics(v, [name])
    if "page" not in command:
        return None
    pages = range(command["page"], command["page"] + command.get("n", 1))
    if found.field == "crc":
        return lambda: _content(v, command["w"], command["page"])
    where, _, key = found.field.partition(".")
    return (lambda: [page_state(v, command["w"], p).get(key) for p in pages]) if where == "post" else None


def _content(v: KernelView, mm: int, page: int) -> Any:
    """Return the bytes that a page shows, or those of its copy in the swap cache; None for neither."""
    pte = v[v.at.pte[mm][page]]
    number = pte.folio or (v[v.at.swap_cache[pte.slot]] if pte.slot else 0)
    return live_folio(v, number).contents[pte.index] if number else None
