"""``refmodel adapter``: starting points for plugging an implementation in."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(short_help="Plug an implementation in.")
def adapter() -> None:
    """Write what is needed to hold an implementation against the model."""


@adapter.command(short_help="Write a commented starting point that already runs.")
@click.argument("kind", type=click.Choice(["python", "c", "exec"]))
@click.argument("directory", metavar="DIR")
def new(kind: str, directory: str) -> None:
    """Write a starting point to DIR: a class, C sources with a makefile, or a program in Python.

    It answers every command of the boundary, most of them with "unknown", and says where to go on.
    """
    from refmodel.conformance.adapters import write_adapter

    for line in write_adapter(kind, Path(directory)):
        click.echo(line)
