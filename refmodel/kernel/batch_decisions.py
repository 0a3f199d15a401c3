"""The arithmetic of batches: where a folio is cut, what goes to the compressor together, what a failure leaves.

Every function here decides one thing from plain values, so that it can be proved as well as tested.  The steps that
call them read the values and do what is decided.

Source: zswap_store(), zswap_store_pages() and zswap_compress() of the zswap compression batching series (B1 to B11).
"""

from __future__ import annotations

import errno

from refmodel.kernel.config import PAGE_SIZE


def pages_of_call(compr_batch_size: int, nr: int) -> int:
    """Return how many pages one call hands to the compressor, at most (B3).

    compr_batch_size: pages that it takes in one call.  nr: pages of the batch.
    Source: zswap_compress(), zswap compression batching v9 19/19.
    """
    return min(compr_batch_size, nr)


def batch_length(compr_batch_size: int, max_batch: int) -> int:
    """Return how many pages of a folio are stored together, at most (B1).

    A compressor that takes one page at a time still gets the longest batches: entries and context are handled once.
    compr_batch_size: pages of one call of the compressor.  max_batch: of any batch.
    Source: zswap_store(), zswap compression batching v9 18/19.
    """
    return compr_batch_size if compr_batch_size > 1 else max_batch


def batch_end(start: int, length: int, nr: int) -> int:
    """Return where the batch ends that begins with a page of a folio: the index behind its last page (B4).

    start: index of its first page.  length: of a batch, in pages.  nr: pages of the folio.
    Source: zswap_store(), zswap compression batching v9 18/19.
    """
    return min(start + length, nr)


def unpublished(entries: tuple[int, ...], done: int) -> tuple[int, ...]:
    """Return the entries of a batch that a failure frees on the spot: those that nobody has seen (B9).

    entries: of the batch.  done: how many of them are published, which the unwinding of the folio erases.
    Source: zswap_store_pages(), zswap compression batching v10 24/25.
    """
    return entries[done:]


def buffer_of_page(stored: int, called: int, answered: int) -> int:
    """Return which buffer of the context holds the result of a page (A1).

    stored: pages of the batch before it.  called: pages of the batch that were handed over, this call's included.
    answered: pages of this call.  Each call fills the buffers anew, from the first.
    Source: zswap_compress(), zswap compression batching v9 19/19.
    """
    return stored - (called - answered)


def bulk_fits(entries: int, used: int, nr: int) -> bool:
    """Whether all entries of a batch can be had in one call, which gives all or none (B7).

    entries: places for entries, the one with number 0 included, which is never given.  used: places in use, that one
    included.  nr: pages of the batch.
    Source: zswap_store_pages(), zswap compression batching v10 24/25.
    """
    return entries - used >= nr


def saves_memory(length: int) -> bool:
    """Whether the result of a compression is worth keeping: shorter than the page, and there at all (Z5).

    length: in bytes, or a negative errno.
    Source: zswap_compress(), Linux 6.18.15.
    """
    return 0 < length < PAGE_SIZE


def is_poor(error: int) -> bool:
    """Whether a refusal counts as poor compression: the result did not fit.  Anything else is a failure (Z5).

    error: positive errno.
    Source: zswap_compress(), Linux 6.12.117.
    """
    return error == errno.ENOSPC


def positions_of_call(
    folios: tuple[int, ...], start: int, failed: tuple[int, ...], most: int
) -> tuple[int, ...]:
    """Return the positions in a batch of mixed folios whose pages go to the compressor next (B14).

    folios: the folio of each page.  start: first position that was not handed over.  failed: folios that are given
    up, whose pages are passed by.  most: pages of one call.
    Source: zswap_batch_store(), zswap compression batching v4 10/10, and the roadmap of v9 (a proposal).
    """
    return tuple([each for each in range(start, len(folios)) if folios[each] not in failed][:most])
