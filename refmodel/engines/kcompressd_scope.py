"""The queues of kcompressd in a scope file.

[kcompressd]
queues = 1
capacity = 2
"""

from __future__ import annotations

from refmodel.engines.toml_file import Table
from refmodel.kernel.kcompressd_config import KcompressdSystem


def kcompressd_system(top: Table) -> KcompressdSystem:
    """Return the queues that the table ``kcompressd`` of a scope file describes.

    What a discipline cannot have is refused when its system is made.  Raises BadFile.
    """
    table = top.table("kcompressd")
    table.only(("queues", "capacity"))
    queues = table.get("queues", int, 1) if "queues" in table.data else None
    return KcompressdSystem(queues, table.get("capacity", int, 2))
