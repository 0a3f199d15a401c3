"""A change to the model: a store that forgets to charge the last page of a folio.

    refmodel check --with docs/do/examples/charge_leak.py

A reviewer of a patch writes the step as the patch has it and sees whether the properties still hold.  Here
the counter of stored pages is right, and the memory cgroup pays for one page too few.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_entry import live_entry
from refmodel.kernel.zswap_store import ZswapStore73, change_pool_ref
from refmodel.machine import Next, step


@attrs.define
class ChargesAllButTheLast(ZswapStore73):
    """Store a folio; its last page is free of charge."""

    @step
    def charge(self, v: KernelView) -> Next:
        """Charge a page as the released kernel does, unless it is the folio's last."""
        if self.index < len(self.the_folio(v).contents) - 1:
            return ZswapStore73.charge(self, v)
        change_pool_ref(v, self.pool, +1)
        v[v.at.zs.stored_pages] += 1
        v[v.at.zs.stored_incompressible_pages] += live_entry(v, self.entry).length == 4096
        return self.init_entry


BASE = "linux-7.3"
CHANGES = {"zswap_store": ChargesAllButTheLast}
