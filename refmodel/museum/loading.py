"""Changes that somebody brings along: ``refmodel check --with my_change.py``.

The file is ordinary Python.  It defines subclasses of operations of the model and says which they replace:

    from refmodel.kernel.zswap_store import ZswapStore73

    class MyStore(ZswapStore73): ...

    CHANGES = {"zswap_store": MyStore}
    BASE = "linux-7.3"

``BASE`` may be left out; then the change is made to the profile that is asked for.
"""

from __future__ import annotations

import runpy
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from refmodel.kernel.table import OperationTable
from refmodel.machine import Operation
from refmodel.profiles import PROFILES, Profile, UnknownProfile, profile


class BadChange(ValueError):
    """A file that cannot be taken as a change; the message is one line."""


@attrs.frozen
class Change:
    """What a file says: which operations it replaces, and in which profile.

    name: the file's name without its ending.  base: name of a profile, "" for any.
    operations: classes by name in the operation table.
    """

    name: str
    base: str
    operations: Mapping[str, type[Operation]]

    def apply(self, to: Profile) -> Profile:
        """Return the sibling of a profile with this change.

        Raises BadChange when an operation does not exist in the profile.
        """
        for operation in self.operations:
            if getattr(to.operations, operation) is None:
                raise BadChange(f"{self.name}: {to.name} has no operation {operation!r}; choose another BASE")
        return to.with_operations(f"{to.name}+{self.name}", f"{to.name} with {self.name}", **self.operations)

    def profile(self, otherwise: str) -> Profile:
        """Return the changed profile: of the file's own BASE, or else of the profile of that name.

        Raises UnknownProfile and BadChange.
        """
        return self.apply(profile(self.base or otherwise))


def load_change(path: Path | str) -> Change:
    """Run a file and return the change that it describes.

    Raises BadChange when there is no such file, when it does not run, and when what it defines is no change.
    The file is a program: run only what you would run by hand.
    """
    file = Path(path)
    if not file.is_file():
        raise BadChange(f"{file}: no such file; give the path of a Python file that defines CHANGES")
    found = _run(file)
    if "CHANGES" not in found:
        raise BadChange(
            f'{file}: defines no CHANGES; expected for example CHANGES = {{"zswap_store": MyStore}}'
        )
    changes = found["CHANGES"]
    if not isinstance(changes, Mapping) or not changes:
        raise BadChange(f"{file}: CHANGES is {changes!r}; expected operation names with their classes")
    for name, made in changes.items():
        _check_change(file, name, made)
    return Change(file.stem, _base(file, found), dict(changes))


def _run(file: Path) -> dict[str, Any]:
    try:
        return runpy.run_path(str(file))
    except SyntaxError as error:
        raise BadChange(f"{file}, line {error.lineno}: {error.msg}") from error
    except Exception as error:
        lines = [
            frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)
        ]
        where = f", line {lines[-1]}" if lines else ""
        raise BadChange(f"{file}{where}: {type(error).__name__}: {error}") from error


def _check_change(file: Path, name: object, made: object) -> None:
    known = [field.name for field in attrs.fields(OperationTable)]
    if name not in known:
        raise BadChange(f"{file}: operation {name!r} does not exist; expected one of {', '.join(known)}")
    if not isinstance(made, type) or not issubclass(made, Operation):
        raise BadChange(f"{file}: {name} is {made!r}; expected a subclass of the operation that it replaces")
    if not made.step_names or "__attrs_attrs__" not in vars(made):
        raise BadChange(
            f"{file}: {made.__name__} has no steps; mark the class with @attrs.define and steps with @step"
        )


def _base(file: Path, found: Mapping[str, Any]) -> str:
    base = found.get("BASE", "")
    if not isinstance(base, str):
        raise BadChange(f"{file}: BASE is {base!r}; expected the name of a profile: {', '.join(PROFILES)}")
    if base:
        try:
            profile(base)
        except UnknownProfile as error:
            raise BadChange(f"{file}: BASE, {error}") from error
    return base
