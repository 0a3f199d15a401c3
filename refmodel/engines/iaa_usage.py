"""Who uses which IAA device: what the queue tables of a host come to, and what is wrong with them (I2, I3, P4).

A CPU gives each queue of its table the same number of jobs, so a queue of n gets 1/n of a CPU's work.  Shares are
counted in CPUs: a device with a share of 28 gets as many jobs as 28 CPUs have, if all have equally many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeVar

import attrs

from refmodel.kernel.iaa_driver import DriverState, IaaDriver
from refmodel.kernel.iaa_round_robin import order_of_use
from refmodel.kernel.iaa_tables import Attributes, BoundDevice, CpuTables, type_wqs_documented
from refmodel.kernel.iaa_topology import Device, Host, Wq, cpulist
from refmodel.profiles.iaa import selection

K = TypeVar("K", bound=Hashable)

BATCH = 8
"""Jobs of a batch (IAA_CRYPTO_MAX_BATCH_SIZE, batching v5 to v14; I10)."""

OVERLOAD = Fraction(3, 2)
"""A device with this many times the mean share counts as overloaded.  The limit is ours."""

CROWD = 30
"""Cores on one device from which its author saw descriptors run out (cover letters of the batching series; P4)."""


@attrs.frozen
class Alike:
    """CPUs whose jobs go to the same queues in the same order.

    compress, decompress: queues in the order of use.
    """

    cpus: tuple[int, ...]
    compress: tuple[Wq, ...]
    decompress: tuple[Wq, ...]


@attrs.frozen
class Direction:
    """What one direction of jobs comes to at one device.

    cpus: that can send a job to it.  share: of all jobs, counted in CPUs.  cores: the same counted in cores.
    entries: of the queues that they use.
    """

    cpus: int
    share: Fraction
    cores: Fraction
    entries: int

    @property
    def batches(self) -> int:
        """Batches of 8 that fit into the queues at a time (derived)."""
        return self.entries // BATCH


@attrs.frozen
class Load:
    """What a device gets.  queues: with their types, as "64 compress"."""

    device: Device
    queues: tuple[str, ...]
    compress: Direction
    decompress: Direction


@attrs.frozen
class Usage:
    """The tables of a host under one version.

    attributes: as they are set, None where the version has none.  bound: the state of the driver.
    unbound: queues that were unbound on purpose.
    """

    host: Host
    driver: IaaDriver
    attributes: Attributes | None
    bound: DriverState
    unbound: tuple[Wq, ...] = ()

    @cached_property
    def alike(self) -> list[Alike]:
        """The CPUs in groups that are alike, in the order of their first CPUs; none while nothing is bound."""
        select = selection(self.driver)
        groups: dict[CpuTables, list[int]] = defaultdict(list)
        for cpu, tables in enumerate(self.bound.tables):
            groups[tables].append(cpu)
        return [
            Alike(
                tuple(cpus),
                order_of_use(select, tables, "compress"),
                order_of_use(select, tables, "decompress"),
            )
            for tables, cpus in groups.items()
        ]

    @cached_property
    def loads(self) -> list[Load]:
        """What each device gets, in the order of the host's devices."""
        compress = [(each.cpus, each.compress) for each in self.alike]
        decompress = [(each.cpus, each.decompress) for each in self.alike]
        return [
            Load(
                device,
                _types(self, device),
                _direction(self.host, device, compress),
                _direction(self.host, device, decompress),
            )
            for device in self.host.devices
        ]


@attrs.frozen
class Finding:
    """Something that somebody who sizes a host wants to know.

    about: a word for its kind.  text: one sentence.  mark: how it is known, "" for what follows from the tables.
    """

    about: str
    text: str
    mark: str = ""


def usage(host: Host, driver: IaaDriver, settings: Mapping[str, Any], unbound: Sequence[Wq] = ()) -> Usage:
    """Bind all queues of a host one by one, then unbind some.

    settings: attributes that are not as the version has them; ignored where it has none.
    unbound: in their order.  Raises ValueError for a queue that is not bound.
    """
    attributes = attrs.evolve(driver.attributes, **settings) if driver.attributes else None
    state = driver.bind_all(host, attributes)
    for wq in unbound:
        if all(wq not in device.wqs for device in state.devices):
            known = " ".join(str(each) for device in state.devices for each in device.wqs)
            raise ValueError(f"{wq}: not bound; expected one of {known or 'none, nothing is bound'}")
        state = driver.unbind(host, attributes, state, wq)
    return Usage(host, driver, attributes, state, tuple(unbound))


def _direction(
    host: Host, device: Device, users: Sequence[tuple[tuple[int, ...], tuple[Wq, ...]]]
) -> Direction:
    mine = [
        (cpus, [wq for wq in wqs if wq.device == device.id], len(wqs))
        for cpus, wqs in users
        if any(wq.device == device.id for wq in wqs)
    ]
    share = sum((Fraction(len(cpus) * len(wqs), of) for cpus, wqs, of in mine), Fraction(0))
    used = {wq: host.queues[wq].descriptors for _, wqs, _ in mine for wq in wqs}
    cpus = sum(len(cpus) for cpus, _, _ in mine)
    return Direction(cpus, share, share / host.threads, sum(used.values()))


def _types(made: Usage, device: Device) -> tuple[str, ...]:
    known = {each.id: each for each in made.bound.devices}.get(device.id)
    words = []
    for wq, queue in zip(device.wqs, device.queues, strict=True):
        if known is None or wq not in known.wqs:
            word = "unbound"
        elif made.attributes is None or not known.comp:
            word = "both"
        else:
            word = "compress" if wq in known.comp else "decompress"
        words.append(f"{queue.size} {word}")
    return tuple(words)


def findings(made: Usage) -> list[Finding]:
    """Return what is worth a second look, worst first."""
    return [each for look in _LOOKS for each in look(made)]


def _disabled(made: Usage) -> Iterator[Finding]:
    if not made.bound.tables:
        yield Finding("disabled", "no queue is bound: the driver is disabled")
    elif not made.bound.enabled:
        yield Finding(
            "disabled",
            "the tables were refused and the driver is disabled: every compression fails with -ENODEV, and the CPU "
            "does every decompression",
            "read in code",
        )


def _without_queue(made: Usage) -> Iterator[Finding]:
    lacking: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for op in ("compress", "decompress"):
        cpus = [cpu for each in made.alike if not getattr(each, op) for cpu in each.cpus]
        lacking[tuple(sorted(cpus))].append(op)
    for numbers, ops in lacking.items():
        if numbers:
            then = ": jobs fail, until the cursor is past the end of the table" if made.bound.enabled else ""
            text = f"CPUs {cpulist(numbers)} have no queue to {' or '.join(ops)} with{then}"
            yield Finding("no queue", text, "by reading" if then else "")


def _taken_back(made: Usage) -> Iterator[Finding]:
    bound = [wq for device in made.bound.devices for wq in device.wqs]
    lost = [str(wq) for wq in made.host.queues if wq not in (*bound, *made.unbound)]
    if lost:
        yield Finding(
            "taken back",
            f"{' '.join(lost)}: not bound, though the probe reports success: some CPU would have had no queue",
            "by reading",
        )


def _collapsed(made: Usage) -> Iterator[Finding]:
    first = made.bound.first_wq
    only = [each for each in made.alike if {*each.compress, *each.decompress} == {first}]
    if made.driver.defects.collapses and len(made.host.queues) > 1 and len(only) == len(made.alike) == 1:
        yield Finding(
            "collapsed",
            f"tables were made while the driver was off: until a queue is bound all CPUs have {first}, the first that "
            "was ever found",
            "by reading",
        )


def _unbound_queues(made: Usage) -> Iterator[Finding]:
    bound = [wq for device in made.bound.devices for wq in device.wqs]
    stale: dict[Wq, int] = defaultdict(int)
    for each in made.alike if made.bound.enabled else ():
        for wq in dict.fromkeys((*each.compress, *each.decompress)):
            if wq not in bound:
                stale[wq] += len(each.cpus)
    for wq, cpus in stale.items():
        yield Finding(
            "unbound queue",
            f"{wq} is not bound and stands in the tables of {cpus} CPUs: compression fails there, and the CPU "
            "decompresses",
            "by reading",
        )


def _idle(made: Usage) -> Iterator[Finding]:
    for nothing, names in _together((_nothing(load), load.device.name) for load in made.loads):
        if nothing:
            yield Finding("idle", f"{_list(names)}: nothing to {nothing}")


def _nothing(load: Load) -> str:
    idle = [op for op in ("compress", "decompress") if not getattr(load, op).share]
    return " or ".join(idle)


def _overloaded(made: Usage) -> Iterator[Finding]:
    mean = Fraction(made.host.nr_cpus, len(made.host.devices))
    jobs = (((op, jobs.share), load.device.name) for load, op, jobs in _jobs(made))
    for (op, share), names in _together(jobs):
        if share >= OVERLOAD * mean:
            yield Finding(
                "overloaded",
                f"{_list(names)}: as much to {op} as {_number(share)} CPUs have, {float(share / mean):.1f} times the "
                "mean",
            )


def _crowded(made: Usage) -> Iterator[Finding]:
    jobs = (((op, jobs.cores, jobs.entries), load.device.name) for load, op, jobs in _jobs(made))
    for (op, cores, entries), names in _together(jobs):
        if cores >= CROWD:
            yield Finding(
                "crowded",
                f"{_list(names)}: as much to {op} as {_number(cores)} cores have, in {entries} entries; with {CROWD} "
                "or more cores on one device descriptors ran out",
                "stated by the author of the series",
            )


def _jobs(made: Usage) -> Iterator[tuple[Load, str, Direction]]:
    """Yield what each device has to do: once where both directions are the same."""
    for load in made.loads:
        if load.compress == load.decompress:
            yield load, "do", load.compress
        else:
            yield load, "compress", load.compress
            yield load, "decompress", load.decompress


def _sent_away(made: Usage) -> Iterator[Finding]:
    away: dict[int, list[int]] = defaultdict(list)
    for each in made.alike:
        for device in sorted({wq.device for wq in (*each.compress, *each.decompress)}):
            package = made.host.device(device).package
            away[device] += [cpu for cpu in each.cpus if made.host.cpus[cpu].package != package]
    users = (
        ((tuple(sorted(cpus)), made.host.device(device).package), made.host.device(device).name)
        for device, cpus in sorted(away.items())
    )
    for (cpus, package), names in _together(users):
        if cpus:
            text = f"CPUs {cpulist(cpus)} are sent to {_list(names)} in package {package}"
            yield Finding("other package", text)


def _not_as_documented(made: Usage) -> Iterator[Finding]:
    if made.attributes is None:
        return
    g = made.attributes.g_comp_wqs_per_iaa
    typed = (
        (
            (_for_compression(device), _for_compression(type_wqs_documented(device, g)), len(device.wqs)),
            made.host.device(device.id).name,
        )
        for device in made.bound.devices
    )
    for (found, meant, queues), names in _together(typed):
        if found != meant:
            yield Finding(
                "not as documented",
                f"{_list(names)}: {found} of {queues} queues for compression only, where g_comp_wqs_per_iaa = {g} is "
                f"documented to give {meant}; each was typed when it was bound",
                "by reading",
            )


def _for_compression(device: BoundDevice) -> int:
    return sum(wq in device.wqs for wq in device.comp)


def _engines_at_rest(made: Usage) -> Iterator[Finding]:
    rest = (((_resting(device), len(device.engines)), device.name) for device in made.host.devices)
    for (resting, engines), names in _together(rest):
        if resting:
            yield Finding("engines", f"{_list(names)}: {resting} of {engines} engines serve no queue")


def _resting(device: Device) -> int:
    groups = [queue.group for queue in device.queues]
    return sum(group not in groups for group in device.engines)


def _together(pairs: Iterable[tuple[K, str]]) -> Iterator[tuple[K, list[str]]]:
    """Yield each key once, with the names that have it."""
    found: dict[K, list[str]] = defaultdict(list)
    for key, name in pairs:
        found[key].append(name)
    yield from found.items()


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


_LOOKS: tuple[Callable[[Usage], Iterator[Finding]], ...] = (
    _disabled,
    _without_queue,
    _taken_back,
    _collapsed,
    _unbound_queues,
    _idle,
    _overloaded,
    _crowded,
    _sent_away,
    _not_as_documented,
    _engines_at_rest,
)


def _number(share: Fraction) -> str:
    return f"{float(share):g}"
