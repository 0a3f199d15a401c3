"""What an administrator sets: module parameters, cgroup files, memory policy, folio sizes.

Values are what is written to the file; answers are 0 or the negative errno of the write.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Container
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.state import UNSET
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

COMPRESSOR_DEFAULT, ZPOOL_DEFAULT = "lzo", "zsmalloc"
"""What takes the place of a compressor or an allocator that the kernel does not have (mm/Kconfig)."""

UINT_MAX, INT_MAX = 2**32 - 1, 2**31 - 1

PAGE_COUNTER_MAX = (2**63 - 1) // PAGE_SIZE
"""Pages that stand for "max" (include/linux/page_counter.h)."""

_NUMBER = r"0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*"
_BASES = {"0x": 16, "0X": 16}


def _number(digits: str) -> int:
    """Return a number that is written as the kernel reads it: decimal, 0x hexadecimal, 0 octal."""
    return int(digits, _BASES.get(digits[:2], 8 if digits[0] == "0" else 10))


def parse_uint(text: str) -> int:
    """Return an unsigned number, -EINVAL for what is none, -ERANGE for too large a one (kstrtouint)."""
    found = re.fullmatch(rf"\+?({_NUMBER})\n?", text)
    if found is None:
        return -errno.EINVAL
    number = _number(found[1])
    return number if number <= UINT_MAX else -errno.ERANGE


def parse_bool(text: str) -> bool | None:
    """Return a switch by the beginning of its word, or None where that is none (kstrtobool)."""
    start = text[:2].lower()
    if start[:1] in ("y", "t", "1") or start == "on":
        return True
    return False if start[:1] in ("n", "f", "0") or start == "of" else None


def parse_pages(text: str) -> int | None:
    """Return a limit in bytes as pages, None for "max", or -EINVAL (page_counter_memparse).

    Bytes may end in K, M, G, T, P or E; a part of a page is dropped.
    """
    if text.strip() == "max":
        return None
    found = re.fullmatch(rf"({_NUMBER})?([kmgtpeKMGTPE]?)", text.strip())
    if found is None:
        return -errno.EINVAL
    shift = 10 * " kmgtpe".index(found[2].lower() or " ")
    pages = (_number(found[1] or "0") << shift) // PAGE_SIZE
    return pages if pages < PAGE_COUNTER_MAX else None


@attrs.define
class SetParam612(Operation):
    """Write a module parameter of zswap.

    name: as in /sys/module/zswap/parameters.  value: what is written.
    Value: 0, or a negative errno: -ENOENT for a parameter that this kernel does not have, -EINVAL and
    -ERANGE for a value that it cannot read, -ENODEV for ``enabled`` without a pool.  A share above 100
    percent is taken as it is.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_enabled_param_set(), zswap_setup(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z1",)
    parameters: ClassVar[tuple[str, ...]] = (
        "enabled",
        "compressor",
        "zpool",
        "max_pool_percent",
        "accept_threshold_percent",
        "shrinker_enabled",
    )

    name: str
    value: str

    @step
    def open_file(self, v: KernelView) -> Next:
        """Find the parameter and take the lock of the module's parameters, under which one is written at a time."""
        if self.name not in self.parameters:
            return Return(-errno.ENOENT)
        if v[v.at.param_locked]:
            return Wait("the lock of the module's parameters")
        v[v.at.param_locked] = True
        if self.name == "compressor":
            return Call(v.ops.set_compressor(value=self.value), self.close_file)
        if self.name == "zpool":
            return Call(v.ops.set_zpool(value=self.value), self.close_file)
        return self.check_set_up if self.name == "enabled" else self.write

    @step
    def close_file(self, v: KernelView) -> Next:
        """Answer what writing the name came to."""
        return self.finish(v, self.result)

    def finish(self, v: KernelView, answer: int) -> Return:
        """Drop the lock of the module's parameters (kernel_param_lock, kernel/params.c)."""
        v[v.at.param_locked] = False
        return Return(answer)

    @step
    def write(self, v: KernelView) -> Next:
        """Set a share or a switch that nothing else depends on."""
        params, number, switch = v[v.at.zswap], parse_uint(self.value), parse_bool(self.value)
        if self.name == "shrinker_enabled":
            if switch is None:
                return self.finish(v, -errno.EINVAL)
            v[v.at.zswap] = evolve(params, shrinker_enabled=switch)
        elif number < 0:
            return self.finish(v, number)
        elif self.name == "max_pool_percent":
            v[v.at.zswap] = evolve(params, max_pool_percent=number)
        else:
            v[v.at.zswap] = evolve(params, accept_threshold_percent=number)
        return self.finish(v, 0)

    @step
    def check_set_up(self, v: KernelView) -> Next:
        """Set zswap up the first time, even to switch it off; a set-up that failed is not tried again."""
        match v[v.at.zswap].init:
            case "uninit":
                return self.set_up
            case "failed":
                return self.finish(v, -errno.ENODEV)
        return self.write_enabled

    @step
    def set_up(self, v: KernelView) -> Next:
        """Make the cache of entries, the work queue and the shrinker, then a pool."""
        if v.fails(choices.ZSWAP_SETUP):
            v[v.at.zswap] = evolve(v[v.at.zswap], init="failed", enabled=False)
            return self.finish(v, -errno.ENODEV)
        return self.fall_back

    @step
    def fall_back(self, v: KernelView) -> Next:
        """Put the defaults in the place of names that the kernel does not know, and create the first pool."""
        params = v[v.at.zswap]
        compressor = _first_known((params.compressor, COMPRESSOR_DEFAULT), v.cfg.codecs)
        zpool = _first_known((params.zpool, ZPOOL_DEFAULT), v.cfg.allocators)
        v[v.at.zswap] = evolve(params, compressor=compressor, zpool=zpool)
        return Call(v.ops.pool_create(compressor=compressor, zpool=zpool), self.add_pool)

    @step
    def add_pool(self, v: KernelView) -> Next:
        """Make the pool the current one.  Without it zswap is set up but stays off."""
        if self.result:
            v[v.at.pool_list] = (self.result,)
            v[v.at.zswap] = evolve(v[v.at.zswap], init="succeeded", has_pool=True)
        else:
            v[v.at.zswap] = evolve(v[v.at.zswap], init="succeeded", enabled=False)
        return self.write_enabled

    @step
    def write_enabled(self, v: KernelView) -> Next:
        """Switch new stores on or off; without a pool neither is possible.

        What is stored stays and can be loaded; a page that is swapped out again leaves zswap (I-11).
        """
        if not v[v.at.zswap].has_pool:
            return self.finish(v, -errno.ENODEV)
        enabled = parse_bool(self.value)
        if enabled is None:
            return self.finish(v, -errno.EINVAL)
        if v[v.at.zswap].enabled is not enabled:
            v.emit("enabled", value=enabled)
        v[v.at.zswap] = evolve(v[v.at.zswap], enabled=enabled)
        return self.finish(v, 0)


def _first_known(names: tuple[str, ...], known: Container[str]) -> str:
    """Return the first name that is known, or ``UNSET``."""
    return next((name for name in names if name in known), UNSET)


@attrs.define
class SetParam618(SetParam612):
    """Write a module parameter of zswap where zsmalloc is the only allocator (6.18 and later)."""

    source: ClassVar[str] = "mm/zswap.c zswap_enabled_param_set(), zswap_setup(), Linux 6.18.15"
    parameters: ClassVar[tuple[str, ...]] = (
        "enabled",
        "compressor",
        "max_pool_percent",
        "accept_threshold_percent",
        "shrinker_enabled",
    )


@attrs.define
class SetParam61(SetParam612):
    """Write a module parameter of zswap in 6.1.  The two switches of same-filled pages are left out."""

    source: ClassVar[str] = "mm/zswap.c zswap_enabled_param_set(), Linux 6.1.192"
    parameters: ClassVar[tuple[str, ...]] = (
        "enabled",
        "compressor",
        "zpool",
        "max_pool_percent",
        "accept_threshold_percent",
    )


@attrs.define
class SetMemcg612(Operation):
    """Write a file of a memory cgroup.

    memcg: its number.  control: zswap.max, zswap.writeback or swap.max.  value: bytes or "max"; 0 or 1.
    Value: 0, or a negative errno: -ENOENT for a file that does not exist, -EINVAL and -ERANGE for a value
    that cannot be read.  Only zswap.writeback exists in the root.
    """

    source: ClassVar[str] = (
        "mm/memcontrol.c zswap_max_write(), zswap_writeback_write(), swap_max_write(), Linux 6.12.117"
    )
    requirements: ClassVar[tuple[str, ...]] = ("Z1",)
    controls: ClassVar[tuple[str, ...]] = ("zswap.max", "zswap.writeback", "swap.max")

    memcg: int
    control: str
    value: str

    @step
    def open_file(self, v: KernelView) -> Next:
        """Find the file; that of a dead cgroup is gone."""
        writeback = self.control == "zswap.writeback"
        there = self.control in self.controls and v[v.at.memcg[self.memcg]].online
        if not there or not (self.memcg or writeback):
            return Return(-errno.ENOENT)
        return self.write_switch if writeback else self.write_limit

    @step
    def write_limit(self, v: KernelView) -> Next:
        """Set a limit; usage above it stays."""
        pages = parse_pages(self.value)
        if pages is not None and pages < 0:
            return Return(pages)
        place = v.at.memcg[self.memcg]
        if self.control == "zswap.max":
            v[place] = evolve(v[place], zswap_max=pages)
        else:
            v[place] = evolve(v[place], swap_max=pages)
        return Return(0)

    @step
    def write_switch(self, v: KernelView) -> Next:
        """Allow or forbid writeback of the pages of a cgroup and its children."""
        found = re.fullmatch(rf"[+-]?({_NUMBER})", self.value.strip())
        if found is None:
            return Return(-errno.EINVAL)
        number = _number(found[1])
        if number > INT_MAX:
            return Return(-errno.ERANGE)
        if number > 1 or (number and self.value.strip()[0] == "-"):
            return Return(-errno.EINVAL)
        v[v.at.memcg[self.memcg]] = evolve(v[v.at.memcg[self.memcg]], zswap_writeback=bool(number))
        return Return(0)


@attrs.define
class SetMemcg61(SetMemcg612):
    """Write a file of a memory cgroup in 6.1, where writeback cannot be forbidden."""

    source: ClassVar[str] = "mm/memcontrol.c zswap_max_write(), swap_max_write(), Linux 6.1.192"
    controls: ClassVar[tuple[str, ...]] = ("zswap.max", "swap.max")


@attrs.define
class Bind(Operation):
    """Bind the memory of a process and its child to a node: later allocations come from it.

    process: whose.  nid: the node, or None for the node that the task runs on.
    Value: 0, or -EINVAL for a node that does not exist.
    """

    source: ClassVar[str] = "mm/mempolicy.c set_mempolicy(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z3",)

    process: int
    nid: int | None

    @step
    def bind(self, v: KernelView) -> Next:
        """Set the policy; pages that exist stay where they are."""
        if self.nid is not None and not 0 <= self.nid < v.cfg.sizes.nodes:
            return Return(-errno.EINVAL)
        v[v.at.policy[self.process]] = self.nid
        return Return(0)


@attrs.define
class SetThp612(Operation):
    """Allow or forbid folios of one order for anonymous memory.

    order: a folio has 2^order pages.  on: whether faults may allocate such folios.
    Value: 0, or -ENOENT for an order that has no control: below 4 pages, above the largest.
    """

    source: ClassVar[str] = "mm/huge_memory.c anon_enabled_store(), Linux 6.12.117"

    orders: ClassVar[range] = range(2, 10)

    order: int
    on: bool

    @step
    def set_order(self, v: KernelView) -> Next:
        """Set the control; folios that exist stay as they are."""
        if self.order not in self.orders or self.order > v.cfg.sizes.max_order:
            return Return(-errno.ENOENT)
        bit = 1 << self.order
        v[v.at.thp_orders] = v[v.at.thp_orders] & ~bit | (bit if self.on else 0)
        return Return(0)


@attrs.define
class SetThp61(SetThp612):
    """Allow or forbid folios of 2 MiB, the only large ones of 6.1."""

    source: ClassVar[str] = "mm/huge_memory.c enabled_store(), Linux 6.1.192"
    orders: ClassVar[range] = range(9, 10)
