"""What processes see: reading, writing, copying, sharing, giving up."""

from __future__ import annotations

from typing import Any

import pytest

from refmodel.kernel import choices
from refmodel.kernel.crypto import ZERO_PAGE
from refmodel.kernel.folio import get_folio, live_folio
from refmodel.kernel.memory import KILLED
from refmodel.kernel.state import EMPTY_PTE
from refmodel.kernel.swap_fault import OOM
from refmodel.machine import Execution, evolve
from tests.kernel.toy import KERNELS, Toy


@pytest.mark.parametrize("kernel", KERNELS)
class TestOneProcess:
    """A process alone with its pages."""

    def test_a_page_that_was_never_written_is_zero(self, kernel: str) -> None:
        """A read maps the shared zero page, a later write replaces it."""
        toy = Toy(kernel)

        assert toy.read(0) == ZERO_PAGE
        toy.write(0, "A")
        assert toy.read(0) == "A"

    def test_every_round_trip_through_swap_keeps_the_page(self, kernel: str) -> None:
        """Out and in again, unchanged, rewritten, twice."""
        toy = Toy(kernel)
        toy.write(0, "A")
        for content in ("A", "B", "C"):
            toy.write(0, content)
            toy.out(0)
            assert toy.slot(0)
            assert toy.read(0) == content
            toy.out(0)
            assert toy.read(0) == content

    def test_a_page_rewritten_in_the_swap_cache_is_swapped_out_anew(self, kernel: str) -> None:
        """The older copy of the slot must not be read again (I-9)."""
        toy = Toy(kernel)
        toy.write(0, "A")
        toy.out(0)
        toy.read(0)
        toy.write(0, "B")
        toy.out(0)

        assert toy.read(0) == "B"

    def test_a_freed_page_reads_as_zero(self, kernel: str) -> None:
        """Whether it was mapped or swapped out."""
        toy = Toy(kernel)
        toy.write(0, "A")
        toy.write(1, "B")
        toy.out(1)
        toy.zap(0, 2)

        assert (toy.read(0), toy.read(1)) == (ZERO_PAGE, ZERO_PAGE)

    def test_a_process_without_memory_is_told_so(self, kernel: str) -> None:
        """A fault that cannot allocate ends the access, not the state."""
        toy = Toy(kernel)
        toy.fail(choices.ALLOC_FOLIO)

        assert toy.run(toy.ops.write_page(mm=0, page=0, content="A")) == OOM
        toy.write(0, "A")
        toy.out(0)
        toy.fail(choices.ALLOC_FOLIO)
        assert toy.read(0) == OOM
        assert toy.read(0) == "A"

    def test_a_page_given_up_is_dropped_while_it_is_clean(self, kernel: str) -> None:
        """MADV_FREE: pressure drops the page instead of writing it; a later write keeps it."""
        toy = Toy(kernel)
        toy.write(0, "A")
        toy.write(1, "B")
        for page in (0, 1):
            toy.run(toy.ops.madvise_free(mm=0, page=page))
        toy.write(1, "C")
        toy.out(0, 2)

        assert toy.read(0) == ZERO_PAGE
        assert toy.read(1) == "C"

    def test_a_shared_page_is_given_up_for_when_it_is_shared_no_more(self, kernel: str) -> None:
        """The other process's mark of a write keeps it so long; both go with the process."""
        toy = Toy(kernel)
        toy.write(0, "A")
        toy.run(toy.ops.fork(process=0))
        toy.run(toy.ops.madvise_free(mm=0, page=0))
        toy.run(toy.ops.exit_child(process=0))
        toy.out(0)

        assert toy.read(0) == ZERO_PAGE

    def test_swap_entries_that_are_given_up_in_a_run_free_their_slots_at_once(self, kernel: str) -> None:
        """A run of slots does not wait in the CPU's cache, as a single one does on 6.12; 6.1 knows no runs."""
        toy = Toy(kernel)
        for page in (0, 1):
            toy.write(page, f"page {page}")
        toy.out(0, 2)
        assert toy.slot(1) == toy.slot(0) + 1
        toy.run(toy.ops.madvise_free(mm=0, page=0, nr=2))

        waiting = sum(len(toy.v[place]) for place in toy.v.at.slot_cache)
        assert waiting == (2 if kernel == "linux-6.1" else 0)
        assert [toy.v[place] for place in toy.v.at.pte[0][:2]] == [EMPTY_PTE] * 2

    def test_reading_ahead_maps_nothing(self, kernel: str) -> None:
        """MADV_WILLNEED brings the page into the swap cache only."""
        toy = Toy(kernel)
        toy.write(0, "A")
        toy.out(0)
        toy.run(toy.ops.madvise_willneed(mm=0, page=0))

        assert toy.v[toy.v.at.swap_cache[toy.slot(0)]]
        assert toy.v[toy.v.at.vm.pgmajfault] == 0
        assert toy.read(0) == "A"
        assert toy.v[toy.v.at.vm.pgmajfault] == 0


@pytest.mark.parametrize("kernel", KERNELS)
class TestSharing:
    """A process and its forked child."""

    CHILD = 2

    def forked(self, kernel: str, *, out: bool) -> Toy:
        """Return a system in which process 0 forked with one written page."""
        toy = Toy(kernel)
        toy.write(0, "A")
        if out:
            toy.out(0)
        toy.run(toy.ops.fork(process=0))
        return toy

    @pytest.mark.parametrize("out", [False, True])
    def test_neither_sees_what_the_other_writes(self, kernel: str, out: bool) -> None:
        """The first write copies, whether the page was mapped or swapped out."""
        toy = self.forked(kernel, out=out)
        toy.write(0, "B")

        assert (toy.read(0), toy.read(0, mm=self.CHILD)) == ("B", "A")

    @pytest.mark.parametrize("scarce", [True, False])
    def test_the_last_swap_entry_of_a_mapped_page_takes_the_cached_copy_along_where_slots_are_scarce(
        self, kernel: str, scarce: bool
    ) -> None:
        """__try_to_reclaim_swap() is asked for what nothing maps, and when swap is half full for all."""
        toy = self.forked(kernel, out=True)
        toy.read(0)
        folio = toy.v[toy.v.at.pte[0][0]].folio
        assert live_folio(toy.v, folio).swapcache
        if scarce:
            toy.run(toy.ops.set_memcg(1, "swap.max", "0"))
        toy.run(toy.ops.exit_child(process=0))
        assert live_folio(toy.v, folio).swapcache is not scarce

    def test_a_page_that_both_map_is_not_paged_out(self, kernel: str) -> None:
        """MADV_PAGEOUT leaves alone what another process maps too."""
        toy = self.forked(kernel, out=False)
        toy.out(0)

        assert toy.slot(0) == 0

    def test_after_the_child_is_gone_the_page_is_reused(self, kernel: str) -> None:
        """The last owner writes in place and its slots are freed."""
        toy = self.forked(kernel, out=True)
        toy.read(0)
        toy.run(toy.ops.exit_child(process=0))
        before = toy.v[toy.v.at.pte[0][0]].folio
        toy.write(0, "B")

        assert toy.v[toy.v.at.pte[0][0]].folio == before
        assert toy.read(0) == "B"


@pytest.mark.parametrize("kernel", KERNELS)
class TestLargeFolios:
    """Folios of four pages."""

    def filled(self, kernel: str, **fixed: Any) -> Toy:
        """Return a system with one folio of four written pages."""
        toy = Toy(kernel, **fixed)
        toy.v[toy.v.at.thp_orders] = 1 << 2
        for page in range(4):
            toy.write(page, f"page {page}")
        return toy

    def cached(self, kernel: str) -> Toy:
        """Return a system whose folio is on the device and still in the swap cache."""
        toy = self.filled(kernel, synchronous_device=False, zswap_enabled=False)
        toy.out(0, 4)
        return toy

    def test_a_fault_maps_as_much_as_is_empty(self, kernel: str) -> None:
        """One allocation, four entries."""
        toy = self.filled(kernel)
        folios = {toy.v[place].folio for place in toy.v.at.pte[0]}

        assert len(folios) == 1
        assert toy.v[toy.v.at.mthp[2].anon_fault_alloc] == 1

    def test_all_pages_come_back(self, kernel: str) -> None:
        """Swapped out as one, read back in any order."""
        toy = self.filled(kernel)
        toy.out(0, 4)

        assert [toy.read(page) for page in (2, 0, 3, 1)] == ["page 2", "page 0", "page 3", "page 1"]

    def test_paging_out_a_part_splits_the_folio(self, kernel: str) -> None:
        """The other pages stay mapped."""
        toy = self.filled(kernel)
        toy.out(1)

        assert toy.slot(1)
        assert not toy.slot(0)
        assert toy.v[toy.v.at.mthp[2].split] == 1
        assert [toy.read(page) for page in range(4)] == [f"page {page}" for page in range(4)]

    def test_a_split_lets_go_of_pages_of_zeroes(self, kernel: str) -> None:
        """Page tables map the shared zero page instead, from 6.12 on; before, the pages stay."""
        toy = Toy(kernel)
        toy.v[toy.v.at.thp_orders] = 1 << 2
        toy.write(0, "A")
        toy.out(0)

        assert [toy.v[place].zeropage for place in toy.v.at.pte[0][1:4]] == [kernel != "linux-6.1"] * 3
        assert [toy.read(page) for page in (0, 1)] == ["A", ZERO_PAGE]

    def test_a_folio_that_another_process_maps_is_not_split_to_page_out_a_part(self, kernel: str) -> None:
        """Paging out a page of a shared folio leaves it alone."""
        toy = self.filled(kernel)
        toy.run(toy.ops.fork(process=0))
        toy.out(1)

        assert toy.v[toy.v.at.mthp[2].split] == 0
        assert not toy.slot(1)

    def test_a_write_keeps_a_page_of_a_folio_that_nobody_shares_any_more(self, kernel: str) -> None:
        """From 6.18 on; earlier kernels copy a page of a large folio in any case."""
        toy = self.filled(kernel)
        toy.run(toy.ops.fork(process=0))
        toy.run(toy.ops.exit_child(process=0))
        before = toy.v[toy.v.at.pte[0][1]].folio
        toy.write(1, "B")

        kept = toy.v[toy.v.at.pte[0][1]].folio == before
        assert kept == (kernel not in ("linux-6.1", "linux-6.12"))

    def test_a_write_takes_a_folio_whole_that_only_the_swap_cache_shares(self, kernel: str) -> None:
        """Its entries are mapped at once, and none of its pages is copied."""
        toy = self.cached(kernel)
        toy.run(toy.ops.fork(process=0))
        toy.run(toy.ops.exit_child(process=0))
        folio = toy.v[toy.v.at.swap_cache[toy.slot(1)]]
        toy.write(1, "B")

        assert [toy.v[place].folio for place in toy.v.at.pte[0][:4]] == [folio] * 4
        assert toy.v[toy.v.at.pte[0][1]].exclusive

    def test_entries_that_differ_in_more_than_their_slots_are_mapped_one_by_one(self, kernel: str) -> None:
        """One of them is marked as exclusive, the others are not (swap_pte_batch)."""
        toy = self.cached(kernel)
        toy.run(toy.ops.fork(process=0))
        toy.run(toy.ops.exit_child(process=0))
        place = toy.v.at.pte[0][0]
        toy.v[place] = evolve(toy.v[place], exclusive=True)
        toy.read(1)

        assert [bool(toy.v[place].folio) for place in toy.v.at.pte[0][:4]] == [False, True, False, False]

    def test_the_mark_of_a_write_goes_with_its_entry(self, kernel: str) -> None:
        """A folio of which a written page is freed is as clean as before: nobody has to write it for that."""
        toy = self.filled(kernel)
        toy.zap(0)

        assert not live_folio(toy.v, toy.v[toy.v.at.pte[0][1]].folio).dirty

    def test_a_first_page_that_only_the_swap_cache_holds_outlives_a_split(self, kernel: str) -> None:
        """Only the other pages of the folio are dropped from the swap cache with it."""
        toy = self.cached(kernel)
        slot = toy.slot(0)
        toy.read(1)
        toy.zap(0)
        toy.out(1)

        assert toy.v[toy.v.at.swap_cache[slot]]

    def test_a_page_that_a_split_leaves_mapped_nowhere_is_tried_like_the_others(self, kernel: str) -> None:
        """Reclaim has the pages of zeroes that the split lets go: each is refused a slot, then it is freed."""
        toy = Toy(kernel)
        toy.v[toy.v.at.thp_orders] = 1 << 2
        toy.write(0, "A")
        toy.run(toy.ops.set_memcg(memcg=1, control="swap.max", value="0"))
        toy.out(0, 4)

        refused = [fields["swp"] for name, fields in toy.events if name == "slot_alloc"]
        assert refused == [0] * 5
        there = sum(toy.v[place] is not None for place in toy.v.at.folio)
        assert there == (4 if kernel == "linux-6.1" else 1)

    def test_a_folio_without_slots_is_split_and_tried_page_by_page(self, kernel: str) -> None:
        """No run of four slots: the pages find single ones."""
        toy = self.filled(kernel)
        toy.fail(choices.ALLOC_SLOT)
        toy.out(0, 4)

        assert all(toy.slot(page) for page in range(4))
        assert toy.v[toy.v.at.mthp[2].swpout_fallback] == 1
        assert [toy.read(page) for page in range(4)] == [f"page {page}" for page in range(4)]


@pytest.mark.parametrize("kernel", KERNELS)
class TestInterleaving:
    """Steps of several operations in turn."""

    CHILD = 2

    def swapped(self, kernel: str, **fixed: Any) -> Toy:
        """Return a system with one page in zswap."""
        toy = Toy(kernel, **fixed)
        toy.write(0, "A")
        toy.out(0)
        return toy

    def test_a_fault_that_comes_late_finds_the_page_mapped(self, kernel: str) -> None:
        """Two threads fault on one page; the second one takes its fault back."""
        toy = self.swapped(kernel)
        late = Execution(toy.ops.read_page(mm=0, page=0))
        toy.until(late, "lookup")
        toy.write(0, "B")

        assert toy.finish(late) == "B"
        assert (toy.v[toy.v.at.si_pins], toy.v[toy.v.at.mmap_lock[0]]) == (0, 0)

    def test_of_two_private_reads_one_claims_the_slot(self, kernel: str) -> None:
        """The other waits a tick and looks again (S01, J-16)."""
        toy = self.swapped(kernel, synchronous_device=True)
        first, second = (Execution(toy.ops.read_page(mm=0, page=0)) for _ in range(2))
        for each in (first, second):
            toy.until(each, "prepare")
        if kernel == "linux-7.3":
            return
        first.advance(toy.v)
        toy.until(second, "nothing")
        assert second.at[1] == "relax"

        assert toy.finish(first) == "A"
        assert toy.finish(second) == "A"

    def test_a_folio_that_lost_its_slot_before_it_was_locked_is_not_mapped(self, kernel: str) -> None:
        """The slot may name other bytes by then, under the same page-table entry."""
        toy = self.swapped(kernel)
        toy.run(toy.ops.madvise_willneed(mm=0, page=0))
        late = Execution(toy.ops.read_page(mm=0, page=0))
        toy.until(late, "lock_folio")
        for content in range(1, 12):
            toy.zap(0)
            toy.write(0, content)
            toy.out(0)

        assert toy.finish(late) == 11

    def test_a_copy_that_comes_late_is_thrown_away(self, kernel: str) -> None:
        """While one thread copies a shared page, another writes to it."""
        toy = Toy(kernel)
        toy.write(0, "A")
        toy.run(toy.ops.fork(process=0))
        late = Execution(toy.ops.write_page(mm=0, page=0, content="B"))
        toy.until(late, "map_copy")
        toy.write(0, "C")
        toy.finish(late)

        assert (toy.read(0), toy.read(0, mm=self.CHILD)) == ("B", "A")
        assert toy.v[toy.v.at.folios_used].bit_count() == 3

    def test_a_page_that_somebody_refers_to_is_copied(self, kernel: str) -> None:
        """Its last process may not write it in place while somebody else reads it (do_wp_page)."""
        toy = Toy(kernel)
        toy.write(0, "A")
        toy.run(toy.ops.fork(process=0))
        toy.zap(0, mm=self.CHILD)
        get_folio(toy.v, 1)
        toy.write(0, "B")

        assert toy.v[toy.v.at.pte[0][0]].folio != 1
        assert toy.folio(1).contents == ("A",)

    def test_a_fork_waits_for_a_fault(self, kernel: str) -> None:
        toy = self.swapped(kernel)
        fault = Execution(toy.ops.read_page(mm=0, page=0))
        toy.until(fault, "lookup")
        fork = Execution(toy.ops.fork(process=0))

        assert not fork.advance(toy.v)
        assert toy.finish(fault) == "A"
        toy.finish(fork)
        assert toy.read(0, mm=self.CHILD) == "A"

    def test_a_thread_of_a_process_that_exits_is_killed(self, kernel: str) -> None:
        toy = Toy(kernel)
        toy.run(toy.ops.fork(process=0))
        late = Execution(toy.ops.write_page(mm=self.CHILD, page=0, content="B"))
        toy.run(toy.ops.exit_child(process=0))

        assert toy.finish(late) == KILLED
        assert toy.v[toy.v.at.pte[self.CHILD][0]] == EMPTY_PTE

    def test_zapping_gathers_references(self, kernel: str) -> None:
        """A folio is kept until the page-table lock is dropped, whatever reclaim does meanwhile."""
        toy = Toy(kernel)
        toy.write(0, "A")
        zap = Execution(toy.ops.zap_pages(mm=0, page=0))
        toy.until(zap, "free_swap_cache")
        toy.run(toy.ops.shrink_folio(folio=1))
        toy.finish(zap)

        assert toy.v[toy.v.at.folios_used] == 1

    def test_a_large_folio_that_somebody_refers_to_is_not_split(self, kernel: str) -> None:
        toy = Toy(kernel)
        toy.v[toy.v.at.thp_orders] = 1 << 2
        toy.write(0, "A")
        get_folio(toy.v, 1)
        toy.out(1)

        assert toy.v[toy.v.at.mthp[2].split] == 0
        assert toy.read(0) == "A"
