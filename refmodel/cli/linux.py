"""``refmodel linux``: real kernels to hold against the model."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(short_help="Obtain and record Linux kernels.")
def linux() -> None:
    """Work with real kernels in a virtual machine; `refmodel conform linux:VERSION` holds one against the model."""


@linux.command(short_help="Obtain a distribution's kernel.")
@click.argument("version")
@click.option("--dir", "directory", metavar="DIR", help="Unpack here.  [default: where linux:VERSION looks]")
@click.option(
    "--suite", default="", help="Take it from this suite.  [default: those the host is configured for]"
)
def get(version: str, directory: str | None, suite: str) -> None:
    """Download the newest packaged kernel of VERSION, for example 6.12, and unpack it without installing it.

    Works where apt-get does. The lists of another suite, such as trixie-backports, are fetched for this once; the
    host's own are not touched. Without apt-get give an image and its modules: linux:IMAGE --modules DIR.
    """
    from refmodel.conformance.linux.obtain import get_kernel

    place = get_kernel(version, Path(directory) if directory else None, suite)
    click.echo(f"unpacked to {place}")
    click.echo(f"run: refmodel conform linux:{version}")


@linux.command(short_help="Record what a kernel does.")
@click.argument("kernel")
@click.argument("file", metavar="FILE")
@click.option("--seed", type=int, default=0, show_default=True, help="Which commands are drawn.")
@click.option("--commands", type=click.IntRange(min=1), default=100, show_default=True, help="How many.")
def record(kernel: str, file: str, seed: int, commands: int) -> None:
    """Give KERNEL random commands and write what it did to FILE, as a trace for `refmodel validate`.

    KERNEL is what `refmodel conform` takes after linux:, for example 6.12, or "IMAGE --modules DIR".
    """
    from refmodel.conformance.linux.record import record as recorded
    from refmodel.conformance.linux.target_linux import LinuxTarget

    target = LinuxTarget(kernel.removeprefix("linux:"), 30.0)
    try:
        nr = recorded(target, Path(file), seed=seed, commands=commands)
    finally:
        target.close()
    click.echo(f"recorded {nr} operations to {file}")
    click.echo(f"run: refmodel validate {file}")
