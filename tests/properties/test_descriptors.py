"""Properties of descriptors: the model has them, and each is lost when one step goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from refmodel.kernel import choices
from refmodel.kernel.page_io import WRITTEN
from refmodel.kernel.state import FREE_SLOT
from refmodel.kernel.vmscan import ShrinkFolio
from refmodel.kernel.vswap_alloc import FolioAllocSwap, VswapCpuDead, live_cluster
from refmodel.kernel.vswap_backing import VswapAllocSwapSlot
from refmodel.kernel.vswap_free import SwapPutEntries, VswapFree
from refmodel.kernel.vswap_io import SwapWriteout, VswapDoSwapPage
from refmodel.kernel.vswap_swapoff import VswapSwapOff
from refmodel.kernel.vswap_zswap import VswapZswapStore, VswapZswapWriteback
from refmodel.kernel.zswap_load import ZswapLoad618
from refmodel.machine import Next, Return, evolve, step
from refmodel.profiles import PROFILES
from refmodel.properties import at_rest, first_broken
from refmodel.properties import descriptors as d
from refmodel.properties.property import StateProperty
from tests.kernel.programs import Program
from tests.kernel.vswap_toy import VswapToy

PROPERTIES = [value for value in vars(d).values() if isinstance(value, StateProperty)]


# --- what each mutant does wrong --------------------------------------------------------------------------


@attrs.define
class SlotKeptWhenStored(VswapZswapStore):
    """A page that had a slot keeps it when zswap takes it."""

    @step
    def publish(self, v: Any) -> Next:
        """Release nothing."""
        return self.install


@attrs.define
class BitsKept(VswapFree):
    """A freed entry keeps its descriptor."""

    def clear_bits(self, v: Any) -> None:
        """Do not."""


@attrs.define
class PinKeptOnBackOut(VswapZswapWriteback):
    """Writeback that gives up takes its folio out of the swap cache and leaves the pin."""

    @step
    def back_out(self, v: Any) -> Next:
        """Remove the folio and nothing else."""
        v[v.at.swap_cache[self.slot]] = 0
        place = v.at.folio[self.folio]
        v[place] = evolve(v[place], swap=0, swapcache=False)
        return self.put_folio


@attrs.define
class RmapNotSet(VswapAllocSwapSlot):
    """A slot is handed out without a reverse map."""

    @step
    def set_rmap(self, v: Any) -> Next:
        """Skip it."""
        return self.flip


@attrs.define
class SlotKeptOnRefusedCharge(VswapAllocSwapSlot):
    """A slot that the cgroup may not have is not given back."""

    @step
    def put_slots(self, v: Any) -> Next:
        """Forget the slot."""
        return self.refuse


@attrs.define
class CleanAfterLoad(ZswapLoad618):
    """A load leaves the folio clean although the zswap entry goes."""

    @step
    def count_load(self, v: Any) -> Next:
        """Only mark it filled."""
        self.set_uptodate(v)
        return self.erase


@attrs.define
class DroppedUnwritten(SwapWriteout):
    """A folio that found no slot counts as written."""

    @step
    def after_slot(self, v: Any) -> Next:
        """Unlock it, clean."""
        self.change(v, locked=False)
        return Return(WRITTEN)


@attrs.define
class EntryNotStoredBack(VswapZswapWriteback):
    """Writeback that fails to decompress gives the slot back and forgets the zswap entry."""

    @step
    def store_back(self, v: Any) -> Next:
        """Store back, then lose it."""
        super().store_back(v)
        v[v.at.tree[self.slot]] = 0
        return self.back_out


@attrs.define
class UsedKept(VswapFree):
    """The counter of used entries is not decremented."""

    @step
    def clear(self, v: Any) -> Next:
        """Count the entries in again."""
        v[v.at.vswap.used] += self.nr
        return super().clear(v)


@attrs.define
class PinLeaked(VswapDoSwapPage):
    """A fault keeps the cluster pinned."""

    def unpin(self, v: Any) -> None:
        """Do nothing."""


@attrs.define
class CachedKeptOffline(VswapCpuDead):
    """A CPU that goes takes its pointers away and leaves the clusters marked."""

    @step
    def give_up(self, v: Any) -> Next:
        """Clear the pointers."""
        for place in v.at.vswap.cpu_cluster[self.cpu]:
            v[place] = None
        return Return()


@attrs.define
class CachedAndListed(FolioAllocSwap):
    """A new cluster is reserved to the CPU and put on the partial list."""

    @step
    def keep_cluster(self, v: Any) -> Next:
        """Do both."""
        following = super().keep_cluster(v)
        lists = v.at.vswap.partial[live_cluster(v, self.cluster).order]
        v[lists] = (self.cluster, *v[lists])
        return following


@attrs.define
class EntryZeroHandedOut(FolioAllocSwap):
    """Entry 0 is handed out as any other."""

    def take_run(self, v: Any, number: int) -> bool:
        """Mark entry 0 as taken too."""
        taken = super().take_run(v, number)
        cluster = live_cluster(v, number)
        v[v.at.vswap.cluster[number]] = evolve(
            cluster, bitmap=cluster.bitmap | 1, count=cluster.count + 1, refs=cluster.refs + 1
        )
        return taken


@attrs.define
class SwapoffWithoutLooking(VswapSwapOff):
    """The device goes while descriptors have slots of it."""

    @step
    def look(self, v: Any) -> Next:
        """See nothing."""
        return self.kill_users


@attrs.define
class CountNotDropped(SwapPutEntries):
    """A zapped page-table entry still counts."""

    @step
    def drop(self, v: Any) -> Next:
        """Count nothing down."""
        return self.end


@attrs.define
class IdsKeptOnFailure(FolioAllocSwap):
    """A folio that got no entries keeps the references to its cgroup's id."""

    @step
    def fail(self, v: Any) -> Next:
        """Give nothing back."""
        return Return(False)


@attrs.define
class ChargedForAnEntry(FolioAllocSwap):
    """An entry is charged as a slot is, as in the released kernels."""

    @step
    def publish(self, v: Any) -> Next:
        """Charge first."""
        v[v.at.mc[self.the_folio(v).memcg].swap] += 1
        return super().publish(v)


@attrs.define
class CopyKeptOnLoad(ZswapLoad618):
    """A load into the swap cache leaves the zswap entry."""

    @step
    def erase(self, v: Any) -> Next:
        """Keep it."""
        return self.done


@attrs.define
class MarkKeptWhenNamed(ShrinkFolio):
    """The mark of a slot stays although a page table names the entry again."""


# --- programs that meet them --------------------------------------------------------------------------------


def swap_out_and_back(toy: VswapToy) -> None:
    """A page goes to zswap and is read."""
    toy.write(0, "A")
    toy.out(0)
    toy.read(0)


def read_ahead(toy: VswapToy) -> None:
    """A page goes to zswap and is read into the swap cache."""
    toy.write(0, "A")
    toy.out(0)
    toy.willneed(0)


def rewrite_slot(toy: VswapToy) -> None:
    """A page goes to the device, is written again and goes to zswap, as a whole folio cached elsewhere."""
    toy.write(0, "A")
    toy.to_device(0)
    toy.read(0)
    toy.write(0, "B")
    toy.out(0)


def drop(toy: VswapToy) -> None:
    """A page goes to zswap and is dropped."""
    toy.write(0, "A")
    toy.out(0)
    toy.zap(0)


def stay(toy: VswapToy) -> None:
    """A page goes to zswap."""
    toy.write(0, "A")
    toy.out(0)


def to_device(toy: VswapToy) -> None:
    """A page goes to the device."""
    toy.write(0, "A")
    toy.to_device(0)


def charge_refused(toy: VswapToy) -> None:
    """A page may not have a slot."""
    toy.memcg(1, swap_max=0)
    to_device(toy)


def no_slot(toy: VswapToy) -> None:
    """A page finds no slot."""
    toy.fail(choices.ALLOC_SLOT)
    to_device(toy)


def writeback_without_slot(toy: VswapToy) -> None:
    """A zswap entry finds no slot."""
    stay(toy)
    toy.fail(choices.ALLOC_SLOT)
    toy.write_back(0)


def writeback_of_garbage(toy: VswapToy) -> None:
    """A zswap entry cannot be decompressed."""
    stay(toy)
    toy.fail(choices.DECOMPRESS)
    toy.write_back(0)


def no_cluster(toy: VswapToy) -> None:
    """A page gets no entry."""
    toy.fail(choices.ALLOC_CLUSTER)
    stay(toy)


def cpu_goes(toy: VswapToy) -> None:
    """A CPU goes after it has allocated."""
    stay(toy)
    toy.run(toy.ops.vswap_cpu_dead(cpu=0))


def device_goes(toy: VswapToy) -> None:
    """The device goes while a page is on it and in the swap cache."""
    to_device(toy)
    toy.run(toy.ops.swapoff())


def name_again(toy: VswapToy) -> None:
    """A page goes to the device, is read, and goes there again."""
    to_device(toy)
    toy.read(0)
    toy.out(0)


MUTANTS: list[tuple[StateProperty, dict[str, type[Any]], Callable[[VswapToy], None]]] = [
    (d.one_type, {"zswap_store": SlotKeptWhenStored}, rewrite_slot),
    (d.descriptor_is_in_use, {"swap_range_free": BitsKept}, drop),
    (d.pin_means_folio, {"zswap_writeback_entry": PinKeptOnBackOut}, writeback_without_slot),
    (d.reverse_map_agrees, {"vswap_alloc_swap_slot": RmapNotSet}, to_device),
    (d.slot_has_one_owner, {"vswap_alloc_swap_slot": SlotKeptOnRefusedCharge}, charge_refused),
    (d.only_copy_is_dirty, {"zswap_load": CleanAfterLoad}, read_ahead),
    (d.named_entry_has_its_bytes, {"swap_writepage": DroppedUnwritten}, no_slot),
    (d.zswap_entry_has_one_owner, {"zswap_writeback_entry": EntryNotStoredBack}, writeback_of_garbage),
    (d.counts_are_counted, {"swap_range_free": UsedKept}, drop),
    (d.references_are_held, {"do_swap_page": PinLeaked}, swap_out_and_back),
    (d.cached_by_one_cpu, {"vswap_cpu_dead": CachedKeptOffline}, cpu_goes),
    (d.listed_clusters_have_room, {"add_to_swap": CachedAndListed}, stay),
    (d.runs_are_aligned, {"add_to_swap": EntryZeroHandedOut}, stay),
    (d.no_slot_without_device, {"swapoff": SwapoffWithoutLooking}, device_goes),
    (d.count_is_named, {"swap_put_map": CountNotDropped}, drop),
    (d.ids_are_held, {"add_to_swap": IdsKeptOnFailure}, no_cluster),
    (d.only_slots_are_charged, {"add_to_swap": ChargedForAnEntry}, stay),
    (d.no_stale_copy, {"zswap_load": CopyKeptOnLoad}, read_ahead),
    (d.mark_means_nobody_names_it, {"shrink_folio": MarkKeptWhenNamed}, name_again),
]

IDS = [made.id for made, _, _ in MUTANTS]


@pytest.mark.parametrize(("broken", "classes", "program"), MUTANTS, ids=IDS)
def test_a_mutant_breaks_its_property(
    broken: StateProperty, classes: dict[str, type[Any]], program: Callable[[VswapToy], None]
) -> None:
    """One step that goes wrong is noticed by the property that names it, in a short program."""
    toy = VswapToy()
    toy.ops = toy.v.ops = attrs.evolve(toy.v.ops, **classes)
    assert broken.check(toy.v) is None
    program(toy)

    assert "expected" in (broken.check(toy.v) or "")
    ((operation, cls),) = classes.items()
    planted = "".join(f"_{c.lower()}" if c.isupper() else c for c in cls.__name__).lstrip("_")
    assert broken.bug == planted, operation


@pytest.mark.parametrize(("broken", "classes", "program"), MUTANTS, ids=IDS)
def test_the_model_keeps_the_property_there(
    broken: StateProperty, classes: dict[str, type[Any]], program: Callable[[VswapToy], None]
) -> None:
    """The same program without the mutant ends in a state that has all properties."""
    toy = VswapToy()
    program(toy)

    assert [made.id for made in PROPERTIES if made.check(toy.v)] == []


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("device_slots", [None, 0, 3])
def test_random_programs_keep_all_properties(seed: int, device_slots: int | None) -> None:
    """Whatever processes and administrators do, and whatever fails."""
    toy = VswapToy(device_slots=device_slots, synchronous_device=bool(seed % 2))
    properties = at_rest(PROFILES["vswap-v6"])

    def watch() -> None:
        found = first_broken(toy.v, properties)
        assert found is None, (found[0].id, found[1])

    Program(toy, seed, faults=0.1 * (seed % 3)).run(60, watch)


def test_every_sentence_has_a_property_or_a_reason() -> None:
    """SD-1 to SD-32 are checked here, checked for every kernel, or listed with the reason."""
    checked = {made.id for made in PROPERTIES}
    everywhere = {"SD-18", "SD-27"}

    assert not checked & set(d.UNCHECKED)
    assert checked | everywhere | set(d.UNCHECKED) == {f"SD-{number}" for number in range(1, 33)}
    assert all(made.not_in == d.RELEASES for made in PROPERTIES)
    assert len(MUTANTS) == len(PROPERTIES)


def test_an_entry_without_a_descriptor_is_noticed() -> None:
    """Counts without a bit, types without a bit, and bits without an owner are errors of the model."""
    toy = VswapToy()
    stay(toy)
    entry = toy.slot(0)
    toy.v[toy.v.at.vswap.cluster[0]] = None
    assert "have no descriptor" in (d.descriptor_is_in_use.check(toy.v) or "")
    assert "expected none of them without a descriptor" in (d.one_type.check(toy.v) or "")

    toy.v[toy.v.at.slot[entry]] = FREE_SLOT
    assert "expected 1, the page tables that name it" in (d.count_is_named.check(toy.v) or "")
