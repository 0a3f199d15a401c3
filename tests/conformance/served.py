"""Implementations that tests plug in: the model itself behind the boundary, changed where a test says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refmodel.conformance.boundary import Broke, Line
from refmodel.conformance.served import ServedModel
from refmodel.conformance.target import Target
from refmodel.engines.known import known_profiles
from refmodel.profiles import PROFILES

Change = Callable[[Line, Any], Any]
"""Given a command and its answer, returns what is answered instead."""


class Served(Target):
    """The model as a target, in this process."""

    def __init__(self, profile: str = "linux-7.3", change: Change | None = None) -> None:
        self.model = ServedModel({**known_profiles(), **PROFILES}[profile])
        self.change = change
        super().__init__(5.0)

    def exchange(self, command: Line) -> Any:
        answer = self.model.answer(command)
        return answer if self.change is None else self.change(command, answer)

    def restart(self) -> None:
        pass

    def close(self) -> None:
        pass


def breaking(how: str) -> Change:
    """Break the boundary at every command read."""

    def change(command: Line, answer: Any) -> Any:
        if command["op"] == "read":
            raise Broke(how, "the answer", f"it did {how}")
        return answer

    return change


def without(*fields: str) -> Change:
    """Leave fields of answers out."""

    def change(command: Line, answer: Line) -> Line:
        if command["op"] in ("hello", "reset"):
            return answer
        return {name: value for name, value in answer.items() if name not in fields}

    return change
