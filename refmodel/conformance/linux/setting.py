"""What stands around a run in the guest: swap device, parameters, cgroups with a process each, what is counted."""

from __future__ import annotations

from refmodel.conformance.linux.machine import Machine

WORKERS = 2
"""Processes, each in a cgroup of its own."""

PARAMETERS = "/sys/module/zswap/parameters"
"""Where the parameters of zswap are."""

_DEBUGFS = "/sys/kernel/debug/zswap"

_START = {
    "zpool": "zsmalloc", "compressor": "lzo", "max_pool_percent": "20", "accept_threshold_percent": "90",
    "shrinker_enabled": "N", "enabled": "Y",
}  # fmt: skip
"""Parameters of zswap at the start of a run, where the kernel has them."""

THP = "/sys/kernel/mm/transparent_hugepage"
"""Where large folios are switched on, size by size."""

FOLIOS = f"{THP}/hugepages-64kB"
"""Where folios of 64 KiB are switched on and counted, in kernels that have them."""

FOLIO_PAGES = 16
"""Pages of such a folio."""

_CGROUP = ("memory.reclaim", "memory.swap.max", "memory.zswap.max", "memory.zswap.writeback")

_OF_FOLIOS = (
    "anon_fault_alloc", "split", "swpin", "swpout", "swpout_fallback", "zswpout",
)  # fmt: skip

_VMSTAT = (
    "zswp*,pswp*,swpin_zero,swpout_zero,swap_ra,swap_ra_hit,pgmajfault,thp_swpout,thp_swpout_fallback,"
    "nr_swapcached,nr_zspages"
)


class Setting:
    """A guest that is ready for runs; the first one has begun.

    pages: of each process.  parameters, cgroup_files: those of zswap and swap that this kernel has.
    """

    def __init__(self, machine: Machine, pages: int, *, folios: bool = False) -> None:
        """Make the swap device, begin a run and say what is counted.  Raises BadTarget, GuestGone.

        folios: whether large folios may be used for the pages, once they are switched on.
        """
        self.machine, self.pages, self.folios = machine, pages, folios
        self.at_gate = 0
        """How many processes have ever begun together with others."""
        self.parameters = [name for name in _START if name in machine.names(PARAMETERS)]
        self.device = machine.shape.device
        machine.need(
            "put /cg/cgroup.subtree_control +memory", "put /proc/sys/vm/page-cluster 0",
            f"mkswap {self.device}", *self._parameters_at_start(),
        )  # fmt: skip
        if machine.shape.swap == "disk":
            machine.need("put /sys/block/vda/queue/rotational 0")
        machine.ask("put /sys/kernel/mm/lru_gen/enabled n")
        self.begin()
        # From the first single page on freed slots wait in caches, which no reset undoes.
        machine.need("@0 write 0 text 1", "@0 out 0", "@0 free 0")
        self.cgroup_files = [name for name in _CGROUP if name in machine.names("/cg/w0")]
        machine.need(
            "forget",
            f"watch vm. /proc/vmstat {_VMSTAT}",
            *(f"watch zs.{name} {_DEBUGFS}/{name}" for name in machine.names(_DEBUGFS)),
            *(f"watch mt.{name} {FOLIOS}/stats/{name}" for name in self.folio_counters()),
            *(f"watch cg.w{k}.memory.swap.current /cg/w{k}/memory.swap.current" for k in range(WORKERS)),
        )  # fmt: skip

    def begin(self) -> None:
        """Make cgroups and processes, each on its CPU, and use the device.  Raises BadTarget, GuestGone."""
        self.machine.need(*self.beginning())

    def end(self) -> None:
        """Undo what ``begin`` and a run did.  Raises BadTarget, GuestGone."""
        self.machine.need(*self.ending())

    def beginning(self) -> list[str]:
        """Return the lines that make cgroups and processes, each on its CPU, and use the device."""
        cpus = range(self.machine.shape.cpus)
        self.homes = [k % len(cpus) for k in range(WORKERS)]
        self.away: set[int] = set()
        return [
            *(_switch(cpu, on=True) for cpu in cpus[1:]),
            self.use_device(on=True), *(f"mkdir /cg/w{k}" for k in range(WORKERS)),
            *(f"spawn {k} w{k} {home}" for k, home in enumerate(self.homes)),
            *(f"@{k} map {self.pages} {int(self.folios)}" for k in range(WORKERS)),
        ]  # fmt: skip

    def ending(self) -> list[str]:
        """Return the lines that give parameters their first values, end the processes and free the device."""
        return [
            *([] if self.used else [self.use_device(on=True)]),
            *self._parameters_at_start(), *self._store_a_page(),
            *(f"kill {k}" for k in range(WORKERS)), "rest", self.use_device(on=False),
            *(f"rmdir /cg/w{k}" for k in range(WORKERS)),
        ]  # fmt: skip

    def use_device(self, *, on: bool) -> str:
        """Return the line that takes the swap device into use or out of it."""
        self.used = on
        return f"{'swapon' if on else 'swapoff'} {self.device}"

    def folio_counters(self) -> list[str]:
        """Return the statistics of large folios that the model has, where there are such folios."""
        there = self.machine.names(f"{FOLIOS}/stats") if self.folios else []
        return [name for name in there if name in _OF_FOLIOS]

    def cpu_of(self, worker: int) -> int:
        """Return the CPU that a process runs on."""
        return 0 if self.homes[worker] in self.away else self.homes[worker]

    def looks(self) -> list[str]:
        """Return the lines that look at every page of every process, then at those of every child."""
        mine = [f"@{k} peek 0 {self.pages}" for k in range(WORKERS)]
        return [*mine, *(f"@{k} child" for k in range(WORKERS))]

    def drain(self) -> list[str]:
        """Return the lines that put pages on the LRU that wait in a list of a CPU with a reference to them.

        Such a reference keeps a page in the swap cache that a write fault would take out of it.
        """
        return [f"@{k} cpu {self.cpu_of(k)}" for k in range(WORKERS)]

    def move(self, worker: int, cpu: int) -> str:
        """Return the line that lets a process go on on another CPU; one that is not there is refused."""
        if cpu not in self.away:
            self.homes[worker] = cpu
        return f"@{worker} cpu {cpu}"

    def switch(self, cpu: int, *, on: bool) -> list[str]:
        """Return the lines that take a CPU away or bring it back; the first one can do nothing else, and stays.

        A process whose CPU goes is bound to the first one for so long: the kernel would let it go anywhere.
        """
        if cpu:
            (self.away.discard if on else self.away.add)(cpu)
        mine = [k for k, home in enumerate(self.homes) if cpu and home == cpu]
        return [_switch(cpu, on=on), *(f"@{k} cpu {cpu if on else 0}" for k in mine)]

    def slots(self) -> int:
        """Return the slots of the device that can be used: its pages without the header."""
        return int((self.machine.get("/proc/swaps") or "").splitlines()[-1].split()[2]) // 4

    def memory_pages(self) -> int:
        """Return the pages that max_pool_percent is a share of; MemTotal is the same number in KiB."""
        told = (self.machine.get("/proc/meminfo") or "").partition("MemTotal:")[2].split()
        return int(told[0]) // 4

    def _store_a_page(self) -> list[str]:
        """Return the lines that store one page, because only a store ends that a pool counts as full."""
        limits = [name for name in ("memory.swap.max", "memory.zswap.max") if name in self.cgroup_files]
        return [*(f"put /cg/w0/{name} max" for name in limits), "@0 write 0 text 1", "@0 out 0"]

    def _parameters_at_start(self) -> list[str]:
        switch = [f"put {FOLIOS}/enabled never"] if self.folios else []
        return [*switch, *(f"put {PARAMETERS}/{name} {_START[name]}" for name in self.parameters)]


def _switch(cpu: int, *, on: bool) -> str:
    return f"put /sys/devices/system/cpu/cpu{cpu}/online {int(on)}"
