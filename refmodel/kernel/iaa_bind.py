"""Queues come and go while jobs are under way, and attributes are written (I4, I9).

The tables themselves are made by ``refmodel.kernel.iaa_driver``; here stands in which steps a queue is enabled, given
to the CPUs, taken from them, and freed, and who waits for whom.

Source: iaa_crypto_probe(), iaa_crypto_remove() and the attributes of drivers/crypto/intel/iaa/iaa_crypto_main.c,
idxd_drv_enable_wq() and idxd_drv_disable_wq() of drivers/dma/idxd/device.c; Linux 6.12.117, batching v13.
"""

from __future__ import annotations

from errno import EBUSY, EEXIST, EINVAL, ENXIO
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.iaa_config import SYNC_MODES, SyncMode
from refmodel.kernel.iaa_desc import enabled, name_of
from refmodel.kernel.iaa_driver import DriverState
from refmodel.kernel.iaa_job import options_of
from refmodel.kernel.iaa_state import FREE_DESC, IaaWq, no_tables
from refmodel.kernel.iaa_tables import remove_wq
from refmodel.machine import Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.iaa_driver import IaaDriver
    from refmodel.kernel.table import KernelView


def driver_state(v: KernelView) -> DriverState:
    """Return what the driver knows, but for its tables, which are made anew whenever a queue comes or goes."""
    crypto = v[v.at.iaa.crypto]
    return DriverState(crypto.devices, (), crypto.enabled, crypto.registered, crypto.first_wq)


def write_tables(v: KernelView, state: DriverState) -> None:
    """Give every CPU its table."""
    tables = state.tables or no_tables(v.cfg.sizes.cpus)
    for place, table in zip(v.at.iaa.tables, tables, strict=True):
        v[place] = table


def write_driver(v: KernelView, state: DriverState, *, enabled: bool) -> None:
    """Write what the driver knows; when the algorithm is registered, its jobs go by the attributes of that moment."""
    crypto = v[v.at.iaa.crypto]
    made = evolve(
        crypto,
        enabled=enabled,
        registered=state.registered,
        devices=state.devices,
        first_wq=state.first_wq,
    )
    if state.registered and not crypto.registered:
        made = evolve(made, latched_verify=crypto.verify_compress, latched_mode=crypto.sync_mode)
    v[v.at.iaa.crypto] = made


def free_queue(v: KernelView, q: int) -> None:
    """Reset a queue and free its descriptors, completion records and sbitmap, whoever still has one of them."""
    v[v.at.iaa.wq[q]] = evolve(v[v.at.iaa.wq[q]], there=False, fifo=())
    v[v.at.iaa.sbitmap[q]] = 0
    for place in v.at.iaa.desc[q]:
        v[place] = FREE_DESC


def at_work(v: KernelView, q: int) -> bool:
    """Whether the device has a job of a queue that it will still end."""
    if not enabled(v, q):
        return False
    return bool(v[v.at.iaa.wq[q]].fifo) or any(v[place].phase == "service" for place in v.at.iaa.desc[q])


@attrs.define
class _Control(Operation):
    """What changes the driver holds ``iaa_devices_lock``, one at a time.

    q: number of a queue.  Value: 0, or a negative errno.
    """

    requirements: ClassVar[tuple[str, ...]] = ("I4",)

    q: int

    def locked(self, v: KernelView) -> bool:
        """Whether somebody else changes the driver."""
        return v[v.at.iaa.crypto].locked

    def lock(self, v: KernelView, *, held: bool) -> None:
        """Take the lock of the driver, or let it go."""
        v[v.at.iaa.crypto] = evolve(v[v.at.iaa.crypto], locked=held)

    def end(self, v: KernelView, made: DriverState, *, enabled: bool) -> Return:
        """Give the CPUs the tables that were worked out, and let the lock go."""
        write_tables(v, made)
        write_driver(v, made, enabled=enabled)
        self.lock(v, held=False)
        return Return(0)


@attrs.define
class IaaBind(_Control):
    """Bind a queue to the driver (iaa_crypto_probe)."""

    source: ClassVar[str] = "iaa_crypto_probe(), iaa_crypto_main.c, Linux 6.12.117"

    made: DriverState = attrs.field(factory=DriverState)

    @step
    def enable(self, v: KernelView) -> Next:
        """Enable the queue: configuration, portal, descriptors.  Failures: -ENXIO, -EBUSY if it is bound."""
        if self.locked(v):
            return Wait("iaa_devices_lock")
        if v[v.at.iaa.wq[self.q]].there:
            return Return(-EBUSY)
        if not enabled(v, self.q) or v.fails(choices.IAA_ENABLE):
            return Return(-ENXIO)
        self.lock(v, held=True)
        v[v.at.iaa.wq[self.q]] = IaaWq()
        return self.link

    @step
    def link(self, v: KernelView) -> Next:
        """Add the queue to its device, and work out new tables.

        Where the algorithm is registered although no queue is bound, it cannot be registered again (-EEXIST), and
        the queue is taken back (IAA-H8).
        """
        system, before = v.at.iaa.system, driver_state(v)
        self.made = options_of(v).driver.bind(system.host, system.attributes, before, system.wqs[self.q])
        return self.take_back if self.made == before else self.clear

    @step
    def take_back(self, v: KernelView) -> Next:
        """Disable the queue again."""
        free_queue(v, self.q)
        v[v.at.iaa.wq[self.q]] = evolve(v[v.at.iaa.wq[self.q]], active=False, bound=False)
        self.lock(v, held=False)
        return Return(-EEXIST)

    @step
    def clear(self, v: KernelView) -> Next:
        """Empty the tables of all CPUs; who selects a queue at this moment finds none (I03)."""
        write_tables(v, DriverState())
        return self.fill

    @step
    def fill(self, v: KernelView) -> Next:
        """Fill the tables; the first queue registers the algorithm, and jobs are taken."""
        return self.end(v, self.made, enabled=self.made.enabled)


@attrs.define
class IaaBindV9(IaaBind):
    """Bind a queue in v9 to v14: tables are replaced while their readers read them (exhibit IAA-H5)."""

    source: ClassVar[str] = "iaa_crypto_probe(), batching v9 06/19, v13"

    @step
    def clear(self, v: KernelView) -> Next:
        """Leave the tables as they are until the new ones stand."""
        return self.fill


@attrs.define
class IaaUnbind(_Control):
    """Take a queue from the driver (iaa_crypto_remove).

    waits: whether the descriptors are freed only when no job holds the queue.
    spins: whether it keeps its CPU while it waits for that, with a lock under which nobody else runs there.
    """

    waits: ClassVar[bool] = False
    spins: ClassVar[bool] = False
    source: ClassVar[str] = "iaa_crypto_remove(), iaa_crypto_main.c, Linux 6.12.117"

    made: DriverState = attrs.field(factory=DriverState)

    def driver(self, v: KernelView) -> IaaDriver:
        """Return what works out the tables of the queues that are left."""
        return options_of(v).driver

    @step
    def quiesce(self, v: KernelView) -> Next:
        """Let nobody submit to the queue any more through idxd; jobs that the device has go on."""
        if self.locked(v):
            return Wait("iaa_devices_lock")
        if not v[v.at.iaa.wq[self.q]].there:
            return Return(-ENXIO)
        self.lock(v, held=True)
        v[v.at.iaa.wq[self.q]] = evolve(v[v.at.iaa.wq[self.q]], active=False)
        return self.unlink

    @step
    def unlink(self, v: KernelView) -> Next:
        """Take the queue out of its device; the tables of the CPUs still name it."""
        system, before = v.at.iaa.system, driver_state(v)
        self.made = self.driver(v).unbind(system.host, system.attributes, before, system.wqs[self.q])
        crypto = v[v.at.iaa.crypto]
        v[v.at.iaa.crypto] = evolve(crypto, devices=remove_wq(crypto.devices, system.wqs[self.q]))
        return self.detach

    @step
    def detach(self, v: KernelView) -> Next:
        """Forget the queue if no job holds it; else its last job will."""
        place = v.at.iaa.wq[self.q]
        wq = v[place]
        v[place] = evolve(wq, removed=True) if wq.refs else evolve(wq, bound=False)
        return self.drain

    @step
    def drain(self, v: KernelView) -> Next:
        """Wait until the device has ended everything in the queue (DRAIN_WQ)."""
        if at_work(v, self.q):
            return Wait(f"the device to drain {name_of(v, self.q)}")
        return self.free

    @step
    def free(self, v: KernelView) -> Next:
        """Free the descriptors, although jobs may still look at them (IAA-H1)."""
        free_queue(v, self.q)
        return self.clear

    @step
    def clear(self, v: KernelView) -> Next:
        """Empty the tables of all CPUs."""
        write_tables(v, DriverState())
        return self.fill

    @step
    def fill(self, v: KernelView) -> Next:
        """Fill the tables with the queues that are left; with the last one no job is taken any more."""
        return self.end(v, self.made, enabled=bool(self.made.devices) and v[v.at.iaa.crypto].enabled)


@attrs.define
class IaaUnbindV9(IaaUnbind):
    """Take a queue away in v9: as in 6.12, but tables are replaced at once."""

    source: ClassVar[str] = "iaa_crypto_remove(), batching v9 06/19"

    @step
    def clear(self, v: KernelView) -> Next:
        """Leave the tables as they are until the new ones stand."""
        return self.fill


@attrs.define
class IaaUnbindV13(IaaUnbindV9):
    """Take a queue away in v13 and v14: the driver is off meanwhile, and every job that holds the queue is awaited."""

    waits: ClassVar[bool] = True
    spins: ClassVar[bool] = True
    source: ClassVar[str] = "iaa_crypto_remove(), batching v13"

    @step
    def quiesce(self, v: KernelView) -> Next:
        """Turn the driver off, so that no job gets a queue, and let nobody submit through idxd any more.

        The single store that submits other jobs asks nobody.
        """
        if self.locked(v):
            return Wait("iaa_devices_lock")
        if not v[v.at.iaa.wq[self.q]].there:
            return Return(-ENXIO)
        v[v.at.iaa.crypto] = evolve(v[v.at.iaa.crypto], locked=True, enabled=False)
        v[v.at.iaa.wq[self.q]] = evolve(v[v.at.iaa.wq[self.q]], active=False)
        return self.unlink

    @step
    def detach(self, v: KernelView) -> Next:
        """Let no further job have the queue, and wait, spinning, until those that have it are over (IAA-16).

        On the CPU of a task that has to poll, and stays there, it spins for ever (IAA-H14): tasks of the model run
        wherever a CPU is free.
        """
        place = v.at.iaa.wq[self.q]
        if not v[place].removed:
            v[place] = evolve(v[place], removed=True)
            return self.detach
        if v[place].refs:
            return Wait(f"jobs that hold {name_of(v, self.q)}")
        v[place] = evolve(v[place], bound=False)
        return self.drain

    @step
    def fill(self, v: KernelView) -> Next:
        """Make the tables; without a queue the algorithm goes, else the driver is on if every CPU has one."""
        return self.end(v, self.made, enabled=self.made.enabled)


@attrs.define
class IaaAttribute(Operation):
    """Write an attribute of the driver in sysfs.

    name: verify_compress or sync_mode.  value: as it is written.
    Value: 0, -EBUSY while jobs are taken, -EINVAL for a text that is no value of it.
    """

    source: ClassVar[str] = "verify_compress_store() and sync_mode_store(), iaa_crypto_main.c, Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("I8", "I9")

    name: str
    value: str

    @step
    def store(self, v: KernelView) -> Next:
        """Set the value; transforms that exist keep what they have read (IAA-50)."""
        crypto = v[v.at.iaa.crypto]
        if crypto.locked:
            return Wait("iaa_devices_lock")
        if crypto.enabled:
            return Return(-EBUSY)
        known = {"verify_compress": ("0", "1"), "sync_mode": SYNC_MODES}
        if self.value not in known[self.name]:
            return Return(-EINVAL)
        if self.name == "verify_compress":
            v[v.at.iaa.crypto] = evolve(crypto, verify_compress=self.value == "1")
        else:
            mode = next(each for each in SYNC_MODES if each == self.value)
            v[v.at.iaa.crypto] = evolve(crypto, sync_mode=self.effective(mode))
        return Return(0)

    def effective(self, mode: SyncMode) -> SyncMode:
        """Return the mode that a text sets: "async" is accepted and means "sync" in 6.12 and 7.3."""
        return "sync" if mode == "async" else mode


@attrs.define
class IaaAttributeV9(IaaAttribute):
    """Write an attribute in the series: "async" is a mode of its own."""

    source: ClassVar[str] = "sync_mode_store(), batching v9 12/19"

    def effective(self, mode: SyncMode) -> SyncMode:
        """Return the mode that a text sets."""
        return mode
