"""Where a folio is cut into batches, what goes to the compressor together, and what a failure leaves to whom."""

from __future__ import annotations

import errno

from refmodel.engines.contract import breaks
from refmodel.kernel import batch_decisions as batch
from refmodel.kernel.config import MAX_BATCH, PAGE_SIZE

FOLIO = 512
"""Pages of a folio, at most: 2 MiB."""

BATCH = MAX_BATCH
"""Pages of a batch, at most."""


def a_batch_is_short_only_at_the_end(start: int, length: int, nr: int) -> int:
    """A batch has a page at least and never too many; it is full unless it ends the folio, and stays within it.

    Source: zswap_store(), zswap compression batching v9 18/19
    Requirement: B1, B4

    pre: 0 <= start < nr <= FOLIO
    pre: 1 <= length <= FOLIO
    post: start < _ <= nr
    post: _ - start <= length
    post: implies(_ < nr, _ - start == length)
    """
    return batch.batch_end(start, length, nr)


@breaks(a_batch_is_short_only_at_the_end, batch.batch_end)
def runs_over_the_folio(start: int, length: int, nr: int) -> int:
    """The last batch is as long as every other, past the end of the folio."""
    return start + length


@breaks(a_batch_is_short_only_at_the_end, batch.batch_end)
def takes_a_page_more(start: int, length: int, nr: int) -> int:
    """A batch has one page more than it has room for."""
    return min(start + length + 1, nr)


def batches_cover_a_folio(length: int, nr: int) -> tuple[int, ...]:
    """Batch after batch, every page of a folio is stored once, in as few batches as there can be.

    Source: zswap_store(), zswap compression batching v9 18/19
    Requirement: B1, B4

    pre: 1 <= nr <= 8
    pre: 1 <= length <= BATCH
    post: sum(_) == nr
    post: (len(_) - 1) * length < nr <= len(_) * length
    """
    lengths, start = [], 0
    for _ in range(8):
        if start < nr:
            end = batch.batch_end(start, length, nr)
            lengths.append(end - start)
            start = end
    return tuple(lengths)


@breaks(batches_cover_a_folio, batch.batch_end)
def stores_page_by_page(start: int, length: int, nr: int) -> int:
    """Every batch has a single page."""
    return start + 1


@breaks(batches_cover_a_folio, batch.batch_end)
def overlaps(start: int, length: int, nr: int) -> int:
    """The last batch reaches past the folio."""
    return start + length


def batches_are_the_compressors_own_or_the_longest(compr_batch_size: int, max_batch: int) -> int:
    """A compressor that takes several pages sets the length; one that takes one gets the longest batches.

    Source: zswap_store(), zswap compression batching v9 18/19
    Requirement: B1

    pre: 1 <= compr_batch_size <= max_batch <= BATCH
    post: 1 <= _ <= max_batch
    post: implies(compr_batch_size > 1, _ == compr_batch_size)
    post: implies(compr_batch_size == 1, _ == max_batch)
    """
    return batch.batch_length(compr_batch_size, max_batch)


@breaks(batches_are_the_compressors_own_or_the_longest, batch.batch_length)
def has_batches_of_one(compr_batch_size: int, max_batch: int) -> int:
    """A compressor without batches gets its pages one by one."""
    return compr_batch_size


@breaks(batches_are_the_compressors_own_or_the_longest, batch.batch_length)
def exceeds_the_arrays(compr_batch_size: int, max_batch: int) -> int:
    """A batch has a page more than the arrays have room for."""
    return max_batch + 1


def a_call_has_what_fits(compr_batch_size: int, nr: int) -> int:
    """One call gets as many pages as the compressor takes and the batch has: never none, never more.

    Source: zswap_compress(), zswap compression batching v9 19/19
    Requirement: B3

    pre: 1 <= compr_batch_size <= BATCH
    pre: 1 <= nr <= BATCH
    post: 1 <= _ <= nr
    post: _ <= compr_batch_size
    post: _ == nr or _ == compr_batch_size
    """
    return batch.pages_of_call(compr_batch_size, nr)


@breaks(a_call_has_what_fits, batch.pages_of_call)
def hands_all_over(compr_batch_size: int, nr: int) -> int:
    """All pages of the batch are handed over, whatever the compressor takes."""
    return nr


@breaks(a_call_has_what_fits, batch.pages_of_call)
def fills_the_call(compr_batch_size: int, nr: int) -> int:
    """The call is as long as the compressor takes, whatever the batch has."""
    return compr_batch_size


@breaks(a_call_has_what_fits, batch.pages_of_call)
def hands_one_over(compr_batch_size: int, nr: int) -> int:
    """A call has one page."""
    return 1


def a_failure_is_cleaned_up_by_one_of_two(entries: tuple[int, ...], done: int) -> tuple[int, ...]:
    """Each entry of a batch is either published, and left to the unwinding of the folio, or freed on the spot.

    Source: zswap_store_pages(), zswap compression batching v10 24/25
    Requirement: B9

    pre: len(entries) <= BATCH
    pre: 0 <= done <= len(entries)
    post: entries[:done] + _ == entries
    post: len(_) == len(entries) - done
    """
    return batch.unpublished(entries, done)


@breaks(a_failure_is_cleaned_up_by_one_of_two, batch.unpublished)
def leaks_the_failed_one(entries: tuple[int, ...], done: int) -> tuple[int, ...]:
    """The entry whose insertion failed is freed by nobody."""
    return entries[done + 1 :]


@breaks(a_failure_is_cleaned_up_by_one_of_two, batch.unpublished)
def frees_what_is_published(entries: tuple[int, ...], done: int) -> tuple[int, ...]:
    """All entries of the batch are freed, those in the tree, too (batching v4, B02)."""
    return entries


def a_page_is_in_the_buffer_of_its_place(stored: int, called: int, answered: int) -> int:
    """The pages of a call are in the first buffers, in their order, one in each.

    Source: zswap_compress(), zswap compression batching v9 19/19
    Requirement: A1

    pre: 1 <= answered <= called <= BATCH
    pre: 0 <= stored < called
    pre: called - answered <= stored
    post: 0 <= _ < answered
    post: implies(stored == called - answered, _ == 0)
    post: implies(stored == called - 1, _ == answered - 1)
    """
    return batch.buffer_of_page(stored, called, answered)


@breaks(a_page_is_in_the_buffer_of_its_place, batch.buffer_of_page)
def counts_from_the_batch(stored: int, called: int, answered: int) -> int:
    """The buffer is that of the page's place in the batch, not in the call."""
    return stored


@breaks(a_page_is_in_the_buffer_of_its_place, batch.buffer_of_page)
def reads_backwards(stored: int, called: int, answered: int) -> int:
    """The buffers are read from the last."""
    return called - 1 - stored


def bulk_allocation_gives_all_or_none(entries: int, used: int, nr: int) -> bool:
    """A batch gets its entries in one call exactly if there are enough; place 0 is no entry.

    Source: zswap_store_pages(), zswap compression batching v10 24/25
    Requirement: B7

    pre: 1 <= used <= entries <= 2**30
    pre: 1 <= nr <= BATCH
    post: implies(_, used + nr <= entries)
    post: implies(not _, used + nr > entries)
    """
    return batch.bulk_fits(entries, used, nr)


@breaks(bulk_allocation_gives_all_or_none, batch.bulk_fits)
def keeps_one_back(entries: int, used: int, nr: int) -> bool:
    """The last entry is never given."""
    return entries - used > nr


@breaks(bulk_allocation_gives_all_or_none, batch.bulk_fits)
def gives_some(entries: int, used: int, nr: int) -> bool:
    """One free entry is enough for a batch."""
    return entries - used >= 1


def a_result_is_kept_if_it_is_shorter_than_a_page(length: int) -> bool:
    """A compressed page has at least a byte and less than a page; errors, nothing and whole pages are no saving.

    Source: mm/zswap.c zswap_compress(), Linux 6.18.15
    Requirement: Z5

    pre: -4095 <= length <= 2 * PAGE_SIZE
    post: implies(1 <= length < PAGE_SIZE, _)
    post: implies(length <= 0, not _)
    post: implies(length >= PAGE_SIZE, not _)
    """
    return batch.saves_memory(length)


@breaks(a_result_is_kept_if_it_is_shorter_than_a_page, batch.saves_memory)
def keeps_whole_pages(length: int) -> bool:
    """A result as long as the page is kept; a single byte is not."""
    return 1 < length <= PAGE_SIZE


@breaks(a_result_is_kept_if_it_is_shorter_than_a_page, batch.saves_memory)
def keeps_nothing(length: int) -> bool:
    """A result of no bytes is kept."""
    return 0 <= length < PAGE_SIZE


def one_byte_is_a_result(length: int) -> bool:
    """The shortest result that is kept has one byte, the longest one less than a page.

    Source: mm/zswap.c zswap_compress(), Linux 6.18.15
    Requirement: Z5

    pre: length in (0, 1, PAGE_SIZE - 1, PAGE_SIZE)
    post: _ == (length in (1, PAGE_SIZE - 1))
    """
    return batch.saves_memory(length)


@breaks(one_byte_is_a_result, batch.saves_memory)
def keeps_no_single_byte(length: int) -> bool:
    """A page that compresses to one byte is refused."""
    return 1 < length < PAGE_SIZE


def only_what_does_not_fit_is_poor(error: int) -> bool:
    """-ENOSPC says that a page compresses poorly; every other errno is a failure of the compressor.

    Source: mm/zswap.c zswap_compress(), Linux 6.12.117
    Requirement: Z5

    pre: 0 <= error <= 4095
    post: implies(error == errno.ENOSPC, _)
    post: implies(error != errno.ENOSPC, not _)
    """
    return batch.is_poor(error)


@breaks(only_what_does_not_fit_is_poor, batch.is_poor)
def blames_the_memory(error: int) -> bool:
    """Want of memory counts as poor compression instead."""
    return error == errno.ENOMEM


def a_mixed_batch_passes_failed_folios_by(
    folios: tuple[int, ...], start: int, failed: tuple[int, ...], most: int
) -> tuple[int, ...]:
    """The pages that go to the compressor next are the first that are left, without those of folios that have failed.

    Source: zswap_batch_store(), zswap compression batching v4 10/10 and the roadmap of v9 (a proposal)
    Requirement: B14

    pre: 1 <= len(folios) <= 3
    pre: len(failed) <= 1
    pre: 0 <= start <= len(folios)
    pre: 1 <= most <= 2
    post: len(_) <= most
    post: all(start <= each < len(folios) and folios[each] not in failed for each in _)
    post: all(_[k] < _[k + 1] for k in range(len(_) - 1))
    post: implies(len(_) < most, all(k in _ or folios[k] in failed for k in range(start, len(folios))))
    """
    return batch.positions_of_call(folios, start, failed, most)


@breaks(a_mixed_batch_passes_failed_folios_by, batch.positions_of_call)
def hands_failed_pages_over(
    folios: tuple[int, ...], start: int, failed: tuple[int, ...], most: int
) -> tuple[int, ...]:
    """Pages of failed folios are compressed, too, and one page more than fits."""
    return tuple(range(start, len(folios)))[: most + 1]


@breaks(a_mixed_batch_passes_failed_folios_by, batch.positions_of_call)
def stops_at_a_failed_page(
    folios: tuple[int, ...], start: int, failed: tuple[int, ...], most: int
) -> tuple[int, ...]:
    """The first page of a failed folio ends the call; the rest goes backwards."""
    if start < len(folios) and folios[start] in failed:
        return ()
    return batch_backwards(folios, start, failed, most)


def batch_backwards(
    folios: tuple[int, ...], start: int, failed: tuple[int, ...], most: int
) -> tuple[int, ...]:
    """Return the positions in the wrong order."""
    return tuple([each for each in range(start, len(folios)) if folios[each] not in failed][:most][::-1])
