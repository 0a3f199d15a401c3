"""``refmodel conform``: random programs against another implementation."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from refmodel.cli.errors import FINE, REFUTED, UNDECIDED
from refmodel.cli.options import jobs_option, json_option, print_json, timeout_option
from refmodel.cli.progress import progress

if TYPE_CHECKING:
    from refmodel.conformance.conform import Progress

_EXIT = {"not refuted": FINE, "refuted": REFUTED, "undecided": UNDECIDED}


@click.command(short_help="Hold another implementation against the model.")
@click.argument("target")
@click.option(
    "--profile",
    "profile_name",
    metavar="NAME",
    help="Hold against this profile.  [default: the one that the implementation names]",
)
@click.option(
    "--level",
    type=click.Choice(["data", "counters", "events"]),
    default="counters",
    show_default=True,
    help="Compare up to this level.",
)
@click.option(
    "--seconds", type=click.FloatRange(min=0), default=10.0, show_default=True, help="How long to search."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Which programs are drawn.")
@jobs_option(what="Processes to use, each with an implementation of its own.")
@timeout_option
@click.option("--out", "directory", metavar="DIR", help="Save a divergence here.  [default: conform-<seed>]")
@json_option
def conform(
    target: str,
    profile_name: str | None,
    level: Literal["data", "counters", "events"],
    seconds: float,
    seed: int,
    jobs: int,
    timeout: float,
    directory: str | None,
    as_json: bool,
) -> None:
    """Give random programs to an implementation and to the model, side by side.

    TARGET is python:MODULE:CLASS, exec:PROGRAM or lib:FILE, and may go on with words for the implementation;
    or linux:VERSION or linux:IMAGE --modules DIR, a kernel that runs in a virtual machine, with
    --cpus 2, --nodes 2, --swap brd, --folios after it as wanted.
    The first divergence is shortened while it stays the same, printed, and saved as a trace, a vector and,
    where there is one, a litmus file.
    """
    from refmodel.conformance.conform_files import save
    from refmodel.conformance.conform_jobs import search
    from refmodel.profiles import profile
    from refmodel.report import conform_page
    from refmodel.report.terminal import show

    def line(known: Progress) -> str:
        return f"{known.runs} programs, {known.commands} commands"

    with progress(line) as tell:
        found = search(
            target, profile_name, timeout, jobs, level=level, seconds=seconds, seed=seed, progress=tell
        )
    against = profile(found.profile)
    paths = save(found, against, Path(directory or f"conform-{seed}")) if found.shrunk else {}
    if as_json:
        print_json(conform_page.data(found, paths))
    else:
        words = ["--profile", profile_name] if profile_name else []
        words += ["--level", level, "--seed", str(seed), "--seconds", f"{seconds:g}"]
        words += ["--jobs", str(jobs)] if jobs > 1 else []
        show(*conform_page.page(found, paths, shlex.join(["refmodel", "conform", target, *words])))
    sys.exit(_EXIT[found.verdict])
