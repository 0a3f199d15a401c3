"""The IAA devices of a scope file.

    [iaa]
    devices = 1
    queues = [2]
    engines = 1
    tries = 2
    sync_mode = "async"

Devices are all alike and in one package.  What is not said is as in the version of the driver.
"""

from __future__ import annotations

from typing import Any, cast

from refmodel.engines.iaa_host_file import engines_of, possible, queues_of, settings_of
from refmodel.engines.toml_file import Table, nearest
from refmodel.kernel.iaa_config import SYNC_MODES, IaaSystem, SyncMode
from refmodel.kernel.iaa_status import ONE_OF_EACH, STATUSES
from refmodel.kernel.iaa_tables import Attributes
from refmodel.kernel.iaa_topology import Device, Host, Queue, Wq

_KEYS = (
    "devices", "queues", "engines", "attributes", "verify_compress", "sync_mode", "tries", "statuses", "unbound",
)  # fmt: skip


def iaa_system(top: Table, cpus: int) -> IaaSystem:
    """Return the devices that the table ``iaa`` of a scope file describes, on a host with so many CPUs.

    Raises BadFile, with the rule that a host breaks which cannot be.
    """
    table = top.table("iaa")
    table.only(_KEYS)
    host = possible(table, lambda: _host(table, cpus))
    return IaaSystem(
        host,
        attributes=_attributes(table.table("attributes")) if "attributes" in table.data else None,
        verify_compress=table.get("verify_compress", bool, False)
        if "verify_compress" in table.data
        else None,
        sync_mode=_sync_mode(table),
        tries=_tries(table),
        statuses=_names(table, "statuses", STATUSES, "status") or ONE_OF_EACH,
        unbound=_unbound(table, host),
    )


def _host(table: Table, cpus: int) -> Host:
    devices = table.get("devices", int, 1)
    if devices < 1:
        raise table.bad("devices", f"devices = {devices}", "1 or more")
    queues = queues_of(table) or (Queue(2),)
    engines = engines_of(table) if "engines" in table.data else (0,)
    made = tuple(Device(number, 0, queues, engines) for number in range(devices))
    return Host(packages=1, nodes=1, cores=cpus, threads=1, devices=made)


def _attributes(table: Table) -> Attributes:
    """Return the attributes of queue use; those that the table leaves out are 0 and true."""
    given: dict[str, Any] = {"g_comp_wqs_per_iaa": 0, "distribute_comps": True, "distribute_decomps": True}
    return Attributes(**{**given, **settings_of(table)})


def _sync_mode(table: Table) -> SyncMode | None:
    if "sync_mode" not in table.data:
        return None
    mode = table.get("sync_mode", str, "")
    if mode not in SYNC_MODES:
        raise table.bad(
            "sync_mode", f"sync_mode {mode!r}", f"one of {', '.join(SYNC_MODES)}", nearest(mode, SYNC_MODES)
        )
    return mode


def _tries(table: Table) -> int | None:
    if "tries" not in table.data:
        return None
    tries = table.get("tries", int, 1)
    if tries < 1:
        raise table.bad("tries", f"tries = {tries}", "1 or more attempts")
    return tries


def _names(table: Table, key: str, known: object, what: str) -> tuple[str, ...]:
    names = table.all(key, str)
    for number, name in enumerate(names):
        table.one_of(key, number, name, cast("list[str]", known), what)
    return tuple(names)


def _unbound(table: Table, host: Host) -> tuple[Wq, ...]:
    known = {str(wq): wq for wq in host.queues}
    return tuple(known[name] for name in _names(table, "unbound", known, "queue"))
