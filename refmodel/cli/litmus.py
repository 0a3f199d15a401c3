"""``refmodel litmus``: small scenarios, and how they may end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from refmodel.cli.errors import FINE, REFUTED, UNDECIDED
from refmodel.cli.options import jobs_option, json_option, print_json

if TYPE_CHECKING:
    from refmodel.engines.litmus import LitmusResult

_EXIT = {"as expected": FINE, "not as expected": REFUTED, "undecided": UNDECIDED}


@click.group(short_help="Explore small scenarios that files describe.")
def litmus() -> None:
    """Explore every interleaving of small scenarios, and say whether they end as their files expect.

    A file is a path, or the name of one that comes with refmodel.
    """


profile_option = click.option(
    "--profile", "profile_name", metavar="NAME", help="This profile only.  [default: those of the file]"
)


@litmus.command(short_help="Explore scenarios; without FILES all that come with refmodel.")
@click.argument("files", nargs=-1)
@profile_option
@jobs_option()
@json_option
def run(files: tuple[str, ...], profile_name: str | None, jobs: int, as_json: bool) -> None:
    """Explore scenarios completely: a row for each file and each of its profiles.

    A file is right if what it expects is what is found, and if no property breaks that it does not ask for.
    """
    from refmodel.engines.litmus import load_litmus, shipped
    from refmodel.profiles import profile
    from refmodel.report import litmus_page
    from refmodel.report.terminal import console, show

    only = profile(profile_name).name if profile_name else None
    loaded = [(path, load_litmus(path)) for path in map(_path, files)] if files else []
    loaded = loaded or [(path, load_litmus(path)) for path in shipped()]
    tasks = [(path, name) for path, each in loaded for name in each.profiles if only in (None, name)]
    if not tasks:
        raise click.UsageError(f"no file speaks of {only}")
    results = []
    with console(stderr=True).status("") as status:
        for result in _results(tasks, jobs):
            results.append(result)
            status.update(f"{len(results)} of {len(tasks)}: {result.name}")
    if as_json:
        print_json(litmus_page.data(results))
    else:
        show(*litmus_page.page(results))
    verdicts = [_EXIT[result.verdict] for result in results]
    sys.exit(REFUTED if REFUTED in verdicts else max(verdicts))


@litmus.command(short_help="Explore one scenario and show the run that decides it.")
@click.argument("file")
@profile_option
@click.option("--unfold", is_flag=True, help="Print every step of the run.")
@json_option
def show(file: str, profile_name: str | None, unfold: bool, as_json: bool) -> None:
    """Explore one scenario and print its question, the answer, and the run that shows it.

    Without --profile on the last profile that the file names.
    """
    from refmodel.engines.litmus import load_litmus, run_litmus
    from refmodel.profiles import profile
    from refmodel.report import litmus_page, terminal

    loaded = load_litmus(_path(file))
    chosen = profile(profile_name or loaded.profiles[-1])
    if chosen.name not in loaded.profiles:
        raise click.UsageError(f"{loaded.name} speaks of {', '.join(loaded.profiles)}, not of {chosen.name}")
    result = run_litmus(loaded, chosen)
    if as_json:
        print_json(litmus_page.data([result])[0])
    else:
        terminal.show(*litmus_page.file_page(loaded, result, chosen, unfold=unfold))
    sys.exit(_EXIT[result.verdict])


@litmus.command("list", short_help="List the scenarios that come with refmodel.")
def list_() -> None:
    """List the scenarios that come with refmodel, and what each of them asks."""
    from refmodel.engines.litmus import load_litmus, shipped
    from refmodel.report import litmus_page, terminal

    terminal.show(*litmus_page.list_page(load_litmus(path) for path in shipped()))


@litmus.command(short_help="List the commands that scenarios are written in.")
def commands() -> None:
    """List the commands that scenarios are written in, with their arguments."""
    from refmodel.engines.commands import KINDS
    from refmodel.report import terminal

    made = terminal.table("command", "what it does")
    for name in KINDS.names():
        made.add_row(f"{name}({', '.join(KINDS[name].parameters)})", KINDS[name].meaning)
    terminal.show(made)


@litmus.command(short_help="Try a scenario on a real kernel.")
@click.argument("file")
@click.option("--as", "form", type=click.Choice(["linux"]), required=True, help="On what.")
@click.option("--kernel", default="6.12", show_default=True, help="As after linux: in `refmodel conform`.")
@click.option(
    "--attempts", type=click.IntRange(min=1), default=640, show_default=True, help="Pages for each place."
)
@json_option
def emit(file: str, form: str, kernel: str, attempts: int, as_json: bool) -> None:
    """Run a scenario on a Linux kernel with two CPUs, many times, and count how it ends.

    Each page of a block is an attempt; a thread that reads runs at the same time as a page-out. The counts stand beside
    the model's verdict. Seen where the model says never, the model is refuted; not seen, nothing is said.
    """
    from refmodel.conformance.linux.litmus_linux import LitmusRun
    from refmodel.conformance.linux.target_linux import boot_words
    from refmodel.conformance.replica import profile_of
    from refmodel.engines.litmus import load_litmus, run_litmus
    from refmodel.report import terminal

    loaded = load_litmus(_path(file))
    with boot_words(kernel.removeprefix("linux:"), cpus=2) as machine:
        found = LitmusRun(loaded, machine).run(attempts)
        release, accel = machine.release, machine.accel
    against = profile_of(release)
    verdict = run_litmus(loaded, against).found if against.name in loaded.profiles else "not in the file"
    if as_json:
        rows = [{"together": each.together, "asked": each.asked, "seen": dict(each.seen)} for each in found]
        print_json({"litmus": loaded.name, "kernel": release, "accel": accel, "model": verdict, "seen": rows})
    else:
        click.echo(
            f"{loaded.name} on Linux {release}, 2 CPUs, {accel}; the model ({against.name}) says: {verdict}"
        )
        made = terminal.table("read together with", "attempts", "outcomes", "as the file asks")
        for each in found:
            seen = ", ".join(f"{name} {each.seen[name]}" for name in sorted(each.seen))
            share = f"{each.hits} ({100 * each.hits / each.attempts:.2f} %)"
            made.add_row(each.together or "no read", str(each.attempts), seen, share)
        terminal.show(made)
    sys.exit(REFUTED if verdict == "never" and any(each.hits for each in found) else FINE)


def _path(file: str) -> Path:
    """Return the path of a file, or of the shipped one of that name."""
    import difflib

    from refmodel.engines.litmus import shipped

    if Path(file).exists():
        return Path(file)
    known = {path.stem: path for path in shipped()}
    if file in known:
        return known[file]
    near = difflib.get_close_matches(Path(file).stem, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise click.UsageError(f"{file}: no such file, and no scenario of that name{hint}")


def _results(tasks: Sequence[tuple[Path, str]], jobs: int) -> Iterator[LitmusResult]:
    if jobs == 1 or len(tasks) == 1:
        yield from map(_run, tasks)
        return
    from refmodel.engines.processes import processes

    with processes(jobs) as pool:
        yield from pool.map(_run, tasks)


def _run(task: tuple[Path, str]) -> LitmusResult:
    """Run one file on one profile, in whatever process this is."""
    from refmodel.engines.litmus import load_litmus, run_litmus
    from refmodel.profiles import profile

    path, name = task
    return run_litmus(load_litmus(path), profile(name))
