"""Controls that a trace writes: module parameters, cgroup files, memory policy, folio sizes."""

from __future__ import annotations

from refmodel.conformance.trace_file import Record
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.table import KernelView
from refmodel.machine import Operation


def control(v: KernelView, record: Record) -> Operation:
    """Return the operation that a recorded control stands for; its value is 0 or a negative errno."""
    if record["op"] == "bind":
        return v.ops.bind(process=record["w"], nid=record["nid"])
    where, _, name = record["what"].partition("/")
    value = str(record["value"])
    if where == "thp":
        size = int(name.removeprefix("hugepages-").split("kB")[0]) * 1024
        return v.ops.set_thp(order=(size // PAGE_SIZE).bit_length() - 1, on=value == "always")
    if where == "zswap":
        return v.ops.set_param(name=name, value=value)
    return v.ops.set_memcg(memcg=int(where[1:]) + 1, control=name.removeprefix("memory."), value=value)
