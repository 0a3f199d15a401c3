"""A Linux kernel as the implementation under test: the boundary, spoken by a guest that runs it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from typing import Any

import attrs

from refmodel.conformance.boundary import VERSION, BadTarget, Broke, Line
from refmodel.conformance.linux.at_once import at_once, states_of, worker_line
from refmodel.conformance.linux.boot import boot, find_kernel
from refmodel.conformance.linux.machine import GuestGone, Machine, Shape
from refmodel.conformance.linux.probes import Normaliser, install
from refmodel.conformance.linux.setting import FOLIO_PAGES, FOLIOS, PARAMETERS, THP, WORKERS, Setting
from refmodel.conformance.linux.words import words_of
from refmodel.conformance.pressure import VISITS
from refmodel.conformance.replica import profile_of
from refmodel.conformance.target import Target
from refmodel.profiles import UnknownProfile

PAGES = 8
"""Pages that each process uses."""

_CONTROLS = {
    "wK/memory.zswap.max": ("max", "0", "8192"),
    "wK/memory.swap.max": ("max", "0"),
    "wK/memory.zswap.writeback": ("1", "0"),
    "zswap/enabled": ("Y", "N"),
    "zswap/shrinker_enabled": ("Y", "N"),
    "zswap/max_pool_percent": ("20", "0"),
    "zswap/accept_threshold_percent": ("90", "50"),
    # Others are no synchronous compressors in every kernel: their lengths show in no probe.
    "zswap/compressor": ("lzo", "lz4", "nonsense"),
    "thp/hugepages-64kB/enabled": ("always", "always", "never"),
}
"""Controls that runs write, with values."""

_COMMANDS = (
    "write",
    "dirty",
    "read",
    "touch",
    "out",
    "free",
    "lazyfree",
    "willneed",
    "peek",
    "fork",
    "reap",
    "set",
    "swapoff",
    "swapon",
)


def boot_words(where: str, cpus: int) -> Machine:
    """Boot the kernel that words name, in a machine of some CPUs.  Raises BadTarget."""
    words = words_of(where)
    image, modules = find_kernel(words.kernel, words.modules)
    return boot(image, modules, attrs.evolve(words.shape, cpus=cpus))


class LinuxTarget(Target):
    """A kernel in a virtual machine, with one device for swap, and two processes in cgroups of their own."""

    def __init__(self, where: str, timeout: float) -> None:
        """Boot the kernel.  where: a version that was obtained, or an image; see ``words_of``.

        Raises BadTarget.
        """
        self.words = words_of(where)
        self.image, self.modules = find_kernel(self.words.kernel, self.words.modules)
        self.machine: Machine | None = None
        self.sent: deque[tuple[Line, list[str]]] = deque()
        # Emulation on a busy machine may take its time; a kernel that hangs still ends the run.
        self.patience = max(timeout, 30.0)
        try:
            self.restart()
        except BaseException:
            self.close()
            raise
        super().__init__(timeout)

    def restart(self) -> None:
        """Boot the kernel anew."""
        self.close()
        self.machine = machine = boot(self.image, self.modules, self.words.shape)
        folios = self.words.folios
        if folios and not machine.names(FOLIOS):
            raise BadTarget(
                f"target linux: --folios: Linux {machine.release} has no folios of 64 KiB ({FOLIOS}); "
                "expected 6.8 or later"
            )
        self.setting = Setting(machine, 2 * FOLIO_PAGES if folios else PAGES, folios=folios)
        taken = install(machine) if self.words.probes else {}
        self.release = machine.release
        self.normaliser = Normaliser(self.release)
        self.sent.clear()
        # What two CPUs are to do at once takes more than one way to the guest.
        self.runs_ahead = machine.shape.cpus == 1
        probed = sorted(name for name, works in taken.items() if works and not name.endswith("_e"))
        self.kinds = [*probed, "worker_start"] if "worker" in probed else probed

    def close(self) -> None:
        """End the machine."""
        if self.machine is not None:
            self.machine.close()
        self.machine = None

    # --- the boundary ---------------------------------------------------------------------------------------

    def announce(self, commands: Sequence[Line]) -> None:
        """Send commands ahead: the guest runs them while its answers are looked at."""
        try:
            for command in commands:
                self.send(command)
        except GuestGone:
            # Whoever asks for the answer is told.
            return

    def exchange(self, command: Line) -> Any:
        """Let the guest answer.  Raises Broke."""
        assert self.machine is not None
        if command["op"] == "hello":
            return self.say_hello(self.machine)
        try:
            if command["op"] == "parallel":
                return at_once(self.setting, command, self.normaliser, self.patience)
            if not self.sent:
                self.send(command)
            announced, lines = self.sent[0]
            assert announced == command, f"{command} is asked where {announced} was announced"
            answers = self.machine.receive(self.patience)
        except GuestGone as gone:
            raise Broke("exit", "the answer", str(gone)) from None
        self.sent.popleft()
        return self.begun(lines, answers) if command["op"] == "reset" else self.told(command, answers)

    def send(self, command: Line) -> None:
        """Send what the guest has to do for a command.  Raises GuestGone."""
        assert self.machine is not None
        if command["op"] == "reset":
            lines = [*self.setting.ending(), *self.setting.beginning(), "counters", "trace"]
        else:
            first, *others = self.lines(command)
            lines = [first, "counters", *others, "trace"]
        self.machine.send(lines)
        self.sent.append((command, lines))

    def recall(self) -> None:
        """Wait for commands that nobody asks for; a guest that ends with them is started anew."""
        assert self.machine is not None
        try:
            for _ in self.sent:
                self.machine.receive(self.patience)
        except GuestGone:
            self.restart()
        self.sent.clear()

    def begun(self, lines: list[str], answers: list[Line]) -> Line:
        """Say from which counters a run begins.  Raises Broke where the guest does not get there."""
        for line, answer in zip(lines, answers, strict=True):
            if answer["errno"]:
                said = os.strerror(answer["errno"])
                raise Broke("exit", "the answer", f"between runs the guest's {line!r} failed: {said}")
        self.normaliser = Normaliser(self.release)
        return {"i": 0, "counters": answers[-2]["counters"]}

    def say_hello(self, machine: Machine) -> Line:
        """Say what this kernel is and what can be asked of it."""
        try:
            profile = profile_of(machine.release).name
        except UnknownProfile as error:
            profile = str(error)
        counted = machine.ask("counters")["counters"]
        parameters = machine.names(PARAMETERS)
        return {
            "boundary": VERSION,
            "name": f"Linux {machine.release}",
            "version": machine.version,
            "profile": profile,
            "workers": WORKERS,
            "pages": self.setting.pages,
            "slots": self.setting.slots(),
            "nodes": machine.shape.nodes,
            "cpus": machine.shape.cpus,
            "slot_cache": True,
            "reclaims": "mapped",
            "synchronous": machine.shape.swap == "brd",
            "totalram_pages": self.setting.memory_pages(),
            "commands": self.commands(machine.shape),
            "controls": {name: list(values) for name, values in _CONTROLS.items() if self.has(name)},
            "counters": [name for name in counted if self.kinds or name not in SHOW_LENGTHS],
            "events": self.kinds,
            "zswap": {name: machine.get(f"{PARAMETERS}/{name}") or "" for name in parameters},
        }

    def commands(self, shape: Shape) -> list[str]:
        """Return the commands that a machine of this shape can do."""
        nodes = ("bind",) if shape.nodes > 1 else ()
        cpus = ("cpu", "move", "parallel") if shape.cpus > 1 else ()
        # What MADV_FREE does to a part of a large folio is no part of the model.
        offered = [op for op in _COMMANDS if op != "lazyfree" or not self.words.folios]
        # Reclaim also splits folios of which a part is mapped, and tells of that in no event.
        followed = set(VISITS) <= set(self.kinds) and not self.words.folios
        reclaim = ("reclaim",) if followed and self.has("wK/memory.reclaim") else ()
        return [*offered, *nodes, *cpus, *reclaim]

    def has(self, control: str) -> bool:
        """Whether this kernel has a control."""
        where, _, name = control.partition("/")
        if where == "thp":
            return self.setting.folios
        if control == "zswap/max_pool_percent" and self.words.shape.cpus > 1:
            # On another CPU the worker would run beside the commands that made it necessary.
            return False
        return name in (self.setting.parameters if where == "zswap" else self.setting.cgroup_files)

    def told(self, command: Line, answers: list[Line]) -> Line:
        """Say what a command did and what is there, everything having come to rest."""
        done, counted, traced = answers[0], answers[1], answers[-1]
        if "died" in done:
            raise Broke("exit", "the answer", f"the guest's worker died of wait status {done['died']}")
        found = {
            "i": command["i"],
            "errno": done["errno"],
            "counters": counted["counters"],
            "events": [{k: v for k, v in event.items() if k != "cpu"} for event in self.events(traced)],
        }
        if command["op"] == "reclaim":
            found["memory"] = [states_of(answer) for answer in answers[2 + WORKERS : -1]]
        if "state" in done:
            found |= {"pre": done["state"], "post": answers[2]["state"]}
        return found | {name: done[name] for name in ("crc",) if name in done}

    def events(self, traced: Line) -> list[Line]:
        """Return the events of a piece of trace."""
        return list(self.normaliser.events(traced["text"]))

    def lines(self, command: Line) -> list[str]:
        """Return the guest's command, and the one that looks at the pages afterwards, if it is about pages."""
        op = command["op"]
        if op == "set":
            where, _, name = command["what"].partition("/")
            directory = {"zswap": PARAMETERS, "thp": THP}.get(where, f"/cg/{where}")
            path = f"{directory}/{name}"
            return [f"put {path} {command['value']}"]
        if op == "reclaim":
            return [
                f"put /cg/{command['cg']}/memory.reclaim {command['what']}",
                *self.setting.drain(),
                *self.setting.looks(),
            ]
        if op in ("swapoff", "swapon"):
            return [self.setting.use_device(on=op == "swapon")]
        if op == "cpu":
            return self.setting.switch(command["cpu"], on=bool(command["on"]))
        worker = f"@{command['w']}"
        if op in ("fork", "reap"):
            return [f"{worker} {op}"]
        if op == "move":
            return [self.setting.move(command["w"], command["cpu"])]
        if op == "bind":
            return [f"{worker} bind {'' if command['nid'] is None else command['nid']}"]
        page, n = command["page"], command.get("n", 1)
        return [f"{worker} {worker_line(command)}", f"{worker} peek {page} {n}"]


SHOW_LENGTHS = ("zs.pool_total_size", "vm.nr_zspages")
"""Counters that nothing can be said about without compressed lengths."""
