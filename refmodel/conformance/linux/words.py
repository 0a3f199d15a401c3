"""The words of a target ``linux:KERNEL ...``: which kernel, in a machine of which shape."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import attrs

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.linux.machine import DISK_MIB, RAM_DISK_MIB, Shape

_CHOICES = {"accel": ("kvm", "tcg"), "cpus": ("1", "2"), "nodes": ("1", "2"), "swap": ("disk", "brd")}
"""Words with a value of a few."""


@attrs.frozen
class Words:
    """What stands after ``linux:``.

    kernel: a version that was obtained, or an image.  modules: where its modules are, None for where it was unpacked.
    shape: what the machine is made of.  probes: whether events are taken, which costs time.
    folios: whether memory is mapped such that folios of 64 KiB fit.
    """

    kernel: str
    modules: Path | None
    shape: Shape
    probes: bool
    folios: bool


def words_of(where: str) -> Words:
    """Read the words of a target.  Raises BadTarget."""
    parts = shlex.split(where)
    found: dict[str, Any] = {}
    kernel = ""
    while parts:
        part = parts.pop(0)
        name = part.removeprefix("--")
        if part in ("--no-probes", "--folios"):
            found[name] = True
        elif part.startswith("--") and (name in _CHOICES or name == "modules") and parts:
            found[name] = _chosen(where, name, parts.pop(0))
        elif not kernel and not part.startswith("-"):
            kernel = part
        else:
            raise BadTarget(
                f"target linux:{where}: {part!r}; expected linux:VERSION or linux:IMAGE, then --modules DIR, "
                "--accel kvm or tcg, --cpus 1 or 2, --nodes 1 or 2, --swap disk or brd, --folios, --no-probes"
            )
    modules = Path(found["modules"]) if "modules" in found else None
    return Words(kernel, modules, _shape(found), "no-probes" not in found, "folios" in found)


def _chosen(where: str, name: str, value: str) -> str:
    known = _CHOICES.get(name, (value,))
    if value not in known:
        raise BadTarget(f"target linux:{where}: --{name} {value!r}; expected {' or '.join(known)}")
    return value


def _shape(found: dict[str, Any]) -> Shape:
    swap = found.get("swap", "disk")
    return Shape(
        cpus=int(found.get("cpus", 1)),
        nodes=int(found.get("nodes", 1)),
        swap=swap,
        disk=RAM_DISK_MIB if swap == "brd" else DISK_MIB,
        accel=found.get("accel", ""),
    )
