"""How much memory this process has, and how much it may take."""

from __future__ import annotations

import os
from pathlib import Path

SHARE = 0.8
"""Part of the memory that is free which a search takes at most."""


class MemoryFull(Exception):
    """The process has as much memory as it may have."""


def resident() -> int | None:
    """Return the bytes of memory that this process has, or None where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def available() -> int | None:
    """Return the bytes of memory that processes may still take without swapping, or None."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    sizes = {line.split(":")[0]: line.split()[1] for line in lines}
    return int(sizes["MemAvailable"]) * 1024 if "MemAvailable" in sizes else None


def allowance(megabytes: float | None) -> int | None:
    """Return how many bytes the process may have: what is asked for, or most of what is free; None: no bound."""
    if megabytes is not None:
        return int(megabytes * 1_000_000)
    free, own = available(), resident()
    return None if free is None or own is None else own + int(SHARE * free)
