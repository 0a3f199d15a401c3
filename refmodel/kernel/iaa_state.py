"""The state of IAA: work queues, their descriptors, devices, the driver's tables, requests and counters (I6 to I8).

A descriptor goes through its phases in a circle:

    free -> allocated -> queued -> service -> done -> free

Software takes it from "free" to "queued" (``idxd_alloc_desc``, ``idxd_submit_desc``) and from "done" back; the device
takes it from "queued" to "done".  Which descriptors are handed out is said a second time by the queue's sbitmap, as in
the kernel, so that a model of a driver can be caught where the two differ.

Sources: drivers/dma/idxd/{submit.c, device.c, idxd.h} and drivers/crypto/intel/iaa, Linux 6.12.117.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Literal, cast

import attrs

from refmodel.kernel.iaa_config import IaaSystem, SyncMode, one_device
from refmodel.kernel.iaa_status import NONE, Completion
from refmodel.kernel.iaa_tables import BoundDevice, CpuTables, Table
from refmodel.kernel.iaa_topology import Wq
from refmodel.machine import Layout, Place, component

if TYPE_CHECKING:
    from refmodel.kernel.config import Config

Phase = Literal["free", "allocated", "queued", "service", "done"]

PHASES: tuple[Phase, ...] = ("free", "allocated", "queued", "service", "done")


@component
class IaaDesc:
    """A descriptor with its completion record (struct idxd_desc).

    phase: whose it is.  cpu: that which allocated it, -1 while it is free.
    op, data, length_in: what the device is asked; the length is that of the data in bytes.
    req: the request that it works for.
    verify: the device suppresses the output.  irq: it interrupts when it is done (IDXD_OP_FLAG_RCI).
    completion: what the device reports.  length: of the output in bytes.  out: the output.
    """

    phase: Phase = "free"
    cpu: int = -1
    op: Literal["compress", "decompress"] = "compress"
    data: Hashable = None
    length_in: int = 0
    req: int = 0
    verify: bool = False
    irq: bool = False
    completion: Completion = NONE
    length: int = 0
    out: Hashable = None


FREE_DESC = IaaDesc()

WAIT_OBJECT = "the wait object of the caller"
"""On which a caller sleeps until it is called back (struct crypto_wait)."""


@component
class IaaWq:
    """A work queue: what the device has of it, and what the driver knows of it.

    there: descriptors, completion records and sbitmap are allocated.
    active: jobs can be submitted (``wq_active`` lives).
    bound: the driver has it (the private pointer names a struct iaa_wq).
    removed: no further job gets it (``remove``; in the series: its reference counter is killed).
    refs: jobs that hold it.  fifo: descriptors that wait for an engine, oldest first.
    asleep: jobs that wait for a descriptor.  wakes: wake-ups that are under way to them.  given: descriptors that were
        given back, while somebody waits, since the last wake-up.
    """

    there: bool = True
    active: bool = True
    bound: bool = True
    removed: bool = False
    refs: int = 0
    fifo: tuple[int, ...] = ()
    asleep: int = 0
    wakes: int = 0
    given: int = 0


@component
class IaaCrypto:
    """The driver (iaa_crypto).

    enabled: jobs are taken.  registered: the algorithm is.  locked: somebody holds ``iaa_devices_lock``.
    devices: with bound queues.  first_wq: the first queue ever found (v9 and later).
    verify_compress, sync_mode: the attributes.  latched_verify, latched_mode: what was read of them when the algorithm
        was registered, which jobs go by.
    """

    enabled: bool
    registered: bool
    devices: tuple[BoundDevice, ...]
    first_wq: Wq | None
    verify_compress: bool
    sync_mode: SyncMode
    latched_verify: bool
    latched_mode: SyncMode
    locked: bool = False


@component
class IaaRequest:
    """The request of a caller: of a context of zswap, or of a CPU where jobs are asked for directly.

    locked: somebody uses it.
    data: what the callback is given (``base.data``): the wait object of the caller, who has put it there when the
        request was made.  It is the caller's; what the driver needs to know of a job stands in the descriptor.
    answer: what the wait object was told, None while its owner sleeps.
    """

    locked: bool = False
    data: Hashable = WAIT_OBJECT
    answer: Hashable = None


@component
class IaaDeflate:
    """The software deflate that decompression falls back to.

    users: how many are in it.  clash: two were in it at the same time.
    """

    users: int = 0
    clash: bool = False


@attrs.frozen
class IaaCounters:
    """Places of the counters in debugfs (global_stats)."""

    total_comp_calls: Place[int]
    total_decomp_calls: Place[int]
    total_sw_comp_calls: Place[int]
    total_sw_decomp_calls: Place[int]
    total_comp_bytes_out: Place[int]
    total_decomp_bytes_in: Place[int]
    total_completion_einval_errors: Place[int]
    total_completion_timeout_errors: Place[int]
    total_completion_comp_buf_overflow_errors: Place[int]


@attrs.frozen
class IaaWqCounters:
    """Places of the counters of one queue (wq_stats)."""

    comp_calls: Place[int]
    decomp_calls: Place[int]
    comp_bytes: Place[int]
    decomp_bytes: Place[int]


@attrs.frozen
class IaaPlaces:
    """Places of IAA; without it the rows are empty.

    system: what the devices are like; who asks without them finds None.
    """

    system: IaaSystem
    crypto: Place[IaaCrypto]
    tables: Sequence[Place[CpuTables]]
    """[cpu]"""
    wq: Sequence[Place[IaaWq]]
    sbitmap: Sequence[Place[int]]
    """[queue]: bit d set: descriptor d is handed out."""
    desc: Sequence[Sequence[Place[IaaDesc]]]
    """[queue][descriptor]"""
    halted: Sequence[Place[bool]]
    """[device]"""
    idle: Sequence[Place[int]]
    """[group]: engines without a job."""
    request: Sequence[Place[IaaRequest]]
    """[pool * CPUs + cpu], pool 0 for who asks directly."""
    batch_locked: Sequence[Place[bool]]
    """[cpu]: the mutex of the CPU's requests of a batch (v12 and later)."""
    deflate: Place[IaaDeflate]
    mapped: Place[int]
    """Buffers that are mapped for a device."""
    stats: IaaCounters
    wq_stats: Sequence[IaaWqCounters]


def iaa_of(config: Config) -> IaaSystem:
    """Return the IAA devices of a system; a profile with the driver has one device with one queue if none is given.

    Raises ValueError for a host with other CPUs than the system.
    """
    made = config.iaa or IaaSystem(one_device(config.sizes.cpus))
    if made.host.nr_cpus != config.sizes.cpus:
        raise ValueError(
            f"IAA host of {made.host.nr_cpus} CPUs: expected the {config.sizes.cpus} of the system; set cpus"
        )
    return made


def describe_iaa(layout: Layout, config: Config) -> IaaPlaces:
    """Lay out the IAA devices of a system: all queues that are to be bound are, and nothing is under way."""
    options = config.options.iaa
    system = iaa_of(config) if options else None
    wqs = system.wqs if system else ()
    requests = config.sizes.cpus * (config.sizes.pools + 1) if system else 0
    crypto, tables = _driver(config)

    def wq(number: int) -> IaaWq:
        there = system is not None and wqs[number] not in system.unbound
        return IaaWq(there=there, active=there, bound=there)

    return IaaPlaces(
        system=cast("IaaSystem", system),
        crypto=layout.one("iaa.crypto", crypto),
        tables=layout.row("iaa.tables", len(tables), lambda cpu: tables[cpu]),
        wq=layout.row("iaa.wq", len(wqs), wq),
        sbitmap=layout.row("iaa.sbitmap", len(wqs), 0),
        desc=tuple(
            layout.row(f"iaa.desc[{number}]", queue.descriptors, FREE_DESC)
            for number, queue in enumerate(system.queues if system else ())
        ),
        halted=layout.row("iaa.halted", len(system.host.devices) if system else 0, False),
        idle=layout.row("iaa.idle", len(system.groups), system.engines)
        if system
        else layout.row("iaa.idle", 0, 0),
        request=layout.row("iaa.request", requests, IaaRequest()),
        batch_locked=layout.row("iaa.batch_locked", config.sizes.cpus if system else 0, False),
        deflate=layout.one("iaa.deflate", IaaDeflate()),
        mapped=layout.counter("iaa.mapped"),
        stats=IaaCounters(
            **{f.name: layout.counter(f"iaa.{f.name}", grows=True) for f in attrs.fields(IaaCounters)}
        ),
        wq_stats=tuple(
            IaaWqCounters(
                **{
                    f.name: layout.counter(f"iaa.{wq}.{f.name}", grows=True)
                    for f in attrs.fields(IaaWqCounters)
                }
            )
            for wq in wqs
        ),
    )


def _driver(config: Config) -> tuple[IaaCrypto, tuple[CpuTables, ...]]:
    """Return the driver and the tables of the CPUs once the queues of the start are bound."""
    options = config.options.iaa
    if options is None:
        return IaaCrypto(False, False, (), None, False, "sync", False, "sync"), ()
    system = iaa_of(config)
    state = system.bound(options.driver)
    verify = options.verify_compress if system.verify_compress is None else system.verify_compress
    mode = system.sync_mode or options.sync_mode
    crypto = IaaCrypto(
        state.enabled, state.registered, state.devices, state.first_wq, verify, mode, verify, mode
    )
    return crypto, state.tables or no_tables(config.sizes.cpus)


def no_tables(cpus: int) -> tuple[CpuTables, ...]:
    """Return the tables of CPUs that have no queue."""
    return (CpuTables(Table(()), Table(())),) * cpus
