"""Which profile a command works on: a released kernel, one with a change of the user's, or an exhibit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from refmodel.profiles import Profile

DEFAULT = "linux-7.3"
"""The profile that is meant when none is named."""

change_option = click.option(
    "--with",
    "change",
    metavar="FILE",
    help="Replace steps as the Python file FILE says.",
)
known_bugs_option = click.option(
    "--known-bugs",
    is_flag=True,
    help="Keep the known bugs of a released kernel, which are left out otherwise.",
)


def subject(name: str | None, change: str | None, known_bugs: bool) -> Profile:
    """Return the profile that a command works on.

    name: of a profile, None for the default.  change: path of a file that replaces steps.
    known_bugs: keep the bugs that a released kernel is known to have.
    Raises UnknownProfile and BadChange, and UsageError for a change that was made for another profile.
    """
    from refmodel.museum import load_change

    if change is None:
        return released(name or DEFAULT, known_bugs)
    loaded = load_change(change)
    if name and loaded.base and name != loaded.base:
        raise click.UsageError(f"{change} is a change to {loaded.base}, not to {name}; leave --profile out")
    return loaded.apply(released(loaded.base or name or DEFAULT, known_bugs))


def released(name: str, known_bugs: bool) -> Profile:
    """Return a profile by name, with or without the bugs that it is known to have.

    Raises UnknownProfile.
    """
    from refmodel.museum import without_known_bugs
    from refmodel.profiles import profile

    found = profile(name)
    return found if known_bugs else without_known_bugs(found)


def subjects(change: str | None, known_bugs: bool) -> dict[str, Profile]:
    """Return all profiles that a token can name, a changed one among them.

    Raises BadChange.
    """
    from refmodel.engines.known import known_profiles
    from refmodel.museum import load_change
    from refmodel.profiles import NAMED, PROFILES

    found = {**known_profiles(), **(NAMED if known_bugs else {})}
    if change is not None:
        loaded = load_change(change)
        names = (
            [loaded.base]
            if loaded.base
            else [name for name in PROFILES if _has(found[name], loaded.operations)]
        )
        found |= {each.name: each for each in (loaded.apply(found[name]) for name in names)}
    return found


def _has(profile: Profile, operations: Iterable[str]) -> bool:
    return all(getattr(profile.operations, operation) is not None for operation in operations)


def options(change: str | None, known_bugs: bool) -> str:
    """Return the words of the command line that choose the same subject again."""
    return (f" --with {change}" if change else "") + (" --known-bugs" if known_bugs else "")
