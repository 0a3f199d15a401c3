"""Queues come and go: how each version of the IAA driver makes its tables anew (I4).

A driver here is a table of what a version does; its state is data, and binding or unbinding a queue returns the next
state.  What is wrong with a version is a flag, so that it can be had as written and as intended.  Jobs and readers are
not here: a table is replaced in one go.

Source: iaa_crypto_probe() and iaa_crypto_remove(), drivers/crypto/intel/iaa/iaa_crypto_main.c.
"""

from __future__ import annotations

from typing import Self

import attrs

from refmodel.kernel import iaa_mapping as mapping
from refmodel.kernel.iaa_tables import (
    Attributes,
    BoundDevice,
    Devices,
    Tables,
    add_wq,
    by_node,
    by_package,
    by_running_cpu,
    complete,
    first_only,
    remove_wq,
    type_wqs,
    type_wqs_documented,
)
from refmodel.kernel.iaa_topology import Host, Wq


@attrs.frozen
class Defects:
    """What a version does that it was not meant to do.

    divides_by_zero: more devices than CPUs make a share of 0, by which is divided (I02; seen in use, fixed).
    restarts: the running count of CPUs begins anew on each node (fixed by 590fa5d69c27).
    types_when_bound: a queue is typed when it is bound, not when the number of queues is known (IAA-23, by reading).
    keeps_unbound: an unbound queue stays in the tables of its device, and comes twice when bound again (IAA-H6, by
        reading).
    collapses: after an unbind all CPUs have the first queue ever found, bound or not (IAA-H4, by reading).
    registers_once: once all queues are gone, the algorithm is still registered, and no queue can be bound (IAA-H8).
    """

    divides_by_zero: bool = False
    restarts: bool = False
    types_when_bound: bool = False
    keeps_unbound: bool = False
    collapses: bool = False
    registers_once: bool = False


@attrs.frozen
class DriverState:
    """The driver between two binds.

    devices: with bound queues, in the order of their first.  tables: by CPU, empty while there are none.
    enabled: whether jobs are taken.  registered: whether the algorithm is.  first_wq: the first queue ever found
    (v9 and later).
    """

    devices: tuple[BoundDevice, ...] = ()
    tables: Tables = ()
    enabled: bool = False
    registered: bool = False
    first_wq: Wq | None = None


@attrs.frozen
class IaaDriver:
    """A version of the driver that has one table for both directions (6.12, 6.18, 7.3).

    name: of the profile that has it.  source: what was read.  defects: what it has of them.
    unverified: what is assumed, "" for nothing.
    """

    name: str
    source: str
    defects: Defects
    unverified: str = ""

    @property
    def attributes(self) -> Attributes | None:
        """What the attributes of queue use are until somebody sets them; None where there are none."""
        return None

    @property
    def cursors(self) -> int:
        """Cursors of a CPU: one for both directions, or one for each."""
        return 1

    def as_intended(self) -> Self:
        """Return the version without its defects."""
        return attrs.evolve(self, defects=Defects())

    def bind_all(self, host: Host, attributes: Attributes | None = None) -> DriverState:
        """Return the state after all queues of a host were bound, one by one, in their order."""
        state = DriverState()
        for wq in host.queues:
            state = self.bind(host, attributes, state, wq)
        return state

    def bind(self, host: Host, attributes: Attributes | None, state: DriverState, wq: Wq) -> DriverState:
        """Return the state after a queue was bound (I4).

        attributes: None for those of the version.
        The first queue registers the algorithm.  If it is registered already, that fails with -EEXIST, and the bind is
        undone.
        """
        if self._registered_for_good(state):
            return state
        devices = add_wq(state.devices, wq)
        return DriverState(devices, self._balance(host, devices), enabled=True, registered=True)

    def unbind(self, host: Host, attributes: Attributes | None, state: DriverState, wq: Wq) -> DriverState:
        """Return the state after a queue was unbound (I4).  With the last one the tables go."""
        devices = remove_wq(state.devices, wq)
        if not devices:
            return DriverState(registered=self.defects.registers_once)
        return attrs.evolve(state, devices=devices, tables=self._balance(host, devices))

    def _registered_for_good(self, state: DriverState) -> bool:
        return self.defects.registers_once and state.registered and not state.devices

    def _balance(self, host: Host, devices: Devices) -> Tables:
        return by_running_cpu(host, devices, restart=self.defects.restarts)


@attrs.frozen
class NodeDriver(IaaDriver):
    """The version that divides devices node by node (6.12)."""

    def _balance(self, host: Host, devices: Devices) -> Tables:
        unbounded = self.defects.divides_by_zero
        return by_node(host, devices, mapping.cpus_per_iaa_unbounded if unbounded else mapping.cpus_per_iaa)


@attrs.frozen
class PackageDriver(IaaDriver):
    """The version that divides devices by package and types queues (batching v9).

    defaults: the attributes until somebody sets them.
    """

    defaults: Attributes = attrs.field(kw_only=True)

    @property
    def attributes(self) -> Attributes | None:
        """What the attributes of queue use are until somebody sets them."""
        return self.defaults

    @property
    def cursors(self) -> int:
        """One for each direction."""
        return 2

    def bind(self, host: Host, attributes: Attributes | None, state: DriverState, wq: Wq) -> DriverState:
        """Return the state after a queue was bound; nobody asks whether every CPU has one (I4).

        attributes: None for those of the version.
        Source: iaa_crypto_probe(), batching v9 06/19.
        """
        if self._registered_for_good(state):
            return state
        made = self._rebalance(host, attributes, attrs.evolve(state, devices=add_wq(state.devices, wq)))
        return attrs.evolve(made, enabled=True, registered=True, first_wq=state.first_wq or wq)

    def unbind(self, host: Host, attributes: Attributes | None, state: DriverState, wq: Wq) -> DriverState:
        """Return the state after a queue was unbound.

        attributes: None for those of the version.
        Source: iaa_crypto_remove(), batching v9 06/19.
        """
        devices = remove_wq(state.devices, wq)
        if not devices:
            return self._without_queues(state)
        return self._rebalance(host, attributes, attrs.evolve(state, devices=devices))

    def _without_queues(self, state: DriverState) -> DriverState:
        first = state.first_wq if self.defects.collapses else None
        return DriverState(registered=self.defects.registers_once, first_wq=first)

    def _rebalance(
        self, host: Host, attributes: Attributes | None, state: DriverState, *, enabled: bool = True
    ) -> DriverState:
        """Return a state with types and tables for its devices.

        enabled: whether the driver is on; while it is off, every table has the first queue ever found and no other.
        """
        given = attributes or self.defaults
        devices = tuple(self._typed(device, given.g_comp_wqs_per_iaa) for device in state.devices)
        first = None if enabled else state.first_wq
        tables = first_only(host, first) if first else by_package(host, devices, given)
        return attrs.evolve(state, devices=devices, tables=tables)

    def _typed(self, device: BoundDevice, g: int) -> BoundDevice:
        if not self.defects.types_when_bound:
            return type_wqs_documented(device, g)
        return type_wqs(device if self.defects.keeps_unbound else _pruned(device), g)


@attrs.frozen
class CheckingDriver(PackageDriver):
    """The version that turns itself off while it makes tables, and asks whether every CPU has a queue (v10 to v13)."""

    def bind(self, host: Host, attributes: Attributes | None, state: DriverState, wq: Wq) -> DriverState:
        """Return the state after a queue was bound; if a CPU has none, the queue is taken back and nothing works.

        attributes: None for those of the version.
        The probe reports success all the same (IAA-H7), and the tables of the failed attempt stay.
        Source: iaa_crypto_probe(), batching v10 02/25 and v13.
        """
        if self._registered_for_good(state):
            return state
        enabled = state.enabled or not state.devices or not self.defects.collapses
        added = attrs.evolve(state, devices=add_wq(state.devices, wq), first_wq=state.first_wq or wq)
        made = self._rebalance(host, attributes, added, enabled=enabled)
        if complete(made.tables):
            return attrs.evolve(made, enabled=True, registered=True)
        return attrs.evolve(made, devices=remove_wq(made.devices, wq), enabled=False)

    def unbind(self, host: Host, attributes: Attributes | None, state: DriverState, wq: Wq) -> DriverState:
        """Return the state after a queue was unbound.

        attributes: None for those of the version.
        The tables are made while the driver is off, so they hold nothing but the first queue ever found, until the next
        bind.
        Source: iaa_crypto_remove(), batching v10 02/25 and v13.
        """
        devices = remove_wq(state.devices, wq)
        if not devices:
            return self._without_queues(state)
        left = attrs.evolve(state, devices=devices)
        made = self._rebalance(host, attributes, left, enabled=not self.defects.collapses)
        return attrs.evolve(made, enabled=complete(made.tables))


def _pruned(device: BoundDevice) -> BoundDevice:
    generic, comp = (tuple(wq for wq in wqs if wq in device.wqs) for wqs in (device.generic, device.comp))
    return attrs.evolve(device, generic=generic, comp=comp)
