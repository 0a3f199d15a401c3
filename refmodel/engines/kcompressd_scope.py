"""The queues of kcompressd and the LRU lists of a scope file.

[kcompressd]
queues = 1
capacity = 2
kswapds = 1

[lists]
kind = "classic"
batch = 1
"""

from __future__ import annotations

from refmodel.engines.toml_file import Table, nearest
from refmodel.kernel.kcompressd_config import KcompressdSystem
from refmodel.kernel.lru_lists import LISTS, PAGEVEC_SIZE, LruLists


def kcompressd_system(top: Table) -> KcompressdSystem:
    """Return the queues that the table ``kcompressd`` of a scope file describes.

    What a discipline cannot have is refused when its system is made.  Raises BadFile.
    """
    table = top.table("kcompressd")
    table.only(("queues", "capacity", "kswapds"))
    queues = table.get("queues", int, 1) if "queues" in table.data else None
    return KcompressdSystem(queues, table.get("capacity", int, 2), table.get("kswapds", int, 1))


def lru_lists(top: Table) -> LruLists:
    """Return the lists that the table ``lists`` of a scope file describes.  Raises BadFile."""
    table = top.table("lists")
    table.only(("kind", "batch"))
    kind, batch = table.get("kind", str, "classic"), table.get("batch", int, 1)
    known = {each: each for each in LISTS}
    if kind not in known:
        raise table.bad("kind", f"kind = {kind!r}", f"one of {', '.join(LISTS)}", nearest(kind, LISTS))
    if not 1 <= batch <= PAGEVEC_SIZE:
        raise table.bad("batch", f"batch = {batch}", f"1 to {PAGEVEC_SIZE} folios")
    return LruLists(known[kind], batch)
