"""H-14: Linux 6.12: swapoff marks a page as lost that zswap still has.

A writeback puts an empty folio into the swap cache of its slot and then finds that the slot has another entry
by now: it takes the folio out again and gives up. Swapoff has found that folio meanwhile and waits for its
lock. When it gets it the folio is not uptodate, and swapoff takes that for a page that could not be read: the
process gets SIGBUS, although zswap has the page. Since 6.18 swapoff asks whether the locked folio is still the
slot's; the patch took the lack of that for harmless. Found by exploring the model, not seen in practice.
"""

import attrs

from refmodel.kernel.swapon import SwapOff612
from refmodel.kernel.table import KernelView
from refmodel.museum.exhibit import Exhibit


@attrs.define
class AsksWhoseFolio(SwapOff612):
    """Take the swap device out of use; a folio that has left the swap cache is let go."""

    def matches(self, v: KernelView) -> bool:
        """Whether the locked folio is still the slot's."""
        return v[v.at.swap_cache[self.slot]] == self.folio


SCOPE = """
[system]
pages = 2
slots = 3
totalram_pages = 60

[initial]
run = [
    "shrinker_enabled(1)", "write(0, 0, 2)", "write(0, 1, 3)", "pageout(0, 0, 1)", "shrinker_scan(1, 0, 1)",
]

[[thread]]
name = "shrinker"
run = ["shrinker_scan(1, 0, 1)"]

[[thread]]
name = "task"
run = ["read(0, 0)", "pageout(0, 1, 1)", "pageout(0, 0, 1)", "swapoff", "read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="H-14",
    about=__doc__,
    source=(
        'unuse_pte(), mm/swapfile.c 6.12.117; patch v3 05/15 "mm, swap: always lock and check the swap cache '
        'folio before use" (Kairui Song, September 2025)'
    ),
    evidence="B",
    base="linux-6.12",
    operations={},
    remedy={"swapoff": AsksWhoseFolio},
    scope=SCOPE,
    meets="PROMISE",
)
