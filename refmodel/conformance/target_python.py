"""An implementation that is a Python class.

The class has one method, ``answer(command)``, which takes a command of the boundary as a dict and returns the
answer as a dict.  Words after the name of the class are handed to its constructor as one text.
"""

from __future__ import annotations

import importlib
import importlib.util
import signal
import sys
import threading
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from refmodel.conformance.boundary import BadTarget, Broke, Line
from refmodel.conformance.target import Target


class _TooLong(BaseException):
    """The class took longer than it may; no ``except Exception`` of its own stops this."""


class PythonTarget(Target):
    """An instance of a class."""

    def __init__(self, where: str, timeout: float) -> None:
        """Import the class and make one.  where: ``MODULE:CLASS WORDS``; MODULE may be a file."""
        place, _, words = where.partition(" ")
        self.words = words.strip()
        self.made = _class_at(place)
        # A signal ends what runs too long; only the main thread can have it.
        self.interrupts = threading.current_thread() is threading.main_thread()
        self.before = signal.signal(signal.SIGALRM, _interrupt) if self.interrupts else None
        self.restart()
        super().__init__(timeout)

    def restart(self) -> None:
        """Make another instance."""
        try:
            self.instance = self.made(self.words) if self.words else self.made()
        except Exception as error:
            raise BadTarget(
                f"target {self.made.__name__}: cannot be made ({_shown(error)}); expected a class that takes "
                "no argument, or the words after its name as one text"
            ) from error

    def exchange(self, command: Line) -> Any:
        """Call the method."""
        try:
            if self.interrupts:
                signal.setitimer(signal.ITIMER_REAL, self.timeout)
            return self.instance.answer(command)
        except _TooLong:
            raise Broke("hang", "the answer", f"no answer within {self.timeout:g} s") from None
        except Exception as error:
            raise Broke(f"raise {type(error).__name__}", "the answer", f"raised {_shown(error)}") from error
        finally:
            if self.interrupts:
                signal.setitimer(signal.ITIMER_REAL, 0)

    def close(self) -> None:
        """Let go of the instance and of the signal."""
        self.instance = None
        if self.interrupts:
            signal.signal(signal.SIGALRM, self.before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise _TooLong


def _class_at(place: str) -> Any:
    """Return a class by module, or file, and name.  Raises BadTarget."""
    where, _, name = place.rpartition(":")
    if not where or not name:
        raise BadTarget(
            f"target python:{place}: expected python:MODULE:CLASS, for example python:store.py:Store"
        )
    module = _module(where)
    made = getattr(module, name, None)
    if not isinstance(made, type) or not callable(getattr(made, "answer", None)):
        found = "no such class" if made is None else "something without a method answer"
        raise BadTarget(f"target python:{place}: {found}; expected a class with a method answer(command)")
    return made


def _module(where: str) -> ModuleType:
    try:
        if not where.endswith(".py"):
            return importlib.import_module(where)
        path = Path(where)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    except Exception as error:
        raise BadTarget(
            f"target python:{where}: cannot be imported ({_shown(error)}); check name and path"
        ) from error
    return module


def _shown(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:160]}" if text else type(error).__name__
