"""How much memory this process has, and how much it may take."""

from __future__ import annotations

import os

SHARE = 0.8
"""Part of the memory that is free which a search takes at most."""


class MemoryFull(Exception):
    """The process has as much memory as it may have."""


def resident() -> int | None:
    """Return the bytes of memory that this process has, or None where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as pages:  # asked often: nothing that takes long
            return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def available() -> int | None:
    """Return the bytes of memory that processes may still take without swapping, or None."""
    try:
        with open("/proc/meminfo") as sizes:
            free = next((line for line in sizes if line.startswith("MemAvailable:")), None)
    except OSError:
        return None
    return None if free is None else int(free.split()[1]) * 1024


def allowance(megabytes: float | None) -> int | None:
    """Return how many bytes the process may have: what is asked for, or most of what is free; None: no bound."""
    if megabytes is not None:
        return int(megabytes * 1_000_000)
    free, own = available(), resident()
    return None if free is None or own is None else own + int(SHARE * free)
