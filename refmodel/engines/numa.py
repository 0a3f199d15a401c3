"""Memory pressure on one node after the other, when pages are stored by CPUs of their own and of other nodes (Z3).

Every page belongs to a node and is stored by some CPU.  Then each node in turn is short of memory, and the shrinker
goes through its lists.  The review of zswap compression batching v12 named two harms: (a) what lies on the node
cannot be freed, for its entry is on another node's list; (b) what is freed lay on another node, and is reported all
the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.kernel import choices
from refmodel.kernel.config import MAX_BATCH, Sizes
from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.zswap_entry import live_entry
from refmodel.machine import Event, run

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import ChoicePoint
    from refmodel.profiles.numa import Placement

FOLIO_ORDER = 4
"""Pages are swapped out 16 at a time, one folio where the profile stores in batches (64 KiB, as in the series)."""

FOLIO_PAGES = 1 << FOLIO_ORDER

MIXES = tuple(Fraction(quarter, 4) for quarter in range(5))
"""Shares of the folios that a CPU of another node stores."""

PAGES_STEP = FOLIO_PAGES * (len(MIXES) - 1)
"""Pages of a node come in multiples of this, so that every mix is a whole number of folios."""

MEMCG = 1
"""The one cgroup, which all pages are charged to."""


@attrs.frozen
class Hosts:
    """The size of a machine with several nodes.

    nodes: 2 or more.  cpus: dealt to the nodes in turn; with fewer CPUs than nodes some nodes have memory only.
    pages: on each node.

    Raises ValueError for what cannot be.
    """

    nodes: int = 2
    cpus: int = 4
    pages: int = PAGES_STEP

    def __attrs_post_init__(self) -> None:
        """Refuse a single node, no CPU, and pages that do not divide into the mixes."""
        if self.nodes < 2:
            raise ValueError(f"{self.nodes} nodes: expected 2 or more; with one there is no wrong node")
        if self.cpus < 1:
            raise ValueError(f"{self.cpus} CPUs: expected 1 or more")
        if self.pages < 1 or self.pages % PAGES_STEP:
            near = max(round(self.pages / PAGES_STEP), 1) * PAGES_STEP
            raise ValueError(f"{self.pages} pages a node: expected a multiple of {PAGES_STEP}; {near} works")

    @property
    def sizes(self) -> Sizes:
        """Room for all pages in memory, in zswap and on their way to the device."""
        total = self.nodes * self.pages
        return Sizes(
            nodes=self.nodes,
            cpus=self.cpus,
            memcgs=1,
            processes=self.nodes,
            pages=self.pages,
            slots=total + 2 * FOLIO_PAGES,
            folios=2 * total,
            entries=total,
            objects=total,
            max_order=FOLIO_ORDER,
            totalram_pages=100 * total,
            vswap_cluster_size=FOLIO_PAGES,
            vswap_clusters=total // FOLIO_PAGES + 2,
        )


@attrs.frozen
class OnNode:
    """What pressure on one node comes to.

    out_of_reach: (a) pages on the node whose entries its scans do not find.
    reported: pages that its scans report as freed.  elsewhere: (b) those of them that lay on another node.
    astray: entries that it takes off one list while the lock and the count are those of another.
    """

    out_of_reach: int
    reported: int
    elsewhere: int
    astray: int


@attrs.frozen
class Pressure:
    """What pressure on one node after the other comes to.

    mix: share of the folios that CPUs of other nodes were to store.  pages: in zswap.
    foreign: pages that a CPU of another node has stored; nodes without a CPU have nothing else.
    nodes: each node by itself, from the same state.
    """

    mix: Fraction
    pages: int
    foreign: int
    nodes: tuple[OnNode, ...]

    def sum(self, what: str) -> int:
        """Return a figure of ``OnNode`` by its name, added up over the nodes."""
        return sum(getattr(node, what) for node in self.nodes)


@attrs.frozen
class Row:
    """A placement of entries, and the pressure that each mix comes to with it."""

    placement: Placement
    pressures: tuple[Pressure, ...]


def measure(placement: Placement, hosts: Hosts, mixes: Sequence[Fraction] = MIXES) -> Row:
    """Store all pages, then put each node under pressure, for each mix.  Runs the model; nothing fails."""
    return Row(placement, tuple(_measure(placement, hosts, mix) for mix in mixes))


def _measure(placement: Placement, hosts: Hosts, mix: Fraction) -> Pressure:
    v = _system(placement, hosts)
    task = _Task(deals="bulk" in placement.profile.traits and placement.profile.options.bulk_node == "any")
    v.choose = task.choose
    foreign = sum(_store_node(v, task, nid, hosts, mix) for nid in range(hosts.nodes))
    stored, before = len(_nodes_of_bytes(v)), v.snapshot()
    nodes = []
    for nid in range(hosts.nodes):
        v.restore(before)
        nodes.append(_press(v, nid))
    return Pressure(mix, stored, foreign, tuple(nodes))


def wrong_lists(placement: Placement, hosts: Hosts, foreign: int) -> Fraction:
    """Return how many entries are on the list of another node than their bytes: both harms, in closed form."""
    return _differ(placement.data, placement.listed, hosts, foreign)


def wrong_locks(placement: Placement, hosts: Hosts, foreign: int) -> Fraction:
    """Return how many entries are looked for on another list than the one that they are on, in closed form."""
    return _differ(placement.listed, placement.looked_up, hosts, foreign)


def _differ(one: str, other: str, hosts: Hosts, foreign: int) -> Fraction:
    if one == other:
        return Fraction(0)
    if "any" in (one, other):
        return Fraction(hosts.nodes - 1, hosts.nodes) * hosts.nodes * hosts.pages
    return Fraction(foreign)


class _Task:
    """The environment of whoever stores: it runs on one CPU, and memory is never short.

    deals: entries that are allocated in bulk come from the nodes in turn.
    """

    def __init__(self, deals: bool) -> None:
        self.cpu, self.deals, self.dealt = 0, deals, 0

    def choose(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        """Answer a choice point (a ``Chooser``)."""
        assert options is not None
        if point is choices.CPU:
            return self.cpu
        if point is choices.ENTRY_NODE and self.deals:
            self.dealt += 1
            return options[self.dealt % len(options)]
        return options[0]


def _system(placement: Placement, hosts: Hosts) -> KernelView:
    codecs = {"tokens": Symbolic("tokens", batch_size=MAX_BATCH)}
    v = placement.profile.system(placement.profile.config(hosts.sizes, codecs, compressor="tokens"))
    run(v, v.ops.set_param(name="shrinker_enabled", value="1"))
    if "batches" in placement.profile.traits:
        run(v, v.ops.set_thp(order=FOLIO_ORDER, on=True))
    return v


def _store_node(v: KernelView, task: _Task, nid: int, hosts: Hosts, mix: Fraction) -> int:
    """Fill the pages of a node's process and have them swapped out; return how many CPUs of other nodes stored."""
    run(v, v.ops.bind(process=nid, nid=nid))
    for page in range(hosts.pages):
        run(v, v.ops.write_page(mm=nid, page=page, content=page + 2))
    foreign = 0
    for number, cpu in enumerate(_cpus(v, nid, hosts, mix)):
        task.cpu = cpu
        run(v, v.ops.madvise_pageout(mm=nid, page=number * FOLIO_PAGES, nr=FOLIO_PAGES))
        foreign += FOLIO_PAGES * (v.cfg.sizes.node_of_cpu(cpu) != nid)
    return foreign


def _cpus(v: KernelView, nid: int, hosts: Hosts, mix: Fraction) -> Iterator[int]:
    """Yield the CPU that stores each folio of a node: the share of others' is spread evenly."""
    near = [cpu for cpu in range(hosts.cpus) if v.cfg.sizes.node_of_cpu(cpu) == nid]
    far = [cpu for cpu in range(hosts.cpus) if cpu not in near]
    for number in range(hosts.pages // FOLIO_PAGES):
        is_far = int((number + 1) * mix) > int(number * mix)
        cpus = (far if is_far else near) or near or far
        yield cpus[number % len(cpus)]


def _press(v: KernelView, nid: int) -> OnNode:
    lies = _nodes_of_bytes(v)
    on = {slot: node for node in range(v.cfg.sizes.nodes) for slot in _listed(v, node)}
    events: list[Event] = []
    v.emit = _collector(events)
    # The first scan takes second chances away where a list is visited only once.
    answers = [_scan(v, nid) for _ in range(2)]
    left = _nodes_of_bytes(v)
    return OnNode(
        out_of_reach=sum(where == nid for where in left.values()),
        reported=sum(answer for answer in answers if answer > 0),
        elsewhere=sum(where != nid for slot, where in lies.items() if slot not in left),
        astray=sum(name == "lru_del" and on[told["swp"]] != told["nid"] for name, told in events),
    )


def _scan(v: KernelView, nid: int) -> int:
    todo = 2 * len(v[v.at.lru[MEMCG][nid]])
    answer: int = run(v, v.ops.shrinker_scan(memcg=MEMCG, nid=nid, todo=todo))
    return answer


def _collector(events: list[Event]) -> Callable[..., None]:
    return lambda name, /, **fields: events.append((name, fields))


def _nodes_of_bytes(v: KernelView) -> dict[int, int]:
    """Return the node that the bytes of each stored page lie on, by slot."""
    found = {}
    for place in v.at.entry:
        entry = v[place]
        stored = v[v.at.zs_object[entry.handle]] if entry is not None else None
        if entry is not None and stored is not None:
            found[entry.swpentry] = stored.nid
    return found


def _listed(v: KernelView, nid: int) -> list[int]:
    """Return the slots of the entries on a node's list."""
    return [live_entry(v, number).swpentry for number in v[v.at.lru[MEMCG][nid]]]
