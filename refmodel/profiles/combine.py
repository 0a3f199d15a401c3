"""Combining profiles: a series on a kernel that it was not posted for, as its author would rebase it.

Each side's changes are those against the last profile that both stand on.  They go together if no operation, no
option and no allocator is changed by both in different ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from refmodel.kernel.table import NOT_THERE
from refmodel.profiles.profile import Profile

SIGN = "+"
"""Joins the names of combined profiles: ``linux-7.3+batching-v14``."""


class CannotCombine(ValueError):
    """Two profiles do not go together; the text says where they meet and what works instead."""


def combine(one: Profile, other: Profile, known: Mapping[str, Profile]) -> Profile:
    """Return a profile with the changes of two.

    An operation that one side takes out, because nothing of it calls that any more, stays out.
    known: profiles by name, in which those that others stand on are looked up.
    Raises CannotCombine.
    """
    clashes = _clashes(one, other, known)
    if clashes:
        raise CannotCombine(
            f"profiles {one.name} and {other.name}: {clashes}; {_what_works(one, other, known)}"
        )
    base = _common(one, other, known)
    assert base is not None
    mine, theirs = _changes(base, one), _changes(base, other)
    operations = {**mine.operations, **theirs.operations}
    operations |= {
        name: NOT_THERE for name in operations if _taken_out(name, mine) or _taken_out(name, theirs)
    }
    return attrs.evolve(
        base,
        name=f"{one.name}{SIGN}{other.name}",
        kernel=mine.kernel or theirs.kernel or base.kernel,
        summary=f"{other.name} on {one.name}, put together by their changes to {base.name}.",
        base=base.name,
        parts=(*(one.parts or (one.name,)), *(other.parts or (other.name,))),
        operations=attrs.evolve(base.operations, **operations),
        options=attrs.evolve(base.options, **{**mine.options, **theirs.options}),
        allocators=mine.allocators or theirs.allocators or base.allocators,
    )


def fit(one: Profile, other: Profile, known: Mapping[str, Profile]) -> bool:
    """Whether two profiles can be combined."""
    return not _clashes(one, other, known)


@attrs.frozen
class _Changes:
    """What a profile changes of another; "" and empty where it changes nothing."""

    operations: dict[str, Any]
    options: dict[str, Any]
    allocators: Any
    kernel: str


def _changes(base: Profile, profile: Profile) -> _Changes:
    return _Changes(
        _differing(base.operations, profile.operations),
        _differing(base.options, profile.options),
        None if profile.allocators == base.allocators else profile.allocators,
        "" if profile.kernel == base.kernel else profile.kernel,
    )


def _differing(before: Any, after: Any) -> dict[str, Any]:
    names = [field.name for field in attrs.fields(type(before))]
    return {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}


def _taken_out(name: str, changes: _Changes) -> bool:
    return name in changes.operations and changes.operations[name] is NOT_THERE


def _line(profile: Profile, known: Mapping[str, Profile]) -> list[Profile]:
    """Return a profile and those that it stands on, one on the other."""
    found = [profile]
    while found[-1].base:
        found.append(known[found[-1].base])
    return found


def _common(one: Profile, other: Profile, known: Mapping[str, Profile]) -> Profile | None:
    theirs = {each.name for each in _line(other, known)}
    return next((each for each in _line(one, known) if each.name in theirs), None)


def _clashes(one: Profile, other: Profile, known: Mapping[str, Profile]) -> str:
    """Return why two profiles do not go together, "" if they do."""
    base = _common(one, other, known)
    if base is None:
        return "they stand on no common kernel"
    if base.name in (one.name, other.name):
        larger = other if base.name == one.name else one
        return f"{larger.name} has all of {base.name} in it"
    mine, theirs = _changes(base, one), _changes(base, other)
    for less, more, inner, outer in ((one, other, mine, theirs), (other, one, theirs, mine)):
        if inner.operations.items() <= outer.operations.items() and inner.kernel == outer.kernel:
            return f"{more.name} has all of {less.name} in it"
    both = [
        name
        for name in mine.operations
        if name in theirs.operations
        and mine.operations[name] is not theirs.operations[name]
        and NOT_THERE not in (mine.operations[name], theirs.operations[name])
    ]
    both += [n for n in mine.options if n in theirs.options and mine.options[n] != theirs.options[n]]
    if mine.kernel and theirs.kernel:
        both.append("kernel")
    if mine.allocators and theirs.allocators:
        both.append("allocators")
    shown = ", ".join(both[:3]) + (f" and {len(both) - 3} more" if len(both) > 3 else "")
    return f"both change {shown}" if both else ""


def _what_works(one: Profile, other: Profile, known: Mapping[str, Profile]) -> str:
    """Name a combination with one of two profiles that works, the nearest by its name."""
    for kept, lost in ((other, one), (one, other)):
        fitting = [each.name for each in known.values() if fit(each, kept, known)]
        if fitting:
            nearest = max(fitting, key=lambda name: _alike(name, lost.name))
            return f"{kept.name}{SIGN}{nearest} works"
    return "each works alone"


def _alike(one: str, other: str) -> int:
    """Return how many characters two names begin with in common."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
