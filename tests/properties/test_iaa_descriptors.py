"""Invariants of IAA's descriptors: each is broken by its bug, planted in a state, in events, or shown in the museum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from refmodel.kernel.crypto import Compressed, DeflateIaa
from refmodel.kernel.iaa_config import IaaSystem, one_device
from refmodel.kernel.iaa_state import FREE_DESC
from refmodel.kernel.iaa_status import BAD_DATA, SUCCESS
from refmodel.kernel.iaa_tables import CpuTables, Table
from refmodel.kernel.iaa_topology import Queue, Wq
from refmodel.machine import evolve
from refmodel.museum import exhibit
from refmodel.profiles import NAMED, preset, profile
from refmodel.properties import PROPERTIES, at_rest, by_id, iaa_descriptors, in_history
from refmodel.properties.property import HistoryProperty, StateProperty

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Event

OWN = [each for each in PROPERTIES if each in vars(iaa_descriptors).values()]


def system(name: str = "iaa-v13") -> KernelView:
    """Return a system with two queues of two descriptors."""
    made, sizes = profile(name), preset("toy")
    devices = IaaSystem(one_device(sizes.cpus, (Queue(2), Queue(2))))
    return made.system(made.config(sizes, compressor="deflate-iaa", iaa=devices))


def desc(v: KernelView, *, used: bool, **fields: Any) -> None:
    """Plant what is said of the first descriptor."""
    v[v.at.iaa.sbitmap[0]] = int(used)
    v[v.at.iaa.desc[0][0]] = evolve(FREE_DESC, **fields)


def wq(v: KernelView, **fields: Any) -> None:
    """Plant what is said of the first queue."""
    v[v.at.iaa.wq[0]] = evolve(v[v.at.iaa.wq[0]], **fields)


def tables(v: KernelView, comp: Table, decomp: Table) -> None:
    """Plant the tables of a CPU."""
    v[v.at.iaa.tables[0]] = CpuTables(comp, decomp)


def mapped(v: KernelView) -> None:
    """Leave two buffers mapped."""
    v[v.at.iaa.mapped] += 2


def locked(v: KernelView) -> None:
    """Leave the mutex of a batch held."""
    v[v.at.iaa.batch_locked[0]] = True


def compress_only(v: KernelView) -> None:
    """Say of a queue in all tables that it is for compression only."""
    crypto = v[v.at.iaa.crypto]
    devices = tuple(attrs.evolve(device, comp=device.wqs) for device in crypto.devices)
    v[v.at.iaa.crypto] = evolve(crypto, devices=devices)


def done(v: KernelView, op: str, data: bytes, out: bytes) -> None:
    """Plant a job that its device has ended well."""
    length = len(out)
    desc(v, used=True, phase="done", completion=SUCCESS, cpu=0, op=op, data=data, out=out, length=length)


def deflated(page: bytes) -> bytes:
    """Return what the device makes of a page."""
    outcome = DeflateIaa().outcomes(page)[0]
    assert isinstance(outcome, Compressed)
    data = outcome.data
    assert isinstance(data, bytes)
    return data


PAGE, OTHER = bytes(4095) + b"1", bytes(4095) + b"2"

FIRST = Table((Wq(0, 0),))

IN_A_STATE: dict[str, Callable[[KernelView], None]] = {
    "IAA-1": lambda v: desc(v, used=True),
    "IAA-2": lambda v: wq(v, fifo=(0, 0)),
    "IAA-5": lambda v: desc(v, used=False, phase="service"),
    "IAA-6": lambda v: desc(v, used=True, phase="queued", completion=BAD_DATA, cpu=0),
    "IAA-7": lambda v: desc(v, used=True, phase="allocated", cpu=0),
    "IAA-8": lambda v: desc(v, used=True, phase="allocated"),
    "IAA-11": lambda v: wq(v, refs=1),
    "IAA-12": mapped,
    "IAA-16": lambda v: wq(v, refs=1, there=False),
    "IAA-17": locked,
    "IAA-19": lambda v: tables(v, Table(()), FIRST),
    "IAA-20": lambda v: wq(v, bound=False),
    "IAA-25": compress_only,
    "IAA-26": lambda v: tables(v, attrs.evolve(FIRST, cursor=1), FIRST),
    "IAA-9": lambda v: wq(v, asleep=1),
    "IAA-33": lambda v: done(v, "compress", PAGE, OTHER),
    "IAA-34": lambda v: done(v, "decompress", deflated(PAGE), OTHER),
    "IAA-56": lambda v: wq(v, bound=False),
}

IN_EVENTS: dict[str, list[Event]] = {
    "IAA-36": [
        ("iaa_software", {"op": "decompress", "error": 0}),
        ("iaa_batch", {"op": "decompress", "error": -22, "lengths": (-22,)}),
    ],
    "IAA-41": [("iaa_batch", {"op": "compress", "error": 0, "lengths": (100, -22)})],
    "IAA-46": [("iaa_batch", {"op": "compress", "error": 0, "lengths": (100, -11)})],
    "IAA-47": [("iaa_batch", {"op": "compress", "error": 0, "lengths": (100, 90), "dlen": 90})],
}


@pytest.mark.parametrize("id", IN_A_STATE)
def test_a_planted_state_breaks_its_property_and_the_first_state_does_not(id: str) -> None:
    found, v = by_id(id), system()
    assert isinstance(found, StateProperty)
    assert found.check(v) is None
    IN_A_STATE[id](v)
    assert found.check(v)


@pytest.mark.parametrize("id", IN_EVENTS)
def test_planted_events_break_their_property_and_no_events_do_not(id: str) -> None:
    found, v = by_id(id), system()
    assert isinstance(found, HistoryProperty)
    assert found.check([], v) is None
    assert found.check(IN_EVENTS[id], v)


def test_what_the_shrink_worker_decompresses_while_a_batch_waits_is_not_the_batch() -> None:
    found, v = by_id("IAA-36"), system()
    assert isinstance(found, HistoryProperty)
    meanwhile: list[Event] = [("worker_start", {}), *IN_EVENTS["IAA-36"][:1], ("worker", {"ret": 0})]
    assert found.check([*meanwhile, *IN_EVENTS["IAA-36"][1:]], v) is None


def test_each_batch_counts_for_itself() -> None:
    found, v = by_id("IAA-36"), system()
    assert isinstance(found, HistoryProperty)
    good: list[Event] = [
        ("iaa_software", {"op": "decompress", "error": 0}),
        ("iaa_batch", {"op": "decompress", "error": 0, "lengths": (4096,)}),
    ]
    assert found.check([*good, *good], v) is None
    assert found.check([*good, *IN_EVENTS["IAA-36"]], v)


def test_counters_that_do_not_add_up_are_found() -> None:
    found, v = by_id("IAA-53"), system()
    assert isinstance(found, HistoryProperty)
    assert found.check([], v) is None
    v[v.at.iaa.stats.total_comp_calls] += 1
    assert found.check([], v) == "comp_calls: 1 in all, 0 over all queues"


def test_every_property_is_planted_here() -> None:
    assert {each.id for each in OWN} == {*IN_A_STATE, *IN_EVENTS, "IAA-53"}


@pytest.mark.parametrize(
    "each", [each for each in OWN if "planted" not in each.bug], ids=lambda each: each.id
)
def test_the_bug_that_a_property_names_is_in_the_museum_and_meets_it(each: StateProperty) -> None:
    shown = exhibit(each.bug)
    assert each.id in (shown.meets, *shown.breaks)


@pytest.mark.parametrize("name", NAMED)
def test_profiles_without_devices_have_none_of_these_properties(name: str) -> None:
    made = profile(name)
    ids = {each.id for each in (*at_rest(made), *in_history(made))}
    assert ("IAA-1" in ids) == name.startswith("iaa-")
    assert ("IAA-16" in ids) == name.startswith(("iaa-v13", "iaa-v14"))


@pytest.mark.parametrize(
    ("op", "data", "out"), [("compress", PAGE, deflated(PAGE)), ("decompress", deflated(PAGE), PAGE)]
)
def test_what_a_device_makes_of_a_page_is_no_break_and_any_other_length_is(
    op: str, data: bytes, out: bytes
) -> None:
    found, v = by_id("IAA-33" if op == "compress" else "IAA-34"), system()
    assert isinstance(found, StateProperty)
    done(v, op, data, out)
    assert found.check(v) is None
    desc(v, used=True, phase="done", completion=SUCCESS, cpu=0, op=op, data=data, out=out, length=0)
    assert "a success with an output of 0 bytes" in (found.check(v) or "")
