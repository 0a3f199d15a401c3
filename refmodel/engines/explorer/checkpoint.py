"""Checkpoints: a search in a file, to go on with later.

The file starts with two lines that say what it is: the format, and a header in JSON.  What follows are the numbers
and tables of the search, pickled.  A header that does not fit is refused before anything else is read, and of the
rest only classes of loaded modules are accepted.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import attrs

import refmodel

if TYPE_CHECKING:
    from refmodel.engines.explorer.search import Search

FORMAT = "refmodel exploration, version 4"

_BUILTIN = ("bool", "bytes", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple", "type")
PLAIN = {("builtins", name) for name in _BUILTIN} | {("array", "array"), ("array", "_array_reconstructor")}
"""What plain data is pickled with."""

KEPT = {
    "search": ("transitions", "compared", "restarts"),
    "agenda": ("parents", "depths", "deepest", "at", "waiting", "left_out"),
    "table": (
        "lessons",
        "shared",
        "merged",
        "visible",
        "hidden",
        "waits",
        "runs",
        "ran",
        "failed",
    ),
    "ownership": ("distrusted",),
    "packing": (
        "locals",
        "fields",
        "looked",
        "lows",
        "shifts",
        "most",
        "layout",
        "column_width",
        "bits",
        "spare",
        "cell_bits",
        "constants",
    ),
}
"""What is kept of each object."""


class Refused(ValueError):
    """A file is no checkpoint of this search."""


@attrs.frozen
class Checkpoint:
    """Where and when a search is saved.

    path: of the file.  scope: a digest of all that decides what there is to explore: the caller's description of the
    scope, of the model and of what is judged.  seconds: least time between two savings.
    """

    path: Path
    scope: str
    seconds: float = 600.0


def save(search: Search, checkpoint: Checkpoint) -> None:
    """Write a search to its file; a file that was there stays whole until the new one is."""
    fresh = checkpoint.path.with_name(checkpoint.path.name + ".new")
    with fresh.open("wb") as file:
        for line in (FORMAT, json.dumps(_header(search, checkpoint.scope))):
            file.write(line.encode() + b"\n")
        pickle.dump(_parts(search), file, protocol=5)
        for level in search.visited.levels:
            pickle.dump(level, file, protocol=5)
    fresh.replace(checkpoint.path)


def load(search: Search, checkpoint: Checkpoint) -> None:
    """Bring a search that has not begun to where the one in the file was.

    Raises Refused, naming what differs; OSError if the file cannot be read.
    """
    with checkpoint.path.open("rb") as file:
        _check(file, checkpoint.path, _header(search, checkpoint.scope))
        reader = _Reader(file)
        try:
            parts = reader.load()
            levels = [reader.load() for _ in range(parts["levels"])]
        except (pickle.UnpicklingError, EOFError, AttributeError, ImportError) as error:
            raise Refused(f"{checkpoint.path}: damaged ({error}): start again without it") from error
    search.recorder.kept.update(parts["kept"])
    for name, target in _objects(search).items():
        for attribute in KEPT[name]:
            setattr(target, attribute, parts[name][attribute])
    search.table.forget()
    search.visited.fill(levels)
    search.agenda.resume()


def _header(search: Search, scope: str) -> dict[str, str]:
    """Return what has to be the same when a search goes on."""
    reductions = search.reductions
    return {
        "scope": scope,
        "version of refmodel": refmodel.__version__,
        "actors": str(search.packing.actors),
        "components": str(len(search.packing.fields)),
        "actors not told apart": str(reductions.actors),
        "merged steps": str(reductions.merge),
        "renamed indexes": str(len(reductions.names.columns) if reductions.names is not None else 0),
        "order": search.order,
    }


def _check(file: IO[bytes], path: Path, expected: Mapping[str, str]) -> None:
    first = file.readline(200).rstrip(b"\n").decode(errors="replace")
    if first != FORMAT:
        raise Refused(
            f"{path}: starts with {first[:60]!r}; expected {FORMAT!r}: not a checkpoint of this version"
        )
    try:
        found = json.loads(file.readline(100_000))
    except ValueError as error:
        raise Refused(f"{path}: its header is no JSON ({error}): start again without it") from error
    for name, value in expected.items():
        if found.get(name) != value:
            raise Refused(
                f"{path}: {name} is {found.get(name)!r}; expected {value!r}: "
                "go on with the scope and options that it was made with, or start again without it"
            )


def _parts(search: Search) -> dict[str, Any]:
    parts: dict[str, Any] = {"kept": search.recorder.kept, "levels": len(search.visited.levels)}
    for name, target in _objects(search).items():
        parts[name] = {attribute: getattr(target, attribute) for attribute in KEPT[name]}
    return parts


def _objects(search: Search) -> dict[str, object]:
    table = search.table
    return {
        "search": search,
        "agenda": search.agenda,
        "table": table,
        "ownership": table.ownership,
        "packing": search.packing,
    }


class _Reader(pickle.Unpickler):
    """Reads records of loaded modules, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class, if it is one that plain data may consist of."""
        if (module, name) in PLAIN:
            return super().find_class(module, name)
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if isinstance(found, type) and module.partition(".")[0] not in sys.stdlib_module_names:
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is no record of the model")
