"""B06: Batching v4: the pool says that it has batches, and the context at hand has no requests.

Requests and buffers belong to a CPU, but whether there are batches is one flag of the pool. A store looks at the
flag, picks the context of the CPU that it runs on and is moved elsewhere; the CPU goes and its requests are freed,
without a look at who uses them. The store locks what is left and stops the kernel, which counts the requests; with
the lock taken a moment earlier it compresses into freed buffers. And a CPU that finds no memory for its requests
takes the flag, which others have set, from the pool of all. The remedy leaves the pool alone, frees a context
under its lock, and lets a store decide by the context that it has locked.
"""

from refmodel.kernel.cpuhp import CpuOffline618, CpuOnline612
from refmodel.kernel.zswap_compress import ZswapCompress
from refmodel.kernel.zswap_compress_pages import ZswapCompressPagesV8
from refmodel.kernel.zswap_decompress import ZswapDecompress618
from refmodel.museum.exhibit import Exhibit

SCOPE = """
[system]
cpus = 2
pages = 4
max_order = 2
slots = 8
entries = 4
# There is never room for a batch: what a successful one leaves behind in v4 is another bug (HB-2).
objects = 1
folios = 6
totalram_pages = 200
max_batch = 2
batch = 2

[initial]
run = ["thp(2, 1)", "write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 4)"]

[[thread]]
name = "admin"
run = ["cpu_offline(1)"]
"""

EXHIBIT = Exhibit(
    id="B06",
    about=__doc__,
    source=(
        "zswap_pool_can_batch(), changelog v2 to v3 of zswap compression batching; "
        "review of v4 09/10 (December 2024)"
    ),
    evidence="B",
    base="batching-v4",
    operations={},
    remedy={
        "zswap_compress": ZswapCompress,
        "zswap_compress_pages": ZswapCompressPagesV8,
        "zswap_decompress": ZswapDecompress618,
        "cpu_online": CpuOnline612,
        "cpu_offline": CpuOffline618,
    },
    scope=SCOPE,
    meets="BUG",
)
