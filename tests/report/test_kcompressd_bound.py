"""The bound of compression in threads: what the thread's split allows, and what its figures need (K4, P5)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from refmodel.report.kcompressd_bound import MAX_THREADS, Load, bound, dearest, verdicts

LZ4 = Load()


@pytest.mark.parametrize(
    ("cost", "synchronous", "apart", "inline"),
    [
        ("1", 300, (429, 857, 1000), (600, 900, 1000)),
        ("1.5", 222, (286, 571, 1000), (444, 667, 1000)),
        ("2", 176, (214, 429, 857), (353, 529, 882)),
        ("3", 125, (143, 286, 571), (250, 375, 625)),
    ],
)
def test_rates_by_cost_of_the_compressor(
    cost: str, synchronous: int, apart: tuple[int, ...], inline: tuple[int, ...]
) -> None:
    """Thousands of pages a second without threads, and with 1, 2 and 4."""
    load = Load(cost=Fraction(cost))
    bounds = [bound(load, n) for n in (1, 2, 4)]

    assert round(load.synchronous / 1000) == synchronous
    assert tuple(round(each.apart / 1000) for each in bounds) == apart
    assert tuple(round(each.inline / 1000) for each in bounds) == inline


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_apart_is_the_formula_of_the_thread(threads: int) -> None:
    """A second holds so many times max(t1 + t3, t2/n)."""
    load = Load(Fraction(3), Fraction(7), Fraction(2))

    t1, t2, t3 = (share * load.unit for share in (load.scan, load.compress, load.file))
    assert bound(load, threads).apart == 1 / max(t1 + t3, t2 / threads)


@pytest.mark.parametrize("threads", range(1, 6))
@pytest.mark.parametrize("cost", [Fraction(1), Fraction(3)])
def test_the_inline_share_balances_kswapd_and_threads(threads: int, cost: Fraction) -> None:
    """With that share kswapd needs for a page as long as the threads do, or scanning alone is the limit."""
    load = Load(cost=cost)
    found = bound(load, threads)
    kswapd = load.kswapd + found.share * load.compression
    others = (1 - found.share) * load.compression / threads

    assert max(kswapd, others) == 1 / found.inline
    assert found.share == 0 or kswapd == others


def test_the_inline_fall_back_is_never_slower() -> None:
    assert all(bound(LZ4, n).inline >= bound(LZ4, n).apart for n in range(1, 10))


@pytest.mark.parametrize(("cpus", "limit"), [(1, 300_000), (2, 600_000), (3, 900_000), (4, 1_000_000)])
def test_cpus_limit_what_all_can_do(cpus: int, limit: int) -> None:
    """One CPU gains nothing."""
    assert bound(Load(cpus=cpus), 4).inline == limit


def test_what_each_figure_of_the_thread_needs() -> None:
    """800 000 a second needs two threads; more than the scan bound needs none that exist."""
    needs = [(each.apart, each.inline) for each in verdicts(LZ4)]

    assert needs == [(0, 0), (2, 2), (2, 2), (None, None), (None, None)]


def test_a_second_look_of_a_quarter_explains_what_was_measured() -> None:
    assert bound(Load(rescan=Fraction(1, 4)), 4).inline == 800_000


def test_how_dear_zstd_can_be() -> None:
    found = dearest(LZ4, 4, Fraction(800_000))

    assert found is not None
    assert tuple(round(float(each), 2) for each in found) == (2.14, 2.25)
    assert dearest(LZ4, 4, Fraction(1_000_001)) is None


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("scan", Fraction(0), "shares 0:7:0"),
        ("compress", Fraction(-1), "shares 3:-1:0"),
        ("file", Fraction(-1), "shares 3:7:-1"),
        ("rate", 0, "rate of 0 pages"),
        ("rescan", Fraction(-1), "rescan -1"),
        ("cost", Fraction(0), "cost 0"),
        ("cpus", 0, "0 CPUs"),
    ],
)
def test_a_load_that_cannot_be_is_refused(field: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Load(**{field: value})


@pytest.mark.parametrize("threads", [0, MAX_THREADS + 1])
def test_a_number_of_threads_that_is_not_modelled_is_refused(threads: int) -> None:
    with pytest.raises(ValueError, match=f"{threads} threads: expected 1 to {MAX_THREADS}"):
        bound(LZ4, threads)
