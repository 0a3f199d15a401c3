"""The model and an implementation in lockstep: the same commands, one after the other, compared after each.

What the implementation may decide freely (compressed lengths, which slot, whether an injected failure happened)
is taken from its answer; everything else must follow from the model.  The comparison is that of the trace
validator: an answered command is an operation of a trace.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.conformance.boundary import UNKNOWN, BadTarget, Broke, Hello, Line
from refmodel.conformance.limit import UNLIMITED, LimitSearch
from refmodel.conformance.patterns import crc
from refmodel.conformance.replica import CODEC_NAMES, replica_of
from refmodel.conformance.served import SLABS
from refmodel.conformance.target import Target
from refmodel.conformance.trace_file import Event, Op, Record, Trace
from refmodel.conformance.validator import Level, Validation, describe_step
from refmodel.kernel.config import Sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import MethodType

    from refmodel.profiles import Profile

SLOTS_OF_A_RUN = 400
"""Slots that the model hands out in a run without being told which, at most."""


@attrs.frozen
class Divergence:
    """Where an implementation leaves what the model allows.

    number: of the command, from 1.  command: without its number.  kind: ``differs``, or how it broke the
    boundary.  field: of the answer.  implementation, model: what each says.  step: of the model.
    """

    number: int
    command: Line
    kind: str
    field: str
    implementation: str
    model: str
    step: str

    @property
    def same_as(self) -> tuple[str, str, str]:
        """What must stay the same while a program is shortened."""
        return self.kind, str(self.command["op"]), self.field


@attrs.frozen
class Answered:
    """A command with its answer: what a trace, a vector and the report are made of."""

    command: Line
    record: Record
    events: tuple[Record, ...]


class Lockstep:
    """An implementation beside the model.

    target: the implementation.  profile: what it is held against.  level: what is compared.

    reached: operations and steps of the model that ran.  answered: the commands of this run.
    compared: how many fields of answers were compared, and how many were unknown.
    """

    def __init__(self, target: Target, profile: Profile, level: Level) -> None:
        """Build the model's side.  Raises BadTarget where the profile has no such start."""
        self.target, self.profile, self.level = target, profile, level
        self.hello = comparable(target.hello)
        self.header = header_of(self.hello, profile)
        self.validation = _Live(self.header, sizes_of(self.hello), profile, level)
        self.initial = self.validation.view.snapshot()
        self.names = self.validation.follower.snapshot()
        self.reached: set[tuple[str, str]] = self.validation.reached
        self.answered: list[Answered] = []
        self.counters: dict[str, Any] = {}
        self.commands = 0
        self.compared = 0
        self.unknown: dict[str, int] = {}

    @property
    def v(self) -> Any:
        """The model's system."""
        return self.validation.view

    def announce(self, program: Sequence[Line]) -> None:
        """Tell an implementation that runs ahead which run comes after those that were announced."""
        if self.target.runs_ahead:
            self.target.announce([{"i": i, **c} for i, c in enumerate(({"op": "reset"}, *program))])

    def recall(self) -> None:
        """Take back what was announced and did not run here."""
        if self.target.runs_ahead:
            self.target.recall()

    def reset(self) -> Divergence | None:
        """Begin a run: both sides go back to the start."""
        self.answered = []
        self.v.restore(self.initial)
        self.validation.begin(self.names)
        command = {"op": "reset"}
        try:
            answer = self.target.ask({"i": 0, **command})
        except Broke as broke:
            return self.broken(0, command, broke)
        self.counters = {name: answer["counters"].get(name, UNKNOWN) for name in self.hello.counters}
        return None

    def do(self, command: Line) -> Divergence | None:
        """Give a command to both; return where they part, if they do."""
        number = len(self.answered) + 1
        self.commands += 1
        try:
            answer = self.target.ask({"i": number, **command})
        except Broke as broke:
            return self.broken(number, command, broke)
        answered = self.note(number, command, answer)
        events = tuple(Event(number, each) for each in answered.events)
        op = Op(number, number - 1, answered.record, events)
        refused = self.refused(command, answer)
        if refused is not None:
            return Divergence(number, command, "differs", "errno", *refused, self.step())
        mismatch = self.validation.attempt(op)
        if mismatch is None:
            return None
        return Divergence(
            number, command, "differs", mismatch.field, mismatch.observed, mismatch.allowed, self.step()
        )

    def step(self) -> str:
        """Return the step of the model that ran last."""
        return describe_step(self.validation.last_step)

    def refused(self, command: Line, answer: Line) -> tuple[str, str] | None:
        """Commands that the model never refuses must not be refused; ``set`` and its like may be."""
        error = answer.get("errno", UNKNOWN)
        if command["op"] in _MAY_BE_REFUSED or error in (0, UNKNOWN):
            return None
        return f"errno {error}", "errno 0"

    def broken(self, number: int, command: Line, broke: Broke) -> Divergence:
        """Return the report of a broken boundary, and start the implementation again."""
        self.answered.append(Answered(command, {}, ()))
        self.target.restart()
        return Divergence(
            number, command, broke.how, broke.field, broke.message, "an answer", "the boundary itself"
        )

    def note(self, number: int, command: Line, answer: Line) -> Answered:
        """Write down a command and its answer as an operation of a trace."""
        record: Record = {"k": "op", "i": number - 1, **command, **self.told(command, answer)}
        if "fault" in command:
            record["fault"] = {**command["fault"], "fired": answer.get("fired") is True}
        record["d"] = self.changes(answer)
        told = answer.get("events", UNKNOWN)
        events = () if told == UNKNOWN else tuple({"k": "ev", "i": number - 1, "cpu": 0, **e} for e in told)
        answered = Answered(command, record, events)
        self.answered.append(answered)
        return answered

    def told(self, command: Line, answer: Line) -> Record:
        """Return the fields of an operation that stand in the answer; count those that are unknown."""
        fields: Record = {}
        for name in _FIELDS.get(command["op"], ()):
            value = answer.get(name, UNKNOWN)
            if name == "crc" and value == UNKNOWN and answer.get("bytes", UNKNOWN) != UNKNOWN:
                value = crc(bytes.fromhex(answer["bytes"]))
            if value == UNKNOWN:
                self.unknown[name] = self.unknown.get(name, 0) + 1
            else:
                self.compared += 1
            fields[name] = {} if name == "cg" and value == UNKNOWN else value
        if "cg" in fields and not tells_lengths(self.hello):
            bytes_of_zswap = [name for name in fields["cg"] if name.endswith("zswap.current")]
            fields["cg"] = fields["cg"] | dict.fromkeys(bytes_of_zswap, UNKNOWN)
        return fields

    def changes(self, answer: Line) -> Record:
        """Return the differences of the counters since the last command; unknown ones are named."""
        told = answer.get("counters", {})
        if told == self.counters and UNKNOWN not in told.values():
            self.compared += len(told) if self.level != "data" else 0
            return {}
        found: Record = {}
        for name, before in self.counters.items():
            now = self.counters[name] = told.get(name, UNKNOWN)
            if UNKNOWN in (now, before):
                found[name] = UNKNOWN
                continue
            self.compared += self.level != "data"
            if now != before:
                found[name] = int(now - before)
        return found


_MAY_BE_REFUSED = ("set", "reclaim", "shrink", "cpu", "move", "parallel", "offline", "swapoff", "swapon")
_PAGE = ("pre", "post")
_FIELDS = {
    **dict.fromkeys(("write", "dirty", "touch", "out", "free", "lazyfree", "willneed"), _PAGE),
    "read": ("pre", "post", "crc"),
    "peek": ("post",),
    "set": ("errno",),
    "reclaim": ("errno", "memory"),
    **dict.fromkeys(("cpu", "move", "offline", "swapoff", "swapon"), ("errno",)),
    "count": ("found",),
    "parallel": ("errno", "crcs", "memory"),
    "settle": ("cg",),
}
"""Fields of an operation that its answer has to fill, by name."""


class _Live(Validation):
    """A validation whose operations come one by one."""

    def __init__(self, header: Record, sizes: Sizes, profile: Profile, level: Level) -> None:
        """Stand at the start."""
        self.reached: set[tuple[str, str]] = set()
        self.watch: Callable[[MethodType], None] | None = None
        self.live_sizes = sizes
        super().__init__(Trace(Path(), header, (), {}, 0), profile, level)

    def make_replica(self) -> Any:
        """Build the replica with the sizes that the implementation gave."""
        return replica_of(self.trace.header, self.live_sizes, self.profile, strict=self.level == "events")

    def begin(self, names: Any) -> None:
        """Forget everything about the run before."""
        self.follower.restore(names)
        self.limit = LimitSearch()
        self.last_step, self.counted = None, None
        self.raced, self.notes = False, ()
        self.recorded_totals = dict.fromkeys(self.recorded_totals, 0)
        if self.view.cfg.sizes.totalram_pages != self.live_sizes.totalram_pages:
            self.view.cfg = attrs.evolve(self.view.cfg, sizes=self.live_sizes)
        self.trace_changes = {"zs.pool_limit_hit"} & set(self.trace.header["start"])

    def observe(self, step: MethodType) -> None:
        """Note the step for the coverage, and as the last one."""
        self.last_step = step
        self.reached.add((type(step.__self__).__name__, step.__name__))
        if self.watch is not None:
            self.watch(step)


def tells_lengths(hello: Hello) -> bool:
    """Whether an implementation tells how long its compressed pages are."""
    return bool({"compress", "zs_malloc", "charge"} & set(hello.events))


def comparable(hello: Hello) -> Hello:
    """Return what can be compared.

    Without compressed lengths there is no limit on their sum, without the size of memory none on a share of it.
    Vectors alone ask for failures at other sites than the slabs of zswap: no trace records these.
    """
    lengths = tells_lengths(hello)
    known = {"wK/memory.zswap.max": lengths, "zswap/max_pool_percent": lengths and hello.totalram_pages}
    controls = {name: values for name, values in hello.controls.items() if known.get(name, True)}
    sites = tuple(site for site in hello.faults if site in SLABS)
    return attrs.evolve(hello, controls=controls, faults=sites)


def sizes_of(hello: Hello) -> Sizes:
    """Return sizes that hold everything that a run can reach."""
    pages = hello.workers * hello.pages
    return Sizes(
        nodes=hello.nodes,
        cpus=hello.cpus,
        memcgs=hello.workers,
        processes=hello.workers,
        pages=hello.pages,
        slots=hello.slots + 1 + SLOTS_OF_A_RUN,
        folios=4 * pages + 16,
        entries=2 * pages + 16,
        objects=2 * pages + 16,
        pools=8,
        max_order=min(9, hello.pages.bit_length() - 1),
        totalram_pages=hello.totalram_pages or UNLIMITED,
    )


def header_of(hello: Hello, profile: Profile) -> Record:
    """Return the header of traces of an implementation.  Raises BadTarget for what no trace can say."""
    zswap = {
        "enabled": "Y",
        "shrinker_enabled": "N",
        "max_pool_percent": "20",
        "compressor": "deflate",
        "accept_threshold_percent": "90",
        **hello.zswap,
    }
    if zswap["compressor"] not in CODEC_NAMES:
        known = ", ".join(CODEC_NAMES)
        raise BadTarget(f"hello: compressor {zswap['compressor']!r} in zswap; expected one of {known}")
    if zswap.get("zpool", "zsmalloc") not in profile.allocators:
        known = ", ".join(profile.allocators)
        raise BadTarget(f"hello: zpool {zswap['zpool']!r} in zswap; expected one of {known}")
    ram = {"totalram_pages": hello.totalram_pages} if hello.totalram_pages else {}
    order = {"writeback_order": "free"} if hello.free_order else {}
    name = "/dev/ram0" if hello.synchronous else "/dev/swap"
    device = [name, "partition", str(hello.slots * 4), "0", "0"]
    return {
        "k": "header",
        "schema": "linux-zswap-trace/1",
        "kernel": f"{profile.kernel}-{'-'.join(hello.name.split())}",
        "build": hello.version or "unknown",
        "package": hello.name,
        "arch": "unknown",
        "guest": {
            "qemu": "none", "accel": "none", "mem": "1G", "cpus": hello.cpus, "nodes": hello.nodes,
            "cmdline": "", **ram,
        },
        "swap": {
            "device": name, "proc_swaps": device, "page_cluster": 0, "rotational": "0", "mglru": "0x0000",
            "slot_cache": hello.slot_cache,
        },
        "zswap": zswap,
        "workload": "conform",
        "seed": 0,
        **order,
        "probes": {"ok": sorted(hello.events), "unavailable": []},
        "start": dict.fromkeys(hello.counters, 0),
    }  # fmt: skip
