"""Memory of compression buffers: what follows from their number and size, and what the stated figures leave (A5)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from refmodel.report.buffers import DESIGNS, KIB, MIB, Buffers, request_bytes, stated_rest


def of(design: str, compressor: str = "any") -> Buffers:
    """Return a design by its name."""
    return next(each for each in DESIGNS if (each.design, each.compressor) == (design, compressor))


@pytest.mark.parametrize(
    ("design", "compressor", "size"),
    [
        ("linux-6.12", "any", 8 * KIB),
        ("linux-7.3", "any", 4 * KIB),
        ("v4 to v9", "batching", 64 * KIB),
        ("v4 to v9", "software", 8 * KIB),
        ("v10, v11", "software", 8 * KIB + 8),
        ("v12 to v14", "batching", 32 * KIB),
        ("v12 to v14", "software", 4 * KIB + 8),
    ],
)
def test_buffers_of_one_cpu(design: str, compressor: str, size: int) -> None:
    """Eight buffers of two pages, later of one; software compressors pay one pointer for the batches of others."""
    assert of(design, compressor).bytes == size


def test_a_whole_folio_for_every_cpu_takes_64_times_as_much_as_a_batch() -> None:
    """The objection to "hand over as much as you have": 2 MiB for each CPU, or 4 with two pages a buffer."""
    assert of("the same, one page each").bytes == 2 * MIB
    assert of("a folio of 2 MiB").bytes == 64 * of("v4 to v9", "batching").bytes
    assert of("the same, one page each").total(224) == 448 * MIB


def test_eight_buffers_for_everybody_cost_software_56_kib_more() -> None:
    """The price of common code paths, for compressors that take one page at a time."""
    assert of("8 for everybody").bytes - of("v4 to v9", "software").bytes == 56 * KIB


def test_totals_on_large_machines() -> None:
    """224 CPUs: 14 MiB in v9, 7 MiB in v14."""
    assert of("v4 to v9", "batching").total(224) == 14 * MIB
    assert of("v12 to v14", "batching").total(224) == 7 * MIB


def test_the_stated_figures_contain_the_buffers() -> None:
    """64.8 and 8.2 KB a CPU are 64 and 8 KiB of buffers; the rest is requests and what comes once."""
    assert stated_rest(of("v4 to v9", "batching")) == (Fraction(768), Fraction("870.4"))
    assert stated_rest(of("v4 to v9", "software")) == (Fraction("153.6"), Fraction(256))
    assert stated_rest(of("linux-7.3")) is None


def test_a_kb_of_the_letters_has_1024_bytes() -> None:
    """With 1,000 the buffers alone would be more than what is stated for everything."""
    design = of("v4 to v9", "batching")
    assert design.stated is not None
    assert design.bytes > (design.stated + Fraction(1, 20)) * 1000


def test_what_is_stated_leaves_about_90_bytes_for_a_request() -> None:
    """Seven requests more make the difference, within what rounding leaves open."""
    low, high = request_bytes()
    assert (round(low), round(high)) == (73, 102)
