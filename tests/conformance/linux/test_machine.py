"""The virtual machine, with a program in the place of QEMU that goes wrong in one way."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.linux.machine import QEMU, GuestGone, Machine, Shape

UP = 'print("[]", flush=True); input(); print(\'[{"errno":0,"release":"9.9","version":"x"}]\', flush=True)'


def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    """Put a program in the place of QEMU; it writes a console as the real one does, then does something."""
    path = tmp_path / QEMU
    path.write_text(
        f"#!{sys.executable}\nimport sys, time\n"
        "at = [a for a in sys.argv if a.startswith('file:')][0][5:]\n"
        f"open(at, 'w').write('Kernel panic: no disk\\n')\n{does}\n"
    )
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


def start(seconds: float = 20.0) -> Machine:
    """Start a machine with a kernel that nobody reads."""
    return Machine(Path("vmlinuz"), b"", Shape(accel="tcg"), seconds)


def test_a_kernel_that_does_not_come_up_is_reported_with_the_end_of_its_console(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user sees what the kernel said last, not a hang."""
    fake(tmp_path, monkeypatch, "time.sleep(60)")
    with pytest.raises(BadTarget, match=r"no answer from the guest within 1 s .*Kernel panic: no disk"):
        start(1.0)


def test_a_guest_that_ends_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command after that names the end of the console; nothing is left running."""
    fake(tmp_path, monkeypatch, UP)
    with start() as machine:
        assert machine.release == "9.9"
        with pytest.raises(GuestGone, match=r"(ended|gone); its console ends: Kernel panic: no disk"):
            machine.ask("counters")
        process = machine.process
    assert process is not None
    assert process.poll() is not None


def test_a_machine_has_no_file_with_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disk, console and initial RAM disk go with the processes that have them open, however these end."""
    fake(tmp_path, monkeypatch, f"{UP}\nwhile sys.stdin.readline(): pass")
    with start() as machine:
        assert {os.readlink(machine.path(name)) for name in machine.files} == {
            f"/memfd:{name} (deleted)" for name in ("initrd", "disk", "console", "qemu")
        }


def test_without_qemu_the_user_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, not a traceback."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadTarget, match="apt-get install qemu-system-x86"):
        start()
