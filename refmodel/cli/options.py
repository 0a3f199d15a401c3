"""Options and answers that several subcommands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

profile_option = click.option(
    "--profile",
    "profile_name",
    metavar="NAME",
    default="linux-7.3",
    show_default=True,
    help="Kernel version or series; `refmodel profiles` lists them.",
)

timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="Seconds that an answer may take; the first may take four times as long.",
)


def jobs_option(default: int = 1, what: str = "Processes to use.") -> Callable[[Command], Command]:
    """Return the option for the number of processes.  what: its help."""
    return click.option(
        "--jobs", type=click.IntRange(min=1), default=default, show_default=True, metavar="N", help=what
    )


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def print_json(data: Any) -> None:
    """Print data as JSON, readable and in a fixed order."""
    click.echo(json.dumps(data, indent=2, default=str))
