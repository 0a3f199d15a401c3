"""Folio numbers only name folios: what a scope declares with ``symmetry = ["folios"]``.

An allocation gives out the lowest free number, and no step does anything else because of a number: it only follows
what names a folio.  So two states that differ in the numbers of their folios have the same future up to the numbers.
That holds for scopes whose threads do not name folios, or name all of them alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.commands import KINDS
from refmodel.engines.explorer.actors import Local
from refmodel.engines.explorer.symmetry import BrokenSymmetry, Order, Renaming, renamed_flight
from refmodel.kernel.choices import VICTIM
from refmodel.kernel.madvise import MadvisePageout, MadviseWillneed
from refmodel.kernel.memory import WritePage
from refmodel.kernel.state import Pte
from refmodel.kernel.swap_fault import DoSwapPage
from refmodel.kernel.swap_state import ReadSwapCacheAsync
from refmodel.kernel.swapon import SwapOff612
from refmodel.kernel.vmscan import ShrinkFolio
from refmodel.kernel.zram_batch import ZramBioWriteBatch
from refmodel.kernel.zswap_compress_pages import ZswapCompressPages
from refmodel.kernel.zswap_writeback import ZswapWritebackBase
from refmodel.machine import Operation, evolve

if TYPE_CHECKING:
    from refmodel.engines.scope import Scope
    from refmodel.kernel.table import KernelView

NAMING = frozenset({"folio", "folios", "gathered", "head", "rest", "retried", "splitting", "tails", "taken"})
"""Variables of operations that hold numbers of folios."""

RECEIVING = (
    DoSwapPage,
    MadvisePageout,
    MadviseWillneed,
    ReadSwapCacheAsync,
    ShrinkFolio,
    SwapOff612,
    ZswapWritebackBase,
)
"""Operations that call one whose value is the number of a folio, or several."""

MEASURING = (ZramBioWriteBatch, ZswapCompressPages)
"""Operations that call one whose value is lengths in bytes."""

OTHERS = frozenset(
    {
        "attempts", "budget", "cached", "calls", "cluster", "content", "contents", "cpu", "data", "done", "end",
        "entries", "entry", "error", "failures", "flushing", "former", "free_from", "handle", "immediate",
        "index", "length", "length_in", "lengths", "memcg", "mm", "next", "nid", "nodes", "nr", "objcg", "old",
        "order", "out", "page", "physical", "pool", "pools", "process", "queue", "reclaiming", "removed", "req",
        "run", "slot", "slots", "stored", "threshold", "todo", "told", "value", "visits", "who", "writing",
    }
)  # fmt: skip
"""Variables of operations that hold other numbers."""


def folio_renaming(scope: Scope, v: KernelView) -> Renaming:
    """Return how the folios of a system are renamed.

    v: the system as the threads find it.  Raises BrokenSymmetry where the scope tells folios apart.
    """
    _check(scope, v)
    at = v.at
    tables = [place for row in at.pte for place in row]

    def component(place: int, value: Any, order: Order) -> Any:
        if place == at.folios_used:
            return 1 | sum(1 << _renamed(n, order) for n in range(1, len(at.folio)) if value >> n & 1)
        return _renamed_pte(value, order) if isinstance(value, Pte) else _renamed(value, order)

    return Renaming(
        columns=tuple((place,) for place in at.folio[1:]),
        local=_renamed_local,
        component=component,
        mentions=(*tables, *at.swap_cache, at.folios_used),
        given_out=True,
    )


def _check(scope: Scope, v: KernelView) -> None:
    if scope.keeps:
        raise BrokenSymmetry(f"{scope.name}: an outcome that mentions values of commands tells folios apart")
    if v.at.reclaim.list:
        raise BrokenSymmetry(
            f"{scope.name}: LRU lists with an order tell folios apart; leave out lists or symmetry"
        )
    if VICTIM.name in scope.fixed:
        raise BrokenSymmetry(
            f"{scope.name}: reclaim takes its first victim (fixed = {VICTIM.name!r}), the folio with the lowest "
            f"number; expected it to have the choice"
        )
    everyone = range(1, len(v.at.folio))
    for thread in scope.threads:
        named: dict[tuple[Any, ...], list[Any]] = {}
        for command in thread.commands:
            given = dict(zip(KINDS[command.name].parameters, command.arguments, strict=True))
            if "folio" in given:
                number: Any = given.pop("folio")
                named.setdefault((command.name, *given.values()), []).append(number)
        for (name, *_), numbers in named.items():
            if not thread.free or sorted(numbers) != list(everyone):
                raise BrokenSymmetry(
                    f"{scope.name}: thread {thread.name} names folios in {name} ({numbers}); expected none, or a "
                    f"choice among all {len(everyone)}: write {name} without arguments under choose"
                )


def _renamed(number: int, order: Order) -> int:
    return order[number - 1] + 1 if number > 0 else number


def _renamed_pte(pte: Pte, order: Order) -> Pte:
    return evolve(pte, folio=_renamed(pte.folio, order)) if pte.folio else pte


def _renamed_local(local: Local, order: Order) -> Local:
    """Return the local state of an actor under other numbers of the folios.

    Raises BrokenSymmetry at a variable that is not known to hold the number of a folio, or anything else.
    """

    def rename(cls: type[Operation], name: str, value: Any) -> Any:
        if isinstance(value, Pte):
            return _renamed_pte(value, order)
        if isinstance(value, (str, bool)) or not value or not _holds_numbers(value):
            return value
        if name in NAMING or (name == "old" and issubclass(cls, WritePage)):
            return _renamed_value(value, order)
        if name == "result" and issubclass(cls, RECEIVING):
            return _renamed_value(value, order)
        if name in OTHERS or (name == "result" and issubclass(cls, MEASURING)):
            return value
        raise BrokenSymmetry(
            f"{cls.__name__}.{name} is {value!r}, which may be the number of a folio; explore without symmetry"
        )

    return attrs.evolve(local, flight=renamed_flight(local.flight, rename))


def _holds_numbers(value: Any) -> bool:
    return (type(value) is int and value > 0) or (
        isinstance(value, tuple) and any(_holds_numbers(item) for item in value)
    )


def _renamed_value(value: Any, order: Order) -> Any:
    return (
        tuple(_renamed(each, order) for each in value) if isinstance(value, tuple) else _renamed(value, order)
    )
