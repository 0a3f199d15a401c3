"""M03: The compressed copy goes to the node of the task that reclaims.

A page lies on one node, the task that reclaims it runs on another. Until 6.15 the allocator of compressed pages was
told no node and followed the task. Reclaim of the one node then fills the other, and what was cold enough to leave slow
memory lands in fast memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from refmodel.kernel.zswap_compress_pages import ZswapCompressPagesV12
from refmodel.museum.exhibit import Exhibit, do

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

SCOPE = """
[system]
nodes = 2
cpus = 2
slots = 3

[initial]
run = ["bind(0, 1)", "write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)"]
"""


@attrs.define
class FollowsTheTask(ZswapCompressPagesV12):
    """Memory for compressed pages comes from the node of the CPU."""

    def node(self, v: KernelView) -> int:
        """Return the node of the CPU that compresses."""
        return v.cfg.sizes.node_of_cpu(self.cpu)


EXHIBIT = Exhibit(
    id="M03",
    about=__doc__,
    source="commit 56e5a103a721 (zsmalloc: prefer the the original page's node for compressed data)",
    evidence="A",
    base="batching-v13",
    operations={"zswap_compress_pages": FollowsTheTask},
    breaks=("PLACE",),
    program=(
        do("bind", process=0, nid=1),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
    ),
    scope=SCOPE,
    meets="PLACE",
)
