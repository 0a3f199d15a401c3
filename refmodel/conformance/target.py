"""Implementations under test: what every way of plugging one in has in common, and how one is named.

A target is named by how it is reached and where it is, then by words for the implementation itself:

    python:store.py:Store  fault=lru        a Python class
    exec:./store           --fault=lru      a process that speaks JSON lines
    lib:./store.so         fault=lru        a shared library with the functions of refmodel.h
    linux:6.12                              a Linux kernel in a virtual machine
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from refmodel.conformance.boundary import VERSION, BadTarget, Broke, Hello, Line, check_answer, hello_of
from refmodel.conformance.one_cpu import one_cpu

KINDS = ("python", "exec", "lib", "linux")
"""How an implementation can be reached."""

TAKING_TURNS = ("exec", "lib")
"""Those that are a process of their own, which waits while the model works."""

START = 4
"""How much longer than for another answer an implementation may take for the first, because it has to start."""


class Target(ABC):
    """An implementation that runs.

    timeout: seconds that it may take for an answer.  hello: what it says of itself.
    runs_ahead: whether it wants to hear of commands before they are asked.
    """

    runs_ahead = False

    def __init__(self, timeout: float) -> None:
        """Ask the implementation what it is.

        Raises BadTarget where it cannot be used.
        """
        self.timeout = START * timeout
        try:
            self.hello: Hello = hello_of(self.exchange({"i": 0, "op": "hello", "boundary": VERSION}))
            self.timeout = timeout
        except Broke as broke:
            self.close()
            raise BadTarget(f"command 0 (hello): {broke.message}") from None
        except BadTarget:
            self.close()
            raise

    def ask(self, command: Line) -> Line:
        """Return the checked answer to a command.  Raises Broke."""
        answer: Line = self.exchange(command)
        check_answer(command, answer)
        return answer

    def announce(self, commands: Sequence[Line]) -> None:
        """Tell which commands will be asked next, in order; the implementation may run them meanwhile.

        commands: with their numbers, from a reset on.  They come after those that were announced before.
        """
        raise NotImplementedError(f"{type(self).__name__} does not run ahead")

    def recall(self) -> None:
        """Take back what was announced and not asked; a reset comes next."""
        raise NotImplementedError(f"{type(self).__name__} does not run ahead")

    @abstractmethod
    def exchange(self, command: Line) -> Any:
        """Hand a command over and return whatever comes back.  Raises Broke."""

    @abstractmethod
    def restart(self) -> None:
        """Begin anew after the implementation broke the boundary."""

    @abstractmethod
    def close(self) -> None:
        """End the implementation."""


def open_target(name: str, timeout: float = 5.0) -> Target:
    """Start the implementation that a name stands for.

    timeout: seconds that an answer may take.
    Raises BadTarget for a name of no kind, and for an implementation that cannot be used.
    """
    from refmodel.conformance.linux.target_linux import LinuxTarget
    from refmodel.conformance.target_exec import ExecTarget
    from refmodel.conformance.target_lib import LibTarget
    from refmodel.conformance.target_python import PythonTarget

    kind, _, where = name.partition(":")
    classes: dict[str, type[Any]] = {
        "python": PythonTarget, "exec": ExecTarget, "lib": LibTarget, "linux": LinuxTarget
    }  # fmt: skip
    if kind not in classes or not where.strip():
        raise BadTarget(
            f"target {name!r}: expected python:MODULE:CLASS, exec:PROGRAM, lib:FILE or linux:KERNEL"
        )
    made: Target = classes[kind](where.strip(), timeout)
    return made


@contextmanager
def opened(name: str, timeout: float = 5.0, *, part: int | None = None) -> Iterator[Target]:
    """Start an implementation, and end it at the end; one that takes turns with the model shares its processor.

    part: number of this process among several that do the same, each on a processor of its own.
    Raises BadTarget, as ``open_target`` does.
    """
    shared = one_cpu(os.getpid() if part is None else part)
    with shared if name.partition(":")[0] in TAKING_TURNS else nullcontext():
        target = open_target(name, timeout)
        try:
            yield target
        finally:
            target.close()
