"""TOML files that people write: every mistake is told with its file and line.

``tomllib`` gives no line numbers, so the text is gone through once more: where each key, and each item of an
array, begins.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import attrs

T = TypeVar("T")

Where = tuple[str | int, ...]
"""The way to a value: keys, and numbers of tables and items."""

_TOKEN = re.compile(
    r""""{3}.*?"{3}|'{3}.*?'{3}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#[^\n]*|\n|[\[\]{},=]|[^\s\[\]{},="'\#]+""",
    re.S,
)
"""A string, a comment, the end of a line, punctuation, or a bare word."""

_NAMES = {str: "a text", int: "a whole number", bool: "true or false", dict: "a table", list: "an array"}


class BadFile(ValueError):
    """A file that cannot be taken: names file and line, what was found, and what was expected."""


@attrs.frozen(eq=False)
class TomlFile:
    """A TOML file with the lines of what stands in it.

    path: as messages print it.  data: what it says.  lines: where keys and items begin.
    """

    path: str
    data: dict[str, Any]
    lines: dict[Where, int]

    def line(self, where: Where) -> int:
        """Return the line in which a value begins, or that of the nearest table around it."""
        return next((self.lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in self.lines), 1)

    def bad(self, where: Where, found: str, expected: str, hint: str = "") -> BadFile:
        """Return the error for a mistake at a place."""
        return bad(self.path, self.line(where), found, expected, hint)


def bad(path: str, line: int, found: str, expected: str, hint: str = "") -> BadFile:
    """Return an error: ``path:line: found; expected ...; hint``."""
    return BadFile(f"{path}:{line}: {found}; expected {expected}{f'; {hint}' if hint else ''}")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the known name that is most like another, or ""."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean {near[0]}?" if near else ""


def read_toml(path: Path) -> TomlFile:
    """Read a TOML file.

    Raises BadFile where it cannot be read or is no TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise bad(str(path), 1, f"cannot be read ({reason})", "a text file in UTF-8") from None
    return parse_toml(text, str(path))


def parse_toml(text: str, path: str) -> TomlFile:
    """Return what a text in TOML says.  Raises BadFile where it is no TOML.

    path: as messages print it.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = re.fullmatch(r"(.*?) \(at (?:line (\d+), column \d+|end of document)\)", str(error))
        what, line = (said[1], said[2]) if said else (str(error), None)
        raise bad(path, int(line or text.count("\n") + 1), what, "TOML") from None
    return TomlFile(path, data, _Lines(text).found)


class _Lines:
    """Where keys and items begin in a text that is known to be TOML."""

    def __init__(self, text: str) -> None:
        self.found: dict[Where, int] = {}
        self.table: Where = ()
        self.tables: dict[Where, int] = {}
        line, depth = 1, 0
        statement: list[tuple[str, int]] = []
        for token in _TOKEN.findall(text):
            if token == "\n" and depth == 0:
                self._note(statement)
                statement = []
            elif token != "\n" and not token.startswith("#"):
                depth += (token in "[{") - (token in "]}")
                statement.append((token, line))
            line += token.count("\n")
        self._note(statement)

    def _note(self, statement: list[tuple[str, int]]) -> None:
        if not statement:
            return
        words = [token for token, _ in statement]
        if words[0] == "[":
            self._header("".join(words), statement[0][1])
            return
        key = self.table + _keys("".join(words[: words.index("=")]))
        self.found[key] = statement[0][1]
        self._value(key, statement[words.index("=") + 1 :])

    def _header(self, text: str, line: int) -> None:
        self.table = _keys(text.strip("[]"))
        if text.startswith("[["):
            number = self.tables[self.table] = self.tables.get(self.table, -1) + 1
            self.table = (*self.table, number)
        self.found[self.table] = line

    def _value(self, key: Where, value: list[tuple[str, int]]) -> None:
        """Note the items of an array, or the keys of an inline table."""
        if not value or value[0][0] not in ("[", "{"):
            return
        depth, items = 0, 0
        begins = False
        for token, line in value:
            if begins and token not in "]}":
                self.found[(*key, items if value[0][0] == "[" else token.strip("\"'"))] = line
                items, begins = items + 1, False
            depth += (token in "[{") - (token in "]}")
            if depth == 1 and token in "[{,":
                begins = True


def _keys(text: str) -> Where:
    return tuple(part.strip("\"'") for part in re.findall(r'"[^"]*"|\'[^\']*\'|[\w-]+', text))


@attrs.frozen(eq=False)
class Table:
    """A table of a file, read key by key.

    where: the way to it.  data: what it says.
    """

    file: TomlFile
    where: Where
    data: dict[str, Any]

    def bad(self, key: str, found: str, expected: str, hint: str = "", *, item: int | None = None) -> BadFile:
        """Return the error for a mistake in the value of a key, or in one of its items."""
        return self.file.bad((*self.where, key, *(() if item is None else (item,))), found, expected, hint)

    def only(self, known: Iterable[str]) -> None:
        """Raise BadFile for a key that is not known."""
        known = list(known)
        for key in self.data:
            if key not in known:
                raise self.bad(key, f"unknown key {key}", f"one of {', '.join(known)}", nearest(key, known))

    def get(self, key: str, kind: type[T], otherwise: T) -> T:
        """Return the value of a key.  Raises BadFile where it has another type."""
        value = self.data.get(key, otherwise)
        if type(value) is not kind:
            raise self.bad(key, f"{key} = {_shown(value)}", _NAMES[kind])
        return value

    def all(self, key: str, kind: type[T]) -> list[T]:
        """Return the items of an array, by default none.  Raises BadFile where one has another type."""
        values: list[Any] = self.get(key, list, [])
        for number, value in enumerate(values):
            if type(value) is not kind:
                expected = f"{_NAMES[kind]} as item {number + 1}"
                raise self.bad(key, f"{_shown(value)} in {key}", expected, item=number)
        return values

    def one_of(self, key: str, number: int, value: str, known: Iterable[str], what: str) -> None:
        """Raise BadFile where an item of an array is not among what is known."""
        known = list(known)
        if value not in known:
            expected = f"one of {', '.join(known)}"
            raise self.bad(key, f"unknown {what} {value!r}", expected, nearest(value, known), item=number)

    def table(self, key: str) -> Table:
        """Return a table in this one, by default an empty one."""
        return Table(self.file, (*self.where, key), self.get(key, dict, {}))

    def tables(self, key: str) -> list[Table]:
        """Return the tables of an array of tables, by default none."""
        return [Table(self.file, (*self.where, key, n), data) for n, data in enumerate(self.all(key, dict))]


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
