"""Commands for an implementation, drawn at random from what it says that it can do.

As in the model's own walks, a run draws how often each kind of command comes, and which few pages and contents it
uses, so that commands meet; commands with which little can happen in the model's state are mostly passed over.
"""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING, Any

from refmodel.conformance.boundary import Hello, Line
from refmodel.conformance.drive import page_state
from refmodel.conformance.served import SLABS
from refmodel.kernel.table import KernelView

if TYPE_CHECKING:
    from collections.abc import Callable

WEIGHTS = {
    "write": 12, "dirty": 4, "read": 10, "touch": 3, "out": 14, "free": 4, "lazyfree": 2, "willneed": 3,
    "peek": 1, "fork": 2, "reap": 2, "set": 4, "bind": 1, "shrink": 6, "reclaim": 2, "cpu": 2, "settle": 1, "move": 2,
    "parallel": 8, "count": 1, "offline": 1, "swapoff": 2, "swapon": 4,
}  # fmt: skip
"""How often walks draw each command, compared with others."""

CONTENTS: tuple[Line, ...] = (
    {"kind": "text", "seed": 1}, {"kind": "text", "seed": 2}, {"kind": "zero", "seed": 0},
    {"kind": "mix", "seed": 3, "len": 1000}, {"kind": "same", "seed": 4}, {"kind": "rand", "seed": 5},
    {"kind": "nsame", "seed": 6}, {"kind": "mix", "seed": 7, "len": 2400},
)  # fmt: skip
"""Contents that are written, the plainest first."""

FAULTS = 5
"""One in so many pages that are swapped out meets an injected failure, where that is possible."""

_WORTH = {
    "out": ("mem",), "lazyfree": ("mem",), "read": ("swap",), "touch": ("swap",), "willneed": ("swap",),
    "free": ("mem", "swap"), "dirty": ("mem", "swap"),
}  # fmt: skip
"""States of a page in which a command can do something."""

NEVER_FAIL = ("peek", "reap", "bind", "move", "parallel", "reclaim", "settle")
"""Commands without a field for a failure."""

AT_ONCE = 6
"""Commands of a worker at most, while others run theirs."""

ONE_AT_ONCE = (
    "write", "write", "write", "dirty", "read", "read", "touch", "out", "out", "out", "free", "lazyfree", "willneed",
    "fork", "reap",
)  # fmt: skip
"""Commands that workers run at the same time, as often as they are drawn."""

WIDEST = 4
"""Pages of a range at most, unless it is a whole folio."""

_ATTEMPTS = 12


class CommandDraws:
    """Draws the commands of one run."""

    def __init__(self, chance: Random, hello: Hello, v: KernelView) -> None:
        """Draw what this run is like."""
        self.chance, self.hello, self.v = chance, hello, v
        drawn = [op for op in hello.commands for _ in range(self.weight(op) * chance.randrange(4))]
        self.lottery = drawn or list(hello.commands)
        self.pages = chance.choice((2, 3, hello.pages))
        self.folio, switch = max(((_pages_of(name), name) for name in hello.controls), default=(1, ""))
        on = {"op": "set", "what": switch, "value": "always"}
        self.before = [on] if self.folio > WIDEST and chance.randrange(4) else []
        contents = [each for each in CONTENTS if each["kind"] != "rand" or "compress" in hello.events]
        self.contents = chance.sample(contents, chance.choice((2, len(contents))))
        self.workers = chance.choice((1, hello.workers))
        self.homes = {w: w % hello.cpus for w in range(hello.workers)}
        self.makers: dict[str, Callable[[], Line]] = {
            "write": self.write, "dirty": self.dirty, "set": self.set, "bind": self.bind,
            "shrink": self.shrink, "reclaim": self.reclaim, "cpu": self.cpu, "settle": dict, "move": self.move,
            "parallel": self.parallel,
            "fork": self.of_worker, "reap": self.of_worker, "offline": self.of_worker, "read": self.of_page,
            "count": self.count, "swapoff": dict, "swapon": dict,
        }  # fmt: skip

    def weight(self, op: str) -> int:
        """Return how often a command is drawn; without controls there is nothing to set."""
        return WEIGHTS[op] if op != "set" or self.hello.controls else 0

    def draw(self) -> Line:
        """Draw a command; one with which something can happen, if that is soon found."""
        if self.before:
            return self.before.pop()
        for _ in range(_ATTEMPTS):
            op = self.chance.choice(self.lottery)
            arguments = self.makers.get(op, self.of_pages)()
            command = {"op": op, **arguments, **self.fault(op, arguments.get("n", 1))}
            if self.is_worth(command) or not self.chance.randrange(12):
                break
        if op == "move" and command["cpu"] in self.v[self.v.at.online_cpus]:
            self.homes[command["w"]] = command["cpu"]
        return command

    def is_worth(self, command: Line) -> bool:
        """Whether a command can do something in the model's state."""
        op, v = command["op"], self.v
        if op in ("fork", "reap"):
            forked: bool = v[v.at.forked[command["w"]]]
            return forked if op == "reap" else not forked
        if op in ("shrink", "count"):
            return bool(v[v.at.lru[command["w"] + 1][command["nid"]]])
        if op == "reclaim":
            pages = range(self.hello.pages)
            states = (page_state(v, int(command["cg"][1:]), page) for page in pages)
            cached = [state["st"] == "swap" and "swcache" in state for state in states]
            return any(cached) or self.hello.reclaims_mapped
        if op in ("swapon", "swapoff"):
            return bool(v[v.at.si].on) is (op == "swapoff")
        if op == "offline":
            return bool(v[v.at.memcg[command["w"] + 1]].online)
        if op == "parallel":
            homes = [home for home in self.homes.values() if home in v[v.at.online_cpus]]
            return len(set(homes)) == self.hello.workers
        if op in ("cpu", "move"):
            online: bool = command["cpu"] in v[v.at.online_cpus]
            return online != bool(command.get("on", 0))
        state: str = page_state(v, command["w"], command["page"])["st"] if op in _WORTH else ""
        return op not in _WORTH or state in _WORTH[op]

    # --- arguments --------------------------------------------------------------------------------------------

    def of_worker(self) -> Line:
        """Draw a worker."""
        return {"w": self.chance.randrange(self.workers)}

    def of_page(self) -> Line:
        """Draw a page."""
        return {**self.of_worker(), "page": self.chance.randrange(min(self.pages, self.hello.pages))}

    def of_pages(self) -> Line:
        """Draw a range of pages, mostly of one."""
        found = self.of_page()
        if self.folio > WIDEST and self.chance.randrange(3):
            return {**found, "page": found["page"] // self.folio * self.folio, "n": self.folio}
        longest = min(WIDEST, self.hello.pages - found["page"])
        if longest > 1 and not self.chance.randrange(3):
            found["n"] = self.chance.randrange(2, longest + 1)
        return found

    def write(self) -> Line:
        """Draw a page and its content."""
        return {**self.of_page(), **self.chance.choice(self.contents)}

    def dirty(self) -> Line:
        """Draw a byte."""
        return {
            **self.of_page(),
            "off": self.chance.choice((0, 4095)),
            "val": self.chance.choice((0, 1, 255)),
        }

    def fault(self, op: str, nr: int) -> Line:
        """Draw perhaps a failure on the way of a command about some pages; the slabs of zswap are those of ``out``."""
        sites = [site for site in self.hello.faults if op == "out" or site not in SLABS]
        if not sites or op in NEVER_FAIL or self.chance.randrange(FAULTS):
            return {}
        return {"fault": {"site": self.chance.choice(sites), "nth": self.chance.randrange(1, nr + 1)}}

    def set(self) -> Line:
        """Draw a control and its value."""
        name = self.chance.choice(sorted(self.hello.controls))
        value = self.chance.choice(self.hello.controls[name])
        return {"what": name.replace("wK", f"w{self.chance.randrange(self.workers)}"), "value": value}

    def bind(self) -> Line:
        """Draw a node, or none."""
        return {**self.of_worker(), "nid": self.chance.choice((None, *range(self.hello.nodes)))}

    def shrink(self) -> Line:
        """Draw a list and how far it is visited."""
        return {
            **self.of_worker(), "nid": self.chance.randrange(self.hello.nodes), "n": self.chance.choice((1, 2, 4))
        }  # fmt: skip

    def count(self) -> Line:
        """Draw a list."""
        return {**self.of_worker(), "nid": self.chance.randrange(self.hello.nodes)}

    def reclaim(self) -> Line:
        """Draw a cgroup and a size."""
        return {"cg": f"w{self.chance.randrange(self.workers)}", "what": self.chance.choice(("4K", "16K"))}

    def parallel(self) -> Line:
        """Draw what every worker does while the others do theirs, each on its own pages."""
        return {
            "ops": [
                {**self.at_once(), "w": w}
                for w in range(self.hello.workers)
                for _ in range(self.chance.randrange(2, AT_ONCE + 1))
            ]
        }

    def at_once(self) -> Line:
        """Draw a command of one worker."""
        op = self.chance.choice([op for op in ONE_AT_ONCE if op in self.hello.commands])
        return {"op": op, **self.makers.get(op, self.of_pages)()}

    def move(self) -> Line:
        """Draw a worker and a CPU for it."""
        return {**self.of_worker(), "cpu": self.chance.randrange(self.hello.cpus)}

    def cpu(self) -> Line:
        """Draw a CPU, and whether it goes or comes."""
        return {"cpu": self.chance.randrange(self.hello.cpus), "on": self.chance.randrange(2)}


def _pages_of(control: str) -> int:
    """Return the pages of the folios that a control is about, 1 for any other."""
    found = re.fullmatch(r"thp/hugepages-(\d+)kB/enabled", control)
    return int(found[1]) // 4 if found else 1


def simpler(command: Line) -> list[tuple[str, Any]]:
    """Return changes that make a command plainer, the plainest first: a field and its value, None to drop it."""
    changes: list[tuple[str, Any]] = []
    if command["op"] == "parallel":
        ops = command["ops"]
        return [("ops", [each for each in ops if each is not left_out]) for left_out in ops if len(ops) > 2]
    for name in ("fault", "n"):
        if name in command and command["op"] != "shrink":
            changes.append((name, None))
    if "n" in command:
        changes += [("n", n) for n in range(1 if command["op"] == "shrink" else 2, command["n"])]
    for name in ("w", "page", "nid"):
        if command.get(name):
            changes += [(name, value) for value in (0, command[name] // 2, command[name] - 1)]
    changes += [(name, 0) for name in ("off", "val") if command.get(name)]
    if "fault" in command and command["fault"]["nth"] > 1:
        changes.append(("fault", {**command["fault"], "nth": 1}))
    return changes
