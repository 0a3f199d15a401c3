"""What the museum has, and what it does not have yet."""

from __future__ import annotations

import difflib
from typing import Any

import attrs

from refmodel.machine import Operation
from refmodel.museum import (
    a_x1_state_is_garbage,
    a_x3_two_producers,
    a_x4_parser_inverted,
    a_x5_never_started,
    a_x6_looks_too_early,
    a_x7_ring_freed_for_good,
    b01_wrong_node,
    b01a_node_for_the_addition,
    b02_frees_published,
    b03_forgets_prefix,
    b05_flag_stays,
    b06_promised_batches,
    b08_hold_and_wait,
    b10_hole_in_context,
    c01_copied_without_comparing,
    c_stop_leaves_folios,
    g01_early_lru,
    g02_isolated_entry,
    g03_list_of_the_past,
    g04_cursor_on_the_dead,
    g05_asks_while_off,
    g06_stale_zero_flag,
    g07_counts_too_early,
    g09_first_pages_stay,
    g10_writes_to_nowhere,
    g14_maps_without_looking,
    g15_no_reference,
    g16_folio_of_nobody,
    h01_stale_under_zero,
    h13_bounce_buffer,
    h14_swapoff_loses_page,
    hb2_counts_per_batch,
    hb3_unset_handles,
    hb5_success_of_a_page,
    hb6_never_told,
    i01_descriptor_kept,
    i01_told_too_late,
    i03_table_under_readers,
    i04_software_before_unmap,
    i05_no_second_look,
    i07_mark_not_respected,
    i09_replaced_and_kept,
    i11_old_copy_survives_disabling,
    i15_store_without_pool_reference,
    i17_empty_context,
    iaa_h1_freed_under_a_job,
    iaa_h2_queue_gone,
    iaa_h2a_queue_gone,
    iaa_h2b_queue_gone,
    iaa_h4_tables_collapse,
    iaa_h5_cursor_runs_away,
    iaa_h6_unbound_stays,
    iaa_h9_reference_kept,
    iaa_h10_given_back_in_use,
    iaa_h11_copied_over,
    iaa_h11a_copied_over,
    iaa_h12_never_told,
    iaa_h12a_never_told,
    iaa_h12b_never_told,
    iaa_h13_lost_with_its_device,
    iaa_h14_spins_where_it_is_polled,
    iaa_h15_store_to_shared_queue,
    iaa_h16_aborts_foreign,
    iaa_h16a_aborts_foreign,
    iaa_h17_one_transform_for_all,
    iaa_h18_hook_without_driver,
    iaa_h25_flag_of_another_meaning,
    iaa_h27_algorithm_gone,
    iaa_h27a_algorithm_gone,
    iaa_i07_clobbers_the_callers_field,
    iaa_s13_reversed_result,
    iaa_s15_error_lost,
    iaa_s15a_raw_though_forbidden,
    k01_bytes_of_a_folio,
    k02_nobody_wakes,
    k03_leaves_after_success,
    k04_waits_without_right,
    k04a_waits_without_right,
    k05_no_reference,
    k7_skips_a_clean_page,
    ki9_two_producers,
    ki11_forbidden_meanwhile,
    ki16_reclaims_while_it_compresses,
    ki18_appends_to_a_freed_ring,
    m03_node_of_the_reclaimer,
    r03_wakes_the_freed,
    r05_mark_of_another_pass,
    s01_two_private_reads,
    s04_back_on_the_list,
    s05_first_zero_flag,
    s06_flags_in_one_word,
    s08_nothing_stops_swapoff,
    s11_charge_and_record,
    s13_completes_later,
    z01_old_over_new,
    z02_stranded_folio,
    z03_old_copy_stays,
    z05_reads_after_unlock,
    z06_early_uncharge,
    z07_io_though_forbidden,
    z08_reference_per_reject,
    z09_exclusive_load,
    z11_late_charge,
    z12_first_page_only,
    z15_context_freed_in_use,
    z15a_freed_under_reader,
    z15b_hotplug_lock,
    z15c_grace_period,
    z15d_reference_count,
    z18_frees_an_error,
    z19b_failure_is_no_miss,
    z19c_erase_first,
    z19d_writes_garbage,
    z20_stuck_at_dead_cgroup,
    z22_no_cgroups,
    z26_evicts_others,
    z30_never_enabled,
    z31_store_in_store,
    z33_waits_for_itself,
    z34_buffer_of_one_page,
    zrb_stores_as_it_goes,
    zri_marks_idle_under_writeback,
    zrn_nobody_tells_zram,
)
from refmodel.museum.exhibit import Exhibit
from refmodel.profiles import Profile

EXHIBITS: tuple[Exhibit, ...] = tuple(
    module.EXHIBIT
    for module in (
        z01_old_over_new,
        z02_stranded_folio,
        z03_old_copy_stays,
        z05_reads_after_unlock,
        z06_early_uncharge,
        z07_io_though_forbidden,
        z08_reference_per_reject,
        z09_exclusive_load,
        z11_late_charge,
        z12_first_page_only,
        z15_context_freed_in_use,
        z15a_freed_under_reader,
        z15b_hotplug_lock,
        z15c_grace_period,
        z15d_reference_count,
        z18_frees_an_error,
        z19b_failure_is_no_miss,
        z19c_erase_first,
        z19d_writes_garbage,
        z20_stuck_at_dead_cgroup,
        z22_no_cgroups,
        z26_evicts_others,
        z30_never_enabled,
        z31_store_in_store,
        z33_waits_for_itself,
        z34_buffer_of_one_page,
        s01_two_private_reads,
        s04_back_on_the_list,
        s05_first_zero_flag,
        s06_flags_in_one_word,
        s08_nothing_stops_swapoff,
        s11_charge_and_record,
        m03_node_of_the_reclaimer,
        c01_copied_without_comparing,
        b01_wrong_node,
        b01a_node_for_the_addition,
        b02_frees_published,
        b03_forgets_prefix,
        b05_flag_stays,
        b06_promised_batches,
        b10_hole_in_context,
        g01_early_lru,
        g02_isolated_entry,
        g03_list_of_the_past,
        g04_cursor_on_the_dead,
        g05_asks_while_off,
        g06_stale_zero_flag,
        g07_counts_too_early,
        g09_first_pages_stay,
        g10_writes_to_nowhere,
        g14_maps_without_looking,
        g15_no_reference,
        g16_folio_of_nobody,
        i01_told_too_late,
        i05_no_second_look,
        i07_mark_not_respected,
        i09_replaced_and_kept,
        i11_old_copy_survives_disabling,
        i15_store_without_pool_reference,
        i17_empty_context,
        h01_stale_under_zero,
        h13_bounce_buffer,
        h14_swapoff_loses_page,
        hb2_counts_per_batch,
        hb3_unset_handles,
        hb5_success_of_a_page,
        hb6_never_told,
        b08_hold_and_wait,
        i01_descriptor_kept,
        i03_table_under_readers,
        i04_software_before_unmap,
        iaa_i07_clobbers_the_callers_field,
        iaa_h1_freed_under_a_job,
        iaa_h2_queue_gone,
        iaa_h2a_queue_gone,
        iaa_h2b_queue_gone,
        iaa_h4_tables_collapse,
        iaa_h5_cursor_runs_away,
        iaa_h6_unbound_stays,
        iaa_h9_reference_kept,
        iaa_h10_given_back_in_use,
        iaa_h11_copied_over,
        iaa_h11a_copied_over,
        iaa_h12_never_told,
        iaa_h12a_never_told,
        iaa_h12b_never_told,
        iaa_h13_lost_with_its_device,
        iaa_h14_spins_where_it_is_polled,
        iaa_h15_store_to_shared_queue,
        iaa_h16_aborts_foreign,
        iaa_h16a_aborts_foreign,
        iaa_h17_one_transform_for_all,
        iaa_h18_hook_without_driver,
        iaa_h25_flag_of_another_meaning,
        iaa_h27_algorithm_gone,
        iaa_h27a_algorithm_gone,
        iaa_s13_reversed_result,
        iaa_s15_error_lost,
        iaa_s15a_raw_though_forbidden,
        k01_bytes_of_a_folio,
        k02_nobody_wakes,
        k03_leaves_after_success,
        k04_waits_without_right,
        k04a_waits_without_right,
        k05_no_reference,
        a_x1_state_is_garbage,
        a_x3_two_producers,
        a_x4_parser_inverted,
        a_x5_never_started,
        a_x6_looks_too_early,
        a_x7_ring_freed_for_good,
        c_stop_leaves_folios,
        k7_skips_a_clean_page,
        ki9_two_producers,
        ki16_reclaims_while_it_compresses,
        ki11_forbidden_meanwhile,
        s13_completes_later,
        r03_wakes_the_freed,
        r05_mark_of_another_pass,
        zrb_stores_as_it_goes,
        zri_marks_idle_under_writeback,
        zrn_nobody_tells_zram,
        ki18_appends_to_a_freed_ring,
    )
)
"""Bugs of zswap, of the swap core and of batching; then guards and interleavings; then those that released kernels
and postings have as they are; then those of the IAA driver, of kcompressd, last those of zram."""

NOT_IN_THIS_ROOM = {
    "Z16": "A lock is held over an allocation whose reclaim takes locks of its class, of other CPUs: no run hangs.",
    "Z28": "Statistics lag per CPU: the model's are exact, which the flush before the check makes them.",
    "V01": "A task locks a cluster twice, in cgroup v1's hand-over: the model has cgroup v2, and steps for such locks.",
    "S09": "Readahead meets a slot of a second device, which goes away: needs two devices.",
    "S12": "A task sleeps while another one spins on its CPU: whoever waits takes no CPU in the model.",
    "M01": "A handle's word is used twice while zsmalloc evicts: none of the model's kernels has that code.",
    "I02": "More devices than CPUs divide by zero: see refmodel.museum.iaa_tables.",
}
"""Bugs of the list that need something that the model does not have."""


OTHER_NAMES = {"HB-1": "B02", "HB-4": "B01"}
"""Hazards of batching (HB-1 to HB-6) that are on the list of bugs under another id."""


class UnknownExhibit(LookupError):
    """There is no exhibit of that id."""


def exhibit(id: str) -> Exhibit:
    """Return an exhibit by its id, or by another name of it.

    Raises UnknownExhibit, which says what the bug waits for, or names the exhibits and the nearest one.
    """
    known, id = {each.id: each for each in EXHIBITS}, OTHER_NAMES.get(id, id)
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
    names = {profile.name, *profile.parts}
    return tuple(each for each in released if not names.isdisjoint((each.base, *each.released_in)))


def without_known_bugs(profile: Profile) -> Profile:
    """Return a profile with the remedies of its known bugs, under its own name.

    A check of a released kernel finds nothing but what is known otherwise.
    """
    remedies: dict[str, type[Operation]] = {}
    options: dict[str, Any] = {}
    forms: dict[type[Operation], type[Operation]] = {}
    for each in known_bugs(profile):
        remedies |= each.remedy
        options |= each.remedy_options
        forms |= each.forms
    mended = attrs.asdict(profile.operations, recurse=False) | remedies
    remedies |= {name: forms[cls] for name, cls in mended.items() if cls in forms}
    made = profile.with_operations(profile.name, profile.summary, **remedies) if remedies else profile
    return attrs.evolve(made, options=attrs.evolve(made.options, **options)) if options else made
