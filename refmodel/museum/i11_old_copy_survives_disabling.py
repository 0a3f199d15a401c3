"""I-11: A store that is refused because zswap was disabled leaves the older copy.

A page was stored and stayed in the swap cache, because a fault had found its folio. Then zswap is disabled,
the process writes the page and it is swapped out again: the store is refused and the page goes to the device.
The older copy is still in zswap, where the next reader looks first. So a store that is refused erases what the
slots of its folio have, also when zswap is off.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_store import ZswapStore73
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class LooksAway(ZswapStore73):
    """Store a folio; while zswap is disabled nothing is done at all."""

    @step
    def check_enabled(self, v: KernelView) -> Next:
        """Refuse the folio at once."""
        return self.check_memcg_limit if v[v.at.zswap].enabled else self.finish(v, False, 0)


SCOPE = """
[system]
slots = 3
totalram_pages = 60

[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)", "enabled(0)", "write(0, 0, 3)", "pageout(0, 0, 1)"]

[[thread]]
name = "reader"
run = ["read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="I-11",
    about=__doc__,
    source="comment in zswap_store(), mm/zswap.c 7.3.4",
    evidence="B",
    base="linux-7.3",
    operations={"zswap_store": LooksAway},
    scope=SCOPE,
    meets="ZS-18",
)
