"""The archive that the kernel starts with."""

from __future__ import annotations

import lzma
from pathlib import Path

from refmodel.conformance.linux.initramfs import archive, modules_of


def files(made: bytes) -> dict[str, bytes]:
    """Read an archive as the kernel does: a header of 110 bytes, a name, data, all padded to four bytes."""
    found, at = {}, 0
    while at < len(made):
        assert made[at : at + 6] == b"070701"
        size, name_size = (int(made[at + k : at + k + 8], 16) for k in (54, 94))
        name = made[at + 110 : at + 110 + name_size - 1].decode()
        at += -(-(110 + name_size) // 4) * 4
        found[name] = made[at : at + size]
        at += -(-size // 4) * 4
    return found


def module(directory: Path, name: str, needs: str = "") -> None:
    """Write a compressed module that depends on others."""
    directory.mkdir(parents=True, exist_ok=True)
    body = b"\x7fELF\0depends=" + needs.encode() + b"\0name=x\0"
    (directory / f"{name}.ko.xz").write_bytes(lzma.compress(body))


def test_an_archive_has_the_program_and_modules_in_the_order_to_load_them(tmp_path: Path) -> None:
    """A module comes after those that it depends on; dashes in names are underscores to the kernel."""
    module(tmp_path / "drivers", "virtio_blk", "virtio-ring,virtio")
    module(tmp_path, "virtio-ring", "virtio")
    module(tmp_path, "virtio")
    module(tmp_path, "unrelated")
    found = files(archive(b"program", modules_of(tmp_path), {"virtio_blk": "queues=1"}))
    assert found["init"] == b"program"
    assert found["modules.list"] == b"virtio.ko\nvirtio_ring.ko\nvirtio_blk.ko queues=1\n"
    assert found["modules/virtio.ko"].startswith(b"\x7fELF")
    assert "modules/unrelated.ko" not in found
    assert list(found)[-1] == "TRAILER!!!"


def test_a_kernel_with_everything_built_in_needs_no_modules() -> None:
    """Without a directory nothing is loaded."""
    assert modules_of(None) == []
