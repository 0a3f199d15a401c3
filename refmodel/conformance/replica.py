"""A system of the model that stands where a recorded kernel stood at the start of its trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from refmodel.conformance.boundary import UNKNOWN
from refmodel.conformance.limit import UNLIMITED
from refmodel.conformance.observed import Follower, ObservedCodec
from refmodel.conformance.trace_file import Record, Trace
from refmodel.kernel.config import PAGE_SIZE, Sizes
from refmodel.kernel.table import KernelView
from refmodel.machine import evolve
from refmodel.profiles import PROFILES, Profile, UnknownProfile

CODEC_NAMES = ("lzo", "lz4", "zstd", "deflate", "lzo-rle", "842", "lz4hc")
"""Compressors that a recorded kernel may switch to."""


def profile_of(kernel: str) -> Profile:
    """Return the profile of a kernel release such as ``6.12.117+deb12-amd64``.

    Raises UnknownProfile where no profile speaks of that release.
    """
    for name, made in PROFILES.items():
        release = name.removeprefix("linux-")
        if kernel == release or kernel.startswith((release + ".", release + "-", release + "+")):
            return made
    known = ", ".join(PROFILES)
    raise UnknownProfile(f"kernel {kernel}: no profile speaks of it; choose one with --profile ({known})")


def _worker(record: Record) -> int:
    """Return the number of the worker that an operation is about, 0 where it is about none."""
    where = record.get("what", "") if record["op"] == "set" else record.get("cg", "")
    named = where.partition("/")[0] if isinstance(where, str) else ""
    return int(named[1:]) if named.startswith("w") else int(record.get("w", 0))


def _pages(record: Record) -> int:
    if record["op"] == "parallel":
        return max(_pages(each) for each in record["ops"])
    return int(record.get("page", 0)) + int(record.get("n", 1))


def _states(told: Any) -> Iterator[Record]:
    """Yield every page state in what an operation tells: one, or lists of them."""
    if isinstance(told, dict):
        yield told
    elif told != UNKNOWN:
        yield from (state for part in told for state in _states(part))


def _slots(trace: Trace) -> Iterator[int]:
    for op in trace.ops:
        for key in ("pre", "post", "memory"):
            for state in _states(op.record.get(key, ())):
                if state.get("swp", UNKNOWN) != UNKNOWN:
                    yield state["swp"][1]
        for event in op.events:
            if "swp" in event.record:
                yield event.record["swp"][1] + event.record.get("nr", 1)


def sizes_of(trace: Trace) -> Sizes:
    """Return sizes that hold everything that a trace speaks of.

    Slots that were handed out unrecorded get numbers above all recorded ones.
    """
    counted = sum(1 for key in trace.header["start"] if key.endswith(".memory.swap.current"))
    processes = max(counted, 1 + max((_worker(op.record) for op in trace.ops), default=0))
    pages = -(-max((_pages(op.record) for op in trace.ops), default=1) // 512) * 512
    unrecorded = sum(int(op.record.get("n", 1)) for op in trace.ops if op.record.get("untraced"))
    slots = max(_slots(trace), default=0) + 2 + unrecorded
    guest = trace.header["guest"]
    return Sizes(
        nodes=guest["nodes"],
        cpus=guest["cpus"],
        memcgs=processes,
        processes=processes,
        pages=pages,
        slots=slots,
        folios=2 * processes * pages + 64,
        entries=processes * pages + 64,
        objects=processes * pages + 64,
        pools=8,
        max_order=9,
        totalram_pages=guest.get("totalram_pages", UNLIMITED),
    )


def replica(trace: Trace, profile: Profile, *, strict: bool) -> tuple[KernelView, Follower]:
    """Return a system at the trace's start, and the follower that answers and observes it."""
    return replica_of(trace.header, sizes_of(trace), profile, strict=strict)


def replica_of(
    header: Record, sizes: Sizes, profile: Profile, *, strict: bool
) -> tuple[KernelView, Follower]:
    """Return a system of given sizes at the start that a header describes, and its follower."""
    codecs = {name: ObservedCodec(name) for name in CODEC_NAMES}
    config = profile.config(
        sizes,
        codecs,
        compressor=header["zswap"]["compressor"],
        zpool=header["zswap"].get("zpool", "zsmalloc"),
        synchronous_device=header["swap"]["device"].startswith("/dev/ram"),
    )
    view = profile.system(config)
    device = int(header["swap"]["proc_swaps"][2]) * 1024 // PAGE_SIZE
    view[view.at.si] = evolve(view[view.at.si], size=device, free=device)
    view[view.at.slot_cache_active] = header["swap"].get("slot_cache", False)
    shrinker = header["zswap"].get("shrinker_enabled", "N") == "Y"
    view[view.at.zswap] = evolve(view[view.at.zswap], shrinker_enabled=shrinker)
    follower = Follower(view, frozenset(header["probes"]["ok"]), frozenset(header["start"]), strict)
    follower.exact_faults = header["workload"] == "conform"
    for codec in codecs.values():
        codec.follower = follower
    return view, follower
