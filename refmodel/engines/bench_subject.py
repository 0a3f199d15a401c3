"""One scope of a benchmark, explored in a process of its own: it imports what exploring needs and no more.

What is explored is given as a Python file with a function ``build(slots, versions, actors, bug)`` that returns a
``Subject``.
"""

from __future__ import annotations

import atexit
import gc
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from refmodel.engines.explorer.actors import Actors
from refmodel.engines.explorer.memory import resident
from refmodel.engines.explorer.search import Bounds, Reductions, Search, StateCheck
from refmodel.engines.explorer.symmetry import Renaming
from refmodel.engines.explorer.visited import Storage
from refmodel.machine import View


@attrs.frozen
class Subject:
    """What is explored.

    view: the system in its initial state.  actors: who runs what.  names: indexes that may be renamed.
    counters: places of counters.  check: judges states.
    """

    view: View
    actors: Actors
    names: Renaming | None = None
    counters: Sequence[int] = ()
    check: StateCheck | None = None


Build = Callable[[int, int, int, int], Subject]
"""Returns a subject for slots, versions, actors and the number of a planted bug, 0 for none."""


@attrs.frozen
class Size:
    """A scope of the protocol: numbers of slots, page versions and actors, and a planted bug (0: none)."""

    slots: int
    versions: int
    actors: int
    bug: int = 0


@attrs.frozen
class Setting:
    """How the explorer is run.

    actors, merge, names: reductions.  states: a bound, None for no bound.
    """

    actors: bool = False
    merge: bool = False
    names: bool = False
    storage: Storage = "flat"
    jobs: int = 1
    states: int | None = None


class Failed(RuntimeError):
    """A process of a benchmark failed."""


def load_build(path: str | os.PathLike[str]) -> Build:
    """Return the function ``build`` of a Python file.  Raises Failed if there is none."""
    spec = importlib.util.spec_from_file_location(os.path.basename(path).removesuffix(".py"), path)
    if spec is None or spec.loader is None or not os.path.isfile(path):
        raise Failed(f"{path}: expected a Python file with a function build")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "build"):
        raise Failed(f"{path}: has no function build(slots, versions, actors, bug)")
    build: Build = module.build
    return build


def explored(build: Build, size: Size, setting: Setting) -> dict[str, Any]:
    """Explore a scope in this process; return what is measured but for the seconds."""
    subject = build(size.slots, size.versions, size.actors, size.bug)
    before = resident()
    search = Search(
        subject.view,
        subject.actors,
        counters=subject.counters,
        reductions=Reductions(setting.actors, setting.merge, subject.names if setting.names else None),
        bounds=Bounds(states=setting.states),
        check=subject.check,
        storage=setting.storage,
        jobs=setting.jobs,
    ).run()
    after, states = resident(), len(search.visited)
    return {
        "states": states,
        "transitions": search.transitions,
        "bytes_per_state": None if before is None or after is None else (after - before) / states,
        "runs": search.table.runs,
        "verdict": str(search.found.what)
        if search.found
        else "complete"
        if search.complete
        else search.stopped,
    }


def main() -> None:
    """Explore the scope that the arguments name (file, size, setting) and print the figures as a line of JSON.

    That is the fresh process of ``bench_explore.measure``.
    """
    atexit.register(gc.freeze)  # as the command does
    path, size, setting = sys.argv[1:]
    found = explored(load_build(path), Size(**json.loads(size)), Setting(**json.loads(setting)))
    print(json.dumps(found))
