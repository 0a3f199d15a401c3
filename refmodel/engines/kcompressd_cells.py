"""The states of a queue of kcompressd and the events that meet them; which cannot meet, and why.

A state is how full the queue is and what its thread does.  An event is a step that is about to be run, named as the
operation table names its operation; some are about a folio that waits, or that was taken out to be compressed.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from refmodel.kernel.kcompressd_config import KcompressdOptions
    from refmodel.kernel.kcompressd_state import KcompressdQueue

Fill = Literal["empty", "some", "full"]
Thread = Literal["not started", "asleep", "awake", "ending", "ended", "freed", "lost"]
About = Literal["queue", "waiting", "taken"]

FILLS: tuple[Fill, ...] = ("empty", "some", "full")
"""How full a queue is; one that has room for a single folio is empty or full."""

THREADS: tuple[Thread, ...] = ("not started", "asleep", "awake", "ending", "ended", "freed")
"""What a thread does: "awake" whether or not it has a CPU, "ending" once it was told to, "freed" with its ring.

A thread that is "lost", which only a bug makes it, is in no cell.
"""


@attrs.frozen
class Event:
    """Something that happens to a queue, or to a folio in it.

    steps: "operation.step" of the operation table; the event is that one of them is about to run.
    about: the queue; or a folio that waits in it, or was taken out of it, which the step is about to touch.
    fails: choice point at which something fails in the step, "" for none.  within: operation that asked for it.
    result: what the operation was told before, None for whatever it was.
    becomes: what the thread does afterwards, "" for whatever it does.
    """

    name: str
    steps: tuple[str, ...]
    about: About = "queue"
    fails: str = ""
    within: str = ""
    result: bool | None = None
    becomes: Thread | Literal[""] = ""


def _both(name: str, *steps: str) -> tuple[Event, Event]:
    """Return an event with a folio that waits, and the same with one that is being compressed."""
    return Event(f"{name} waiting folio", steps, "waiting"), Event(f"{name} taken folio", steps, "taken")


EVENTS: tuple[Event, ...] = (
    Event("kswapd brings a folio", ("kcompressd_submit.choose_queue", "kswapd_writepage.enqueue")),
    Event("kswapd wakes the thread", ("kcompressd_submit.kick", "kswapd_writepage.wake")),
    Event("kswapd compresses the oldest", ("kswapd_writepage.help",)),
    Event("the thread takes the oldest", ("kcompressd_run.take",)),
    Event("the thread goes to sleep", ("kcompressd_run.wait", "kcompressd_run.sleep"), becomes="asleep"),
    Event("a folio is completed", ("kcompressd_swapout.end_write", "kcompressd_swapout.after_store")),
    Event("zswap refuses a folio", ("kcompressd_swapout.after_store",), result=False),
    Event("a write fails", ("end_swap_write.complete",), fails="disk_write", within="kcompressd_swapout"),
    *_both("a fault needs a", "do_swap_page.lock_folio"),
    *_both("the last user drops a", "free_swap_and_cache.reclaim_cache"),
    *_both("a fork copies the entry of a", "fork.copy_entry"),
    *_both("somebody else reclaims a", "shrink_folio.lock", "shrink_lru_list.look"),
    *_both("swapoff needs a", "swapoff.lock_folio", "swapoff.lock_cached"),
    Event("the thread is told to end", ("kcompressd_stop.stop_kswapd",)),
    Event("the thread ends", ("kcompressd_run.wait",), becomes="ended"),
    Event("the ring is freed", ("kcompressd_stop.free_ring",), becomes="freed"),
)

BY_NAME = {event.name: event for event in EVENTS}
"""Events by name."""


@attrs.frozen(order=True)
class Cell:
    """An event in a state of a queue."""

    fill: Fill
    thread: Thread
    event: str

    @property
    def text(self) -> str:
        """The cell in a few words, for example ``empty, asleep: kswapd brings a folio``."""
        return f"{self.fill}, {self.thread}: {self.event}"


CELLS = tuple(Cell(fill, thread, event.name) for event, thread, fill in product(EVENTS, THREADS, FILLS))
"""All cells, in the order of the events."""


def state_of(queue: KcompressdQueue, capacity: int) -> tuple[Fill, Thread]:
    """Return how full a queue is and what its thread does."""
    waiting = len(queue.fifo)
    fill: Fill = "empty" if not waiting else "full" if waiting >= capacity else "some"
    if queue.torn:
        return fill, "freed"
    if queue.thread in ("running", "sleeping") and queue.stopping:
        return fill, "ending"
    known: dict[str, Thread] = {
        "not started": "not started",
        "sleeping": "asleep",
        "running": "awake",
        "gone": "ended",
    }
    return fill, known.get(queue.thread, "lost")


# --- what cannot be -------------------------------------------------------------------------------------------

Rule = tuple[str, Callable[["KcompressdOptions", Cell, Event], bool]]
"""A reason, and whether it speaks of a cell of a discipline."""

_BRINGS, _WAKES, _HELPS = "kswapd brings a folio", "kswapd wakes the thread", "kswapd compresses the oldest"
_TAKES, _SLEEPS = "the thread takes the oldest", "the thread goes to sleep"
_TOLD, _ENDS, _FREED = "the thread is told to end", "the thread ends", "the ring is freed"
_COMPLETED, _REFUSED, _FAILS = "a folio is completed", "zswap refuses a folio", "a write fails"


def _needs_taken(cell: Cell, event: Event) -> bool:
    """Whether an event needs a folio that was taken out and is not completed."""
    return event.about == "taken" or cell.event in (_COMPLETED, _REFUSED, _FAILS)


def _before_waking(options: KcompressdOptions, cell: Cell) -> bool:
    """Whether there is a folio that its thread was not woken for yet: kswapd does so before anything else."""
    says_so_first = not options.per_node and cell.thread == "asleep"
    return cell.thread in ("not started", "asleep") and cell.fill != "empty" and not says_so_first


RULES: tuple[Rule, ...] = (
    ("the thread of a node is started with it", lambda o, c, e: o.per_node and c.thread == "not started"),
    ("zswap comes before a queue of bios", lambda o, c, e: not o.per_node and c.event == _REFUSED),
    (
        "a folio that finds no room is compressed itself",
        lambda o, c, e: not o.keeps_order and c.event == _HELPS,
    ),
    ("a ring is freed when it is empty", lambda o, c, e: c.thread == "freed" and c.fill != "empty"),
    (
        "a thread empties its queue before it ends",
        lambda o, c, e: o.per_node and c.fill != "empty" and (c.thread == "ended" or c.event == _ENDS),
    ),
    ("an empty queue has no folio that waits", lambda o, c, e: c.fill == "empty" and e.about == "waiting"),
    (
        "nobody but its thread empties a queue",
        lambda o, c, e: c.fill == "empty" and c.event == _TAKES and not o.keeps_order,
    ),
    (
        "nobody but its thread empties a queue, which is not started",
        lambda o, c, e: (c.fill, c.thread, c.event) == ("empty", "not started", _WAKES),
    ),
    (
        "kswapd, which has made room, appends a folio before it is stopped",
        lambda o, c, e: (c.fill, c.thread, c.event) == ("empty", "ending", _TAKES),
    ),
    (
        "a thread is told to end once",
        lambda o, c, e: c.event == _TOLD and c.thread in ("ending", "ended", "freed"),
    ),
    ("a thread ends once it was told to", lambda o, c, e: c.event == _ENDS and c.thread != "ending"),
    ("a ring is freed once its thread has ended", lambda o, c, e: c.event == _FREED and c.thread != "ended"),
    ("who frees a ring empties it first", lambda o, c, e: c.event == _FREED and c.fill != "empty"),
    (
        "kswapd is stopped before the thread",
        lambda o, c, e: c.event in (_BRINGS, _WAKES, _HELPS) and c.thread in ("ending", "ended"),
    ),
    (
        "without a thread nothing is queued",
        lambda o, c, e: (
            c.thread == "freed" and (c.event in (_WAKES, _HELPS) or (o.per_node and c.event == _BRINGS))
        ),
    ),
    (
        "nothing is being compressed once a ring is freed",
        lambda o, c, e: c.thread == "freed" and _needs_taken(c, e),
    ),
    (
        "a thread that has ended has completed what it took",
        lambda o, c, e: o.per_node and c.thread == "ended" and _needs_taken(c, e),
    ),
    (
        "who stops the thread has taken a folio out, and nobody appends",
        lambda o, c, e: (c.fill, c.thread) == ("full", "ended") and _needs_taken(c, e),
    ),
    (
        "a thread does nothing while it sleeps",
        lambda o, c, e: c.event in (_TAKES, _SLEEPS) and c.thread not in ("awake", "ending"),
    ),
    (
        "a thread that was told to end does not sleep",
        lambda o, c, e: c.event == _SLEEPS and c.thread == "ending",
    ),
    (
        "a thread sleeps when it has found its queue empty",
        lambda o, c, e: o.per_node and c.event == _SLEEPS and c.fill != "empty",
    ),
    (
        "a thread that sleeps has completed what it took",
        lambda o, c, e: not o.keeps_order and c.thread in ("not started", "asleep") and _needs_taken(c, e),
    ),
    (
        "kswapd wakes the thread before it brings another folio, or compresses one, or is stopped",
        lambda o, c, e: (
            _before_waking(o, c) and c.event in (_BRINGS, _HELPS, _TOLD, _COMPLETED, _REFUSED, _FAILS)
        ),
    ),
    (
        "kswapd has a folio off its list until it has woken the thread",
        lambda o, c, e: _before_waking(o, c) and e.about == "waiting" and "shrink_folio.lock" in e.steps,
    ),
    (
        "it takes a third folio, and somebody else: beyond the scopes",
        lambda o, c, e: o.keeps_order and (c.fill, c.thread) == ("some", "asleep") and e.about == "taken",
    ),
)
"""Why cells cannot be, or are left out; the first that speaks of a cell counts."""


def why_not(options: KcompressdOptions, cell: Cell) -> str:
    """Return why a cell of a discipline cannot be, "" where it can."""
    event = BY_NAME[cell.event]
    return next((reason for reason, holds in RULES if holds(options, cell, event)), "")
