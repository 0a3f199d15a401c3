"""What swap metadata costs: which design is cheaper where, and when a page that is swapped out frees memory."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from refmodel.engines.contract import breaks
from refmodel.report import overhead

SLOTS = 2**40
"""Slots of a device, at most."""

KNOWN = {design.name: design for design in overhead.DESIGNS}


def a_device_has_whole_pages(pages: int) -> int:
    """A device has as many slots as pages.

    Source: thread on virtual swap of February 2023 (LSF/MM/BPF)
    Requirement: S8

    pre: 1 <= pages <= SLOTS
    post: _ == pages
    """
    return overhead.slots_of_device(pages * 4096)


@breaks(a_device_has_whole_pages, overhead.slots_of_device)
def counts_kibibytes(device: int) -> int:
    """A slot has a KiB."""
    return device // 1024


def clusters_are_paid_whole(pages: int) -> tuple[int, int]:
    """Packed pages need as few clusters of 512 as there can be; in the worst case each page has one of its own.

    Source: cover letters of Virtual Swap Space v3 and v6
    Requirement: S8

    pre: 1 <= pages <= SLOTS
    post: (_[0] - 1) * 512 < pages <= _[0] * 512
    post: _[1] == pages
    """
    best, worst = overhead.fragmentation(pages)
    return best.clusters, worst.clusters


@breaks(clusters_are_paid_whole, overhead.fragmentation)
def pays_by_the_page(pages: int) -> tuple[overhead.Fragmentation, overhead.Fragmentation]:
    """Clusters that are not full cost nothing."""
    best = overhead.Fragmentation(pages, pages // 512, pages * 24)
    return best, best


def a_page_pays_where_it_shrinks_by_more_than_its_metadata(length: int, metadata: int) -> Fraction:
    """Swapping a page out frees memory exactly if it shrinks by more than its descriptor takes.

    Source: thread on virtual swap of February 2023 (LSF/MM/BPF)
    Requirement: S9

    pre: 0 <= length <= 4096
    pre: 0 <= metadata <= 64
    post: (_ > 0) == (4096 - length > metadata)
    post: implies(length == 4096, _ == -metadata)
    """
    return overhead.net_gain(length, metadata)


@breaks(a_page_pays_where_it_shrinks_by_more_than_its_metadata, overhead.net_gain)
def forgets_the_metadata(length: int, metadata: Fraction | int = 24) -> Fraction:
    """The descriptor costs nothing."""
    return Fraction(4096 - length)


def the_cheaper_design_changes_at_the_break_even(name: str, slots: int, pages: int) -> bool:
    """Below its break-even utilisation a design that replaces another costs less, above it more, at it the same.

    Source: cover letters of Virtual Swap Space v3 and v6
    Requirement: S8
    Open: costs are fractions, and CrossHair does not follow their reduction for unknown numbers of pages

    pre: name in ("seed-24", "seed-32", "v1", "v2", "v6-zswap", "v6-disk")
    pre: 0 <= pages <= slots <= SLOTS
    pre: slots >= 1
    post: _
    """
    design = KNOWN[name]
    old = KNOWN[design.against]
    share = next(each.utilisation for each in overhead.break_evens() if each.design == name)
    cost, former = design.cost(slots, pages), old.cost(slots, pages)
    return (cost < former) == (pages * share.denominator < share.numerator * slots)


@breaks(the_cheaper_design_changes_at_the_break_even, overhead.break_evens)
def is_always_a_half(designs: Iterable[overhead.Design] = ()) -> list[overhead.BreakEven]:
    """The break-even is a half, whatever the designs cost."""
    return [overhead.BreakEven(name, "", Fraction(1, 2)) for name in KNOWN]


def a_cluster_is_paid_by_its_first_pages(length: int) -> int | None:
    """The pages that a fresh cluster needs before it frees memory are the fewest that free more than it costs.

    Source: cover letters of Virtual Swap Space v3 and v6
    Requirement: S9

    pre: 0 <= length <= 4096
    post: implies(_ is not None, _ * (4096 - length) > overhead.CLUSTER_BYTES)
    post: implies(_ is not None, (_ - 1) * (4096 - length) <= overhead.CLUSTER_BYTES)
    post: (_ is None) == (512 * (4096 - length) <= overhead.CLUSTER_BYTES)
    """
    return overhead.pages_to_pay_for_cluster(length)


@breaks(a_cluster_is_paid_by_its_first_pages, overhead.pages_to_pay_for_cluster)
def always_takes_four(length: int) -> int | None:
    """The fourth page always pays for the cluster."""
    return 4


@breaks(a_cluster_is_paid_by_its_first_pages, overhead.pages_to_pay_for_cluster)
def asks_for_one_more(length: int) -> int | None:
    """A page more than needed is asked for."""
    gain = 4096 - length
    return overhead.CLUSTER_BYTES // gain + 2 if gain else None
