"""A run as a pytest function that builds the same system, runs it again, and asserts what is broken."""

from __future__ import annotations

import re
import textwrap
from itertools import groupby
from typing import Any

import attrs

from refmodel.engines.interleaving import Turn
from refmodel.engines.schedule_token import ScheduledRun
from refmodel.engines.scope import SMALL
from refmodel.engines.token import Program
from refmodel.engines.violation import Violation

WIDTH = 110
"""Columns of a line at most, where it can be broken."""

_POSITIONAL = ("Command", "Move", "Turn")
"""Records that are written without the names of their fields."""

_HOMES = {
    "Command": "refmodel.engines.command",
    "Move": "refmodel.engines.command",
    "Program": "refmodel.engines.token",
    "SMALL": "refmodel.engines.scope",
    "ScheduledRun": "refmodel.engines.schedule_token",
    "Scope": "refmodel.engines.scope",
    "Setting": "refmodel.engines.setting",
    "Thread": "refmodel.engines.scope",
    "Turn": "refmodel.engines.interleaving",
    "known_profiles": "refmodel.engines.known",
    "profile": "refmodel.profiles",
    "replay": "refmodel.engines.replay",
    "rerun": "refmodel.engines.rerun",
    "subjects": "refmodel.cli.subject",
}
"""Where the names stand that a test may use."""


def pytest_text(
    run: Program | ScheduledRun, violation: Violation | None, *, change: str | None, known_bugs: bool
) -> str:
    """Return the text of a test file.

    violation: what the run breaks.  change, known_bugs: words of the command line that chose the profile.
    """
    again = "rerun" if isinstance(run, ScheduledRun) else "replay"
    subject = _subject(run.profile, change, known_bugs)
    lines = [f"    run = {_source(run, 4, 6)}", f"    violation = {again}(run, {subject}).violation", ""]
    if violation is None:
        lines.append("    assert violation is None")
    else:
        lines.append("    assert violation is not None")
        lines.append(
            f"    assert (violation.property, violation.found) == {_source(_found(violation), 4, 50)}"
        )
    body = "\n".join(lines)
    name = _identifier(f"{run.profile}_{violation.property if violation else 'holds'}")
    head = f'"""A run on {run.profile}."""\n\n{_imports(body)}\n\n\n'
    return f'{head}def test_{name}() -> None:\n    """{_docstring(violation)}"""\n{body}\n'


def _docstring(violation: Violation | None) -> str:
    if violation is None:
        return "Nothing is broken."
    sentence = textwrap.fill(violation.sentence, WIDTH - 4, initial_indent="    ", subsequent_indent="    ")
    return f"{violation.property} is broken.\n\n{sentence}\n    "


def _found(violation: Violation) -> tuple[str, str]:
    return violation.property, violation.found


def _subject(name: str, change: str | None, known_bugs: bool) -> str:
    if change is not None:
        return f"subjects({_quoted(change)}, {known_bugs})[{_quoted(name)}]"
    return f"profile({_quoted(name)})" if known_bugs else f"known_profiles()[{_quoted(name)}]"


def _imports(body: str) -> str:
    used = [name for name in _HOMES if re.search(rf"\b{name}\(|\b{name}[,)]", body)]
    homes = sorted({_HOMES[name] for name in used})
    lines = [
        f"from {home} import {', '.join(sorted((n for n in used if _HOMES[n] == home), key=_order))}"
        for home in homes
    ]
    return "\n".join(["import attrs\n", *lines] if "attrs." in body else lines)


def _order(name: str) -> tuple[bool, bool, str]:
    """Sort as ruff does: constants, classes, functions."""
    return not name.isupper(), name.islower(), name


def _identifier(text: str) -> str:
    return re.sub(r"\W+", "_", text).strip("_").lower()


def _source(value: Any, indent: int, before: int = 0) -> str:
    """Return a value as Python source: in one line where it fits, else one item a line.

    indent: of the lines that follow.  before: what stands in front of the value in its line, in characters.
    """
    if not isinstance(value, tuple) and not attrs.has(type(value)):
        return _quoted(value) if isinstance(value, str) else repr(value)
    opening, closing, items = _items(value)
    flat = ", ".join(label + _source(item, 0) for label, item in items)
    comma = "," if opening == "(" and len(items) == 1 else ""
    if len(flat) + indent + before + len(opening) + 2 <= WIDTH and "\n" not in flat:
        return f"{opening}{flat}{comma}{closing}"
    inner = " " * (indent + 4)
    lines = [f"{inner}{label}{_source(item, indent + 4, len(label) + 1)},\n" for label, item in items]
    return f"{opening}\n{''.join(lines)}{' ' * indent}{closing}"


@attrs.frozen
class _Repeated:
    """A turn that is taken several times."""

    turn: Turn
    times: int


def _items(value: Any) -> tuple[str, str, list[tuple[str, Any]]]:
    """Return what opens and closes a value, and its items, each with what stands in front of it."""
    if isinstance(value, _Repeated):
        return "(", f") * {value.times}", [("", value.turn)]
    if isinstance(value, tuple):
        return "(", ")", _elements(value)
    cls = type(value)
    if cls is type(SMALL):
        return "attrs.evolve(", ")", [("", _Name("SMALL")), *_differing(value, SMALL)]
    names = [(label, item) for label, item in _differing(value, None)]
    if cls.__name__ in _POSITIONAL:
        names = [
            ("" if index == at else label, item) for at, (index, label, item) in enumerate(_numbered(value))
        ]
    return f"{cls.__name__}(", ")", names


class _Name:
    """A name, which is its own source."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def _elements(value: tuple[Any, ...]) -> list[tuple[str, Any]]:
    """Return the elements of a tuple; turns that are taken several times stand there once."""
    found: list[tuple[str, Any]] = []
    for item, same in groupby(value):
        times = len(list(same))
        if isinstance(item, Turn) and times > 1:
            found.append(("*", _Repeated(item, times)))
        else:
            found += [("", item)] * times
    return found


def _differing(value: Any, usual: Any) -> list[tuple[str, Any]]:
    """Return fields that are not as usual, with their names."""
    fields = [field for field in attrs.fields(type(value)) if field.init]
    pairs = [
        (f, getattr(value, f.name), f.default if usual is None else getattr(usual, f.name)) for f in fields
    ]
    return [(f"{field.name}=", given) for field, given, default in pairs if given != default]


def _numbered(value: Any) -> list[tuple[int, str, Any]]:
    """Return fields that are not as usual, with their numbers and names."""
    names = [field.name for field in attrs.fields(type(value)) if field.init]
    return [(names.index(label[:-1]), label, item) for label, item in _differing(value, None)]


def _quoted(text: str) -> str:
    """Return a word in double quotes."""
    quoted = repr(text)
    return f'"{quoted[1:-1]}"' if quoted[0] == "'" and '"' not in quoted else quoted
