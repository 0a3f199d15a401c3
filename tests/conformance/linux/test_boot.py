"""Booting a kernel, with a machine that fails in a given way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.linux import boot as module
from refmodel.conformance.linux.machine import Shape


@pytest.mark.parametrize(
    ("cpus", "said", "tried"), [(2, "Kernel panic", 2), (1, "Kernel panic", 1), (2, "no disk", 1)]
)
def test_only_a_panic_on_several_emulated_cpus_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, cpus: int, said: str, tried: int
) -> None:
    """A kernel that panics once more is reported."""
    shapes: list[Shape] = []

    def machine(image: Path, initrd: bytes, shape: Shape, seconds: float) -> Any:
        shapes.append(shape)
        raise BadTarget(f"the guest ended; its console ends: {said}")

    monkeypatch.setattr(module, "Machine", machine)
    monkeypatch.setattr(module, "guest_program", lambda: b"")
    with pytest.raises(BadTarget, match=said):
        module.boot(Path("vmlinuz"), None, Shape(cpus=cpus, accel="tcg"))
    assert len(shapes) == tried
