"""Limits, the shrinkers, and what a cgroup may do (ZS-24 to 27, 31, limits of cgroups)."""

from __future__ import annotations

import errno
from itertools import pairwise

from refmodel.kernel.config import MAX_RECLAIM_RETRIES
from refmodel.kernel.memcg import writeback_enabled
from refmodel.kernel.state import FREE_SLOT
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_limits import accept_pages, total_pages
from refmodel.machine import Event
from refmodel.properties.accounting import VIRTUAL_SWAP
from refmodel.properties.index import Index, grid
from refmodel.properties.property import history_property, state_property
from refmodel.properties.zswap_entries import NO_LRU


@history_property(
    "ZS-24",
    source="mm/zswap.c zswap_check_limits(), Linux 6.12.117",
    requirements=("Z1",),
    bug="no_hysteresis",
)
def full_pool_takes_nothing(events: list[Event], v: KernelView) -> str | None:
    """A store that is taken has found the pool not full, and the bit that says so stays clear after it."""
    stores = [fields for name, fields in events if name == "store"]
    if not stores or not stores[-1]["ok"] or not v[v.at.reached_full]:
        return None
    return f"the store of slot {stores[-1]['swp']} was taken although the pool is full; expected a refusal"


@history_property(
    "ZS-25",
    source="mm/zswap.c shrink_worker(), Linux 6.12.117",
    requirements=("Z2", "S5"),
    bug="Z20",
    not_in=NO_LRU,
)
def worker_does_not_give_up(events: list[Event], v: KernelView) -> str | None:
    """The global shrinker ends at or below the accept threshold, or after 16 failures.

    A failure is a try that wrote nothing back, or a pass in which there was nothing to try.  With fewer
    online cgroups than failures allowed, each of them is tried before.
    """
    if v[v.at.shrink_work].running:
        return "a run of the global shrinker is left under way; expected it to have ended"
    tries: list[Event] = []
    for name, fields in events:
        if name == "worker_start":
            tries = []
        elif name == "shrink_memcg":
            tries.append((name, fields))
        elif name == "worker" and total_pages(v) > accept_pages(v):
            return _gave_up([(fields["memcg"], fields["ret"]) for _, fields in tries], v)
    return None


def _gave_up(tries: list[tuple[int, int]], v: KernelView) -> str | None:
    """Say why a run should have gone on that ended above the threshold.

    tries: cgroups and answers.  The run may begin at the end of a pass, and ends with one.
    """
    online = [m for m, place in enumerate(v.at.memcg) if v[place].online]
    untried = [m for m in online if m not in {memcg for memcg, _ in tries}]
    if untried and len(online) < MAX_RECLAIM_RETRIES:
        return f"the global shrinker gave up without trying the cgroups {untried}; expected each to be tried"
    failed = sum(ret not in (0, -errno.ENOENT) for _, ret in tries)
    passes = 2 + sum(after <= before for (before, _), (after, _) in pairwise(tries))
    if failed + passes >= MAX_RECLAIM_RETRIES:
        return None
    found = f"the global shrinker gave up after {failed} failed tries in {passes} passes"
    return f"{found}; expected {MAX_RECLAIM_RETRIES} failures"


@history_property(
    "ZS-26",
    source="mm/zswap.c zswap_shrinker_count(), Linux 6.12.117",
    requirements=("Z2", "Z3"),
    bug="protection_overdrawn",
    not_in=NO_LRU,
)
def shrinker_counts_what_is_there(events: list[Event], v: KernelView) -> str | None:
    """The shrinker counts no more entries than a list has, and protection is never overdrawn."""
    if min(grid(v, v.at.nr_disk_swapins)) < 0:
        return f"nr_disk_swapins are {grid(v, v.at.nr_disk_swapins)}; expected none below 0"
    for name, fields in events:
        if name == "shrinker_count":
            listed = len(v[v.at.lru[fields["memcg"]][fields["nid"]]])
            if not 0 <= fields["ret"] <= listed:
                where = f"cgroup {fields['memcg']}, node {fields['nid']}"
                return f"the shrinker counted {fields['ret']} entries of {where}; expected at most {listed}"
    return None


@state_property(
    "ZS-27",
    source="mm/zswap.c zswap_compress(), zswap_decompress(), Linux 6.12.117",
    requirements=("B6",),
    bug="context_kept_on_failure",
)
def contexts_are_given_back(index: Index) -> str | None:
    """A compression context is locked only while a task compresses or decompresses with it."""
    v = index.v
    for pool in v[v.at.pool_list]:
        for cpu, place in enumerate(v.at.ctx_locked[pool]):
            if v[place]:
                return f"the context of pool {pool} on CPU {cpu} is locked at rest; expected it unlocked"
    return None


@state_property(
    "CURSOR",
    source="mm/zswap.c zswap_memcg_offline_cleanup(), Linux 6.12.117",
    requirements=("S5",),
    bug="G4",
    not_in=NO_LRU,
)
def cursor_rests_on_the_living(index: Index) -> str | None:
    """The global shrinker's cursor rests on no cgroup that is offline: it would keep the cgroup in memory."""
    v = index.v
    cursor = v[v.at.next_shrink]
    if cursor < 0 or v[v.at.memcg[cursor]].online:
        return None
    return (
        f"the cursor of the global shrinker rests on cgroup {cursor}, which is offline; expected a live one"
    )


@history_property(
    "ZS-31",
    source="mm/zswap.c zswap_store(), Linux 6.12.117",
    requirements=("Z1",),
    bug="stores_while_disabled",
)
def disabled_zswap_takes_nothing(events: list[Event], v: KernelView) -> str | None:
    """While zswap is disabled no page enters it."""
    if v[v.at.zswap].enabled:
        return None
    for name, fields in events:
        if name == "store" and fields["ok"]:
            return f"the folio of slot {fields['swp']} was stored while zswap is disabled; expected a refusal"
    return None


@history_property(
    "OFF-WRITES",
    source="mm/memcontrol.c mem_cgroup_zswap_writeback_enabled(), comment, Linux 6.12.117",
    requirements=("S4",),
    bug="G5",
    not_in=VIRTUAL_SWAP,
)
def disabled_zswap_holds_nothing_back(events: list[Event], v: KernelView) -> str | None:
    """While zswap is disabled, what it refuses goes to the device, whatever its cgroup allows."""
    refused: dict[int, None] = {}
    for name, fields in events:
        if name == "store" and not fields["ok"]:
            refused[fields["swp"]] = None
        elif name == "disk_write":
            refused.pop(fields["swp"], None)
    if v[v.at.zswap].enabled or not refused:
        return None
    return (
        f"the folios of the slots {list(refused)} were refused and went nowhere; expected them to be written"
    )


@history_property(
    "LIMIT-OWN",
    source="mm/zswap.c zswap_store(), comment at mem_cgroup_may_zswap(), Linux 6.12.117 and 6.1.192",
    requirements=("Z1", "Z3"),
    bug="Z26",
)
def store_shrinks_its_own_cgroup(events: list[Event], v: KernelView) -> str | None:
    """A store whose cgroup is over its limit writes back entries of that cgroup only."""
    shrunk: list[int] = []
    working = False
    for name, fields in events:
        if name in ("worker_start", "worker"):
            shrunk, working = [], name == "worker_start"
        elif name == "shrink_memcg":
            # The worker may reclaim: whose shrinks are whose cannot be told while it runs.
            shrunk += [] if working else [fields["memcg"]]
        elif name == "store":
            owner = _online_owner(v, fields["swp"])
            # A slot that is free by now, because the store was a thread's that was waited for, has no owner.
            freed = v[v.at.slot[fields["swp"]]] == FREE_SLOT
            others = [] if freed else [m for m in shrunk if m != owner]
            if others:
                return f"a store of cgroup {owner} shrank the cgroups {others}; expected none but its own"
            shrunk = []
    return None


@history_property(
    "LIMIT-WRITEBACK",
    source="mm/memcontrol.c mem_cgroup_zswap_writeback_enabled(), Linux 6.12.117",
    requirements=("S4", "S5"),
    bug="writeback_not_asked",
    not_in=NO_LRU,
)
def forbidden_writeback(events: list[Event], v: KernelView) -> str | None:
    """No page of a cgroup that forbids writeback goes to the device, unless zswap is disabled."""
    for name, fields in reversed(events):
        if name == "enabled":
            # What was written before, when the pool was made for example, was written while zswap was off.
            return None
        if name == "disk_write":
            owner = _online_owner(v, fields["swp"])
            if not writeback_enabled(v, owner):
                return (
                    f"slot {fields['swp']} of cgroup {owner} went to the device; the cgroup forbids writeback"
                )
    return None


def _online_owner(v: KernelView, slot: int) -> int:
    """Return the cgroup that a slot is recorded with, or its nearest living ancestor."""
    owner = v[v.at.slot[slot]].memcg
    while not v[v.at.memcg[owner]].online:
        owner = v[v.at.memcg[owner]].parent
    return owner
