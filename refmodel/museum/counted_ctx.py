"""Compression contexts that count who has picked them, for the wrong remedies of Z15."""

from typing import Any

import attrs

from refmodel.kernel.state import AcompCtx
from refmodel.kernel.table import KernelView
from refmodel.machine import component


@component
class CountedCtx(AcompCtx):
    """A compression context with a count of the tasks that have picked it and not finished with it."""

    users: int = 1


def users(ctx: AcompCtx) -> int:
    """Return how many tasks have picked a context."""
    return ctx.users if isinstance(ctx, CountedCtx) else 0


def count(v: KernelView, pool: int, cpu: int, change: int) -> None:
    """Count a task that picks a context (+1) or has finished with it (-1)."""
    place = v.at.acomp_ctx[pool][cpu]
    v[place] = counted(v[place], users(v[place]) + change)


def counted(ctx: AcompCtx, number: int) -> AcompCtx:
    """Return a context with a number of users; without any it is a plain one."""
    fields: dict[str, Any] = {field.name: getattr(ctx, field.name) for field in attrs.fields(AcompCtx)}
    return CountedCtx(**{**fields, "users": number}) if number else AcompCtx(**fields)


def in_use(v: KernelView) -> bool:
    """Whether any context of any CPU is picked."""
    return any(users(v[place]) for row in v.at.acomp_ctx for place in row)
