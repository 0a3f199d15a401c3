"""What shrinkers say about a node (Z3): harm (b) of entries that are on the list of the wrong node."""

from __future__ import annotations

from refmodel.kernel.table import KernelView
from refmodel.machine import Event
from refmodel.properties.property import history_property


@history_property(
    "FREED",
    source="review of zswap compression batching v12 22/23 (Yosry Ahmed, October 2025)",
    requirements=("Z3",),
    bug="scans_another_node",
    only="bulk",
)
def reported_where_it_was_freed(events: list[Event], v: KernelView) -> str | None:
    """What the scan of a node's list reports as freed was freed on that node.

    As for PLACE, the sentence holds in released kernels as long as no entry comes from a node that was not asked.
    """
    lay: dict[int, int] = {}
    slot, written, walked = 0, list[int](), list[int]()
    for name, fields in events:
        if name == "entry_free":
            slot = fields["swp"]
        elif name == "zs_free":
            lay[slot] = fields["nid"]
        elif name == "writeback" and fields["ret"] == 0:
            written.append(fields["swp"])
        elif name == "lru_walk":
            # What a walk inside a walk has written stands at the end.
            split = len(written) - fields["ret"]
            written, walked = written[:split], written[split:]
        elif name == "shrinker_scan" and fields["ret"] > 0:
            wrong = [each for each in walked if lay[each] != fields["nid"]]
            if wrong:
                found = f"the scan of node {fields['nid']} reports {fields['ret']} pages as freed"
                return f"{found}; the bytes of slots {wrong} lay on node {lay[wrong[0]]}, expected none there"
    return None
