"""``refmodel prove``: what holds for all inputs within bounds."""

from __future__ import annotations

import sys

import click

from refmodel.cli.errors import FINE, REFUTED, UNDECIDED, WRONG_USE, Undecided
from refmodel.cli.options import jobs_option, json_option, print_json
from refmodel.cli.progress import progress

_EXIT = {"confirmed": FINE, "refuted": REFUTED, "could not run": WRONG_USE, "undecided": UNDECIDED}


@click.command(short_help="Prove the contracts of decision functions.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=12.0,
    show_default=True,
    metavar="N",
    help="CPU time for a condition.",
)
@jobs_option(2)
@click.option("--diff", is_flag=True, help="Compare versions of decisions: alike, or different where first.")
@click.option(
    "--teeth", is_flag=True, help="Put wrong versions in place of the decisions: each must be refuted."
)
@json_option
def prove(names: tuple[str, ...], seconds: float, jobs: int, diff: bool, teeth: bool, as_json: bool) -> None:
    """Show with CrossHair that decisions of the model keep their contracts, for all inputs within bounds.

    NAME is an area, a contract (area.contract) or a file of contracts of your own; with a name every condition is
    shown. Confirmed means that all paths were gone through; a counterexample is replayed before it is believed. With
    --diff, NAME is a comparison, or two profiles for all comparisons of them.
    """
    from refmodel.engines import prove as engine
    from refmodel.report import prove_page
    from refmodel.report.terminal import show

    if diff and teeth:
        raise click.UsageError("--diff and --teeth ask different questions; leave one out")
    if diff:
        from refmodel.engines.compare_decisions import compare

        with progress(prove_page.progress_line) as tell:
            compared = compare(names, seconds=seconds, jobs=jobs, progress=tell)
        print_json(prove_page.diff_data(compared)) if as_json else show(*prove_page.diff_page(compared))
        codes = [
            FINE if each.expected else UNDECIDED if each.found == "undecided" else REFUTED
            for each in compared
        ]
        sys.exit(REFUTED if REFUTED in codes else max(codes))
    try:
        with progress(prove_page.progress_line) as tell:
            if teeth:
                found = engine.bite(names, seconds=seconds, jobs=jobs, progress=tell)
            else:
                proof = engine.prove(names, seconds=seconds, jobs=jobs, progress=tell)
    except engine.TooShort as error:
        raise Undecided(str(error)) from error
    if teeth:
        print_json(prove_page.teeth_data(found)) if as_json else show(*prove_page.teeth_page(found))
        verdicts = {tooth.verdict for tooth in found}
        sys.exit(REFUTED if "confirmed" in verdicts else UNDECIDED if "undecided" in verdicts else FINE)
    print_json(prove_page.data(proof)) if as_json else show(*prove_page.page(proof, full=bool(names)))
    sys.exit(_EXIT[proof.verdict])
