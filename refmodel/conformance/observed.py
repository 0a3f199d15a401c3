"""Following recorded events: the environment and the observer of a validated run.

The model runs an operation of the trace.  What the kernel was free to decide is answered from the
events that the kernel left (a compressed length, a slot number, an allocation that failed); everything
else the model decides, and each event that it emits is held against the next recorded one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from refmodel.conformance.boundary import UNKNOWN
from refmodel.conformance.names import Names
from refmodel.conformance.trace_file import Event, Op, Record
from refmodel.kernel import choices, memcg
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Compressed, CompressError
from refmodel.kernel.swap_slots import FreeRuns
from refmodel.kernel.table import KernelView
from refmodel.machine import ChoicePoint

CLUSTER = 512
"""Slots of a cluster, for events that name a slot by its place in one."""

SHOW_LENGTHS = frozenset({"vm.nr_zspages", "zs.pool_total_size"})
"""Counters in which compressed lengths show."""

FOLIO_SHOWN = ("swap_read", "disk_write")
"""Events that tell the node of a folio that was just allocated."""

GIVEN_BACK = ("swapcache_del", "slot_free", "invalidate")
"""Events of a slot that was taken and is given back at once, for the limit of a cgroup."""

TOUCHING = ("write", "dirty", "read", "touch")
"""Operations after which the pages that they are about are mapped."""

OPTIONAL = frozenset({"shrinker_count"})
"""Events that a recorder may leave out when they say nothing."""


class Mismatch(Exception):
    """The model and the trace part ways.

    line: of the trace, 0 if no single line is meant.  observed, allowed: what each says.
    field: what of the operation they speak of, for example ``crc`` or ``counter vm.zswpout``.
    """

    def __init__(self, line: int, observed: str, allowed: str, field: str = "the operation") -> None:
        """Keep both sides."""
        super().__init__(f"line {line}: observed {observed}; the model allows {allowed}")
        self.line, self.observed, self.allowed, self.field = line, observed, allowed, field


class SlotInUse(Mismatch):
    """A slot was handed out that is in use in the model: another CPU may be about to free it."""


def show(name: str, fields: dict[str, Any]) -> str:
    """Return an event as text."""
    return " ".join([name, *(f"{key}={value}" for key, value in fields.items())])


def show_recorded(event: Event | None) -> str:
    """Return a recorded event as text, or that there is none."""
    if event is None:
        return "the end of the operation"
    hidden = ("k", "i", "ev", "cpu")
    return show(event.record["ev"], {k: v for k, v in event.record.items() if k not in hidden})


def _is_on_node(state: Any) -> bool:
    """Whether a page state names a node: the shared zero page belongs to none."""
    return state != UNKNOWN and isinstance(state.get("nid"), int) and state["nid"] >= 0


class ObservedCodec:
    """A compressor whose results were recorded.  The model keeps the page itself as its data."""

    def __init__(self, name: str) -> None:
        """Stand for a compressor; ``follower`` is set when the system exists."""
        self.name = name
        self.batch_size = 1
        self.follower: Follower | None = None

    def outcomes(self, content: Any) -> tuple[Compressed | CompressError, ...]:
        """Return the one result that was recorded."""
        assert self.follower is not None
        return (self.follower.compressed(content),)

    def decompress(self, data: Any) -> Any:
        """Return the page."""
        return data


class Follower:
    """Answers choices from recorded events and compares emitted events with them.

    view: the system that runs.  probed: kinds of events that the recording covers.
    counted: names of the counters that it has.
    strict: compare the order of events; otherwise events only answer choices.
    """

    def __init__(
        self, view: KernelView, probed: frozenset[str], counted: frozenset[str], strict: bool
    ) -> None:
        """Attach to a system."""
        self.view, self.probed, self.counted, self.strict = view, probed, counted, strict
        self.slots, self.handles, self.memcgs = Names(), Names(), Names()
        self.events: deque[Event] = deque()
        self.compared = 0
        self.line = 0
        self.record: Record = {}
        self.cpu = 0
        """The CPU of the task that runs."""
        self.homes: dict[int, int] = {}
        """CPUs of workers that were moved; worker k begins on CPU k."""
        self.exact_faults = False
        """Whether the nth allocation at a site is the one that fails."""
        self.spare_slot = 0
        self.fresh: set[int] = set()
        """Slots that the model handed out unrecorded and that no page state has named since."""
        self.emitted: Counter[str] = Counter()
        """How often each event was emitted in this operation."""
        self.injected = 0
        """Injected failures of this operation that no event shows and that were answered."""
        self.unrecorded: deque[int] = deque()
        """Lengths of the pages of this operation, where no event tells them."""
        view.choose = self.choose
        view.emit = self.emit

    def begin(self, op: Op) -> None:
        """Start an operation with its recorded events."""
        self.line, self.record = op.line, op.record
        # What nobody of the workers does is done on the first CPU.
        self.cpu = self.cpu_of(op.record["w"]) if "w" in op.record else 0
        self.events = deque(e for e in op.events if e.record["ev"] in self.probed)
        self.unrecorded.clear()
        self.injected = 0
        self.emitted.clear()

    def cpu_of(self, worker: int) -> int:
        """Return the CPU that a worker is bound to; the first one while that is away."""
        cpu = self.homes.get(worker, worker % self.view.cfg.sizes.cpus)
        return cpu if cpu in self.view[self.view.at.online_cpus] else 0

    def snapshot(self) -> Any:
        """Return what was learned about names, and the counts."""
        names = self.slots.copy(), self.handles.copy(), self.memcgs.copy()
        return *names, self.compared, self.spare_slot, frozenset(self.fresh), dict(self.homes)

    def restore(self, snapshot: Any) -> None:
        """Go back to what was known at a snapshot."""
        slots, handles, memcgs, self.compared, self.spare_slot, fresh, homes = snapshot
        self.fresh, self.homes = set(fresh), dict(homes)
        self.slots, self.handles, self.memcgs = slots.copy(), handles.copy(), memcgs.copy()

    def end(self) -> None:
        """End an operation: every recorded event must have been explained."""
        while self.strict and self.events and self.events[0].record["ev"] in OPTIONAL:
            self.events.popleft()
        if self.strict and self.events:
            event = self.events[0]
            raise Mismatch(
                event.line, show_recorded(event), "the end of the operation", f"event {event.record['ev']}"
            )

    # --- the environment ------------------------------------------------------------------------------

    def choose(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        """Answer a choice point."""
        match point:
            case choices.SLOT:
                return self._slot(options)
            case choices.ALLOC_SLOT:
                return self._no_slot()
            case choices.ALLOC_OBJECT:
                # zbud tells of its allocations in no event.
                told = not self.exact_faults or self.next("zs_malloc") is not None
                if "zs_malloc" in self.probed and told:
                    return self._errno("zs_malloc") != 0
                return self._injected("zs.reject_alloc_fail", "zs_handle", "zspage", "page")
            case choices.ADD_TO_SWAP_CACHE:
                return self._errno("swapcache_add") != 0
            case choices.CPU:
                return self.cpu if options is None or self.cpu in options else options[0]
            case choices.ALLOC_ENTRY if self.exact_faults or "compress" not in self.probed:
                return self._injected("zs.reject_kmemcache_fail", "zswap_entry")
            case choices.ALLOC_ENTRY:
                return self._counted("zs.reject_kmemcache_fail") and self._no_compression_follows()
            case choices.ALLOC_LRU:
                return not self._counted("zs.reject_kmemcache_fail") and self._no_compression_follows()
            case choices.XA_STORE if self.exact_faults or "zs_free" not in self.probed:
                return self._injected("zs.reject_alloc_fail", "radix_tree_node")
            case choices.XA_STORE:
                return self._object_is_taken_back()
            case choices.FOLIO_NODE:
                return self._node(options, FOLIO_SHOWN)
            case choices.ENTRY_NODE:
                return self._node(options, ("lru_add",))
            case _:
                assert options is not None
                return options[0]

    def next(self, *kinds: str) -> Event | None:
        """Return the next recorded event of some kinds without taking it."""
        return next((e for e in self.events if e.record["ev"] in kinds), None)

    def _errno(self, kind: str) -> int:
        event = self.events[0] if self.strict and self.events else self.next(kind)
        if event is None or event.record["ev"] != kind:
            return 0
        return int(event.record.get("ret", 0))

    def _no_slot(self) -> bool:
        """Whether no slot was to be had.  For the limit of a cgroup one is taken first and given back."""
        event = self.next("slot_alloc")
        return event is not None and not event.record.get("swp", (0, 1))[1] and not self._limited(event)

    def _limited(self, refusal: Event) -> bool:
        """Whether a slot was refused for memory.swap.max: it was given back, or the cgroup has no room."""
        if self._given_back(refusal):
            return True
        return "w" in self.record and not memcg.swap_room(self.view, int(self.record["w"]) + 1, 1)

    def _given_back(self, refusal: Event) -> int:
        """Return the slot that the events before a refusal give back, 0 for none."""
        before = takewhile(lambda event: event is not refusal, self.events)
        told = (e.record["swp"][1] for e in before if e.record["ev"] in GIVEN_BACK and "swp" in e.record)
        return int(next(told, 0))

    def _slot(self, options: Sequence[Any] | None) -> int:
        event = self.next("slot_alloc")
        if event is None:
            return self._unrecorded_slot()
        slot = int(event.record["swp"][1]) or self._given_back(event)
        if not slot:
            return self._unrecorded_slot()
        assert isinstance(options, FreeRuns)
        if slot not in options:
            raise SlotInUse(event.line, f"slot {slot} handed out", f"free runs of {options.nr} slots only")
        self.slots.bind(slot, slot)
        return slot

    def _unrecorded_slot(self) -> int:
        self.spare_slot -= 1
        slot = len(self.view.at.slot) + self.spare_slot
        self.fresh.add(slot)
        return slot

    def same_slot(self, recorded: int, modelled: int) -> bool:
        """Whether a page state names the slot that the model has there.

        A slot that was handed out unrecorded gets its recorded name here; an older meaning of that name is
        forgotten.
        """
        if modelled in self.fresh:
            self.fresh.discard(modelled)
            self.slots.bind(recorded, modelled)
        return self.slots.same(recorded, modelled)

    def compressed(self, content: Any) -> Compressed | CompressError:
        """Return what the kernel's compressor made of a page, from the next event that tells."""
        if self.unrecorded:
            return Compressed(self.unrecorded.popleft(), content)
        if "compress" in self.probed:
            event = self.next("compress")
            if event is None:
                raise Mismatch(self.line, "no compression", "a compression here")
            if event.record["ret"]:
                return CompressError(-int(event.record["ret"]))
            return Compressed(int(event.record["dlen"]), content)
        return self._compressed_by_size(content)

    def _compressed_by_size(self, content: Any) -> Compressed | CompressError:
        for event in self.events:
            kind = event.record["ev"]
            if kind in ("zs_malloc", "charge"):
                return Compressed(int(event.record["size"]), content)
            if kind == "store" and not event.record["ok"]:
                return CompressError(-int(event.record["ret"]))
        if not self.probed & {"zs_malloc", "charge"} and (
            self._counted("zs.reject_alloc_fail") or not self.counted & SHOW_LENGTHS
        ):
            return Compressed(PAGE_SIZE // 3, content)  # a length that shows nowhere
        raise Mismatch(
            self.line, "no length recorded", "a compression here, of a length that some event tells"
        )

    def _counted(self, counter: str) -> bool:
        return bool(self.record["d"].get(counter))

    def _injected(self, counter: str, *sites: str) -> bool:
        """Whether the failure that the recording injected hits here, by its site and a reject counter.

        An implementation behind the boundary says itself whether the failure happened, and it is the nth
        allocation that fails.
        """
        fault = self.record.get("fault")
        if fault is None or fault["site"] not in sites:
            return False
        self.injected += 1
        if self.exact_faults:
            return bool(fault["fired"]) and self.injected == fault["nth"]
        return self.injected <= int(self.record["d"].get(counter, 0))

    def _no_compression_follows(self) -> bool:
        if not self.strict or "compress" not in self.probed:
            return False
        event = self.events[0] if self.events else None
        return event is None or event.record["ev"] != "compress"

    def _object_is_taken_back(self) -> bool:
        if not self.strict:
            return False
        event = self.events[0] if self.events else None
        if event is None or event.record["ev"] != "zs_free":
            return False
        return bool(event.record["h"] == self._last_handle)

    _last_handle: object = None

    def _node(self, options: Sequence[Any] | None, kinds: tuple[str, ...]) -> int:
        event = self.next(*kinds)
        assert options is not None
        if event is not None and "nid" in event.record and event.record["nid"] in options:
            return int(event.record["nid"])
        shown = self._shown_node() if kinds == FOLIO_SHOWN else None
        if shown is not None and shown in options:
            return shown
        # Memory comes from the node of the CPU by default.
        return self.view.cfg.sizes.node_of_cpu(self.cpu)

    def _shown_node(self) -> int | None:
        """Return the node of a page that this operation made present, from its states; None where none tells."""
        if self.record["op"] not in TOUCHING:
            return None
        states = [self.record.get(key, UNKNOWN) for key in ("pre", "post")]
        if UNKNOWN in states:
            return None
        before, after = (state if isinstance(state, list) else [state] for state in states)
        present = [(old, new) for old, new in zip(before, after, strict=True) if _is_on_node(new)]
        # A shared page that is copied may stay on its node: then it is the only one of the operation.
        moved = [new["nid"] for old, new in present if old.get("nid") != new["nid"] or len(after) == 1]
        return int(moved[0]) if moved else None

    # --- the observer -----------------------------------------------------------------------------------

    def emit(self, name: str, /, **fields: Any) -> None:
        """Hold an emitted event against the next recorded one."""
        self.emitted[name] += 1
        if name not in self.probed:
            return
        if not self.strict:
            self._take(name, fields)
            return
        event = self.events[0] if self.events else None
        while event is not None and event.record["ev"] != name and event.record["ev"] in OPTIONAL:
            self.events.popleft()
            event = self.events[0] if self.events else None
        if event is None or event.record["ev"] != name or not self._agrees(event, fields):
            if name in OPTIONAL:
                return
            line = event.line if event else self.line
            raise Mismatch(line, show_recorded(event), show(name, fields), f"event {name}")
        self.events.popleft()
        self.compared += 1

    def _take(self, name: str, fields: dict[str, Any]) -> None:
        """Take the first recorded event that fits, wherever it stands."""
        for index, event in enumerate(self.events):
            if event.record["ev"] == name and self._agrees(event, fields):
                del self.events[index]
                self.compared += 1
                return

    def _agrees(self, event: Event, fields: dict[str, Any]) -> bool:
        record = event.record
        if record["ev"] == "zs_malloc" and "h" in record and "h" in fields:
            self.handles.bind(record["h"], fields["h"])
        for key, value in fields.items():
            if key in record and not self._same(key, record[key], value):
                return False
        if "ci_off" in record and record["ci_off"] != fields["swp"] % CLUSTER:
            return False
        if record["ev"] == "zs_malloc" and record.get("ret") == 0:
            self._last_handle = record["h"]
        return True

    def _same(self, key: str, recorded: Any, modelled: Any) -> bool:
        if key == "swp":
            return self.same_slot(recorded[1], modelled) if recorded[1] else modelled == 0
        if key == "h":
            return recorded is None or self.handles.same(recorded, modelled)
        if key == "memcg":
            return recorded is None or self.memcgs.same(recorded, modelled)
        if key == "ret" and modelled == -1 and recorded == "stop":
            return True
        if key == "ret" and isinstance(recorded, bool | int) and isinstance(modelled, int):
            return int(recorded) == modelled
        return bool(recorded == modelled)
