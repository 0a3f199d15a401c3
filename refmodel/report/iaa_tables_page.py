"""Queue tables of a host, as tables for the terminal and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.iaa_host_file import HostFile
from refmodel.engines.iaa_usage import Direction, Usage, findings
from refmodel.kernel.iaa_tables import Attributes
from refmodel.kernel.iaa_topology import Host, Wq, cpulist
from refmodel.report import iaa_memory
from refmodel.report.terminal import table

ONE_CURSOR = "compress and decompress, in the order of use"

KEY = "CPUs: that send jobs to it; share: of all jobs, counted in CPUs; batches: of 8 jobs, that its entries hold."


def hosts(files: Sequence[HostFile]) -> RenderableType:
    """Return the hosts that come along as a table."""
    shown = table("host", "CPUs", "devices", "about")
    for file in files:
        shown.add_row(file.name, str(file.host.nr_cpus), str(len(file.host.devices)), file.about)
    return shown


def hosts_data(files: Sequence[HostFile]) -> list[dict[str, Any]]:
    """Return the hosts that come along as data that JSON can hold."""
    return [
        {"name": file.name, "about": file.about, "source": file.source, **_host(file.host)} for file in files
    ]


def page(file: HostFile, made: Usage) -> list[RenderableType]:
    """Return queues of the CPUs, shares of the devices, findings, and memory as tables."""
    parts: list[RenderableType] = [Text(f"{file.name} on {made.driver.name}", "bold")]
    parts += [Text(line) for line in _about(file, made)]
    if made.alike:
        parts += ["", _queues(made)]
    parts += ["", _shares(made), Text(KEY), ""]
    parts += _findings(made)
    return [*parts, "", Text("Memory of the tables, from the structures", "bold"), _memory(made), *_claim()]


def data(file: HostFile, made: Usage) -> dict[str, Any]:
    """Return the same as data that JSON can hold; shares are counted in CPUs."""
    return {
        "host": {"name": file.name, "about": file.about, "source": file.source, **_host(made.host)},
        "profile": made.driver.name,
        "source": made.driver.source,
        "unverified": made.driver.unverified,
        "attributes": None if made.attributes is None else attrs.asdict(made.attributes),
        "enabled": made.bound.enabled,
        "cursors": made.driver.cursors,
        "cpus": [
            {
                "cpus": cpulist(each.cpus),
                "number": len(each.cpus),
                "compress": [str(wq) for wq in each.compress],
                "decompress": [str(wq) for wq in each.decompress],
            }
            for each in made.alike
        ],
        "devices": [
            {
                "device": load.device.name,
                "package": load.device.package,
                "queues": list(load.queues),
                "compress": _direction_data(load.compress),
                "decompress": _direction_data(load.decompress),
            }
            for load in made.loads
        ],
        "findings": [attrs.asdict(each) for each in findings(made)],
        "memory": {
            "layouts": [attrs.asdict(each) for each in iaa_memory.layouts(made.host)],
            "claimed_to_be_saved": {
                "bytes": iaa_memory.CLAIM,
                "cpus": iaa_memory.CLAIM_CPUS,
                "devices": iaa_memory.CLAIM_DEVICES,
                "mark": "unverified",
            },
        },
    }


def _host(host: Host) -> dict[str, Any]:
    return {
        "packages": host.packages,
        "nodes": host.nodes,
        "cores": host.cores,
        "threads": host.threads,
        "numbering": host.numbering,
        "cpus": host.nr_cpus,
        "devices": len(host.devices),
    }


def _direction_data(direction: Direction) -> dict[str, Any]:
    return {
        "cpus": direction.cpus,
        "share": float(direction.share),
        "cores": float(direction.cores),
        "entries": direction.entries,
        "batches": direction.batches,
    }


def _about(file: HostFile, made: Usage) -> Iterator[str]:
    host = made.host
    if file.about:
        yield file.about
    yield (
        f"packages {host.packages}, nodes {host.nodes}, CPUs {host.nr_cpus} ({host.cores} cores a package, "
        f"{host.threads} threads a core), devices {len(host.devices)}"
    )
    if made.attributes is not None:
        yield _set(made.attributes)
    if made.driver.unverified:
        yield f"UNVERIFIED: {made.driver.unverified}"


def _set(attributes: Attributes) -> str:
    words = attrs.asdict(attributes).items()
    return ", ".join(f"{name} = {'NY'[value] if isinstance(value, bool) else value}" for name, value in words)


def _queues(made: Usage) -> RenderableType:
    heads = (ONE_CURSOR,) if made.driver.cursors == 1 else ("compress, in the order of use", "decompress")
    shown = table("CPUs", *heads)
    for each in made.alike:
        cells = [_names(each.compress), _names(each.decompress)]
        shown.add_row(cpulist(each.cpus).replace(",", ", "), *cells[: made.driver.cursors])
    return shown


def _names(wqs: tuple[Wq, ...]) -> str:
    return " ".join(map(str, wqs)) or "none"


def _shares(made: Usage) -> RenderableType:
    shown = table("device", "package", "queues", "jobs", "CPUs", "share", "entries", "batches")
    for column in (shown.columns[1], *shown.columns[4:]):
        column.justify, column.no_wrap = "right", True
    for load in made.loads:
        device = (load.device.name, str(load.device.package), ", ".join(load.queues))
        if made.driver.cursors == 1:
            shown.add_row(*device, "both", *_cells(load.compress))
        else:
            shown.add_row(*device, "compress", *_cells(load.compress))
            shown.add_row("", "", "", "decompress", *_cells(load.decompress))
    return shown


def _cells(direction: Direction) -> tuple[str, ...]:
    return (
        str(direction.cpus),
        _number(direction.share),
        str(direction.entries),
        str(direction.batches),
    )


def _number(share: Fraction) -> str:
    return f"{float(share):.1f}".removesuffix(".0")


def _findings(made: Usage) -> Iterator[RenderableType]:
    found = findings(made)
    if not found:
        yield Text("Nothing to warn of.")
        return
    yield Text("Warnings", "bold")
    shown = table("about", "what")
    shown.show_header = False
    for each in found:
        shown.add_row(each.about, f"{each.text} ({each.mark})" if each.mark else each.text)
    yield shown


def _memory(made: Usage) -> RenderableType:
    shown = table("tables", "who has them", "bytes", "a CPU")
    for column in shown.columns[2:]:
        column.justify, column.no_wrap = "right", True
    for each in iaa_memory.layouts(made.host):
        shown.add_row(each.name, each.source, f"{each.bytes:,}", f"{each.bytes / made.host.nr_cpus:,.0f}")
    claim, cpus = iaa_memory.CLAIM, iaa_memory.CLAIM_CPUS
    shown.add_row(
        "claimed to be saved (UNVERIFIED)",
        f"the series, of {cpus} cores and {iaa_memory.CLAIM_DEVICES} devices",
        f"{claim:,}",
        f"{claim / cpus:,.0f}",
    )
    return shown


def _claim() -> Iterator[Text]:
    yield Text(
        "The claim of 140 MiB does not follow from these structures, which take kilobytes: a pointer to a queue has 8 "
        "bytes. What else was counted, its letters do not say."
    )
