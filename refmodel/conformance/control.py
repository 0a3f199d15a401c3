"""Controls that a trace writes: module parameters, cgroup files, memory policy, folio sizes."""

from __future__ import annotations

import errno

from refmodel.conformance.trace_file import Record
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.table import KernelView
from refmodel.machine import evolve, run


def set_control(v: KernelView, record: Record) -> int:
    """Write a recorded control; return 0 or a negative errno as the kernel would.

    Raises KeyError for a control that the model does not have.
    """
    if record["op"] == "bind":
        v[v.at.policy[record["w"]]] = record["nid"]
        return 0
    where, _, name = record["what"].partition("/")
    value = record["value"]
    if where == "thp":
        order = (int(name.removeprefix("hugepages-").split("kB")[0]) * 1024 // PAGE_SIZE).bit_length() - 1
        bit = 1 << order
        v[v.at.thp_orders] = v[v.at.thp_orders] & ~bit | (bit if value == "always" else 0)
        return 0
    if where == "zswap":
        return _set_parameter(v, name, value)
    place = v.at.memcg[int(where[1:]) + 1]
    if name == "memory.zswap.max":
        v[place] = evolve(v[place], zswap_max=None if value == "max" else int(value) // PAGE_SIZE)
    elif name == "memory.zswap.writeback":
        v[place] = evolve(v[place], zswap_writeback=bool(value))
    else:
        raise KeyError(record["what"])
    return 0


def _set_parameter(v: KernelView, name: str, value: object) -> int:
    if name=="shrinker_enabled":
        v[v.at.zswap]=evolve(v[v.at.zswap], shrinker_enabled=value=="Y")
    if name=="max_pool_percent":
        v[v.at.zswap]=evolve(v[v.at.zswap], max_pool_percent=value)
    return 0
