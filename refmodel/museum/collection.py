"""What the museum has, and what it does not have yet."""

from __future__ import annotations

import difflib

from refmodel.museum import (
    b01_wrong_node,
    b02_frees_published,
    b03_forgets_prefix,
    g01_early_lru,
    g02_isolated_entry,
    g04_cursor_on_the_dead,
    g06_stale_zero_flag,
    h01_stale_under_zero,
    h13_bounce_buffer,
    s05_first_zero_flag,
    s11_charge_and_record,
    z02_stranded_folio,
    z03_old_copy_stays,
    z06_early_uncharge,
    z08_reference_per_reject,
    z09_exclusive_load,
    z11_late_charge,
    z12_first_page_only,
    z19b_failure_is_no_miss,
    z19c_erase_first,
    z19d_writes_garbage,
    z20_stuck_at_dead_cgroup,
    z22_no_cgroups,
    z26_evicts_others,
    z30_never_enabled,
)
from refmodel.museum.exhibit import Exhibit
from refmodel.profiles import Profile

EXHIBITS: tuple[Exhibit, ...] = tuple(
    module.EXHIBIT
    for module in (
        z02_stranded_folio,
        z03_old_copy_stays,
        z06_early_uncharge,
        z08_reference_per_reject,
        z09_exclusive_load,
        z11_late_charge,
        z12_first_page_only,
        z19b_failure_is_no_miss,
        z19c_erase_first,
        z19d_writes_garbage,
        z20_stuck_at_dead_cgroup,
        z22_no_cgroups,
        z26_evicts_others,
        z30_never_enabled,
        s05_first_zero_flag,
        s11_charge_and_record,
        b01_wrong_node,
        b02_frees_published,
        b03_forgets_prefix,
        g01_early_lru,
        g02_isolated_entry,
        g04_cursor_on_the_dead,
        g06_stale_zero_flag,
        h01_stale_under_zero,
        h13_bounce_buffer,
    )
)
"""Bugs that one actor with faults can show, in the order of the list of bugs."""

NOT_IN_THIS_ROOM = {
    "Z01": "The slot is freed and used again between writeback's look at the list and its claim: three actors.",
    "Z05": "swapoff frees the tree between writeback's unlock and its look-up: two actors.",
    "Z07": "The deadlock takes a second actor, which holds what the shrinker's I/O waits for.",
    "Z15": "A CPU goes offline between picking its context and using it: two actors.",
    "Z16": "Preparing a context reclaims into zswap on the same CPU: needs reclaim inside an allocation.",
    "Z18": "An error that is encoded in a pointer is freed: the model's resources are there or not.",
    "Z28": "Statistics lag per CPU: the model's are exact.",
    "Z31": "An allocation of the store enters the filesystem: needs reclaim inside an allocation.",
    "Z33": "A swap-in's charge reclaims the very slot that it reads: needs reclaim inside an allocation.",
    "Z34": "A device writes past its buffer: the model has lengths, not buffers.",
    "B05": "A request's poll flag is left set: needs batching requests.",
    "B06": "The pool can batch and this CPU cannot: needs batching contexts.",
    "B08": "Submitters hold descriptors and wait for one more: needs IAA's queues.",
    "B10": "A hole in an array of batch buffers: needs batching contexts.",
    "V01": "A cluster is locked twice by one task: needs locks in virtual swap.",
    "S01": "Two private swap-ins of one slot, with the slot used again in between: three actors.",
    "S04": "A device comes back to the list while swapoff takes it off: two actors.",
    "S06": "Zero flags share a word that two actors change.",
    "S08": "A swap-in runs while swapoff ends: two actors.",
    "S09": "Readahead meets a slot of a second device, which goes away: needs two devices.",
    "S12": "A task sleeps between marking a slot and inserting its folio: two actors.",
    "S13": "A device that says it is synchronous completes later: needs zram.",
    "R03": "A completion wakes a waiter that has freed the control block: needs zram.",
    "R05": "Two passes over zram's slots mistake each other's marks: needs zram.",
    "M01": "An object is freed while it is being evicted: two actors.",
    "M03": "Compressed data goes to the node of the reclaiming task: objects have no node in the model.",
    "K01": "The queue receives the bytes of a folio: needs kcompressd.",
    "K02": "Nobody wakes the worker: needs kcompressd.",
    "K03": "The worker leaves after its first success: needs kcompressd.",
    "K04": "Queued folios bypass the limit of their cgroup: needs kcompressd.",
    "K05": "The queue holds no reference to its folios: needs kcompressd.",
    "I01": "A descriptor is kept by a call that was forced synchronous: needs IAA.",
    "I02": "More devices than CPUs divide by zero: needs IAA.",
    "I03": "The table of queues is rebuilt under its readers: needs IAA.",
    "I04": "The software fallback reads what the device still owns: needs IAA.",
    "I07": "The driver uses a field of its caller: needs IAA.",
    "C01": "A bounce buffer is copied past the destination: the model has lengths, not buffers.",
}
"""Bugs of the list that wait for interleaving, or for parts that the model does not have yet."""


class UnknownExhibit(LookupError):
    """There is no exhibit of that id."""


def exhibit(id: str) -> Exhibit:
    """Return an exhibit by its id.

    Raises UnknownExhibit, which says what the bug waits for, or names the exhibits and the nearest one.
    """
    known = {each.id: each for each in EXHIBITS}
    if id in known:
        return known[id]
    if id in NOT_IN_THIS_ROOM:
        raise UnknownExhibit(f"exhibit {id!r}: not shown yet. {NOT_IN_THIS_ROOM[id]}")
    near = difflib.get_close_matches(id, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UnknownExhibit(f"exhibit {id!r}: expected one of {', '.join(known)}{hint}")


def known_bugs(profile: Profile) -> tuple[Exhibit, ...]:
    """Return the bugs that a released kernel has as it is, in every environment: no step is replaced."""
    released = [each for each in EXHIBITS if not each.operations and not each.ground]
    return tuple(each for each in released if profile.name in (each.base, *each.released_in))


def without_known_bugs(profile: Profile) -> Profile:
    """Return a profile with the remedies of its known bugs, under its own name.

    A check of a released kernel finds nothing but what is known otherwise.
    """
    remedies = {name: step for each in known_bugs(profile) for name, step in each.remedy.items()}
    return profile.with_operations(profile.name, profile.summary, **remedies) if remedies else profile
