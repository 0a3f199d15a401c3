"""Invariants of IAA's descriptors, queues and jobs (IAA-1 to IAA-58, as far as a state or a command shows them).

What they say of other things stands in ``refmodel.properties.iaa_coverage``.
"""

from __future__ import annotations

from collections.abc import Iterator
from errno import EAGAIN
from typing import TYPE_CHECKING

from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import CorruptData
from refmodel.kernel.iaa_desc import name_of, wake_batch
from refmodel.kernel.iaa_engine import codec
from refmodel.kernel.iaa_status import NONE, SUCCESS
from refmodel.properties.property import history_property, state_property

if TYPE_CHECKING:
    from collections.abc import Hashable

    from refmodel.kernel.iaa_state import IaaDesc
    from refmodel.kernel.iaa_status import Op
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Event
    from refmodel.properties.index import Index

_SUBMIT = "drivers/dma/idxd/submit.c, Linux 6.12.117"
_MAIN = "drivers/crypto/intel/iaa/iaa_crypto_main.c, Linux 6.12.117"


def _descriptors(v: KernelView) -> Iterator[tuple[str, bool, IaaDesc]]:
    """Yield each descriptor with its name, and whether its bit says that it is handed out."""
    for q, row in enumerate(v.at.iaa.desc):
        used = v[v.at.iaa.sbitmap[q]]
        for d, place in enumerate(row):
            yield f"descriptor {d} of {name_of(v, q)}", bool(used >> d & 1), v[place]


@state_property(
    "IAA-1",
    when="step",
    source=f"idxd_alloc_desc(), idxd_free_desc(), {_SUBMIT}",
    requirements=("I6",),
    bug="the bit of a descriptor is cleared before its job was allocated (planted)",
    only="iaa",
)
def handed_out_means_in_use(index: Index) -> str | None:
    """A descriptor that the sbitmap has handed out is allocated, queued, in service or done."""
    for name, used, desc in _descriptors(index.v):
        if used and desc.phase == "free":
            return f"{name} is handed out and free; expected allocated, queued, service or done"
    return None


@state_property(
    "IAA-2",
    when="step",
    source=f"{_SUBMIT}; wq_size_store(), drivers/dma/idxd/sysfs.c, Linux 6.12.117",
    requirements=("I6",),
    bug="IAA-H15",
    only="iaa",
)
def queued_means_in_the_queue(index: Index) -> str | None:
    """A queue has no more jobs than descriptors, each once, and every job that was submitted is in it or in service."""
    v = index.v
    for q, row in enumerate(v.at.iaa.desc):
        fifo = v[v.at.iaa.wq[q]].fifo
        queued = tuple(d for d, place in enumerate(row) if v[place].phase == "queued")
        if tuple(sorted(fifo)) != queued:
            return f"{name_of(v, q)} has the descriptors {fifo}; submitted are {queued}"
    return None


@state_property(
    "IAA-5",
    when="step",
    source=f"check_completion(), {_MAIN} and 7.3.4",
    requirements=("I7",),
    bug="IAA-H10",
    only="iaa",
)
def free_means_that_no_device_has_it(index: Index) -> str | None:
    """No descriptor is given back while a device has its job."""
    for name, used, desc in _descriptors(index.v):
        if not used and desc.phase != "free":
            return f"{name} was given back; its device still has it ({desc.phase})"
    return None


@state_property(
    "IAA-6",
    when="step",
    source=f"idxd_alloc_desc(), {_SUBMIT}",
    requirements=("I6",),
    bug="the completion record is not zeroed at allocation (planted)",
    only="iaa",
)
def record_is_empty_until_the_end(index: Index) -> str | None:
    """The completion record of a job says nothing until the device has ended the job."""
    for name, used, desc in _descriptors(index.v):
        if used and desc.phase != "done" and desc.completion != NONE:
            return f"{name} is {desc.phase} with status {desc.completion.status:#04x}; expected 0x00"
    return None


@state_property(
    "IAA-8",
    when="step",
    source=f"idxd_alloc_desc(), idxd_free_desc(), {_SUBMIT}",
    requirements=("I6",),
    bug="a descriptor that goes back keeps its CPU (planted)",
    only="iaa",
)
def free_means_without_cpu(index: Index) -> str | None:
    """A descriptor has a CPU exactly while it is handed out."""
    for name, used, desc in _descriptors(index.v):
        if used != (desc.cpu >= 0):
            return f"{name} is {'handed out' if used else 'free'} with CPU {desc.cpu}"
    return None


@state_property(
    "IAA-9",
    when="step",
    source="sbitmap_queue_wake_up(), lib/sbitmap.c, Linux 6.12.117",
    requirements=("I7",),
    bug="a job sleeps without a second look (planted)",
    only="iaa",
)
def sleepers_are_woken(index: Index) -> str | None:
    """A job sleeps for a descriptor only while those that are out will wake it, or a wake-up is under way."""
    v = index.v
    for q, place in enumerate(v.at.iaa.wq):
        wq, out = v[place], v[v.at.iaa.sbitmap[q]].bit_count()
        needed = wake_batch(len(v.at.iaa.desc[q])) - wq.given
        if wq.there and wq.asleep and not wq.wakes and out < needed:
            return f"{name_of(v, q)}: {wq.asleep} jobs sleep, {out} descriptors are out; {needed} have to come back"
    return None


@state_property(
    "IAA-7",
    source=f"idxd_free_desc(), {_SUBMIT}",
    requirements=("I6", "I7"),
    bug="I01",
    only="iaa",
)
def all_descriptors_go_back(index: Index) -> str | None:
    """When no job is under way every descriptor is free, whatever has failed before (IAA-4, IAA-7)."""
    for name, used, desc in _descriptors(index.v):
        if used:
            return f"{name} is {desc.phase}, and no job is under way"
    return None


@state_property(
    "IAA-11",
    source=f"iaa_wq_get(), iaa_wq_put(), {_MAIN}",
    requirements=("I4",),
    bug="IAA-H9",
    only="iaa",
)
def references_are_dropped(index: Index) -> str | None:
    """A queue is held by as many references as jobs: by none when no job is under way."""
    v = index.v
    for q, place in enumerate(v.at.iaa.wq):
        if v[place].refs:
            return f"{name_of(v, q)} is held by {v[place].refs} references, and no job is under way"
    return None


@state_property(
    "IAA-12",
    source=f"iaa_comp_acompress(), {_MAIN}",
    requirements=("I7",),
    bug="a job that gets no descriptor leaves its buffers mapped (planted)",
    only="iaa",
)
def buffers_are_unmapped(index: Index) -> str | None:
    """What was mapped for a device is unmapped again."""
    mapped = index.v[index.v.at.iaa.mapped]
    return f"{mapped} buffers are mapped, and no job is under way" if mapped else None


@state_property(
    "IAA-16",
    when="step",
    source="iaa_crypto_remove(), batching v13",
    requirements=("I4",),
    bug="removal does not wait for who holds the queue (planted)",
    only="iaa waits",
)
def freed_means_that_no_job_holds_it(index: Index) -> str | None:
    """Descriptors are freed only when no job holds their queue."""
    v = index.v
    for q, place in enumerate(v.at.iaa.wq):
        if v[place].refs and not v[place].there:
            return f"{name_of(v, q)} was freed while {v[place].refs} jobs hold it"
    return None


@state_property(
    "IAA-17",
    source="batching v12 and later; mm/zswap.c",
    requirements=("I8",),
    bug="a batch that fails keeps the mutex of its CPU (planted)",
    only="iaa",
)
def locks_are_let_go(index: Index) -> str | None:
    """When nothing is under way nobody has the driver, a request, the requests of a batch, or the software deflate."""
    v, at = index.v, index.v.at.iaa
    if v[at.crypto].locked:
        return "iaa_devices_lock is held, and nothing is under way"
    if v[at.deflate].users:
        return "the software deflate is in use, and nothing is under way"
    for cpu, place in enumerate(at.batch_locked):
        if v[place]:
            return f"the mutex of the batches of CPU {cpu} is held, and no batch is under way"
    for number, request in enumerate(at.request):
        if v[request].locked:
            return f"request {number} is in use, and no job is under way"
    return None


@state_property(
    "IAA-19",
    when="step",
    source=f"rebalance_wq_table(), {_MAIN}",
    requirements=("I4",),
    bug="I03",
    only="iaa",
)
def every_cpu_has_a_queue(index: Index) -> str | None:
    """While jobs are taken and a queue is bound, every CPU has a queue for each direction."""
    v, crypto = index.v, index.v[index.v.at.iaa.crypto]
    if not crypto.enabled or not crypto.devices:
        return None
    for cpu, place in enumerate(v.at.iaa.tables):
        if not v[place].comp.wqs or not v[place].decomp.wqs:
            return f"CPU {cpu} has no queue for one of the directions, and jobs are taken"
    return None


@state_property(
    "IAA-20",
    source="rebalance_wq_table(), batching v9 06/19, v13",
    requirements=("I4",),
    bug="IAA-H4",
    only="iaa",
)
def tables_name_bound_queues(index: Index) -> str | None:
    """Every queue in the table of a CPU is bound."""
    v = index.v
    for cpu, place in enumerate(v.at.iaa.tables):
        for wq in dict.fromkeys((*v[place].comp.wqs, *v[place].decomp.wqs)):
            if not v[v.at.iaa.wq[v.at.iaa.system.number[wq]]].bound:
                return f"CPU {cpu} has {wq} in a table, and nobody has bound it"
    return None


@state_property(
    "IAA-25",
    source="map_iaa_device_wqs(), batching v9 06/19",
    requirements=("I1",),
    bug="queues for compression only are dealt for decompression (planted)",
    only="iaa",
)
def decompression_keeps_to_its_queues(index: Index) -> str | None:
    """No queue that is for compression only is in a table for decompression."""
    v = index.v
    only = {wq for device in v[v.at.iaa.crypto].devices for wq in device.comp}
    for cpu, place in enumerate(v.at.iaa.tables):
        for wq in v[place].decomp.wqs:
            if wq in only:
                return f"CPU {cpu} decompresses with {wq}, which is for compression only"
    return None


@state_property(
    "IAA-26",
    when="step",
    source=f"wq_table_next_wq(), {_MAIN}",
    requirements=("I3",),
    bug="IAA-H5",
    only="iaa",
)
def cursors_stay_in_their_tables(index: Index) -> str | None:
    """The cursor of a CPU names a queue of its table."""
    v = index.v
    for cpu, place in enumerate(v.at.iaa.tables):
        for table in (v[place].comp, v[place].decomp):
            if table.cursor >= max(len(table.wqs), 1):
                return f"CPU {cpu} is at queue {table.cursor} of {len(table.wqs)}"
    return None


@state_property(
    "IAA-33",
    when="step",
    source=f"iaa_compress(), {_MAIN}",
    requirements=("I8",),
    bug="the output of a compression is that of another job (planted)",
    only="iaa",
)
def what_was_compressed_decompresses(index: Index) -> str | None:
    """The compression of a page that is a success has 1 to 4096 bytes, and they decompress to the page."""
    for name, desc in _successes(index.v, "compress"):
        if not 0 < desc.length <= PAGE_SIZE:
            return f"{name}: a success with an output of {desc.length} bytes; expected 1 to {PAGE_SIZE}"
        if _inflated(index.v, desc.out) != desc.data:
            return f"{name}: the output of {desc.length} bytes does not decompress to the page of the job"
    return None


@state_property(
    "IAA-34",
    when="step",
    source=f"iaa_decompress(), {_MAIN}",
    requirements=("I8",),
    bug="the output of a decompression is that of another job (planted)",
    only="iaa",
)
def what_was_decompressed_is_the_page(index: Index) -> str | None:
    """The decompression of a page that is a success has 4096 bytes, which are what the input decompresses to."""
    for name, desc in _successes(index.v, "decompress"):
        if desc.length != PAGE_SIZE:
            return f"{name}: a success with an output of {desc.length} bytes; expected {PAGE_SIZE}"
        if _inflated(index.v, desc.data) != desc.out:
            return f"{name}: the output is not what the input of {desc.length_in} bytes decompresses to"
    return None


def _successes(v: KernelView, op: Op) -> Iterator[tuple[str, IaaDesc]]:
    """Yield name and descriptor of the jobs of a direction that the device has ended well."""
    for name, _, desc in _descriptors(v):
        if desc.op == op and desc.completion == SUCCESS:
            yield name, desc


def _inflated(v: KernelView, data: Hashable) -> Hashable:
    """Return the page that data decompresses to, None if it does not."""
    try:
        return codec(v).decompress(data)
    except CorruptData:
        return None


@state_property(
    "IAA-56",
    source=f"save_iaa_wq(), remove_iaa_wq(), {_MAIN}",
    requirements=("I4",),
    bug="a device stays when its last queue has gone (planted)",
    only="iaa",
)
def listed_devices_have_queues(index: Index) -> str | None:
    """A device is listed exactly while it has a bound queue."""
    v = index.v
    if not v.at.iaa.wq:
        return None
    listed = {wq for device in v[v.at.iaa.crypto].devices for wq in device.wqs}
    bound = {wq for q, wq in enumerate(v.at.iaa.system.wqs) if v[v.at.iaa.wq[q]].bound}
    empty = [device.id for device in v[v.at.iaa.crypto].devices if not device.wqs]
    if listed != bound or empty:
        return f"listed are {sorted(listed)} and the empty devices {empty}; bound are {sorted(bound)}"
    return None


# --- what a command shows ------------------------------------------------------------------------------------


def _batches(events: list[Event]) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """Yield direction, error and results of each batch."""
    for name, fields in events:
        if name == "iaa_batch":
            yield fields["op"], fields["error"], fields["lengths"]


@history_property(
    "IAA-36",
    source="iaa_comp_adecompress_batch(), batching v9 11/19",
    requirements=("I7",),
    bug="IAA-S13",
    only="iaa",
)
def what_software_did_is_done(events: list[Event], v: KernelView) -> str | None:
    """A page that software has decompressed for a batch counts as decompressed."""
    done, working = 0, False
    for name, fields in events:
        if name in ("worker_start", "worker"):
            # While a batch waits, the worker may write pages back, which are decompressed for that.
            working = name == "worker_start"
        elif name in ("iaa_software", "iaa_poll") and not working:
            done += not fields["error"]
        elif name == "iaa_batch":
            lengths = fields["lengths"]
            good = sum(length > 0 for length in lengths)
            if fields["op"] == "decompress" and good < done:
                return f"{done} pages of a batch have been decompressed, of which {good} count: {lengths}"
            done = 0
    return None


@history_property(
    "IAA-41",
    source="crypto_acomp_compress(), batching v14 15/26",
    requirements=("I8", "A1"),
    bug="IAA-S15",
    only="iaa",
)
def a_batch_tells_its_errors(events: list[Event], v: KernelView) -> str | None:
    """The call of a batch returns success exactly if every job was one; of a chain: if its head was one."""
    for _, error, lengths in _batches(events):
        speaks = lengths[:1] if v.ops.iaa_batch.heads else lengths
        if (error == 0) != all(length > 0 for length in speaks):
            return f"the batch returned {error} with the results {lengths}"
    return None


@history_property(
    "IAA-46",
    source="iaa_comp_acompress_main(), batching v13",
    requirements=("I8",),
    bug="a batch ends while a job is in flight (planted)",
    only="iaa",
)
def no_result_is_pending(events: list[Event], v: KernelView) -> str | None:
    """No result says that its job is in flight when the call returns."""
    for _, _, lengths in _batches(events):
        if -EAGAIN in lengths:
            return f"the batch has returned with a job in flight: {lengths}"
    return None


@history_property(
    "IAA-47",
    source="iaa_comp_acompress_main(), batching v13",
    requirements=("A1",),
    bug="the request gets the length of the unit that ended last (planted)",
    only="iaa waits",
)
def the_request_has_the_first_length(events: list[Event], v: KernelView) -> str | None:
    """The length of a request of several units is that of its first one, or its error."""
    for name, fields in events:
        if name == "iaa_batch" and fields["dlen"] not in (0, fields["lengths"][0]):
            return f"the request has length {fields['dlen']}; its units have {fields['lengths']}"
    return None


@history_property(
    "IAA-53",
    source="drivers/crypto/intel/iaa/iaa_crypto_stats.c, Linux 6.12.117",
    requirements=("I8",),
    bug="the queue does not count what the driver counts (planted)",
    only="iaa",
)
def counters_add_up(events: list[Event], v: KernelView) -> str | None:
    """The calls and bytes of all queues are those of the driver."""
    stats, queues = v.at.iaa.stats, v.at.iaa.wq_stats
    pairs = (
        ("comp_calls", v[stats.total_comp_calls], sum(v[each.comp_calls] for each in queues)),
        ("decomp_calls", v[stats.total_decomp_calls], sum(v[each.decomp_calls] for each in queues)),
        ("comp_bytes", v[stats.total_comp_bytes_out], sum(v[each.comp_bytes] for each in queues)),
        ("decomp_bytes", v[stats.total_decomp_bytes_in], sum(v[each.decomp_bytes] for each in queues)),
    )
    for name, total, added in pairs:
        if total != added:
            return f"{name}: {total} in all, {added} over all queues"
    return None
