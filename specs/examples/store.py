"""A small compressed swap store in Python, behind the boundary of refmodel.

One worker with eight pages and a store that keeps them compressed by zlib, with an eviction order of its own: the
longest entry goes first.  It tells what it wrote back, and the model takes that as observed.  It claims to behave
like zswap of Linux 7.3 in what it tells, and leaves page flags and most counters open.

    refmodel conform python:store.py:Store
    refmodel conform "python:store.py:Store stale"

The words ``stale``, ``uncounted`` and ``zeroes`` make it wrong, each in its own way.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

PAGE = 4096
MASK = (1 << 64) - 1
WORDS = "swap page node entry folio queue batch store load tree slot cgroup worker device zone list"
FAULTS = ("", "stale", "uncounted", "zeroes")

HELLO = {
    "boundary": 1,
    "name": "store.py",
    "version": "1",
    "profile": "linux-7.3",
    "workers": 1,
    "pages": 8,
    "slots": 64,
    "commands": ["write", "dirty", "read", "touch", "out", "free", "peek", "set", "shrink"],
    "controls": {"zswap/shrinker_enabled": ["Y", "N"]},
    "zswap": {"compressor": "deflate", "shrinker_enabled": "Y"},
    "counters": ["vm.zswpin", "vm.zswpout", "vm.zswpwb", "vm.swpout_zero", "zs.stored_pages"],
    "events": ["compress", "writeback"],
    "writeback_order": "free",
}


class Store:
    """Pages that are in memory, and slots with what was swapped out."""

    def __init__(self, fault: str = "") -> None:
        if fault not in FAULTS:
            raise ValueError(f"fault {fault!r}: expected one of {', '.join(FAULTS[1:])}")
        self.fault = fault
        self.reset({})

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        """Answer a command of the boundary."""
        if command["op"] == "hello":
            return HELLO
        self.events: list[dict[str, Any]] = []
        answer = {"i": command["i"], "errno": 0, **getattr(self, command["op"])(command)}
        if "page" in command:
            states = [self.state(page) for page in pages_of(command)]
            answer["post"] = states if len(states) > 1 else states[0]
        return {**answer, "counters": dict(self.counters), "events": self.events}

    def reset(self, command: dict[str, Any]) -> dict[str, Any]:
        """Forget everything."""
        self.memory: dict[int, bytes] = {}
        self.cached: set[int] = set()
        """Swapped pages that are in memory, too: they were written to the device."""
        self.slots: dict[int, int] = {}
        """Slot of a page: it keeps it until it is freed or written."""
        self.out_of_memory: set[int] = set()
        self.entries: dict[int, bytes] = {}
        self.device: dict[int, bytes] = {}
        self.zeroes: set[int] = set()
        self.changed: set[int] = set()
        self.shrinker = True
        self.counters = dict.fromkeys(HELLO["counters"], 0)
        return {}

    # --- processes ------------------------------------------------------------------------------------------

    def write(self, command: dict[str, Any]) -> dict[str, Any]:
        """A page is written as a whole."""
        self.fault_in(command["page"], writes=True)
        self.memory[command["page"]] = content(command["kind"], command["seed"], command.get("len", PAGE))
        return {}

    def dirty(self, command: dict[str, Any]) -> dict[str, Any]:
        """A byte is written."""
        self.fault_in(command["page"], writes=True)
        page = bytearray(self.memory[command["page"]])
        page[command["off"]] = command["val"]
        self.memory[command["page"]] = bytes(page)
        return {}

    def read(self, command: dict[str, Any]) -> dict[str, Any]:
        """A page is read."""
        self.fault_in(command["page"])
        return {"crc": zlib.crc32(self.memory[command["page"]])}

    def touch(self, command: dict[str, Any]) -> dict[str, Any]:
        """A byte of each page is read."""
        for page in pages_of(command):
            self.fault_in(page)
        return {}

    def free(self, command: dict[str, Any]) -> dict[str, Any]:
        """Pages are dropped."""
        for page in pages_of(command):
            self.free_slot(page)
            self.memory.pop(page, None)
            self.out_of_memory.discard(page)
            self.changed.discard(page)
        return {}

    def peek(self, command: dict[str, Any]) -> dict[str, Any]:
        """Nothing happens."""
        return {}

    def set(self, command: dict[str, Any]) -> dict[str, Any]:
        """The shrinker is switched."""
        self.shrinker = command["value"] == "Y"
        return {}

    def fault_in(self, page: int, *, writes: bool = False) -> None:
        """Bring a page into memory; one that is written there gives up its slot, as only the process has it."""
        was_out = page in self.out_of_memory
        if was_out and page not in self.cached:
            self.memory[page] = self.load(page)
        self.out_of_memory.discard(page)
        self.cached.discard(page)
        if page not in self.memory:
            self.memory[page] = bytes(PAGE)
            if not writes:
                return
        if writes:
            if was_out:
                self.free_slot(page)
            self.changed.add(page)

    # --- swap -----------------------------------------------------------------------------------------------

    def out(self, command: dict[str, Any]) -> dict[str, Any]:
        """Pages are swapped out: zeroes as a mark, all others compressed.

        A page that was only read since it was written back is on the device as it is.  One that was never
        written is the zero page, which is not swapped.
        """
        for page in pages_of(command):
            if page not in self.memory or page in self.out_of_memory:
                continue
            if page not in self.changed and page not in self.slots:
                continue
            self.slots.setdefault(page, min({*range(1, 65)} - {*self.slots.values()}))
            if page in self.changed:
                self.store(page, self.memory[page])
            self.changed.discard(page)
            self.out_of_memory.add(page)
            del self.memory[page]
        return {}

    def store(self, page: int, content: bytes) -> None:
        """Keep a page; what its slot led to before is older."""
        self.zeroes.discard(page)
        self.device.pop(page, None)
        if not any(content if self.fault != "zeroes" else content[:64]):
            self.zeroes.add(page)
            self.counters["vm.swpout_zero"] += 1
            return
        compressed = zlib.compress(content, 1)
        fits = len(compressed) < PAGE
        length = len(compressed) if fits else PAGE
        self.events.append({"ev": "compress", "slen": PAGE, "dlen": length, "ret": 0})
        if self.fault != "stale" or page not in self.entries:
            self.entries[page] = compressed if fits else content
        self.counters["vm.zswpout"] += 1
        self.counters["zs.stored_pages"] += 1

    def load(self, page: int) -> bytes:
        """Return a page from where it is kept; what was only in the store has to be stored again."""
        if page in self.zeroes:
            return bytes(PAGE)
        if page not in self.entries:
            return self.device[page]
        kept = self.entries[page] if self.fault == "stale" else self.entries.pop(page)
        self.counters["zs.stored_pages"] -= 1
        self.counters["vm.zswpin"] += 1
        self.changed.add(page)
        return unpacked(kept)

    def shrink(self, command: dict[str, Any]) -> dict[str, Any]:
        """Write the longest entries back."""
        going = sorted(self.entries, key=lambda page: -len(self.entries[page])) if self.shrinker else []
        for page in [page for page in going if page in self.out_of_memory][: command["n"]]:
            self.device[page] = self.memory[page] = unpacked(self.entries.pop(page))
            self.cached.add(page)
            self.counters["zs.stored_pages"] -= self.fault != "uncounted"
            self.counters["vm.zswpwb"] += 1
            self.events.append({"ev": "writeback", "swp": [0, self.slots[page]], "ret": 0})
        return {}

    def free_slot(self, page: int) -> None:
        """Forget what a page's slot leads to."""
        if self.slots.pop(page, None) is None:
            return
        if page in self.entries and page in self.out_of_memory:
            self.counters["zs.stored_pages"] -= 1
        self.entries.pop(page, None)
        self.device.pop(page, None)
        self.zeroes.discard(page)
        self.cached.discard(page)

    def state(self, page: int) -> dict[str, Any]:
        """Return the state of a page."""
        if page in self.out_of_memory:
            return {"st": "swap", "swp": [0, self.slots[page]], "swcache": int(page in self.cached)}
        if page not in self.memory:
            return {"st": "none"}
        unknown = dict.fromkeys(("nid", "dirty", "swcache", "zeropage"), "unknown")
        return {"st": "mem", **unknown}


def pages_of(command: dict[str, Any]) -> range:
    """Return the pages that a command is about."""
    return range(command["page"], command["page"] + command.get("n", 1))


def unpacked(kept: bytes) -> bytes:
    """Return a page from an entry: what is as long as a page is one."""
    return kept if len(kept) == PAGE else zlib.decompress(kept)


def splitmix64(state: int) -> Iterator[int]:
    """Yield the words that pages are made of."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        word = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & MASK
        word = ((word ^ word >> 27) * 0x94D049BB133111EB) & MASK
        yield word ^ word >> 31


@lru_cache(maxsize=256)
def content(kind: str, seed: int, length: int) -> bytes:
    """Return the 4096 bytes that a write names."""
    words = splitmix64(seed)
    if kind == "zero":
        return bytes(PAGE)
    if kind == "text":
        text = ""
        while len(text) < PAGE:
            text += WORDS.split()[next(words) & 15] + " "
        return text[:PAGE].encode()
    if kind in ("same", "nsame"):
        page = bytearray(next(words).to_bytes(8, "little") * (PAGE // 8))
        page[-8] ^= kind == "nsame"
        return bytes(page)
    length = PAGE if kind == "rand" else length
    return b"".join(next(words).to_bytes(8, "little") for _ in range(length // 8)).ljust(PAGE, b"\0")
