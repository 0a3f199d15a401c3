"""How the command ends: exit codes, one line for a mistake of the user, a traceback for one of ours."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

FINE, REFUTED, WRONG_USE, UNDECIDED = 0, 1, 2, 3
"""Exit codes: all is well; something is refuted; usage or environment is wrong; nothing was decided."""

MISTAKES = frozenset(
    {
        "refmodel.engines.contract.BadContract",
        "refmodel.engines.contract.NoContract",
        "refmodel.engines.contract_inputs.NoBackend",
        "refmodel.engines.partial_failure.CannotStore",
        "refmodel.engines.partial_failure.NoGoal",
        "refmodel.engines.prove.NoTwins",
        "refmodel.engines.symbolic.NoCrossHair",
        "refmodel.engines.two_stores.NotComparable",
        "refmodel.engines.two_stores.NotFinished",
        "refmodel.engines.scope.BadScope",
        "refmodel.engines.toml_file.BadFile",
        "refmodel.engines.explorer.checkpoint.Refused",
        "refmodel.engines.explorer.symmetry.BrokenSymmetry",
        "refmodel.engines.token.BadToken",
        "refmodel.machine.source_code.NoSource",
        "refmodel.museum.collection.UnknownExhibit",
        "refmodel.museum.loading.BadChange",
        "refmodel.conformance.boundary.BadTarget",
        "refmodel.conformance.linux.machine.GuestGone",
        "refmodel.conformance.served.BadCommand",
        "refmodel.conformance.trace_file.TraceError",
        "refmodel.conformance.vectors.BadVector",
        "refmodel.profiles.catalogue.UnknownProfile",
        "refmodel.profiles.profile.UnknownProfile",
        "refmodel.profiles.combine.CannotCombine",
        "refmodel.profiles.numa.NoLists",
        "refmodel.profiles.presets.UnknownPreset",
        "refmodel.report.spec.UnknownOperation",
    }
)
"""Exceptions that a user can cause, by name, because importing them would load the whole model."""


NO_COMMAND: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())
"""What click raises for a group without a command; before 8.2 it shows the help by itself."""


class OneLine(click.ClickException):
    """Ends the command with one line on standard error."""

    exit_code = WRONG_USE

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        click.echo(f"refmodel: {self.message}", file=file, err=file is None)


class Undecided(OneLine):
    """Ends the command without a decision."""

    exit_code = UNDECIDED


@contextmanager
def one_line() -> Iterator[None]:
    """Turn what goes wrong inside into an ending that the exit codes of this command allow.

    A mistake of the user becomes one line. An unexpected exception keeps its traceback and gets the exit code
    of a wrong environment, because 1 says that something was refuted.
    """
    try:
        yield
        sys.stdout.flush()
    except click.UsageError as error:
        if isinstance(error, NO_COMMAND):
            raise  # shows the help of the group
        raise OneLine(f"{error.format_message()} (try: {_help(error)})") from error
    except (click.ClickException, click.exceptions.Exit):
        raise
    except (KeyboardInterrupt, click.Abort):
        raise Undecided("interrupted, nothing was decided") from None
    except BrokenPipeError:
        # Whoever read the output has gone; the interpreter must not fail again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FINE)
    except Exception as error:
        if not _is_mistake(error):
            traceback.print_exc()
            raise OneLine("stopped by a defect of its own, shown above; please report it") from error
        raise OneLine(str(error)) from error


def _help(error: click.UsageError) -> str:
    return f"{error.ctx.command_path if error.ctx else 'refmodel'} --help"


def _is_mistake(error: Exception) -> bool:
    return any(f"{cls.__module__}.{cls.__qualname__}" in MISTAKES for cls in type(error).__mro__)
