"""The guest's program: compiled from its own C sources at first use, then kept in the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from refmodel.conformance.boundary import BadTarget

SOURCES = Path(__file__).parent / "guest"
"""Where the C sources are."""

_FLAGS = ("-O2", "-Wall", "-static", "-pthread")


def cache() -> Path:
    """Return the directory for what was compiled and downloaded."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "refmodel"


def guest_program() -> bytes:
    """Return the program, compiled if no earlier run did.

    Raises BadTarget without a C compiler or without a C library to link against.
    """
    sources = sorted(SOURCES.glob("*.[ch]"))
    digest = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    made = cache() / f"guest-{digest}"
    if not made.exists():
        _compile(made, [str(source) for source in sources if source.suffix == ".c"])
    return made.read_bytes()


def _compile(made: Path, sources: list[str]) -> None:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise BadTarget("the guest's program needs a C compiler and found none; install gcc and libc6-dev")
    made.parent.mkdir(parents=True, exist_ok=True)
    # Several runs may compile at once: each has its own file until it is whole.
    part = made.with_name(f"{made.name}.{os.getpid()}")
    ran = subprocess.run(
        [compiler, *_FLAGS, "-o", str(part), *sources], capture_output=True, text=True, check=False
    )
    if ran.returncode:
        said = (ran.stderr.strip().splitlines() or ["nothing"])[-1]
        raise BadTarget(
            f"the guest's program does not compile: {compiler} says {said!r}; "
            "install gcc and a static C library (libc6-dev)"
        )
    part.replace(made)
