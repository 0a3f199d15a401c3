"""The zram device in a scope file.

[zram]
backing = 2
limit = 4
requests = 2
"""

from __future__ import annotations

from refmodel.engines.toml_file import Table
from refmodel.kernel.zram_config import ZramSystem


def zram_system(top: Table) -> ZramSystem:
    """Return the device that the table ``zram`` of a scope file describes.

    Raises BadFile, also for what no device can have.
    """
    table = top.table("zram")
    table.only(("backing", "limit", "requests"))
    limit = table.get("limit", int, 0) if "limit" in table.data else None
    try:
        return ZramSystem(table.get("backing", int, 0), limit, table.get("requests", int, 2))
    except ValueError as error:
        said, _, expected = str(error).partition(": expected ")
        raise top.bad("zram", said, expected) from None
