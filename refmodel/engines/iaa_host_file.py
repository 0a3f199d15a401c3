"""Hosts with IAA devices as TOML files: those that come along, and those that somebody writes.

A file says how many packages, nodes, cores and threads there are, which devices with which queues, and how the driver's
attributes are set.  ``specs/hosts/README.md`` describes the keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import attrs

from refmodel.engines.toml_file import Table, nearest, read_toml
from refmodel.kernel.iaa_tables import Attributes
from refmodel.kernel.iaa_topology import (
    DEVICE_ENGINES,
    NUMBERINGS,
    Device,
    Host,
    ImpossibleHost,
    Queue,
)
from refmodel.profiles.presets import UnknownPreset
from refmodel.resources import specs_dir

T = TypeVar("T")

_COUNTS = ("packages", "nodes", "cores", "threads")
_KEYS = ("about", "source", *_COUNTS, "numbering", "attributes", "device")
_DEVICE_KEYS = ("count", "id", "package", "queues", "engines")
_QUEUE_KEYS = ("size", "mode", "threshold", "group")

Settings = dict[str, int | bool]
"""Attributes that somebody has set, by name."""


@attrs.frozen
class HostFile:
    """What a file says.

    name: of the file, without its ending.  about: one sentence.  source: who says so, "" for nobody.
    attributes: those that are set; the others keep the values of the version.
    """

    name: str
    about: str
    source: str
    host: Host
    attributes: Settings


def shipped_hosts() -> dict[str, Path]:
    """Return the hosts that come along, by name."""
    paths = {path.stem: path for path in (specs_dir() / "hosts").glob("*.toml")}
    return {name: paths[name] for name in sorted(paths)}


def find_host(name: str) -> HostFile:
    """Return a host by the name of one that comes along, or by the path of a file.

    Raises UnknownPreset for a name that is neither, and BadFile for a file that cannot be taken.
    """
    known = shipped_hosts()
    if name in known:
        return load_host(known[name])
    if name.endswith(".toml") or Path(name).is_file():
        return load_host(Path(name))
    hint = nearest(name, known)
    raise UnknownPreset(
        f"host {name!r}: expected a .toml file, or one of {', '.join(known)}{f'; {hint}' if hint else ''}"
    )


def load_host(path: Path) -> HostFile:
    """Read a host.

    Raises BadFile, with file and line, for what is no such file and for hosts that cannot be.
    """
    file = read_toml(path)
    table = Table(file, (), file.data)
    table.only(_KEYS)
    for key in _COUNTS:
        if key not in table.data:
            raise table.bad(key, f"no {key}", f"{key} = N", f"a host has {', '.join(_COUNTS)}")
    placed = [(device, each) for each in table.tables("device") for device in _devices(each)]
    host = possible(
        table,
        lambda: Host(
            packages=table.get("packages", int, 0),
            nodes=table.get("nodes", int, 0),
            cores=table.get("cores", int, 0),
            threads=table.get("threads", int, 0),
            devices=tuple(device for device, _ in placed),
            numbering=table.get("numbering", str, next(iter(NUMBERINGS))),
        ),
        [each for _, each in placed],
    )
    return HostFile(
        path.stem,
        table.get("about", str, ""),
        table.get("source", str, ""),
        host,
        settings_of(table.table("attributes")),
    )


def _devices(table: Table) -> list[Device]:
    """Return the devices of one table: so many alike, with every second number, as beside DSA devices."""
    table.only(_DEVICE_KEYS)
    queues, engines = queues_of(table), engines_of(table)
    first, count = table.get("id", int, 1), table.get("count", int, 1)
    if count < 1:
        raise table.bad("count", f"count = {count}", "1 or more")
    package = table.get("package", int, 0)
    return [
        possible(table, lambda id=first + 2 * n: Device(id, package, queues, engines)) for n in range(count)
    ]


def queues_of(table: Table) -> tuple[Queue, ...]:
    """Return the queues that a table describes, each by its size or as a table.  Raises BadFile."""
    made = []
    for number, value in enumerate(table.get("queues", list, [])):
        if type(value) is int:
            value = {"size": value}
        if type(value) is not dict:
            raise table.bad("queues", f"{value!r} in queues", "a size, or a table with size", item=number)
        each = Table(table.file, (*table.where, "queues", number), value)
        made.append(possible(each, lambda each=each: _queue(each)))
    return tuple(made)


def _queue(table: Table) -> Queue:
    table.only(_QUEUE_KEYS)
    mode = table.get("mode", str, "dedicated")
    if mode not in ("dedicated", "shared"):
        raise table.bad(
            "mode", f"mode {mode!r}", "dedicated or shared", nearest(mode, ("dedicated", "shared"))
        )
    return Queue(
        table.get("size", int, 0),
        "shared" if mode == "shared" else "dedicated",
        table.get("threshold", int, 0),
        table.get("group", int, 0),
    )


def engines_of(table: Table) -> tuple[int, ...]:
    """Return the group of each engine: the key holds how many are in group 0, or the groups."""
    if type(table.data.get("engines")) is list:
        return tuple(table.all("engines", int))
    return (0,) * table.get("engines", int, DEVICE_ENGINES)


def settings_of(table: Table) -> Settings:
    """Return the attributes of queue use that a table sets.  Raises BadFile."""
    table.only(attrs.fields_dict(Attributes))
    made: Settings = {}
    for name in table.data:
        kind = int if name == "g_comp_wqs_per_iaa" else bool
        made[name] = table.get(name, kind, kind())
        if made[name] < 0:
            raise table.bad(name, f"{name} = {made[name]}", "0 or more")
    return made


def possible(table: Table, make: Callable[..., T], devices: Sequence[Table] = ()) -> T:
    """Make a part of a host; what cannot be is told with the line of the key that says so.

    devices: the tables in which the host's devices stand.
    """
    try:
        return make()
    except ImpossibleHost as error:
        where = table if error.position is None else devices[error.position]
        raise where.bad(error.key, error.found, error.expected, error.hint) from None
