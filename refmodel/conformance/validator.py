"""Is a recorded trace allowed?  The model follows it, operation by operation.

Three levels, each including the one before: ``data`` (page states and contents after every operation),
``counters`` (exact differences of every modelled counter), ``events`` (the kernel's events inside each
operation, in their order).  What the kernel was free to decide is taken from the trace; everything else
must follow.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import attrs

from refmodel.conformance.boundary import UNKNOWN
from refmodel.conformance.control import control
from refmodel.conformance.counters import cgroup_statistics, reader
from refmodel.conformance.drive import operations, page_state
from refmodel.conformance.lengths import Lengths
from refmodel.conformance.limit import LimitSearch, set_limit
from refmodel.conformance.observed import Follower, Mismatch
from refmodel.conformance.parallel import run_parallel
from refmodel.conformance.patterns import crc
from refmodel.conformance.placement import NOTE, PAGES_OF, bounds
from refmodel.conformance.pressure import end_writes, run_free_shrink, run_reclaim, run_told_reclaim
from refmodel.conformance.replica import profile_of, replica
from refmodel.conformance.trace_file import Op, Trace, read_trace
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_pool import releasable
from refmodel.machine import Execution, Operation, run
from refmodel.profiles import Profile, profile

Level = Literal["data", "counters", "events"]
LEVELS: tuple[Level, ...] = ("data", "counters", "events")

INEXACT_ORDER = {
    "pressure": "asynchronous disk completion and a kernel worker: the order of events is not exact",
    "parallel": "two CPUs: the order of events is not exact",
}
"""Workloads whose events have no exact order, with the reason that is printed."""


@attrs.frozen
class Rejection:
    """Where a trace leaves what the model allows.

    line: of the trace.  operation: what ran there.  observed, allowed: both sides.  step: the operation
    and step of the model that decided otherwise, with its first sentence.
    """

    line: int
    operation: str
    observed: str
    allowed: str
    step: str


@attrs.frozen
class Verdict:
    """What the validator says of one trace.

    level: the level that was compared; level_reason says why it is not ``events``, if it is not.
    notes: what was compared less strictly than the level says, and why.
    """

    path: str
    profile: str
    verdict: Literal["accepted", "rejected", "undecided"]
    level: Level
    level_reason: str
    operations: int
    events: int
    counters: int
    seconds: float
    rejection: Rejection | None = None
    notes: tuple[str, ...] = ()


def validate(path: str | Path, profile_name: str | None = None, level: Level | None = None) -> Verdict:
    """Validate a trace file.

    profile_name: the profile to hold it against; by default the one of the recorded kernel.
    level: the level to compare; by default the highest that the recording's order supports.
    Raises TraceError for a file that is no trace, UnknownProfile for a kernel or name without profile.
    """
    started = time.perf_counter()
    trace = read_trace(path)
    chosen = profile(profile_name) if profile_name else profile_of(trace.header["kernel"])
    verdict = validate_trace(trace, chosen, level)
    return attrs.evolve(verdict, path=str(path), seconds=time.perf_counter() - started)


def validate_trace(trace: Trace, against: Profile, level: Level | None = None) -> Verdict:
    """Validate a trace that was read."""
    inexact = INEXACT_ORDER.get(trace.header["workload"], "")
    chosen: Level = level or ("counters" if inexact else "events")
    reason = inexact if chosen != "events" else ""
    zpool = trace.header["zswap"].get("zpool", "zsmalloc")
    if zpool not in against.allocators:
        wrong = Rejection(
            1, "header", f"zpool {zpool}", " or ".join(against.allocators), "no step of the model ran"
        )
        return Verdict("", against.name, "rejected", chosen, reason, 0, 0, 0, 0.0, wrong)
    follow = Validation(trace, against, chosen)
    follow.run()
    return Verdict(
        path="",
        profile=against.name,
        verdict="rejected" if follow.rejection else "accepted",
        level=chosen,
        level_reason=reason,
        operations=follow.done,
        events=follow.follower.compared,
        counters=follow.counters_compared,
        seconds=0.0,
        rejection=follow.rejection,
        notes=follow.notes,
    )


class Validation:
    """One pass of the model along a trace."""

    def __init__(self, trace: Trace, against: Profile, level: Level) -> None:
        """Build the replica."""
        self.trace, self.profile, self.level = trace, against, level
        self.view, self.follower = self.make_replica()
        self.limit = LimitSearch()
        self.trace_changes = {name for op in trace.ops for name in op.record["d"]}
        self.read_counters = reader(self.view, trace.header["start"])
        self.done = 0
        self.counters_compared = 0
        self.counted: dict[str, int] | None = None
        """The model's counters after the last operation, where they were read."""
        self.rejection: Rejection | None = None
        self.last_step: Any = None
        self.raced = False
        self.notes: tuple[str, ...] = ()
        self.recorded_totals = {name: trace.header["start"].get(name, 0) for name in PAGES_OF}
        self.lengths = Lengths(trace, self.view)
        self.limit_shows = "totalram_pages" not in trace.header["guest"]
        """Whether the pool limit has to be inferred."""

    def make_replica(self) -> tuple[KernelView, Follower]:
        """Build the system that follows, at the start of the trace."""
        return replica(self.trace, self.profile, strict=self.level == "events")

    def run(self) -> None:
        """Follow the trace until its end or to the first operation that the model does not allow."""
        for op in self.trace.ops:
            mismatch = self.attempt(op)
            if mismatch is not None:
                self.reject(op, mismatch)
                return
            self.done += 1

    def attempt(self, op: Op) -> Mismatch | None:
        """Follow one operation, under other pool limits too if the one in use does not fit."""
        for name in PAGES_OF:
            change = op.record["d"].get(name, 0)
            self.recorded_totals[name] += 0 if change == UNKNOWN else change
        start = self.snapshot()

        def again(limit: int) -> Mismatch | None:
            self.restore(start)
            set_limit(self.view, limit)
            return self.try_follow(op)

        if self.limit_shows and op.record["d"].get("zs.pool_limit_hit") and not self.limit.known:
            self.limit.first_hit(self.view, op, lambda limit: self.excess_refusals(op, start, limit))
            return again(self.limit.low)
        mismatch = self.try_follow(op)
        if mismatch is None or not self.limit.known or self.limit.low == self.limit.high:
            return mismatch
        if self.limit.narrow(lambda limit: again(limit) is None):
            return again(self.limit.low)
        return again(self.limit.low)

    def excess_refusals(self, op: Op, start: Any, limit: int) -> int:
        """Return how many more stores the model refuses for the pool limit than the trace did."""
        self.restore(start)
        set_limit(self.view, limit)
        before = self.view[self.view.at.zs.pool_limit_hit]
        self.try_follow(op)
        recorded: int = op.record["d"]["zs.pool_limit_hit"]
        return self.view[self.view.at.zs.pool_limit_hit] - before - recorded

    def try_follow(self, op: Op) -> Mismatch | None:
        """Follow one operation; return where it leaves the model, if it does."""
        try:
            self.follow(op)
        except Mismatch as mismatch:
            self.last_step = step_in(mismatch) or self.last_step
            return mismatch
        except (LookupError, AssertionError, ValueError, RuntimeError) as broken:
            self.last_step = step_in(broken) or self.last_step
            return Mismatch(op.line, "the operation", f"no such run: {broken}")
        return None

    def snapshot(self) -> Any:
        """Return all that changes while the trace is followed."""
        infers = self.limit_shows and "zs.pool_limit_hit" in self.trace_changes
        if not infers and not self.limit.known:
            return None
        return self.view.snapshot(), self.follower.snapshot(), self.counters_compared

    def restore(self, start: Any) -> None:
        """Go back to a snapshot."""
        components, names, self.counters_compared = start
        self.counted = None
        self.view.restore(components)
        self.follower.restore(names)

    def follow(self, op: Op) -> None:
        """Run one recorded operation and compare what it left."""
        record, v = op.record, self.view
        self.follower.begin(op)
        self.follower.unrecorded.extend(self.lengths.unrecorded(op))
        before = self.exact_counters() if self.counted is None else self.counted
        self.counted = None
        self.compare_states(op, "pre")
        contents = self.execute(op)
        self.settle()
        self.follower.end()
        self.compare_states(op, "post")
        self.compare_content(op, contents)
        self.raced = self.raced or record["op"] == "parallel"
        if self.level != "data":
            self.compare_counters(op, before)
        if record["op"] == "settle" and self.level != "data":
            names = list(record["cg"])
            self.compare(op, "statistic", record["cg"], cgroup_statistics(v, names))

    def execute(self, op: Op) -> list[Any]:
        """Run what a line of the trace stands for; return the contents that were read."""
        record = op.record
        match record["op"]:
            case "settle":
                return []
            case "set" | "bind":
                self.compare_answer(op, "errno", -self.run_operation(control(self.view, record)))
                return []
            case "swapoff":
                with self.unordered():
                    self.run_answered(op)
                return []
            case "swapon" | "offline":
                self.run_answered(op)
                return []
            case "count":
                (operation,) = operations(self.view, record)
                self.compare_answer(op, "found", self.run_operation(operation))
                return []
            case "cpu" | "move" | "parallel" if record.get("errno", UNKNOWN) not in (0, UNKNOWN):
                # A CPU that does not go, or is not there, or is asked to do two things at once: nothing happened.
                return []
            case "cpu":
                with self.unordered():
                    return self.run_page_operations(op)
            case "move":
                self.follower.homes[record["w"]] = record["cpu"]
                return []
            case "reclaim":
                run = run_told_reclaim if record.get("memory", UNKNOWN) != UNKNOWN else run_reclaim
                run(self.view, self.follower, op, self.run_operation)
                return []
            case "parallel":
                return run_parallel(self.view, self.follower, op)
            case "shrink" if self.trace.header.get("writeback_order") == "free":
                run_free_shrink(self.view, self.follower, op, self.run_operation)
                return []
            case _:
                return self.run_page_operations(op)

    def run_page_operations(self, op: Op) -> list[Any]:
        """Run page operations; where the worker ran meanwhile, let it run after the same store."""
        stores_before = [
            sum(1 for e in op.events[:at] if e.record["ev"] == "store")
            for at, event in enumerate(op.events)
            if event.record["ev"] == "worker_start"
        ]
        if self.level == "events" or not stores_before:
            return [self.run_operation(operation) for operation in operations(self.view, op.record)]
        for operation in operations(self.view, op.record):
            execution = Execution(operation)
            while not execution.over:
                execution.advance(self.view)
                if stores_before and self.follower.emitted["store"] >= stores_before[0]:
                    stores_before.pop(0)
                    self.run_worker()
        return []

    def run_answered(self, op: Op) -> None:
        """Run an operation that answers with an error or 0."""
        (operation,) = operations(self.view, op.record)
        self.compare_answer(op, "errno", -(self.run_operation(operation) or 0))

    @contextmanager
    def unordered(self) -> Iterator[None]:
        """Hold no event against the model: when a CPU or the device goes, more slots go back than it has.

        Until 6.12 a CPU takes slots for later, and gives back what it never handed out (drain_slots_cache_cpu,
        mm/swap_slots.c).
        """
        strict, self.follower.strict = self.follower.strict, False
        try:
            yield
        finally:
            self.follower.strict = strict
            self.follower.events.clear()

    def run_worker(self) -> None:
        """Let the global shrinker run if it is queued."""
        if self.view[self.view.at.shrink_work].pending:
            self.run_operation(self.view.ops.shrink_worker())
            end_writes(self.view, self.run_operation)

    def run_operation(self, operation: Operation) -> Any:
        """Run an operation to its end, remembering the last step for a rejection."""
        return run(self.view, operation, self.observe)

    def observe(self, step: Any) -> None:
        """Remember the step that ran last."""
        self.last_step = step

    def settle(self) -> None:
        """Let the device finish its writes and the worker run, as the recording did between operations."""
        end_writes(self.view, self.run_operation)
        self.run_worker()
        for number in releasable(self.view):
            self.run_operation(self.view.ops.pool_release(pool=number))

    # --- comparing ------------------------------------------------------------------------------------

    def exact_counters(self) -> dict[str, int]:
        """Return the model's values of the counters that the trace has exactly."""
        return self.read_counters() if self.level != "data" else {}

    def compare_counters(self, op: Op, before: dict[str, int]) -> None:
        """Compare the differences of every modelled counter."""
        after = self.counted = self.exact_counters()
        self.counters_compared += len(after)
        changed = {name: now - before[name] for name, now in after.items() if now != before[name]}
        if changed == op.record["d"] and not self.raced:
            return
        changed = {name: changed.get(name, 0) for name in after}
        recorded = {name: op.record["d"].get(name, 0) for name in after}
        for name in [name for name, value in recorded.items() if value == UNKNOWN]:
            del recorded[name], changed[name]
        if self.raced:
            self.compare_pool_pages(op, recorded, changed)
        self.compare(op, "counter", recorded, changed)

    def compare_pool_pages(self, op: Op, recorded: dict[str, int], changed: dict[str, int]) -> None:
        """Where the order of two CPUs in the allocator is unknown, compare the pool's pages with bounds."""
        if all(recorded[name] == changed[name] for name in PAGES_OF if name in changed) and not self.notes:
            return
        self.notes = (NOTE,)
        least, most = bounds(self.view)
        for name, unit in [(name, unit) for name, unit in PAGES_OF.items() if name in recorded]:
            pages, rest = divmod(self.recorded_totals[name], unit)
            if rest or not least <= pages <= most:
                raise Mismatch(op.line, f"{name} {self.recorded_totals[name]}", f"{least} to {most} pages")
            recorded.pop(name), changed.pop(name)

    def compare_answer(self, op: Op, field: str, modelled: int) -> None:
        """Compare a number that answers an operation."""
        recorded = op.record.get(field, UNKNOWN)
        if recorded not in (UNKNOWN, modelled):
            raise Mismatch(op.line, f"{field} {recorded}", f"{field} {modelled}", field)

    def compare(self, op: Op, kind: str, recorded: dict[str, int], modelled: dict[str, int]) -> None:
        """Compare named figures."""
        wrong = [name for name in modelled if recorded[name] not in (UNKNOWN, modelled[name])]
        if wrong:
            observed = ", ".join(f"{name} {recorded[name]:+d}" for name in wrong[:4])
            allowed = ", ".join(f"{name} {modelled[name]:+d}" for name in wrong[:4])
            raise Mismatch(op.line, f"{kind} {observed}", allowed, f"{kind} {wrong[0]}")

    def compare_states(self, op: Op, key: str) -> None:
        """Compare recorded page states with the model's.

        Where a failing page allocation was injected, it may have hit the recorder's own query (mincore),
        which then misses the swap cache copy of one page.
        """
        record = op.record
        if record["op"] == "parallel" and key == "post":
            for each in record["ops"]:
                if "sum" in each:
                    self.compare_sum(op, each)
        if key == "post" and record.get("memory", UNKNOWN) != UNKNOWN:
            self.compare_memory(op)
        if key == "post" and "sum" in record:
            self.compare_sum(op, record)
        if record.get(key, UNKNOWN) == UNKNOWN:
            return
        states = record[key] if isinstance(record[key], list) else [record[key]]
        unreliable = 1 if key == "post" and record.get("fault", {}).get("site") == "page" else 0
        for offset, recorded in enumerate(states):
            page = record["page"] + offset
            modelled = page_state(self.view, record.get("w", 0), page)
            if not self.same_state(recorded, modelled):
                if unreliable and self.same_state({**recorded, "swcache": 1}, modelled):
                    unreliable -= 1
                    continue
                observed = f"{key} state of page {page} {recorded}"
                raise Mismatch(op.line, observed, str(modelled), f"{key}.{first_unlike(recorded, modelled)}")

    def compare_memory(self, op: Op) -> None:
        """Compare the states of all pages of all workers, and of their children where these are told."""
        workers = self.view.cfg.sizes.processes
        for mm, states in enumerate(op.record["memory"]):
            who = f"worker {mm}" if mm < workers else f"the child of worker {mm - workers}"
            for page, recorded in enumerate(states):
                modelled = page_state(self.view, mm, page)
                # Tables of memory that was only ever read are not copied by fork (vma_needs_copy, mm/memory.c).
                uncopied = mm >= workers and "zeropage" in modelled and recorded == {"st": "none"}
                if not uncopied and not self.same_state(recorded, modelled):
                    field = f"memory.{first_unlike(recorded, modelled)}"
                    raise Mismatch(op.line, f"page {page} of {who} {recorded}", str(modelled), field)

    def same_state(self, recorded: dict[str, Any], modelled: dict[str, Any]) -> bool:
        """Whether two page states agree, slots under their own names, in what is known of the recorded one."""
        if UNKNOWN in (recorded, recorded["st"]):
            return True
        named = recorded.get("swp", UNKNOWN) != UNKNOWN and "swp" in modelled
        if named and not self.follower.same_slot(recorded["swp"][1], modelled["swp"][1]):
            return False
        return first_unlike(recorded, modelled) in ("", "swp")

    def compare_sum(self, op: Op, record: dict[str, Any]) -> None:
        """Compare how many pages of a range are mapped, swapped, absent, and cached while swapped."""
        whole = len(self.view.at.pte[0]) if op.record["op"] == "parallel" else None
        first, nr = (0, whole) if whole else (record["page"], record["n"])
        states = [page_state(self.view, record["w"], first + p) for p in range(nr)]
        modelled = {kind: sum(1 for s in states if s["st"] == kind) for kind in ("mem", "swap", "none")}
        modelled["swcache"] = sum(1 for s in states if s["st"] == "swap" and "swcache" in s)
        recorded = dict(record["sum"])
        if whole:
            modelled["none"] = recorded["none"]
        if modelled != recorded:
            raise Mismatch(op.line, f"page counts {recorded}", str(modelled))

    def compare_content(self, op: Op, contents: list[Any]) -> None:
        """Compare the checksums of what was read: one of a page, or those of operations at once."""
        checksums = [op.record["crc"]] if "crc" in op.record else op.record.get("crcs", UNKNOWN)
        if checksums == UNKNOWN:
            return
        for recorded, content in zip(checksums, contents, strict=True):
            found = crc(content) if isinstance(content, bytes) else content
            if recorded not in (UNKNOWN, found):
                raise Mismatch(op.line, f"content with crc {recorded}", f"content with crc {found}", "crc")

    def reject(self, op: Op, mismatch: Mismatch) -> None:
        """Note where the trace leaves the model."""
        self.rejection = Rejection(
            line=mismatch.line or op.line,
            operation=describe(op),
            observed=mismatch.observed,
            allowed=mismatch.allowed,
            step=describe_step(self.last_step),
        )


def first_unlike(recorded: dict[str, Any], modelled: dict[str, Any]) -> str:
    """Return the first field in which two page states differ, "" without one; slots are looked at last.

    A flag that is absent is not set; what is recorded as unknown does not differ.
    """
    unlike = [
        field
        for field in dict.fromkeys((*recorded, *modelled))
        if recorded.get(field, 0) not in (UNKNOWN, modelled.get(field, 0))
    ]
    if "swp" in unlike and recorded["st"] == modelled["st"]:
        unlike.remove("swp")
        unlike.append("swp")
    return unlike[0] if unlike else ""


def step_in(error: BaseException) -> Any:
    """Return the step that was running when an exception was raised, or None."""
    found = None
    frame = error.__traceback__
    while frame is not None:
        runs = frame.tb_frame.f_locals.get("self")
        name = frame.tb_frame.f_code.co_name
        if isinstance(runs, Operation) and name in runs.step_names:
            found = getattr(runs, name)
        frame = frame.tb_next
    return found


def describe(op: Op) -> str:
    """Return a recorded operation as text."""
    shown = ("w", "page", "n", "what", "value", "cg", "fault")
    fields = " ".join(f"{key}={op.record[key]}" for key in shown if key in op.record)
    return f"#{op.number} {op.record['op']} {fields}".rstrip()


def describe_step(step: Any) -> str:
    """Return a step of the model with its first sentence."""
    if step is None:
        return "no step of the model ran"
    sentence = (step.__doc__ or "").strip().split("\n")[0]
    return f"{type(step.__self__).__name__}.{step.__name__}: {sentence}"
