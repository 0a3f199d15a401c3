"""Pages that one word fills, queued for kcompressd and not: what the look before the queue saves (K8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.kcompressd_config import KcompressdSystem
from refmodel.kernel.kcompressd_queue import thread_work
from refmodel.machine import ChoicePoint, run
from refmodel.profiles import preset, profile
from refmodel.properties import at_rest, first_broken

PAGES, ROOM = 8, 4


@attrs.frozen
class Costs:
    """What eight pages cost: how many wait, how many the first scan frees, what kswapd and the thread compress."""

    wait: int
    freed: int
    by_kswapd: int
    by_thread: int


def costs(name: str, filled: int) -> Costs:
    """Have kswapd scan eight pages, so many of them filled with one word, while its thread gets no CPU."""
    made = profile(name)
    sizes = attrs.evolve(preset("toy"), pages=PAGES, slots=2 * PAGES, folios=PAGES + 2, objects=2 * PAGES)
    v = made.system(
        made.config(
            sizes,
            {"tokens": Symbolic("tokens", (1024,))},
            compressor="tokens",
            zswap_enabled=False,
            initial_pool=False,
            kcompressd=KcompressdSystem(capacity=ROOM),
        )
    )
    compressed = [0]

    def choose(point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        compressed[0] += point.name == "compress"
        assert options is not None
        return options[0]

    v.choose = choose
    for page in range(PAGES):
        word = page * filled // PAGES != (page + 1) * filled // PAGES
        run(v, v.ops.write_page(0, page, -1 if word else 2 + page))
    for folio in range(1, PAGES + 1):
        run(v, v.ops.kswapd(folio))
    by_kswapd = compressed[0]
    freed = sum(v[v.at.folio[folio]] is None for folio in range(1, PAGES + 1))
    wait = v[v.at.kcompressd.count.pending]
    while (work := thread_work(v)) is not None:
        run(v, work)
    assert first_broken(v, at_rest(made)) is None
    assert v[v.at.zram.count.same_pages] == filled
    return Costs(wait, freed, by_kswapd, compressed[0] - by_kswapd)


@pytest.mark.parametrize("letter", "ab")
@pytest.mark.parametrize(
    ("filled", "queued", "past"),
    [
        (0, Costs(4, 4, 4, 4), Costs(4, 4, 4, 4)),
        (2, Costs(4, 4, 3, 3), Costs(4, 4, 2, 4)),
        (4, Costs(4, 4, 2, 2), Costs(4, 4, 0, 4)),
        (6, Costs(4, 4, 1, 1), Costs(2, 6, 0, 2)),
        (8, Costs(4, 4, 0, 0), Costs(0, 8, 0, 0)),
    ],
)
def test_what_needs_no_compression_takes_no_place_from_what_does(
    letter: str, filled: int, queued: Costs, past: Costs
) -> None:
    """A queue of four that no filled page takes room from leaves more of the compression to the thread."""
    assert costs(f"zram-kcompressd-{letter}", filled) == queued
    assert costs(f"zram-kcompressd-{letter}-words", filled) == past
