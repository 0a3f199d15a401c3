"""What the kernel finds when it starts: an archive with the guest's program and the modules that it needs.

The archive is of the format ``newc`` of cpio (Documentation/driver-api/early-userspace/buffer-format.rst), which
is a header of hexadecimal digits, a name and the data, each padded to four bytes.
"""

from __future__ import annotations

import gzip
import lzma
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

WANTED = (
    "virtio_pci", "virtio_blk", "virtio_console", "zsmalloc", "z3fold", "lzo", "lz4", "lz4hc", "zstd", "deflate",
)  # fmt: skip
"""Modules that are loaded where the kernel has them as modules."""

_DIRECTORY, _PROGRAM, _FILE, _DEVICE = 0o040755, 0o100755, 0o100644, 0o020600


def archive(program: bytes, modules: list[Path], arguments: Mapping[str, str]) -> bytes:
    """Return the archive.

    program: becomes /init.  modules: files in the order to load them.  arguments: of modules, by name.
    """
    parts = [
        _entry("dev", _DIRECTORY), _entry("dev/console", _DEVICE, device=(5, 1)),
        _entry("modules", _DIRECTORY), _entry("init", _PROGRAM, program),
    ]  # fmt: skip
    lines = []
    for path in modules:
        name = module_name(path)
        parts.append(_entry(f"modules/{name}.ko", _FILE, module_bytes(path)))
        lines.append(f"{name}.ko {arguments.get(name, '')}".rstrip() + "\n")
    parts += [_entry("modules.list", _FILE, "".join(lines).encode()), _entry("TRAILER!!!", 0)]
    return b"".join(parts)


def _entry(name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    """Return one file of an archive; the number of its inode is made from its name, since none is linked."""
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return _padded(header) + _padded(data)


def _padded(part: bytes) -> bytes:
    return part + bytes(-len(part) % 4)


def modules_of(directory: Path | None, wanted: tuple[str, ...] = WANTED) -> list[Path]:
    """Return the files of wanted modules and of those that they depend on, each after what it depends on.

    directory: anywhere above the files, for example an unpacked package; None for a kernel with all built in.
    A module that is not there is left out: it may be built in.
    """
    found: dict[str, Path] = {}
    for path in sorted(directory.rglob("*.ko*")) if directory else ():
        found.setdefault(module_name(path), path)
    return list(dict.fromkeys(path for name in wanted for path in _with_needed(name, found)))


def _with_needed(name: str, found: Mapping[str, Path]) -> Iterator[Path]:
    if name in found:
        for needed in needs(module_bytes(found[name])):
            yield from _with_needed(needed, found)
        yield found[name]


def module_name(path: Path) -> str:
    """Return the name under which the kernel knows a module's file."""
    return path.name.partition(".ko")[0].replace("-", "_")


def module_bytes(path: Path) -> bytes:
    """Return a module as the kernel loads it."""
    raw = path.read_bytes()
    match path.suffix:
        case ".xz":
            return lzma.decompress(raw)
        case ".gz":
            return gzip.decompress(raw)
    return raw


def needs(module: bytes) -> list[str]:
    """Return the names of the modules that a module depends on, from its section .modinfo."""
    told = re.search(rb"\0depends=([^\0]*)\0", module)
    return told[1].decode().replace("-", "_").split(",") if told and told[1] else []
