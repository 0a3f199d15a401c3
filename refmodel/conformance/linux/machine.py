"""A virtual machine with the kernel under test: QEMU, without network, and lines to the guest's program.

Commands go over a virtio-serial port that is QEMU's standard input and output.  The guest powers itself off when its
input ends, and the host's kernel ends QEMU with the process that started it.  Disk, console and initial RAM disk are
memory without names, which goes with the last process that has it open.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs

from refmodel.conformance.boundary import BadTarget, Line

BOOT_SECONDS = 120.0
"""How long a kernel may take until the guest's program answers."""

ANSWER_SECONDS = 60.0
"""How long the guest may take for one answer."""

DISK_MIB, RAM_DISK_MIB = 256, 64
"""Size of the swap device: as a disk, and as a RAM disk, which takes the guest's memory."""

_COMMAND_LINE = (
    "console=ttyS0 quiet loglevel=4 panic=-1 nokaslr rootfstype=ramfs numa_balancing=disable "
    "transparent_hugepage=never mitigations=off"
)

QEMU = "qemu-system-x86_64"
"""The program that is started."""

_CPU = "max,-arch-capabilities"
"""All that the accelerator has; a hypervisor inside another one cannot always set that one register."""

_FILES = ("initrd", "disk", "console", "qemu")
"""What the machine reads and writes; the last is what QEMU itself says."""

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def _end_with_parent() -> None:
    """Let the kernel end this process when the one that started it ends, however that happens."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class GuestGone(Exception):
    """The guest ended or does not answer.  The message has the last lines of its console."""


@attrs.frozen
class Shape:
    """What the machine is made of.

    cpus: virtual CPUs.  nodes: memory nodes, which share the memory; CPU k is on node k, where there is one.
    memory: MiB.  swap: ``disk`` or ``brd``, the kernel's RAM disk.  disk: its MiB.  accel: ``kvm`` or ``tcg``.
    """

    cpus: int = 1
    nodes: int = 1
    memory: int = 512
    swap: str = "disk"
    disk: int = DISK_MIB
    accel: str = ""

    @property
    def device(self) -> str:
        """Return the swap device as the guest sees it."""
        return "/dev/ram0" if self.swap == "brd" else "/dev/vda"

    def chosen_accel(self) -> str:
        """Return the acceleration: that of the processor where this process may use it."""
        return self.accel or ("kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) else "tcg")


class Machine:
    """One running virtual machine; a context manager that leaves nothing behind.

    release, version: of the kernel.
    """

    def __init__(self, kernel: Path, initrd: bytes, shape: Shape, boot_seconds: float = BOOT_SECONDS) -> None:
        """Start the machine and wait for the guest's program.

        Raises BadTarget where QEMU is missing or refuses, and where the kernel does not come up in time.
        """
        self.shape = shape
        self.accel = shape.chosen_accel()
        self.buffer = b""
        self.files = {name: os.memfd_create(name) for name in _FILES}
        try:
            self.process = self._start(kernel, initrd)
            names = self._wait_until_up(kernel, boot_seconds)
        except BaseException:
            self.close()
            raise
        self.release, self.version = str(names["release"]), str(names["version"])

    process: subprocess.Popen[bytes] | None = None

    def _start(self, kernel: Path, initrd: bytes) -> subprocess.Popen[bytes]:
        if not shutil.which(QEMU):
            raise BadTarget(f"{QEMU} is not installed; on Debian: apt-get install qemu-system-x86")
        Path(self.path("initrd")).write_bytes(initrd)
        os.truncate(self.files["disk"], self.shape.disk << 20)
        process = subprocess.Popen(
            self.command(kernel), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.files["qemu"], bufsize=0,
            start_new_session=True, preexec_fn=_end_with_parent,
            pass_fds=list(self.files.values()),
        )  # fmt: skip
        assert process.stdout is not None
        self.selector = selectors.DefaultSelector()
        self.selector.register(process.stdout, selectors.EVENT_READ)
        return process

    def command(self, kernel: Path) -> list[str]:
        """Return the command line of QEMU."""
        shape = self.shape
        drive = f"file={self.path('disk')},if=none,id=swap,format=raw,cache=unsafe,aio=threads"
        disk = ["-drive", drive, "-device", "virtio-blk-pci,drive=swap"] if shape.swap == "disk" else []
        return [
            QEMU, "-accel", self.accel if self.accel == "kvm" else "tcg,thread=multi", "-machine", "q35",
            "-cpu", _CPU, "-m", f"{shape.memory}M", "-smp", str(shape.cpus), *self.nodes(),
            "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot", "-kernel", str(kernel),
            "-initrd", self.path("initrd"), "-append", _COMMAND_LINE, "-serial", f"file:{self.path('console')}",
            "-chardev", "stdio,id=port,signal=off", "-device", "virtio-serial-pci",
            "-device", "virtserialport,chardev=port,nr=1,name=refmodel",
            *disk,
        ]  # fmt: skip

    def nodes(self) -> Iterator[str]:
        """Yield the words of QEMU for memory nodes; a node beyond the last CPU has memory only."""
        shape = self.shape
        for nid in range(shape.nodes if shape.nodes > 1 else 0):
            cpu = f",cpus={nid}" if nid < shape.cpus else ""
            yield from ("-object", f"memory-backend-ram,id=m{nid},size={shape.memory // shape.nodes}M")
            yield from ("-numa", f"node,nodeid={nid},memdev=m{nid}{cpu}")

    def path(self, name: str) -> str:
        """Return under which name QEMU opens one of the machine's files."""
        return f"/dev/fd/{self.files[name]}"

    def _wait_until_up(self, kernel: Path, seconds: float) -> Line:
        try:
            self.receive(seconds)
            return self.ask("uname")
        except GuestGone as gone:
            raise BadTarget(
                f"{kernel}: no answer from the guest within {seconds:g} s under {self.accel}; expected a kernel for "
                f"x86-64 with zswap, virtio and an initial RAM disk, its modules under --modules: {gone}"
            ) from None

    def ask(self, line: str, seconds: float = ANSWER_SECONDS) -> Line:
        """Send a command and return its answer.  Raises GuestGone."""
        return self.ask_all([line], seconds)[0]

    def ask_all(self, lines: list[str], seconds: float = ANSWER_SECONDS) -> list[Line]:
        """Send commands at once and return their answers in order: one way to the guest and back.

        Raises GuestGone.
        """
        self.send(lines)
        return self.receive(seconds)

    def need(self, *lines: str) -> None:
        """Send commands that must succeed.  Raises BadTarget for the first that does not."""
        for line, answer in zip(lines, self.ask_all(list(lines)), strict=True):
            if answer["errno"]:
                said = os.strerror(answer["errno"])
                raise BadTarget(f"kernel {self.release}: the guest's {line!r} failed: {said}")

    def send(self, lines: list[str]) -> None:
        """Send commands that are answered together; others may be sent before they are.  Raises GuestGone."""
        assert self.process is not None
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(("\t".join(lines) + "\n").encode())
        except OSError:
            raise GuestGone(self.last_words("the guest is gone")) from None

    def receive(self, seconds: float = ANSWER_SECONDS) -> list[Line]:
        """Return the next answers, to the commands of one ``send``.  Raises GuestGone."""
        assert self.process is not None
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not self.selector.select(left):
                raise GuestGone(self.last_words(f"no answer within {seconds:g} s"))
            part = os.read(self.process.stdout.fileno(), 1 << 16)
            if not part:
                raise GuestGone(self.last_words("the guest ended"))
            self.buffer += part
        line, _, self.buffer = self.buffer.partition(b"\n")
        answers: list[Line] = json.loads(line)
        return answers

    def last_words(self, what: str) -> str:
        """Return what happened with the last lines of console and QEMU, and why the kernel panicked, if it did."""
        said = [line for name in ("qemu", "console") for line in self._lines(name)[-6:]]
        worst = [line for line in self._lines("console") if "Kernel panic" in line or "BUG:" in line][:1]
        told = [*(line for line in worst if line not in said[-6:]), *said[-6:]]
        return f"{what}; its console ends: {' | '.join(told) or 'empty'}"

    def _lines(self, name: str) -> list[str]:
        lines = Path(self.path(name)).read_text(errors="replace").splitlines()
        return [line.strip() for line in lines if line.strip()]

    def get(self, path: str) -> str | None:
        """Return what a file of the guest holds, None where it cannot be read."""
        text: Any = self.ask(f"get {path}").get("text")
        return text if text is None else str(text).strip()

    def names(self, path: str) -> list[str]:
        """Return the names in a directory of the guest, none where there is none."""
        return sorted(self.ask(f"list {path}").get("names", ()))

    def close(self) -> None:
        """End the machine: it powers itself off when its input ends, and is killed if it does not."""
        if self.process is not None:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.stdin.close()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.selector.close()
            self.process.stdout.close()
            self.process = None
        while self.files:
            os.close(self.files.popitem()[1])

    def __enter__(self) -> Machine:
        """Return the machine."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the machine."""
        self.close()
