"""The compression contexts of a pool, one for each CPU (struct crypto_acomp_ctx, mm/zswap.c).

Who compresses or decompresses a page picks the context of the CPU that it runs on, locks it, uses it and unlocks
it.  It may sleep, so it can be moved to another CPU at any time and keeps the context that it picked; and the CPU
may go away before the context is locked (I-17).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from refmodel.machine import Wait, evolve

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def lock_ctx(v: KernelView, pool: int, cpu: int) -> Wait | bool:
    """Lock the context of a CPU in a pool; return whether it could be, or the wait for whoever has it.

    A context without resources, or marked as left, stays unlocked: its CPU has gone, or was never there.
    """
    lock = v.at.ctx_locked[pool][cpu]
    if v[lock]:
        return Wait(f"the compression context of CPU {cpu}")
    ctx = v[v.at.acomp_ctx[pool][cpu]]
    usable = ctx.present and ctx.online
    if usable:
        v[lock] = True
    return usable


def unlock_ctx(v: KernelView, pool: int, cpu: int) -> None:
    """Unlock a context whose buffers its user has not filled."""
    v[v.at.ctx_locked[pool][cpu]] = False


def unlock_used_ctx(v: KernelView, pool: int, cpu: int) -> None:
    """Unlock a context that was used by batches: what its requests and buffers hold is nobody's."""
    place = v.at.acomp_ctx[pool][cpu]
    v[place] = evolve(v[place], buffers=(), error=None)
    unlock_ctx(v, pool, cpu)
