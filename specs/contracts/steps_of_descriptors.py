"""From any legal queue of an IAA device: what a step leaves is legal again, and no credit is lost.

Each contract runs a real step on a system of which only the part in question is there.  The part is built from unknown
values that obey its invariant, whether a run leads to them or not; afterwards the invariant has to hold again.
"""

from __future__ import annotations

from types import SimpleNamespace

from refmodel.engines.contract import breaks
from refmodel.engines.part_of_system import part_of_system
from refmodel.kernel import iaa_desc, iaa_engine, iaa_job
from refmodel.kernel.iaa_state import FREE_DESC, PHASES, IaaDesc, IaaWq
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, Return

DESCS = 2
"""Descriptors of a queue."""

ENGINES = 8
"""Engines of a device, at most."""


def _queue(phases: tuple[int, ...]) -> KernelView:
    """Return a system with one queue, whose descriptors are in any phases; those that wait do so in their order."""
    numbers = [next(k for k in range(5) if each == k) for each in phases]
    descs = [IaaDesc(phase=PHASES[k], cpu=0) if k else FREE_DESC for k in numbers]
    used = sum([2**d for d, k in enumerate(numbers) if k])
    waiting = tuple([d for d, k in enumerate(numbers) if k == 2])
    busy = numbers.count(3)
    places = SimpleNamespace(
        system=SimpleNamespace(
            names=("wq1.0",),
            device_of=(0,),
            group_of=(0,),
            queues=(SimpleNamespace(mode="dedicated"),),
            statuses=(),
        ),
        halted=[0],
        wq=[1],
        sbitmap=[2],
        idle=[3],
        desc=[range(4, 4 + len(descs))],
    )
    codec = SimpleNamespace(outcomes=lambda data: (None,))
    cfg = SimpleNamespace(codecs={"deflate-iaa": codec})
    return part_of_system([False, IaaWq(fifo=waiting), used, ENGINES - busy, *descs], cfg=cfg, iaa=places)


def _credits(v: KernelView) -> tuple[int, int, bool]:
    """Return how many descriptors are free, how many are in flight, and whether map and descriptors say the same."""
    count = len(v.at.iaa.desc[0])
    clear = [v[2] // 2**d % 2 == 0 for d in range(count)]
    free = [v[4 + d].phase == "free" for d in range(count)]
    return sum(clear), count - sum(free), clear == free


def taking_a_descriptor_keeps_the_credits(phases: tuple[int, ...]) -> tuple[int, tuple[int, int, bool]]:
    """From any legal queue: free and in flight are all there are, and a job costs one credit, where there is one.

    Source: drivers/dma/idxd/submit.c idxd_alloc_desc(), Linux 6.12.117
    Requirement: I6, I7
    Random: DESCS = 8

    pre: len(phases) == DESCS
    pre: all(0 <= phase <= 4 for phase in phases)
    post: _[1][0] + _[1][1] == DESCS
    post: _[1][2]
    post: (_[0] >= 0) == (0 in phases) and _[1][0] == max(phases.count(0) - 1, 0)
    """
    v = _queue(phases)
    d = iaa_desc.alloc_desc(v, 0, 0)
    return d, _credits(v)


@breaks(taking_a_descriptor_keeps_the_credits, iaa_desc.alloc_desc)
def hands_it_out_again(v: KernelView, q: int, cpu: int) -> int:
    """The descriptor is the job's, and the map does not know: the next job gets it as well."""
    v[4] = IaaDesc(phase="allocated", cpu=cpu)
    return 0


def giving_a_descriptor_back_keeps_the_credits(phases: tuple[int, ...], d: int) -> tuple[int, int, bool]:
    """From any legal queue: what is given back, before it was submitted or after it is done, is one credit more.

    Source: drivers/dma/idxd/submit.c idxd_free_desc(), Linux 6.12.117
    Requirement: I6, I7
    Random: DESCS = 8

    pre: len(phases) == DESCS
    pre: all(0 <= phase <= 4 for phase in phases)
    pre: 0 <= d < DESCS
    pre: phases[d] == 1 or phases[d] == 4
    post: _[0] + _[1] == DESCS
    post: _[2]
    post: _[0] == phases.count(0) + 1
    """
    v = _queue(phases)
    iaa_desc.free_desc(v, 0, d)
    return _credits(v)


@breaks(giving_a_descriptor_back_keeps_the_credits, iaa_desc.free_desc)
def leaves_it_to_the_job(v: KernelView, q: int, d: int) -> None:
    """All descriptors are free in the map, while jobs still have theirs."""
    v[2] = 0


@breaks(giving_a_descriptor_back_keeps_the_credits, iaa_desc.free_desc)
def never_gives_back(v: KernelView, q: int, d: int) -> None:
    """The descriptor stays taken."""


def what_the_device_has_stays_its_own(phases: tuple[int, ...], d: int) -> tuple[int, str]:
    """From any legal queue: giving back what the device has is a credit more, and the device still writes to it.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c check_completion(), IAA_COMPLETION_TIMEOUT, Linux 7.3.4
    Requirement: I6, I7
    Random: DESCS = 8

    pre: len(phases) == DESCS
    pre: all(0 <= phase <= 4 for phase in phases)
    pre: 0 <= d < DESCS
    pre: phases[d] == 2 or phases[d] == 3
    post: _[0] == phases.count(0) + 1
    post: _[1] == PHASES[phases[d]]
    """
    v = _queue(phases)
    iaa_desc.free_desc(v, 0, d)
    return _credits(v)[0], v[4 + d].phase


@breaks(what_the_device_has_stays_its_own, iaa_desc.free_desc)
def takes_it_from_the_device(v: KernelView, q: int, d: int) -> None:
    """The device loses the job, and the credit is lost as well."""
    v[4 + d] = FREE_DESC


def submitting_keeps_the_credits(
    phases: tuple[int, ...], d: int
) -> tuple[int, tuple[int, int, bool], tuple[int, ...]]:
    """From any legal queue: a job that is handed over is the last that waits, and costs no further credit.

    Source: drivers/dma/idxd/submit.c idxd_submit_desc(), Linux 6.12.117
    Requirement: I6
    Random: DESCS = 8

    pre: len(phases) == DESCS
    pre: all(0 <= phase <= 4 for phase in phases)
    pre: 0 <= d < DESCS
    pre: phases[d] == 1
    post: _[0] == 0
    post: _[1] == (phases.count(0), DESCS - phases.count(0), True)
    post: _[2] == (*[other for other in range(DESCS) if phases[other] == 2], d)
    """
    v = _queue(phases)
    error = iaa_desc.idxd_submit_desc(v, 0, d)
    return error, _credits(v), v[1].fifo


@breaks(submitting_keeps_the_credits, iaa_desc.idxd_submit_desc)
def loses_the_job(v: KernelView, q: int, d: int) -> int:
    """The descriptor is free again, the job is with nobody, and the caller hears of an error."""
    v[2], v[4 + d] = 0, FREE_DESC
    return -5


def beginning_a_job_keeps_the_credits(phases: tuple[int, ...]) -> tuple[tuple[int, int, bool], str, int]:
    """From any legal queue where a job waits: the first one is served by an engine, and no credit moves.

    Source: the device; drivers/dma/idxd gives its order no name
    Requirement: I6
    Random: DESCS = 8

    pre: len(phases) == DESCS
    pre: all(0 <= phase <= 4 for phase in phases)
    pre: 2 in phases
    post: _[0] == (phases.count(0), DESCS - phases.count(0), True)
    post: _[1] == "service"
    post: _[2] == ENGINES - phases.count(3) - 1
    """
    v = _queue(phases)
    iaa_engine.IaaEngineBegin(0).begin(v)
    return _credits(v), v[4 + phases.index(2)].phase, v[3]


@breaks(beginning_a_job_keeps_the_credits, iaa_engine.IaaEngineBegin.begin)
def gives_it_back_at_once(self: iaa_engine.IaaEngineBegin, v: KernelView) -> Next:
    """The descriptor of a job is free as soon as it is served, and no engine is busy with it."""
    v[2] = 0
    return Return()


def ending_a_job_keeps_the_credits(phases: tuple[int, ...], d: int) -> tuple[tuple[int, int, bool], str, int]:
    """From any legal queue: a job that ends has its descriptor until software gives it back; its engine is idle.

    Source: include/uapi/linux/idxd.h, struct iax_completion_record, Linux 6.12.117
    Requirement: I6, I8
    Random: DESCS = 8

    pre: len(phases) == DESCS
    pre: all(0 <= phase <= 4 for phase in phases)
    pre: 0 <= d < DESCS
    pre: phases[d] == 3
    post: _[0] == (phases.count(0), DESCS - phases.count(0), True)
    post: _[1] == "done"
    post: _[2] == ENGINES - phases.count(3) + 1
    """
    v = _queue(phases)
    iaa_engine.IaaEngineEnd(0, d).end(v)
    return _credits(v), v[4 + d].phase, v[3]


@breaks(ending_a_job_keeps_the_credits, iaa_engine.IaaEngineEnd.end)
def frees_it_itself(self: iaa_engine.IaaEngineEnd, v: KernelView) -> Next:
    """The device gives the descriptor back, and its engine stays busy."""
    v[2] = 0
    return Return()


def jobs_leave_a_queue_as_they_found_it(jobs: int, bound: bool, removed: bool) -> tuple[bool, IaaWq, IaaWq]:
    """From any legal queue: a job holds it if it is bound and not removed, and drops exactly what it took.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c iaa_wq_get() and iaa_wq_put(), Linux 6.12.117
    Requirement: I8

    pre: 0 <= jobs <= 2**20
    post: _[0] == (bound and not removed)
    post: _[1].refs == jobs + _[0]
    post: implies(_[0], _[2] == IaaWq(bound=bound, removed=removed, refs=jobs))
    """
    v = _queue((0,) * DESCS)
    v[1] = IaaWq(bound=bound, removed=removed, refs=jobs)
    taken = iaa_job.get_wq(v, 0)
    held = v[1]
    if taken:
        iaa_job.put_wq(v, 0)
    return taken, held, v[1]


@breaks(jobs_leave_a_queue_as_they_found_it, iaa_job.get_wq)
def takes_a_removed_one(v: KernelView, q: int) -> bool:
    """Every queue is given to jobs, and no job counts."""
    return True


@breaks(jobs_leave_a_queue_as_they_found_it, iaa_job.put_wq)
def keeps_the_reference(v: KernelView, q: int) -> None:
    """The reference is never dropped (IAA-H9)."""


def a_removed_queue_goes_with_its_last_job(jobs: int, removed: bool) -> IaaWq:
    """From any legal queue that a job holds: the driver forgets it with the last job, if it was removed.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c iaa_wq_put(), Linux 6.12.117
    Requirement: I4, I8

    pre: 1 <= jobs <= 2**20
    post: _.refs == jobs - 1
    post: _.bound == (not removed or jobs > 1)
    """
    v = _queue((0,) * DESCS)
    v[1] = IaaWq(removed=removed, refs=jobs)
    iaa_job.put_wq(v, 0)
    left: IaaWq = v[1]
    return left


@breaks(a_removed_queue_goes_with_its_last_job, iaa_job.put_wq)
def forgets_it_at_once(v: KernelView, q: int) -> None:
    """The driver forgets the queue while jobs still hold it."""
    v[1] = IaaWq(bound=False, refs=v[1].refs)
