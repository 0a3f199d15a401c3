"""Kernels to boot: where an image and its modules are, and a machine that runs them."""

from __future__ import annotations

from pathlib import Path

import attrs

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.linux.guest_program import cache, guest_program
from refmodel.conformance.linux.initramfs import WANTED, archive, modules_of
from refmodel.conformance.linux.machine import BOOT_SECONDS, Machine, Shape

KVM_SECONDS = 20.0
"""How long a kernel may take under KVM before it is emulated instead: a few seconds are usual."""

IMAGES = ("boot/vmlinuz-*", "lib/modules/*/vmlinuz*", "usr/lib/modules/*/vmlinuz*")
"""Where packages have the image of a kernel; the name of one that is not signed may say so at its end."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def kernels() -> Path:
    """Return the directory of kernels that ``refmodel linux get`` obtained."""
    return cache() / "linux"


def image_in(unpacked: Path) -> Path | None:
    """Return the image of a kernel whose packages were unpacked to a directory, or None."""
    found = [image for place in IMAGES for image in sorted(unpacked.glob(place))]
    return found[-1] if found else None


def find_kernel(name: str, modules: Path | None) -> tuple[Path, Path | None]:
    """Return the image and the directory of modules of a kernel.

    name: a version that was obtained, for example ``6.12``, or the path of an image.
    Raises BadTarget where there is none.
    """
    obtained = None if "/" in name else image_in(kernels() / name)
    image = obtained or Path(name)
    if not name or not image.is_file():
        raise BadTarget(
            f"target linux:{name}: no such kernel; expected an image, or a version obtained with "
            f"`refmodel linux get {name or '6.12'}`"
        )
    if modules is not None and not modules.is_dir():
        raise BadTarget(f"--modules {modules}: no such directory; expected the unpacked modules of {image}")
    return image, modules or (kernels() / name if obtained else None)


def boot(image: Path, modules: Path | None, shape: Shape) -> Machine:
    """Boot a kernel: under KVM where that works, otherwise emulated.

    A KVM that this host offers and that runs no kernel is remembered until the host boots again.
    Raises BadTarget.
    """
    wanted, size = (*WANTED, "brd") if shape.swap == "brd" else WANTED, shape.disk << 10
    initrd = archive(guest_program(), modules_of(modules, wanted), {"brd": f"rd_nr=1 rd_size={size}"})
    if shape.chosen_accel() == "tcg":
        return _emulated(image, initrd, shape)
    if shape.accel:
        return Machine(image, initrd, shape, BOOT_SECONDS)
    note = cache() / "no-kvm"
    if not note.exists() or note.read_text() != _BOOT_ID.read_text():
        try:
            return Machine(image, initrd, attrs.evolve(shape, accel="kvm"), KVM_SECONDS)
        except BadTarget:
            emulated = _emulated(image, initrd, shape)
            note.write_text(_BOOT_ID.read_text())
            return emulated
    return _emulated(image, initrd, shape)


def _emulated(image: Path, initrd: bytes, shape: Shape) -> Machine:
    """Boot a kernel without KVM; once more where it panics on several CPUs.

    While a kernel boots it patches its own code, and an emulated CPU may run what another one is about to replace.
    """
    shape = attrs.evolve(shape, accel="tcg")
    try:
        return Machine(image, initrd, shape, BOOT_SECONDS)
    except BadTarget as failed:
        if shape.cpus == 1 or "Kernel panic" not in str(failed):
            raise
    return Machine(image, initrd, shape, BOOT_SECONDS)
