"""All properties, by id and by the profile of which they speak."""

from __future__ import annotations

import difflib

from refmodel.profiles import Profile
from refmodel.properties import (
    accounting,
    batching,
    contexts,
    descriptors,
    iaa_descriptors,
    kcompressd,
    limits,
    locks,
    numa,
    order,
    promise,
    references,
    swap_slots,
    zram,
    zsmalloc,
    zswap_entries,
)
from refmodel.properties.property import HistoryProperty, Property, StateProperty

STATE_PROPERTIES: tuple[StateProperty, ...] = (
    references.what_is_named_exists,
    promise.swapped_out_page,
    promise.page_in_memory,
    zswap_entries.stored_pages,
    zswap_entries.entry_knows_its_slot,
    zswap_entries.one_entry_one_slot,
    zswap_entries.stored_means_listed,
    zswap_entries.listed_at_its_node_and_cgroup,
    batching.listed_at_the_node_of_the_data,
    batching.every_entry_is_in_a_tree,
    batching.as_long_as_a_page_is_raw,
    batching.batches_are_the_compressors,
    zswap_entries.one_object_per_entry,
    zswap_entries.free_slot_has_no_entry,
    zswap_entries.entry_has_a_user,
    zswap_entries.listed_entry_is_complete,
    zswap_entries.no_entry_without_device,
    zswap_entries.length_is_that_of_the_object,
    accounting.zswap_charges,
    accounting.incompressible_pages,
    accounting.pool_references,
    accounting.pools_of_entries_are_listed,
    accounting.pools_are_large_enough,
    accounting.swap_charges,
    limits.contexts_are_given_back,
    contexts.online_cpus_have_contexts,
    limits.cursor_rests_on_the_living,
    swap_slots.map_byte_counts_users,
    swap_slots.table_word_counts_users,
    swap_slots.available_means_usable,
    swap_slots.cached_folio_has_its_slots,
    swap_slots.nr_swapcached,
    references.every_folio_is_in_use,
    locks.nothing_is_held,
    locks.folios_are_let_go,
    zsmalloc.pool_pages,
    zsmalloc.places_of_objects,
    descriptors.one_type,
    descriptors.descriptor_is_in_use,
    descriptors.pin_means_folio,
    descriptors.reverse_map_agrees,
    descriptors.slot_has_one_owner,
    descriptors.only_copy_is_dirty,
    descriptors.named_entry_has_its_bytes,
    descriptors.zswap_entry_has_one_owner,
    descriptors.counts_are_counted,
    descriptors.references_are_held,
    descriptors.cached_by_one_cpu,
    descriptors.listed_clusters_have_room,
    descriptors.runs_are_aligned,
    descriptors.no_slot_without_device,
    descriptors.count_is_named,
    descriptors.ids_are_held,
    descriptors.only_slots_are_charged,
    descriptors.no_stale_copy,
    descriptors.mark_means_nobody_names_it,
    iaa_descriptors.handed_out_means_in_use,
    iaa_descriptors.queued_means_in_the_queue,
    iaa_descriptors.free_means_that_no_device_has_it,
    iaa_descriptors.record_is_empty_until_the_end,
    iaa_descriptors.free_means_without_cpu,
    iaa_descriptors.all_descriptors_go_back,
    iaa_descriptors.references_are_dropped,
    iaa_descriptors.buffers_are_unmapped,
    iaa_descriptors.freed_means_that_no_job_holds_it,
    iaa_descriptors.locks_are_let_go,
    iaa_descriptors.every_cpu_has_a_queue,
    iaa_descriptors.tables_name_bound_queues,
    iaa_descriptors.decompression_keeps_to_its_queues,
    iaa_descriptors.cursors_stay_in_their_tables,
    iaa_descriptors.sleepers_are_woken,
    iaa_descriptors.what_was_compressed_decompresses,
    iaa_descriptors.what_was_decompressed_is_the_page,
    iaa_descriptors.listed_devices_have_queues,
    kcompressd.waits_once_and_protected,
    kcompressd.waits_in_the_swap_cache,
    kcompressd.waits_with_its_slots,
    kcompressd.nobody_writes_to_it,
    kcompressd.submitted_is_completed_or_waits,
    kcompressd.no_more_than_the_ring_holds,
    kcompressd.no_more_memory_is_held,
    kcompressd.no_wake_up_is_lost,
    kcompressd.bios_are_let_go,
    kcompressd.one_producer_at_a_time,
    kcompressd.freed_ring_is_empty,
    zram.counters_are_those_of_the_slots,
    zram.a_slot_is_in_one_state,
    zram.a_slot_has_its_object,
    zram.nothing_is_leaked,
    zram.pages_go_with_their_swap_slots,
    zram.nothing_of_zram_is_held,
    zram.writes_have_their_control_block,
    kcompressd.freed_with_its_thread,
    kcompressd.listed_once,
)
"""Properties of states, in the order in which they are judged."""

HISTORY_PROPERTIES: tuple[HistoryProperty, ...] = (
    order.publish_and_unpublish_in_order,
    order.failed_store_leaves_nothing,
    order.one_copy_after_load,
    order.failed_writeback_changes_nothing,
    order.second_chance,
    order.entries_come_and_go_with_a_reason,
    order.writeback_writes_once,
    limits.full_pool_takes_nothing,
    limits.worker_does_not_give_up,
    limits.shrinker_counts_what_is_there,
    limits.disabled_zswap_takes_nothing,
    limits.disabled_zswap_holds_nothing_back,
    limits.store_shrinks_its_own_cgroup,
    limits.forbidden_writeback,
    batching.published_from_the_first_page_on,
    batching.published_when_all_are_in_the_pool,
    batching.clean_up_frees_the_rest,
    batching.accounted_between_tree_and_list,
    batching.batches_fit,
    batching.buffers_are_emptied_first,
    batching.context_is_held_while_it_is_used,
    batching.context_is_let_go_before_publishing,
    batching.swapped_out_is_counted_once,
    batching.raw_pages_can_leave,
    batching.a_batch_is_refused_for_one_reason,
    numa.reported_where_it_was_freed,
    iaa_descriptors.what_software_did_is_done,
    iaa_descriptors.a_batch_tells_its_errors,
    iaa_descriptors.no_result_is_pending,
    iaa_descriptors.the_request_has_the_first_length,
    iaa_descriptors.counters_add_up,
    kcompressd.dirty_means_not_written,
    kcompressd.only_kswapd_submits,
    kcompressd.refused_means_compressed,
    kcompressd.threads_use_the_reserves,
    kcompressd.oldest_first,
    kcompressd.nothing_younger_overtakes,
    kcompressd.goes_to_the_cold_end,
    kcompressd.refused_means_unchanged,
    kcompressd.refused_means_written,
    kcompressd.who_may_not_compress_does_not_wait,
    zram.a_batch_that_fails_stores_nothing,
)
"""Properties of the events of one command, in the order in which they are judged."""

PROPERTIES: tuple[Property, ...] = (*STATE_PROPERTIES, *HISTORY_PROPERTIES)

NOT_CHECKED = {
    "ZS-6": "The model counts a list by its length, so nr_items cannot differ from it.",
    "ZS-7": "A warning, not a claim: the node total of list_lru drifts (H-3), and nothing reads it.",
    "BT-11": "It speaks of two runs: a store in batches leaves what one page by page leaves, but for the lists.",
}
"""Invariants of zswap (ZS-1 to ZS-32) and of batches (BT-1 to BT-17) that no property states, and why."""

SAME_AS = {
    "BT-1": ("ZS-20", "ZS-29"),
    "BT-6": ("LIVE",),
    "BT-8": ("PLACE",),
    "BT-17": ("ZS-1", "ZS-4", "ZS-8", "ZS-9", "ZS-10", "ZS-12", "ZS-20", "BT-5", "BT-13"),
}
"""Invariants of batches that other properties state, together where there are several."""


class UnknownProperty(LookupError):
    """There is no property of that id."""


def by_id(id: str) -> Property:
    """Return a property by its id.

    Raises UnknownProperty, naming the nearest one.
    """
    known = {each.id: each for each in PROPERTIES}
    if id in known:
        return known[id]
    near = difflib.get_close_matches(id, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UnknownProperty(f"property {id!r}: expected one of {', '.join(known)}{hint}")


def at_rest(profile: Profile) -> tuple[StateProperty, ...]:
    """Return what must hold in every state at rest of a profile; what holds at every step is among it."""
    return tuple(each for each in STATE_PROPERTIES if each.speaks_of(profile))


def at_every_step(profile: Profile) -> tuple[StateProperty, ...]:
    """Return what must hold between any two steps of a profile."""
    return tuple(each for each in at_rest(profile) if each.when == "step")


def in_history(profile: Profile) -> tuple[HistoryProperty, ...]:
    """Return what must hold of the events of every command of a profile."""
    return tuple(each for each in HISTORY_PROPERTIES if each.speaks_of(profile))
