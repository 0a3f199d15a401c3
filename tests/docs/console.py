"""Reading the sessions and files that a page of the book shows."""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_CAPTION = re.compile(r"^:caption: (?P<name>\S+)\n+", re.MULTILINE)


@attrs.frozen
class Shown:
    """A command of a page: the output lines and the exit code that the page says it has."""

    command: str
    output: tuple[str, ...]
    exit_code: int = 0


def commands(page: str) -> Iterator[Shown]:
    """Yield the commands of the ``console`` blocks of a page, in order.

    ``$ echo $?`` after a command, with its output, says the command's exit code; without it the code is 0.
    """
    for info, body in _fences(page):
        if info == "console":
            yield from _session(body)


def files(page: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of the files that a page shows: code blocks whose caption is a file name."""
    for info, body in _fences(page):
        caption = _CAPTION.search(body) if info.startswith("{code-block}") else None
        if caption:
            yield caption["name"], body[caption.end() :]


def appears(shown: str, line: str) -> bool:
    """Whether a shown line is a printed one; ``...`` stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, shown.split("..."))), line) is not None


def _fences(page: str) -> Iterator[tuple[str, str]]:
    return ((match["info"].strip(), match["body"]) for match in _FENCE.finditer(page))


def _session(body: str) -> Iterator[Shown]:
    last: Shown | None = None
    for part in body.removeprefix("$ ").split("\n$ "):
        command, *output = part.rstrip("\n").split("\n")
        if last and command == "echo $?":
            yield attrs.evolve(last, exit_code=int(output[0]))
            last = None
            continue
        if last:
            yield last
        last = Shown(command, tuple(output))
    if last:
        yield last
