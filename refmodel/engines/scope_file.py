"""Scope files: a scope as TOML that a person reads in a minute.

    question = "Can a fault and reclaim lose a page?"
    profiles = ["linux-6.12", "linux-7.3"]

    [system]
    slots = 3

    [initial]
    run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]

    [[thread]]
    name = "reader"
    run = ["read(0, 0)"]

    [[thread]]
    name = "pressure"
    choose = ["shrinker_scan(1, 0, *)", "reclaim"]
    times = 2

    [environment]
    faults = ["xa_store"]

Commands are those of ``refmodel.engines.commands``.  In ``choose`` a ``*`` stands for every value, and a bare name
for every value of every argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.command import Argument, Command, Kind
from refmodel.engines.commands import KINDS
from refmodel.engines.iaa_scope import iaa_system
from refmodel.engines.kcompressd_scope import kcompressd_system, lru_lists
from refmodel.engines.scope import SMALL, STEPS_BACKGROUND, SYMMETRIES, Scope, Thread, expand
from refmodel.engines.toml_file import Table, TomlFile, nearest, read_toml
from refmodel.engines.zram_scope import zram_system
from refmodel.kernel import choices
from refmodel.kernel.config import MAX_BATCH, Sizes
from refmodel.machine import ChoicePoint
from refmodel.profiles import NAMED, PROFILES, Profile, profile
from refmodel.profiles.catalogue import combinations

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

KEYS = (
    "name",
    "question",
    "profiles",
    "source",
    "goals",
    "symmetry",
    "system",
    "iaa",
    "kcompressd",
    "zram",
    "lists",
    "initial",
    "thread",
    "environment",
)
"""What a scope file can say."""

POINTS = {point.name: point for point in vars(choices).values() if isinstance(point, ChoicePoint)}
"""Choice points by name."""

_SIZES = {field.name for field in attrs.fields(Sizes) if field.init}

_COMMAND = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*", re.S)
_ARGUMENT = re.compile(r"(?:(\w+)\s*=\s*)?(.+)", re.S)


@attrs.frozen(eq=False)
class ScopeFile:
    """A scope file.

    profiles: those that it is about.  source: who says what it tests.
    goals: "Class.step" or "Class.step POINT" that a complete exploration must reach, where the profile has the
    class.  file: what mistakes found later are told with.
    """

    scope: Scope
    profiles: tuple[str, ...]
    source: str
    goals: tuple[str, ...]
    file: TomlFile

    def goals_of(self, of: Profile) -> tuple[str, ...]:
        """Return the goals whose operations a profile has."""
        return tuple(goal for goal in self.goals if goal.partition(".")[0] in _classes([of]))


def load_scope(path: Path) -> ScopeFile:
    """Read a scope file.  Raises BadFile."""
    return scope_of(read_toml(path))


def scope_of(file: TomlFile, more: Sequence[str] = ()) -> ScopeFile:
    """Return the scope that a file describes.  Raises BadFile.

    more: keys that the file may have besides.
    """
    top = Table(file, (), file.data)
    top.only((*KEYS, *more))
    profiles = _profiles(top)
    named = attrs.evolve(
        _system(top),
        name=top.get("name", str, Path(file.path).stem),
        question=top.get("question", str, ""),
    )
    scope = _environment(top, _devices(top, named))
    views = [_view(top, scope, each) for each in profiles]
    reader = _Commands(views, [each.name for each in profiles])
    initial = top.table("initial")
    initial.only(("run",))
    scope = attrs.evolve(
        scope,
        initial=tuple(reader.commands(initial, "run")),
        threads=_threads(top, reader),
        symmetry=_symmetry(top),
    )
    goals = tuple(_goals(top, profiles))
    return ScopeFile(scope, tuple(each.name for each in profiles), top.get("source", str, ""), goals, file)


def _symmetry(top: Table) -> tuple[str, ...]:
    names = top.all("symmetry", str)
    for number, name in enumerate(names):
        top.one_of("symmetry", number, name, SYMMETRIES, "symmetry")
    return tuple(names)


def _profiles(top: Table) -> list[Profile]:
    names = top.all("profiles", str) or list(PROFILES)
    known = (*NAMED, *combinations()) if any(name not in NAMED for name in names) else NAMED
    for number, name in enumerate(names):
        top.one_of("profiles", number, name, known, "profile")
    return [profile(name) for name in names]


def _system(top: Table) -> Scope:
    table = top.table("system")
    table.only((*sorted(_SIZES), "synchronous", "synchronous_writes", "enabled", "lengths", "batch"))
    sizes = {key: _size(table, key) for key in table.data if key in _SIZES}
    return Scope(
        name="",
        threads=(),
        sizes=attrs.evolve(SMALL, **sizes),
        synchronous=table.get("synchronous", bool, False),
        synchronous_writes=table.get("synchronous_writes", bool, False)
        if "synchronous_writes" in table.data
        else None,
        enabled=table.get("enabled", bool, True),
        lengths=tuple(table.all("lengths", int)) or (1024,),
        batch=_batch(table, "batch", 1),
    )


def _devices(top: Table, scope: Scope) -> Scope:
    """Return a scope with the devices, the queues of kcompressd and the LRU lists that its file describes."""
    if "iaa" in top.data:
        scope = attrs.evolve(scope, iaa=iaa_system(top, scope.sizes.cpus))
    if "kcompressd" in top.data:
        scope = attrs.evolve(scope, kcompressd=kcompressd_system(top))
    if "zram" in top.data:
        scope = attrs.evolve(scope, zram=zram_system(top))
    return attrs.evolve(scope, lists=lru_lists(top)) if "lists" in top.data else scope


def _batch(table: Table, key: str, otherwise: int) -> int:
    batch = table.get(key, int, otherwise)
    if not 1 <= batch <= MAX_BATCH:
        raise table.bad(key, f"{key} = {batch}", f"1 to {MAX_BATCH} pages")
    return batch


def _size(table: Table, key: str) -> int:
    if key == "max_batch":
        return _batch(table, key, MAX_BATCH)
    value = table.get(key, int, 0)
    least = 0 if key in ("memcgs", "max_order") else 1
    if value < least:
        raise table.bad(key, f"{key} = {value}", f"{least} or more")
    return value


def _environment(top: Table, scope: Scope) -> Scope:
    table = top.table("environment")
    table.only(("faults", "fixed", "budget", "background"))
    faults, fixed = table.all("faults", str), table.all("fixed", str)
    for number, name in enumerate(faults):
        table.one_of("faults", number, name, [p.name for p in POINTS.values() if p.fault], "failure")
    for number, name in enumerate(fixed):
        table.one_of("fixed", number, name, POINTS, "choice point")
    background = table.all("background", str) if "background" in table.data else list(STEPS_BACKGROUND)
    for number, name in enumerate(background):
        table.one_of("background", number, name, STEPS_BACKGROUND, "background work")
    return attrs.evolve(
        scope,
        faults=tuple(faults),
        fixed=tuple(fixed) if "fixed" in table.data else scope.fixed,
        budget=table.get("budget", int, 0) if "budget" in table.data else None,
        background=tuple(background),
    )


def _view(top: Table, scope: Scope, of: Profile) -> KernelView:
    """Return a system in which the arguments of commands are looked at."""
    try:
        return scope.system(of)
    except ValueError as error:
        said, _, expected = str(error).partition(": expected ")
        raise top.bad("system", said, expected or "a system that can be") from None


def _threads(top: Table, reader: _Commands) -> tuple[Thread, ...]:
    found: list[Thread] = []
    for table in top.tables("thread"):
        table.only(("name", "run", "choose", "times", "number"))
        name = table.get("name", str, f"thread_{len(found) + 1}")
        if not name.isidentifier() or name in [other.name for other in found]:
            raise table.bad("name", f"thread {name!r}", "a name of letters, digits and _ that no other has")
        found.append(_thread(table, name, reader))
    if not found:
        raise top.bad("thread", "no [[thread]]", "at least one")
    return tuple(found)


def _thread(table: Table, name: str, reader: _Commands) -> Thread:
    if ("run" in table.data) == ("choose" in table.data):
        raise table.bad("name", f"thread {name}", "either run = [...] or choose = [...]")
    free = "choose" in table.data
    if "times" in table.data and not free:
        raise table.bad("times", "times without choose", "choose = [...]", "run goes through its list once")
    commands = reader.commands(table, "choose" if free else "run", every=free)
    if not commands:
        raise table.bad("choose" if free else "run", f"thread {name} runs nothing", "a command")
    return Thread(
        name,
        tuple(commands),
        free=free,
        times=_positive(table, "times") if "times" in table.data else None,
        number=_positive(table, "number") if "number" in table.data else 1,
    )


def _positive(table: Table, key: str) -> int:
    value = table.get(key, int, 1)
    if value < 1:
        raise table.bad(key, f"{key} = {value}", "1 or more")
    return value


class _Commands:
    """Reads commands written as text.

    views: a system of each profile.  names: of the profiles.
    """

    def __init__(self, views: Sequence[KernelView], names: Sequence[str]) -> None:
        self.views, self.names = views, names

    def commands(self, table: Table, key: str, *, every: bool = False) -> list[Command]:
        """Return the commands of an array.  every: a * and a bare name stand for all values."""
        found: list[Command] = []
        for number, text in enumerate(table.all(key, str)):
            found += _Text(self, table, key, number, text, every).commands()
        return found


@attrs.frozen(eq=False)
class _Text:
    """One command as text: which item of which array it is, and whether it may stand for several."""

    reader: _Commands
    table: Table
    key: str
    number: int
    text: str
    every: bool

    def commands(self) -> list[Command]:
        said = _COMMAND.fullmatch(self.text)
        if said is None:
            raise self._bad(repr(self.text), "a command such as write(0, 0, 2)")
        kind = self._kind(said[1])
        if said[2] is None and kind.parameters and not self.every:
            raise self._bad(self.text.strip(), _signature(kind))
        if said[2] is None:
            return expand(self.reader.views[0], kind.name, [None] * len(kind.parameters))
        given = [self._value(kind, n, text) for n, text in enumerate(self._arguments(kind, said[2]))]
        return expand(self.reader.views[0], kind.name, given)

    def _kind(self, name: str) -> Kind:
        if name not in KINDS.names():
            hint = nearest(name, KINDS.names())
            raise self._bad(f"unknown command {name}", "one that `refmodel litmus commands` lists", hint)
        for view, of in zip(self.reader.views, self.reader.names, strict=True):
            if name not in KINDS.of(view.ops):
                raise self._bad(f"{name}, which {of} does not have", "a command of every profile of the file")
        return KINDS[name]

    def _arguments(self, kind: Kind, text: str) -> list[str]:
        """Return the arguments as they are written, in the order of the parameters."""
        parts = [part for part in text.split(",") if text.strip()]
        if len(parts) != len(kind.parameters):
            raise self._bad(f"{len(parts)} arguments in {self.text.strip()}", _signature(kind))
        found: dict[str, str] = {}
        for parameter, part in zip(kind.parameters, parts, strict=True):
            said = _ARGUMENT.fullmatch(part.strip())
            if said is None:
                raise self._bad(f"an empty argument in {self.text.strip()}", _signature(kind))
            name = said[1] or parameter
            if name not in kind.parameters or name in found:
                hint = nearest(name, kind.parameters)
                raise self._bad(f"argument {name} in {self.text.strip()}", _signature(kind), hint)
            found[name] = said[2].strip("\"'")
        return [found[parameter] for parameter in kind.parameters]

    def _value(self, kind: Kind, number: int, text: str) -> Argument | None:
        if text == "*" and self.every:
            return None
        name = kind.parameters[number]
        values: list[Argument] = [int(text), text] if re.fullmatch(r"-?\d+", text) else [text]
        for value in values:
            if all(value in _domain(view, kind, number) for view in self.reader.views):
                return value
        expected = f"one of {_listed(_domain(self.reader.views[0], kind, number))}"
        hint = "only choose = [...] takes a *" if text == "*" else ""
        raise self._bad(f"{name} = {text} in {self.text.strip()}", expected, hint)

    def _bad(self, found: str, expected: str, hint: str = "") -> Exception:
        return self.table.bad(self.key, found, expected, hint, item=self.number)


def _domain(v: KernelView, kind: Kind, number: int) -> Sequence[Argument]:
    """Return the values of an argument; folios that do not exist yet are values too."""
    if kind.parameters[number] == "folio":
        return range(1, len(v.at.folio))
    return kind.domains[number](v)


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(str(value) for value in values)


def _signature(kind: Kind) -> str:
    return f"{kind.name}({', '.join(kind.parameters)})"


def _goals(top: Table, profiles: Sequence[Profile]) -> list[str]:
    classes = _classes(profiles)
    goals = top.all("goals", str)
    for number, goal in enumerate(goals):
        place, _, point = goal.partition(" ")
        cls, _, step = place.partition(".")
        top.one_of("goals", number, cls, classes, "operation")
        top.one_of("goals", number, step, classes[cls].step_names, f"step of {cls}")
        if point:
            top.one_of("goals", number, point, POINTS, "choice point")
    return goals


def _classes(profiles: Sequence[Profile]) -> dict[str, type[Any]]:
    """Return the classes that implement operations, by name."""
    tables = [attrs.asdict(each.operations, recurse=False) for each in profiles]
    return {cls.__name__: cls for table in tables for cls in table.values() if cls is not None}
