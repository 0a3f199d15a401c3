"""Goals of the IAA driver: whatever a job can come to, and whatever can come between (I7, I8).

Every status, errno and counter, every state of a descriptor, time-out and position of a batch that fails, and the
removal of a queue in every phase.  Each goal is run on its own, and says what was found; what is wrong says which
property broke, or which result was not the one that is expected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from errno import EIO
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.iaa_goal_errnos import COUNTERS, ERRNOS, LENGTH, PAGE, Small, serve
from refmodel.engines.trial import broken_state
from refmodel.engines.violation import Violation, of_error
from refmodel.kernel.choices import IAA_STATUS
from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.iaa_config import MAX_BATCH_JOBS, IaaSystem, one_device
from refmodel.kernel.iaa_job import IaaJobV9
from refmodel.kernel.iaa_state import PHASES, Phase
from refmodel.kernel.iaa_status import ANALYTICS_ERROR, STATUSES, Op, errno_of
from refmodel.kernel.iaa_topology import Queue
from refmodel.machine import run
from refmodel.machine.run import Execution
from refmodel.profiles import preset
from refmodel.properties import at_rest

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import ChoicePoint, Operation
    from refmodel.profiles import Profile

OPS: tuple[Op, ...] = ("compress", "decompress")

_STUCK = 1_000


@attrs.frozen
class Goal:
    """Something that is to be reached.

    kind: "status", "errno", "counter", "state", "position", "time-out" or "removal".
    op: direction; of an errno or a counter it says nothing.
    what: name of a status, errno or counter, position in the batch, or phase of the descriptor.
    """

    kind: str
    op: Op
    what: str

    @property
    def text(self) -> str:
        """The goal in a few words, for example ``status watchdog of decompress``."""
        return f"{self.kind} {self.what}" if self.kind in _SMALL else f"{self.kind} {self.what} of {self.op}"


@attrs.frozen
class Outcome:
    """What became of a goal.

    found: the result of the job or batch.  wrong: what is wrong, "" for nothing.
    """

    goal: Goal
    found: Any
    wrong: str


def goals(which: Profile) -> tuple[Goal, ...]:
    """Return the goals of a driver."""
    made = [Goal("status", op, name) for op in OPS for name in STATUSES]
    for kind, runs in _SMALL.items():
        made += [Goal(kind, "compress", name) for name, small in runs.items() if small(which) is not None]
    made += [Goal("state", op, phase) for op in OPS for phase in PHASES]
    made += [Goal("time-out", op, "no descriptor") for op in OPS if _tries(which)]
    if which.operations.iaa_batch and _tries(which):
        made.append(Goal("time-out", "compress", "no descriptor to verify"))
    made += [Goal("removal", op, phase) for op in OPS for phase in PHASES]
    if which.operations.iaa_batch is not None:
        made += [Goal("position", op, str(at)) for op in OPS for at in range(MAX_BATCH_JOBS)]
    return tuple(made)


def reach(which: Profile) -> Iterator[Outcome]:
    """Run every goal of a driver, whose known bugs should have their remedies."""
    for goal in goals(which):
        yield _RUN[goal.kind](which, goal)


def _tries(which: Profile) -> bool:
    return which.options.iaa is not None and bool(which.options.iaa.comp_tries)


def _system(which: Profile, entries: int, **fixed: Any) -> KernelView:
    sizes = attrs.evolve(preset("toy"), cpus=1, nodes=1, max_batch=MAX_BATCH_JOBS)
    system = IaaSystem(one_device(1, (Queue(entries),)), **({"verify_compress": False} | fixed))
    codec = {"tokens": Symbolic("tokens", (LENGTH,), fail=False)}
    return which.system(which.config(sizes, codec, compressor="tokens", iaa=system))


def _run(v: KernelView, operation: Operation) -> tuple[Any, str]:
    """Run an operation while the device works; return its value and what is wrong."""
    try:
        value = run(v, operation, while_waiting=partial(serve, v))
    except Exception as error:
        return None, _said(of_error(error))
    return value, ""


def _said(broken: Violation | None) -> str:
    return "" if broken is None else f"{broken.property}: {broken.found}"


def _judged(v: KernelView, which: Profile) -> str:
    return _said(broken_state(v, at_rest(which)))


def _reports(name: str, turn: int) -> Callable[[ChoicePoint, Sequence[Any] | None], Any]:
    """Return an environment in which one job, counted in the order of completion, ends with a status."""
    asked = 0

    def choose(point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        nonlocal asked
        assert options is not None
        if point is not IAA_STATUS:
            return options[0]
        asked += 1
        return STATUSES[name] if asked == turn + 1 else options[0]

    return choose


def expected(which: Profile, op: Op, name: str) -> int:
    """Return what a single job comes to whose device reports a status, in bytes or as a negative errno.

    Software decompresses what a device could not: after an analytics error in mainline, after any in the series.
    """
    if op == "compress":
        return -errno_of(op, STATUSES[name])
    series = issubclass(which.operations.iaa_job, IaaJobV9)
    software = series or STATUSES[name].status == ANALYTICS_ERROR
    return 4096 if software else -errno_of(op, STATUSES[name])


def _status(which: Profile, goal: Goal) -> Outcome:
    v = _system(which, 2, statuses=(goal.what,))
    v.choose = _reports(goal.what, 0)
    found, wrong = _run(v, v.ops.iaa_call(0, goal.op, PAGE))
    awaited = expected(which, goal.op, goal.what)
    if not wrong and found != awaited:
        wrong = f"the job came to {found}; expected {awaited}"
    return Outcome(goal, found, wrong or _judged(v, which))


def _position(which: Profile, goal: Goal) -> Outcome:
    """Let one job of a batch fail: its result alone is an error, and it stands at its own index."""
    v, at = _system(which, MAX_BATCH_JOBS, statuses=("page_fault_ir",)), int(goal.what)
    pages = tuple(range(1, MAX_BATCH_JOBS + 1))
    batch = v.ops.iaa_batch(0, goal.op, pages, (LENGTH,) * MAX_BATCH_JOBS)
    v.choose = _reports("page_fault_ir", batch.order().index(at))
    found, wrong = _run(v, v.ops.iaa_call_batch(0, goal.op, pages))
    if not wrong:
        failed = [k for k, length in enumerate(found[1:]) if length < 0]
        wrong = "" if failed == [at] else f"the jobs {failed} have failed; expected {at} alone"
    return Outcome(goal, found, wrong or _judged(v, which))


def _small(which: Profile, goal: Goal) -> Outcome:
    """Run what leads to an errno or moves a counter."""
    ran = _SMALL[goal.kind][goal.what](which)
    assert ran is not None
    wrong = "" if ran.found == ran.expected else f"found {ran.found}; expected {ran.expected}"
    return Outcome(goal, ran.found, wrong or _judged(ran.v, which))


def _state(which: Profile, goal: Goal) -> Outcome:
    """Note the states of the descriptor of a job; each comes, in the order of a circle, once."""
    v = _system(which, 1)
    job = Execution(v.ops.iaa_call(0, goal.op, PAGE))
    seen: list[Phase] = []
    place = v.at.iaa.desc[0][0]

    def act() -> None:
        if not seen or seen[-1] != v[place].phase:
            seen.append(v[place].phase)
        _job_or_device(v, job)

    _until(lambda: job.over, act)
    wrong = "" if tuple(seen) == (*PHASES, "free") else f"the descriptor was {', '.join(seen)}"
    return Outcome(goal, goal.what, wrong or _judged(v, which))


def _verify_time_out(which: Profile, goal: Goal) -> Outcome:
    """Let the poll of a job want a second descriptor where there is one: the page counts as failed (IAA-H23)."""
    v = _system(which, 1, tries=3, verify_compress=True)
    found, wrong = _run(v, v.ops.iaa_call_batch(0, "compress", (PAGE,)))
    if not wrong and found[1] != -19:
        wrong = f"the job came to {found[1]}; expected -19"
    return Outcome(goal, found, wrong or _judged(v, which))


def _time_out(which: Profile, goal: Goal) -> Outcome:
    """Take the only descriptor before a job wants it: a compression fails, a decompression goes to software."""
    if goal.what == "no descriptor to verify":
        return _verify_time_out(which, goal)
    v = _system(which, 1, tries=3)
    held = v.ops.iaa_job(0, "compress", PAGE, poll=True)
    in_flight, _ = _run(v, held)
    found, wrong = _run(v, v.ops.iaa_call(0, goal.op, PAGE))
    awaited = 4096 if goal.op == "decompress" else -19
    if not wrong and found != awaited:
        wrong = f"the job came to {found}; expected {awaited}"
    while serve(v):
        pass
    run(v, v.ops.iaa_poll(0, "compress", PAGE, in_flight.q, in_flight.d))
    return Outcome(goal, found, wrong or _judged(v, which))


def _removal(which: Profile, goal: Goal) -> Outcome:
    """Begin the removal of a queue when the descriptor of a job is in a phase, and let both end."""
    v = _system(which, 1)
    job, removal = Execution(v.ops.iaa_call(0, goal.op, PAGE)), Execution(v.ops.iaa_unbind(0))
    place = v.at.iaa.desc[0][0]
    try:
        _until(lambda: v[place].phase == goal.what, partial(_job_or_device, v, job))
        _until(lambda: job.over and removal.over, partial(_both, v, job, removal))
    except Exception as error:
        return Outcome(goal, None, _said(of_error(error)))
    found = job.value
    wrong = "" if found in (4096, LENGTH, -19, -EIO, -6) else f"the job came to {found}"
    return Outcome(goal, found, wrong or _judged(v, which))


def _until(reached: Callable[[], bool], act: Callable[[], None]) -> None:
    for _ in range(_STUCK):
        if reached():
            return
        act()
    raise LookupError(f"{_STUCK} steps have not led there")


def _job_or_device(v: KernelView, job: Execution) -> None:
    if not job.advance(v):
        serve(v)


def _both(v: KernelView, job: Execution, removal: Execution) -> None:
    """Let the removal go as far as it can, then the job a step, then the device."""
    if not removal.over and removal.advance(v):
        return
    if job.over or not job.advance(v):
        serve(v)


_SMALL: dict[str, Mapping[str, Small]] = {"errno": ERRNOS, "counter": COUNTERS}

_RUN: dict[str, Callable[[Profile, Goal], Outcome]] = {
    "status": _status,
    "errno": _small,
    "counter": _small,
    "state": _state,
    "position": _position,
    "time-out": _time_out,
    "removal": _removal,
}
