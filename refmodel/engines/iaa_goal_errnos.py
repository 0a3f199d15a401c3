"""Goals of the IAA driver: every errno that its jobs and its control can end with, and every counter of debugfs (I8).

Each is a small run of its own on a driver; a run that a version cannot have is no goal of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from errno import EAGAIN, EBUSY, EEXIST, EINPROGRESS, EINVAL, EIO, ENODEV, ENXIO
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from refmodel.kernel.choices import COMPRESS
from refmodel.kernel.crypto import Compressed, Symbolic
from refmodel.kernel.iaa_config import IaaSystem, one_device
from refmodel.kernel.iaa_job import IaaJob73, IaaJobV9
from refmodel.kernel.iaa_poll import device_work
from refmodel.kernel.iaa_status import Op
from refmodel.kernel.iaa_topology import Queue
from refmodel.machine import evolve, run
from refmodel.profiles import preset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refmodel.kernel.table import KernelView
    from refmodel.machine import ChoicePoint, Operation
    from refmodel.profiles import Profile

PAGE, LENGTH = 2, 1024
"""The page of every job, and what it is compressed to in bytes."""


class Ran(NamedTuple):
    """What a small run came to.

    v: the system afterwards.  found, expected: its value.
    """

    v: KernelView
    found: Any
    expected: Any


Small = Callable[["Profile"], Ran | None]
"""A small run on a driver; None where the version cannot have it."""


def system(which: Profile, *queues: Queue, failing: Sequence[str] = (), **fixed: Any) -> KernelView:
    """Return a system with one CPU; at the choice points named something fails, once each.

    queues: one of two descriptors if none are given.  fixed: fields of ``IaaSystem``.
    """
    sizes = attrs.evolve(preset("toy"), cpus=1, nodes=1)
    devices = IaaSystem(one_device(1, queues or (Queue(2),)), **({"verify_compress": False} | fixed))
    codec = {"tokens": Symbolic("tokens", (LENGTH,))}
    v = which.system(which.config(sizes, codec, compressor="tokens", iaa=devices))
    v.choose = _failing(list(failing))
    return v


def do(v: KernelView, operation: Operation) -> Any:
    """Run an operation to its end while the device works; return its value."""
    return run(v, operation, while_waiting=partial(serve, v))


def serve(v: KernelView) -> bool:
    """Let the device do one thing; return whether there was any."""
    work = device_work(v)
    if work is not None:
        run(v, work, while_waiting=partial(serve, v))
    return work is not None


def _failing(names: list[str]) -> Any:
    def choose(point: ChoicePoint, options: Sequence[Any]) -> Any:
        if point.name not in names:
            return options[0]
        names.remove(point.name)
        if point is COMPRESS:
            return next(option for option in options if not isinstance(option, Compressed))
        return options[1]

    return choose


# --- errnos ---------------------------------------------------------------------------------------------------


def _job(which: Profile, op: Op, expected: int, *queues: Queue, **fixed: Any) -> Ran:
    v = system(which, *queues, **fixed)
    return Ran(v, do(v, v.ops.iaa_call(0, op, PAGE)), expected)


def _control(which: Profile, operation: str, expected: int, **arguments: Any) -> Ran:
    v = system(which)
    return Ran(v, do(v, getattr(v.ops, operation)(**arguments)), expected)


def _stores(which: Profile) -> bool:
    """Whether jobs are submitted by a store that asks nobody (v13 and later)."""
    return "iaa waits" in which.traits


def _in_flight(which: Profile) -> Ran | None:
    if which.operations.iaa_poll is None:
        return None
    v = system(which)
    found = do(v, v.ops.iaa_job(0, "compress", PAGE, poll=True))
    while serve(v):
        pass
    do(v, v.ops.iaa_poll(0, "compress", PAGE, found.q, found.d))
    return Ran(v, found.error, -EINPROGRESS)


def _not_done(which: Profile) -> Ran | None:
    if which.operations.iaa_poll is None:
        return None
    v = system(which)
    job = do(v, v.ops.iaa_job(0, "compress", PAGE, poll=True))
    found = do(v, v.ops.iaa_poll(0, "compress", PAGE, job.q, job.d))
    while serve(v):
        pass
    do(v, v.ops.iaa_poll(0, "compress", PAGE, job.q, job.d))
    return Ran(v, found.error, -EAGAIN)


def _signal(which: Profile) -> Ran | None:
    if issubclass(which.operations.iaa_job, IaaJobV9):
        return None
    v = system(which, Queue(1), failing=("iaa_signal",))
    v[v.at.iaa.sbitmap[0]] = 1
    found = do(v, v.ops.iaa_call(0, "compress", PAGE))
    v[v.at.iaa.sbitmap[0]] = 0
    return Ran(v, found, -EAGAIN)


def _busy(which: Profile) -> Ran | None:
    if _stores(which):
        return None
    shared = Queue(2, mode="shared", threshold=1)
    return _job(which, "compress", -EAGAIN, shared, failing=("iaa_busy",))


def _driver_off(which: Profile) -> Ran:
    v = system(which)
    v[v.at.iaa.crypto] = evolve(v[v.at.iaa.crypto], enabled=False)
    return Ran(v, do(v, v.ops.iaa_call(0, "compress", PAGE)), -ENODEV)


def _not_mapped(which: Profile) -> Ran:
    software = issubclass(which.operations.iaa_job, IaaJob73)
    return _job(which, "compress", LENGTH if software else -EIO, failing=("iaa_map",))


def _halted(which: Profile) -> Ran:
    """Ask a halted device; the series says the same of every descriptor that it does not get."""
    v = system(which)
    v[v.at.iaa.halted[0]] = True
    series = issubclass(which.operations.iaa_job, IaaJobV9)
    return Ran(v, do(v, v.ops.iaa_call(0, "compress", PAGE)), -ENODEV if series else -EIO)


def _by_interrupt(which: Profile) -> Ran:
    fixed: dict[str, Any] = {"sync_mode": "async_irq", "statuses": ("watchdog",)}
    return _job(which, "compress", -EIO, failing=("iaa_status",), **fixed)


def _being_removed(which: Profile) -> Ran | None:
    if _stores(which):
        return None
    v = system(which)
    v[v.at.iaa.wq[0]] = evolve(v[v.at.iaa.wq[0]], active=False)
    return Ran(v, do(v, v.ops.iaa_call(0, "compress", PAGE)), -ENXIO)


def _not_enabled(which: Profile) -> Ran:
    v = system(which, failing=("iaa_enable",))
    do(v, v.ops.iaa_unbind(0))
    return Ran(v, do(v, v.ops.iaa_bind(0)), -ENXIO)


def _bound_again(which: Profile) -> Ran:
    v = system(which)
    do(v, v.ops.iaa_unbind(0))
    registered = v[v.at.iaa.crypto].registered
    return Ran(v, do(v, v.ops.iaa_bind(0)), -EEXIST if registered else 0)


def _value(which: Profile) -> Ran:
    v = system(which)
    do(v, v.ops.iaa_unbind(0))
    return Ran(v, do(v, v.ops.iaa_attribute("sync_mode", "often")), -EINVAL)


ERRNOS: Mapping[str, Small] = MappingProxyType(
    {
        "EINPROGRESS, a job that is polled": _in_flight,
        "EAGAIN, a poll of a job that is not done": _not_done,
        "EAGAIN, a signal while asleep": _signal,
        "EAGAIN, a shared queue that is busy": _busy,
        "EBUSY, a queue that is bound": partial(_control, operation="iaa_bind", expected=-EBUSY, q=0),
        "EBUSY, an attribute while jobs are taken": partial(
            _control, operation="iaa_attribute", expected=-EBUSY, name="verify_compress", value="1"
        ),
        "EINVAL, a value that an attribute has not": _value,
        "EEXIST or 0, bound again after all had gone": _bound_again,
        "ENODEV, a driver that is off": _driver_off,
        "EIO or software, a buffer that cannot be mapped": _not_mapped,
        "EIO or ENODEV, a device that has halted": _halted,
        "EIO, whatever an interrupt tells": _by_interrupt,
        "ENXIO, a queue that is being removed": _being_removed,
        "ENXIO, a queue that cannot be enabled": _not_enabled,
    }
)
"""Errnos that no status of a device stands for, with what leads to them."""


# --- counters --------------------------------------------------------------------------------------------------


def _counted(
    which: Profile, name: str, by: int, op: Op = "compress", status: str = "", *, of_queue: bool = False
) -> Ran:
    fixed: dict[str, Any] = {"statuses": (status,), "failing": ("iaa_status",)} if status else {}
    v = system(which, **fixed)
    do(v, v.ops.iaa_call(0, op, PAGE))
    row = v.at.iaa.wq_stats[0] if of_queue else v.at.iaa.stats
    return Ran(v, v[getattr(row, name)], by)


def _software_compression(which: Profile) -> Ran | None:
    """Compress in software: 7.3 what cannot be mapped, the dynamic mode what is longer than a page."""
    assert which.options.iaa is not None
    v = system(which, failing=("iaa_map",))
    if which.options.iaa.dynamic:
        do(v, v.ops.iaa_job(0, "compress", PAGE, length_in=8192))
    elif issubclass(which.operations.iaa_job, IaaJob73):
        do(v, v.ops.iaa_call(0, "compress", PAGE))
    else:
        return None
    return Ran(v, v[v.at.iaa.stats.total_sw_comp_calls], 1)


COUNTERS: Mapping[str, Small] = MappingProxyType(
    {
        "total_comp_calls": partial(_counted, name="total_comp_calls", by=1),
        "total_decomp_calls": partial(_counted, name="total_decomp_calls", by=1, op="decompress"),
        "total_sw_comp_calls": _software_compression,
        "total_sw_decomp_calls": partial(
            _counted, name="total_sw_decomp_calls", by=1, op="decompress", status="analytics_error"
        ),
        "total_comp_bytes_out": partial(_counted, name="total_comp_bytes_out", by=LENGTH),
        "total_decomp_bytes_in": partial(_counted, name="total_decomp_bytes_in", by=LENGTH, op="decompress"),
        "total_completion_einval_errors": partial(
            _counted, name="total_completion_einval_errors", by=1, status="page_fault_ir"
        ),
        "total_completion_timeout_errors": partial(
            _counted, name="total_completion_timeout_errors", by=1, status="watchdog"
        ),
        "total_completion_comp_buf_overflow_errors": partial(
            _counted, name="total_completion_comp_buf_overflow_errors", by=1, status="output_does_not_fit"
        ),
        "comp_calls of a queue": partial(_counted, name="comp_calls", by=1, of_queue=True),
        "decomp_calls of a queue": partial(
            _counted, name="decomp_calls", by=1, op="decompress", of_queue=True
        ),
        "comp_bytes of a queue": partial(_counted, name="comp_bytes", by=LENGTH, of_queue=True),
        "decomp_bytes of a queue": partial(
            _counted, name="decomp_bytes", by=LENGTH, op="decompress", of_queue=True
        ),
    }
)
"""The counters of global_stats and wq_stats, with what moves them."""
