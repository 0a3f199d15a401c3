"""G1: an entry goes on its LRU list before its fields are set."""

import attrs

from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel import memcg
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_entry import live_entry
from refmodel.kernel.zswap_store import ZswapStore73, change_pool_ref, lru_add
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do
