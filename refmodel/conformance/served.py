"""The model as an implementation: it answers the commands of the boundary.

Others can use it as a fake in their own tests (``refmodel serve``), and a bug of the museum served this way is an
implementation that is known to be wrong.  Page contents are real bytes, compressed by the real compressor.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import attrs

from refmodel.conformance.boundary import VERSION, Broke, Line, check_command, schema
from refmodel.conformance.control import control
from refmodel.conformance.counters import MTHP_ORDER, Reader, cgroup_statistics, reader
from refmodel.conformance.drive import operations, page_state
from refmodel.conformance.patterns import crc
from refmodel.conformance.pressure import end_writes
from refmodel.engines.background import serving
from refmodel.engines.setting import Setting
from refmodel.kernel import choices
from refmodel.kernel.config import Sizes
from refmodel.kernel.crypto import CompressError
from refmodel.kernel.memory import KILLED
from refmodel.kernel.shrink_decisions import SHRINK_STOP
from refmodel.kernel.state import MemcgCounters
from refmodel.kernel.swap_fault import OOM, SIGBUS
from refmodel.kernel.zswap_decompress import ZswapDecompress618
from refmodel.kernel.zswap_pool import releasable
from refmodel.machine import ChoicePoint, Operation, run
from refmodel.resources import specs_dir

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.profiles import Profile

Snapshot = tuple[Any, ...]

SIZES = Sizes(
    nodes=1, cpus=2, memcgs=2, processes=2, pages=8, slots=129, folios=48, entries=40, objects=40,
    pools=4, max_order=2, totalram_pages=60,
)  # fmt: skip
"""How much of everything the served model has."""

SLABS = {"zswap_entry": "alloc_entry", "zs_handle": "alloc_object", "radix_tree_node": "xa_store"}
"""Choice points of failures that are injected by slab cache; other sites are named as their choice point."""

NOT_SERVED = ("reclaim", "move", "parallel")
"""Commands that the served model does not have: no reclaim by itself, workers that stay on their CPU."""

SETTINGS: dict[str, Line] = {"synchronous": {"synchronous": 1}, "enabled": {"enabled": 0}}
"""Fields of a setting that the model can start with, each with what differs from the usual start."""

ERRNO = {SIGBUS: errno.EFAULT, OOM: errno.ENOMEM, KILLED: errno.ESRCH}
"""What an access that ended badly is told as (vm_fault_to_errno() in include/linux/mm.h, 6.12; no such process)."""

CONTROLS = {
    "wK/memory.zswap.max": ("max", "0", "4096", "8192"),
    "wK/memory.swap.max": ("max", "0", "8192"),
    "wK/memory.zswap.writeback": ("1", "0"),
    "zswap/enabled": ("Y", "N"),
    "zswap/shrinker_enabled": ("Y", "N"),
    "zswap/max_pool_percent": ("20", "0", "4", "50"),
    "zswap/accept_threshold_percent": ("90", "50"),
    "zswap/compressor": ("deflate", "lz4", "nonsense"),
    "zswap/zpool": ("zsmalloc", "zbud", "nonsense"),
    "thp/hugepages-16kB/enabled": ("always", "never"),
}
"""Controls that are written, with the values that are tried."""

_TRACED = {
    name.removeprefix("ev."): frozenset(part["properties"])
    for name, part in json.loads((specs_dir() / "trace.schema.json").read_text())["$defs"].items()
    if name.startswith("ev.")
}
"""Events of traces with their fields."""


class BadCommand(Exception):
    """A line that is no command of the boundary."""


class ServedModel:
    """A system of the model behind the boundary.

    profile: whose steps it takes.  sizes: how much there is.  compressor: the first pool's.
    """

    def __init__(self, profile: Profile, sizes: Sizes = SIZES, compressor: str = "deflate") -> None:
        self.profile, self.sizes, self.compressor = profile, sizes, compressor
        self.events: list[Line] = []
        self.fault: Line = {}
        self.asked = self.cpu = 0
        self.fired = False
        self.systems: dict[tuple[bool, bool], tuple[KernelView, Snapshot, Reader]] = {}
        self.begin({})

    def begin(self, setting: Line) -> None:
        """Stand at the start of a system with a setting."""
        key = bool(setting.get("synchronous", 0)), bool(setting.get("enabled", 1))
        if key not in self.systems:
            made = Setting(self.compressor, synchronous=key[0], enabled=key[1])
            view = made.system_of(self.profile, self.sizes)
            view.choose, view.emit = self.choose, self.emit
            self.systems[key] = view, view.snapshot(), reader(view, _counter_names(view))
        self.view, initial, self.counters = self.systems[key]
        self.view.restore(initial)

    def answer(self, command: Line) -> Line:
        """Answer a command."""
        number = command["i"]
        if command["op"] == "hello":
            return self.hello()
        if command["op"] == "reset":
            self.begin(command.get("setting", {}))
            return {"i": number, "counters": self.counters()}
        self.events.clear()
        self.fault, self.asked, self.fired = command.get("fault", {}), 0, False
        self.cpu = command.get("w", 0) % self.view.cfg.sizes.cpus
        answer: Line = {"i": number, "errno": 0}
        self.states(command, answer, "pre")
        answer |= self.run_command(command)
        self.come_to_rest()
        self.states(command, answer, "post")
        if command["op"] == "settle":
            answer["cg"] = cgroup_statistics(self.view, _statistic_names(self.view))
        if self.fault:
            answer["fired"] = self.fired
        answer["counters"] = self.counters()
        answer["events"] = list(self.events)
        return answer

    def hello(self) -> Line:
        """Say what the model is."""
        sizes = self.view.cfg.sizes
        return {
            "boundary": VERSION,
            "name": f"refmodel {self.profile.name}",
            "profile": self.profile.name,
            "workers": sizes.processes,
            "pages": sizes.pages,
            "slots": sizes.slots - 1,
            "cpus": sizes.cpus,
            "totalram_pages": sizes.totalram_pages,
            "commands": self.commands(),
            "controls": {name: list(values) for name, values in CONTROLS.items() if self.has(name)},
            "faults": self.faults(),
            "settings": list(SETTINGS),
            "counters": _counter_names(self.view),
            "events": list(_TRACED),
            "zswap": {"compressor": self.compressor},
        }

    def commands(self) -> list[str]:
        """Return the commands that this profile has operations for."""
        known = [name[4:] for name in schema()["$defs"] if name.startswith("cmd.")]
        left_out = (
            "hello",
            "reset",
            *NOT_SERVED,
            *(() if self.view.ops.shrinker_scan else ("shrink", "count")),
        )
        return [name for name in known if name not in left_out]

    def faults(self) -> list[str]:
        """Return the sites of failures after which something can be said; one that nothing asks for never fires."""
        sites: list[str] = schema()["$defs"]["site"]["enum"]
        return [site for site in sites if not self.stops(site)]

    def stops(self, site: str) -> bool:
        """Whether nothing can be said after a failure.

        What cannot be decompressed stops the kernel up to 6.12, and without a bounce buffer 6.1 reads a block that
        was never written (H-13).
        """
        reports = issubclass(self.view.ops.zswap_decompress, ZswapDecompress618)
        return site == "bounce_buffer" or (site == "decompress" and not reports)

    def has(self, control: str) -> bool:
        """Whether this profile has a control."""
        where, _, name = control.partition("/")
        if where == "zswap":
            return name in self.view.ops.set_param.parameters and (
                name != "zpool" or len(self.profile.allocators) > 1
            )
        if where == "thp":
            return True
        return name.removeprefix("memory.") in self.view.ops.set_memcg.controls

    def run_command(self, command: Line) -> Line:
        """Run the operations of a command; return the fields of the answer that they give."""
        match command["op"]:
            case "settle":
                return {}
            case "set" | "bind":
                return {"errno": -(self.run(control(self.view, command)) or 0)}
        values = [self.run(operation) for operation in operations(self.view, command)]
        if command["op"] == "count":
            return {"found": values[0]}
        bad = next((ERRNO[value] for value in values if value in ERRNO), 0)
        if command["op"] in ("cpu", "offline", "swapoff", "swapon"):
            bad = -(values[0] or 0)
        if command["op"] == "read" and isinstance(values[0], bytes):
            return {"crc": crc(values[0])}
        return {"errno": bad}

    def run(self, operation: Operation) -> Any:
        """Run an operation to its end."""
        return run(self.view, operation, while_waiting=self.serve)

    def serve(self) -> bool:
        """Do what an operation waits for; return whether there was anything."""
        work = serving(self.view)
        if work is None:
            return False
        self.run(work)
        return True

    def come_to_rest(self) -> None:
        """Let the device end its writes, the worker run, and pools go."""
        v = self.view
        end_writes(v, self.run)
        if v[v.at.shrink_work].pending:
            self.run(v.ops.shrink_worker())
            end_writes(v, self.run)
        for number in releasable(v):
            self.run(v.ops.pool_release(pool=number))

    def states(self, command: Line, answer: Line, key: str) -> None:
        """Put the states of a command's pages into its answer."""
        if "page" in command:
            pages = range(command["page"], command["page"] + command.get("n", 1))
            found = [page_state(self.view, command["w"], page) for page in pages]
            answer[key] = found if len(found) > 1 else found[0]

    def choose(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        """Answer a choice point: only the injected allocation fails."""
        assert options is not None
        if point is choices.CPU and self.cpu in options:
            return self.cpu
        site = self.fault.get("site", "")
        if point.name == SLABS.get(site, site):
            self.asked += 1
            if self.asked == self.fault["nth"]:
                self.fired = True
                return CompressError(errno.EINVAL) if point is choices.COMPRESS else options[1]
        return options[0]

    def emit(self, name: str, /, **fields: Any) -> None:
        """Note an event with the fields that a trace has of it."""
        known = _TRACED.get(name)
        if known is not None:
            told = {key: _named(key, value) for key, value in fields.items() if key in known}
            if name == "shrinker_scan" and fields["ret"] == SHRINK_STOP:
                told["ret"] = "stop"
            self.events.append({"ev": name, **told})


def _named(key: str, value: Any) -> Any:
    """Return the value of an event's field as traces write it."""
    if key == "swp":
        return [0, value]
    if key == "memcg":
        return f"m{value}" if value else None
    return value


def _counter_names(v: Any) -> list[str]:
    groups = (
        ("vm", v.at.vm),
        ("zs", v.at.zs),
        ("mt", v.at.mthp[MTHP_ORDER] if len(v.at.mthp) > MTHP_ORDER else None),
    )
    names = [f"{group}.{field.name}" for group, at in groups if at for field in attrs.fields(type(at))]
    workers = range(v.cfg.sizes.processes)
    return [*names, "zs.pool_total_size", *(f"cg.w{k}.memory.swap.current" for k in workers)]


def _statistic_names(v: Any) -> list[str]:
    items = [field.name for field in attrs.fields(MemcgCounters) if field.name not in ("swap", "zswap")]
    return [f"w{k}.{item}" for k in range(v.cfg.sizes.processes) for item in (*items, "memory.zswap.current")]


def serve(model: ServedModel, commands: IO[str], answers: IO[str]) -> None:
    """Answer commands, one JSON object a line, until there are no more.

    Raises BadCommand for a line that is none.
    """
    for number, line in enumerate(commands):
        try:
            command = json.loads(line)
            check_command(command)
        except (ValueError, Broke) as error:
            raise BadCommand(f"line {number + 1} of the input: {error}") from None
        answers.write(json.dumps(model.answer(command)) + "\n")
        answers.flush()
