"""``refmodel check``: look for a run that breaks a property."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from refmodel.cli.errors import FINE, REFUTED, UNDECIDED
from refmodel.cli.options import jobs_option, json_option, print_json
from refmodel.cli.progress import progress
from refmodel.cli.subject import change_option, known_bugs_option, options, subject, subjects

if TYPE_CHECKING:
    from refmodel.engines.check import CheckResult
    from refmodel.engines.contract_inputs import Backend

SECONDS = 30.0
"""How long a check takes if nothing else is asked for."""

_EXIT = {"not refuted": FINE, "refuted": REFUTED, "undecided": UNDECIDED}


@click.command(short_help="Test the model with random runs.")
@click.option(
    "--profile", "profile_name", metavar="NAME", help="Kernel version or series.  [default: linux-7.3]"
)
@click.option("--preset", default="toy", show_default=True, metavar="NAME", help="Sizes: toy or real.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help=f"Stop after this time.  [default: {SECONDS:.0f}, or no limit with --steps]",
)
@click.option(
    "--steps", type=click.IntRange(min=1), metavar="N", help="Stop after so many steps of the model."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Where all randomness comes from."
)
@jobs_option()
@click.option("--sequential", is_flag=True, help="Run one command at a time: no races of several actors.")
@click.option("--contracts", is_flag=True, help="Test the contracts of decision functions instead of runs.")
@click.option(
    "--backend",
    type=click.Choice(["hypothesis", "crosshair"]),
    metavar="NAME",
    help="With --contracts: hypothesis or crosshair thinks inputs up.  [default: hypothesis]",
)
@change_option
@known_bugs_option
@json_option
def check(
    profile_name: str | None,
    preset: str,
    seconds: float | None,
    steps: int | None,
    seed: int,
    jobs: int,
    sequential: bool,
    contracts: bool,
    backend: Backend | None,
    change: str | None,
    known_bugs: bool,
    as_json: bool,
) -> None:
    """Test the model against its properties with random runs, in which anything may fail.

    Ends with what was looked at, what was not reached, and what to do next. A property that is broken is shown
    with a short program, its timeline, and a token that repeats it.
    """
    if contracts:
        sys.exit(_check_contracts(seed, backend or "hypothesis", as_json))
    if backend:
        raise click.UsageError(
            "--backend is about the inputs of contracts, add --contracts; "
            "a run branches at every step, too often for CrossHair to follow"
        )
    from refmodel.engines import check as engine
    from refmodel.report import check_page
    from refmodel.report.terminal import show

    profile = subject(profile_name, change, known_bugs)
    with progress(check_page.progress_line) as tell:
        result = engine.check(
            profile,
            preset,
            seconds=SECONDS if seconds is None and steps is None else seconds,
            steps=steps,
            seed=seed,
            jobs=jobs,
            races=not sequential,
            progress=tell,
            remake=partial(subject, profile_name, change, known_bugs) if change else None,
        )
    if as_json:
        print_json(check_page.result_data(result))
    else:
        profiles = subjects(change, known_bugs)
        for failure in result.failures:
            show(*check_page.failure_page(failure, profiles, options(change, known_bugs)), "")
        words = (" --sequential" if sequential else "") + (f" --jobs {jobs}" if jobs > 1 else "")
        left_out = [] if known_bugs else _known_bugs(result.profile)
        show(*check_page.result_page(result, profile, left_out, _hint(result, change, known_bugs, words)))
    sys.exit(_EXIT[result.verdict])


def _check_contracts(seed: int, backend: Backend, as_json: bool) -> int:
    """Call every contract with inputs that its preconditions admit; return the exit code."""
    from refmodel.engines.contract import chosen
    from refmodel.engines.contract_inputs import try_inputs
    from refmodel.report import prove_page
    from refmodel.report.terminal import show

    found, all_ = [], chosen(())
    with progress(prove_page.progress_line) as tell:
        for contract in all_:
            found.append(try_inputs(contract, seed=seed, backend=backend))
            tell(prove_page.tried_progress(found, len(all_)))
    print_json(prove_page.tried_data(found)) if as_json else show(*prove_page.tried_page(found))
    return REFUTED if any(each.broken for each in found) else FINE


def _known_bugs(name: str) -> list[str]:
    """Return the known bugs that a checked profile would have as it was released."""
    from refmodel.museum import known_bugs
    from refmodel.profiles import NAMED

    base = NAMED.get(name.partition("+")[0])
    return [f"{bug.id}, {bug.title} (--known-bugs keeps it)" for bug in known_bugs(base)] if base else []


def _hint(result: CheckResult, change: str | None, known_bugs: bool, words: str) -> str:
    """Say what to do next, in one line; a longer check is one of the same kind.

    words: of the command line that choose it.
    """
    if result.failures:
        return (
            f"mend {change} and check again"
            if change
            else "write a fix and try it: refmodel check --with FILE"
        )
    chosen = ("" if change else f" --profile {result.profile}") + options(change, known_bugs)
    chosen += f" --preset {result.preset}" if result.preset != "toy" else ""
    chosen += words
    longer = max(60, 10 * round(result.seconds))
    return f"refmodel check{chosen} --seconds {longer} --seed {result.seed + 1} looks longer, at other runs"
