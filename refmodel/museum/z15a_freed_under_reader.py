"""Z15a: Linux 6.1: a reader decompresses with a context that was freed with its CPU.

The same bug as Z15 on the way back: a load picks the context of the CPU that it runs on, and so does a writeback,
which has to decompress the page that it is about to write. Either may sleep, and find buffer, request and lock
freed when it goes on. The remedy is that of Z15, in all three places.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.z15_context_freed_in_use import REMEDY

SCOPE = """
[system]
cpus = 2

[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]

[[thread]]
name = "reader"
run = ["read(0, 0)"]

[[thread]]
name = "admin"
run = ["cpu_offline(0)"]
"""

EXHIBIT = Exhibit(
    id="Z15a",
    about=__doc__,
    source='commit 12dcb0ef5406 "mm: zswap: properly synchronize freeing resources during CPU hotunplug" (2025)',
    evidence="A",
    base="linux-6.1",
    operations={},
    remedy=REMEDY,
    scope=SCOPE,
    meets="BUG",
)
