"""Which CPUs have compression contexts."""

from __future__ import annotations

from refmodel.properties.index import Index
from refmodel.properties.property import state_property


@state_property(
    "CTX",
    source="mm/zswap.c zswap_cpu_comp_prepare(), Linux 6.12.117",
    requirements=("B6",),
    bug="HB-6",
)
def online_cpus_have_contexts(index: Index) -> str | None:
    """A CPU that is online has a compression context in every pool."""
    v = index.v
    for pool, row in enumerate(v.at.acomp_ctx):
        if v[v.at.pool[pool]] is None:
            continue
        for cpu, place in enumerate(row):
            if cpu in v[v.at.online_cpus] and not v[place].present:
                return f"CPU {cpu} is online without a context in pool {pool}; expected one"
    return None
