"""``refmodel vectors``: programs with expected answers, as files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from refmodel.cli.errors import FINE, REFUTED, UNDECIDED
from refmodel.cli.options import json_option, print_json, profile_option, timeout_option
from refmodel.cli.progress import progress


@click.group(short_help="Test vectors for other implementations.")
def vectors() -> None:
    """Write test vectors, and run them against an implementation."""


@vectors.command(short_help="Write vectors that reach what random programs reach.")
@profile_option
@click.option("--out", "directory", required=True, metavar="DIR", help="Where to write them.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which programs are drawn.")
@click.option(
    "--runs", type=click.IntRange(min=1), default=400, show_default=True, help="Programs that are drawn."
)
@click.option(
    "--shards",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Parts to deal them to.",
)
def fill(profile_name: str, directory: str, seed: int, runs: int, shards: int) -> None:
    """Write vectors: each is as short as it can be for a step or a failure that no other reaches."""
    from refmodel.conformance.vector_fill import fill, write_vectors
    from refmodel.profiles import profile

    chosen = profile(profile_name)
    with progress(str) as tell:
        filled = fill(chosen, seed, runs, tell)
    path = Path(directory)
    write_vectors(filled, chosen, path, shards, seed)
    commands = sum(len(case.steps) for case, _ in filled.cases)
    click.echo(
        f"{len(filled.cases)} vectors, {commands} commands; {filled.goals} goals reached, "
        f"{len(filled.unreached)} not, which the manifest lists with reasons: {path}"
    )


@vectors.command(short_help="Run vectors against an implementation.")
@click.argument("directory", metavar="DIR")
@click.argument("target")
@click.option("--shard", type=click.IntRange(min=0), metavar="K", help="Only this part, from 0.")
@timeout_option
@json_option
def verify(directory: str, target: str, shard: int | None, timeout: float, as_json: bool) -> None:
    """Run the vectors of DIR against TARGET, which is named as for `refmodel conform`.

    DIR may be the name of a profile whose vectors come with refmodel. A vector that needs what the
    implementation does not have is skipped and counted; an answer that is unknown is neither right nor wrong.
    """
    import attrs

    from refmodel.conformance.target import opened
    from refmodel.conformance.vectors import read_manifest, verify
    from refmodel.report import conform_page
    from refmodel.report.terminal import show
    from refmodel.resources import specs_dir

    shipped = specs_dir() / "vectors" / directory
    path = shipped if not Path(directory).exists() and shipped.exists() else Path(directory)
    read_manifest(path)
    with opened(target, timeout) as implementation:
        outcomes = list(verify(path, implementation, shard))
    if as_json:
        print_json([attrs.asdict(each) for each in outcomes])
    else:
        show(*conform_page.vectors_page(outcomes))
    verdicts = {each.verdict for each in outcomes}
    compared = any(each.compared for each in outcomes)
    sys.exit(REFUTED if "failed" in verdicts else FINE if compared else UNDECIDED)
