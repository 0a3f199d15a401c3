"""The validator: every recorded kernel is allowed, and nothing that was tampered with is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache

import attrs
import pytest

from refmodel.conformance.replica import profile_of
from refmodel.conformance.trace_file import Op, Trace, read_trace
from refmodel.conformance.validator import INEXACT_ORDER, validate, validate_trace
from refmodel.profiles import PROFILES, UnknownProfile, profile
from refmodel.resources import specs_dir

TRACES = sorted(path.name.removesuffix(".jsonl.gz") for path in (specs_dir() / "traces").glob("*.jsonl.gz"))
KERNELS = ("linux-6.1", "linux-6.12", "linux-6.18", "linux-7.3")

SAME_BEHAVIOUR = {
    ("folios-6.18", "linux-7.3"),
    ("lifecycle-6.18", "linux-7.3"),
    ("shared-7.3", "linux-6.18"),
    ("pressure-6.12", "linux-6.18"),
}
"""Traces in which nothing happens that the other kernel does differently at the level that is compared."""


@cache
def trace(name: str) -> Trace:
    """Return a trace that ships with the project."""
    return read_trace(specs_dir() / "traces" / f"{name}.jsonl.gz")


@pytest.mark.parametrize("name", TRACES)
def test_every_recorded_kernel_is_allowed(name: str) -> None:
    """The model explains each trace at the highest level that its recording supports."""
    verdict = validate(specs_dir() / "traces" / f"{name}.jsonl.gz")

    assert verdict.rejection is None
    assert verdict.verdict == "accepted"
    assert verdict.operations == len(trace(name).ops)
    inexact = trace(name).header["workload"] in INEXACT_ORDER
    assert verdict.level == ("counters" if inexact else "events")
    assert bool(verdict.level_reason) == inexact


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("other", KERNELS)
def test_a_trace_is_rejected_under_another_kernel(name: str, other: str) -> None:
    """Where kernels differ, the wrong profile does not explain the trace."""
    own = profile_of(trace(name).header["kernel"]).name
    if other == own:
        return
    expected = "accepted" if (name, other) in SAME_BEHAVIOUR else "rejected"

    assert validate_trace(trace(name), profile(other)).verdict == expected


def tampered(name: str, change: Callable[[list[Op]], bool]) -> Trace:
    """Return a trace after a change to a deep copy of its operations; the change must have found its target."""
    original = trace(name)
    ops = copy.deepcopy(list(original.ops))
    assert change(ops), f"{name} has nothing that this corruption could change"
    return attrs.evolve(original, ops=tuple(ops))


def counter_off_by_one(ops: list[Op]) -> bool:
    """Add one to a counter difference in the middle of the trace."""
    with_counters = [op for op in ops if op.record["d"].get("vm.zswpout") or op.record["d"].get("vm.pswpout")]
    changes = with_counters[len(with_counters) // 2].record["d"]
    changes["vm.zswpout"] = changes.get("vm.zswpout", 0) + 1
    return True


def lost_counter(ops: list[Op]) -> bool:
    """Leave a changed counter out."""
    for op in reversed(ops):
        for name in ("vm.nr_swapcached", "vm.pgmajfault"):
            if op.record["d"].pop(name, None):
                return True
    return False


def wrong_content(ops: list[Op]) -> bool:
    """Change the checksum of a page that was read."""
    for op in reversed(ops):
        if "crc" in op.record:
            op.record["crc"] ^= 1
            return True
    return False


def page_in_wrong_place(ops: list[Op]) -> bool:
    """Say that a swapped page still has a copy in the swap cache, or has none."""
    for op in reversed(ops):
        states = op.record.get("post") or {"st": "none"}
        state = states if isinstance(states, dict) else states[0]
        if state["st"] == "swap":
            if state.pop("swcache", None) is None:
                state["swcache"] = 1
            return True
    return False


def swapped_events(ops: list[Op]) -> bool:
    """Exchange two neighbouring events of different kinds."""
    for op in reversed(ops):
        for at in range(len(op.events) - 1):
            first, second = op.events[at : at + 2]
            if first.record["ev"] != second.record["ev"]:
                events = (*op.events[:at], second, first, *op.events[at + 2 :])
                ops[op.number] = attrs.evolve(op, events=events)
                return True
    return False


def wrong_lru_node(ops: list[Op]) -> bool:
    """Put an entry on the list of another node."""
    for op in ops:
        for event in op.events:
            if event.record["ev"] == "lru_del":
                event.record["nid"] = 1 - event.record["nid"]
                return True
    return False


def lost_uncharge(ops: list[Op]) -> bool:
    """Drop an uncharge."""
    for op in ops:
        for at, event in enumerate(op.events):
            if event.record["ev"] == "uncharge":
                ops[op.number] = attrs.evolve(op, events=(*op.events[:at], *op.events[at + 1 :]))
                return True
    return False


def wrong_size(ops: list[Op]) -> bool:
    """Charge one byte more than was compressed."""
    for op in ops:
        for event in op.events:
            if event.record["ev"] == "uncharge":
                event.record["size"] += 1
                return True
    return False


DATA_AND_COUNTERS = (counter_off_by_one, lost_counter)
EVENTS = (swapped_events, wrong_lru_node, lost_uncharge, wrong_size)
WITHOUT_LRU_EVENTS = {"faults-6.12", "folios-6.12", "lifecycle-6.1", "shared-6.1"}
WITHOUT_UNCHARGE_EVENTS = {"faults-6.12", "folios-6.12", "shared-6.1"}


def exact(name: str) -> bool:
    """Whether a trace is compared event by event."""
    return trace(name).header["workload"] not in INEXACT_ORDER


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("change", DATA_AND_COUNTERS, ids=lambda change: change.__name__)
def test_a_wrong_counter_is_rejected(name: str, change: Callable[[list[Op]], bool]) -> None:
    """A counter that is off by one, or missing, has no explanation."""
    verdict = validate_trace(tampered(name, change), profile_of(trace(name).header["kernel"]))

    assert verdict.verdict == "rejected"
    assert verdict.rejection is not None
    assert "counter" in verdict.rejection.observed


@pytest.mark.parametrize("name", [name for name in TRACES if not name.startswith(("parallel", "faults"))])
@pytest.mark.parametrize("change", [wrong_content, page_in_wrong_place], ids=lambda change: change.__name__)
def test_wrong_data_is_rejected(name: str, change: Callable[[list[Op]], bool]) -> None:
    """A page that holds other bytes, or is somewhere else, has no explanation."""
    verdict = validate_trace(tampered(name, change), profile_of(trace(name).header["kernel"]), "data")

    assert verdict.verdict == "rejected"


@pytest.mark.parametrize("name", [name for name in TRACES if exact(name)])
@pytest.mark.parametrize("change", EVENTS, ids=lambda change: change.__name__)
def test_wrong_events_are_rejected(name: str, change: Callable[[list[Op]], bool]) -> None:
    """Two events out of order, an entry on another node's list, a charge that is not taken back."""
    if change is wrong_lru_node and name in WITHOUT_LRU_EVENTS:
        return
    if change in (lost_uncharge, wrong_size) and name in WITHOUT_UNCHARGE_EVENTS:
        return
    verdict = validate_trace(tampered(name, change), profile_of(trace(name).header["kernel"]))

    assert verdict.verdict == "rejected"
    assert verdict.rejection is not None
    assert "." in verdict.rejection.step


def test_a_kernel_without_profile_is_named() -> None:
    """The error names the kernel and the profiles that exist."""
    with pytest.raises(UnknownProfile, match=r"kernel 5\.10\.0.*linux-6\.1"):
        profile_of("5.10.0-8-amd64")


def test_releases_are_told_apart() -> None:
    """6.1 and 6.12 share a prefix and are different kernels."""
    assert profile_of("6.1.0-56-amd64") is PROFILES["linux-6.1"]
    assert profile_of("6.12.117") is PROFILES["linux-6.12"]
