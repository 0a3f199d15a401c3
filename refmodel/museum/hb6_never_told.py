"""HB-6: Batching v9 to v12: a CPU that comes late has no compression context.

A pool fills the contexts of the CPUs that are online while it is created, and takes itself off the list of those
that are told of CPUs: so nobody fills a context of a pool that is being destroyed, and a CPU that goes and comes
back finds what it had. But a CPU that comes for the first time after the pool was created never gets anything. The
first task that swaps out there locks a mutex that nobody has initialised and uses a request that is not there. The
remedy, since v13, leaves the pool on the list until it is destroyed. Found by comparing the postings.
"""

from refmodel.kernel.cpuhp import CpuOnline73
from refmodel.museum.exhibit import Exhibit, do

SCOPE = """
[system]
cpus = 2

[initial]
run = ["write(0, 0, 2)", "cpu_offline(1)", "compressor(tokens-2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)"]

[[thread]]
name = "admin"
run = ["cpu_online(1)"]
"""

EXHIBIT = Exhibit(
    id="HB-6",
    about=__doc__,
    source=(
        'zswap compression batching v9 15/19 "mm: zswap: Per-CPU acomp_ctx resources exist from pool creation to '
        'deletion"'
    ),
    evidence="B",
    base="batching-v9",
    operations={},
    remedy={"cpu_online": CpuOnline73},
    released_in=("batching-v10", "batching-v11", "batching-v12"),
    sizes={"cpus": 2},
    breaks=("CTX",),
    program=(
        do("cpu_offline", cpu=1),
        do("pool_create", compressor="symbolic", zpool="zsmalloc"),
        do("cpu_online", cpu=1),
    ),
    scope=SCOPE,
    meets="CTX",
)
