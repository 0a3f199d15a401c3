"""The group of all subcommands."""

from __future__ import annotations

from typing import Any

import click

import refmodel
from refmodel.cli.adapter import adapter
from refmodel.cli.bench import bench
from refmodel.cli.check import check
from refmodel.cli.conform import conform
from refmodel.cli.diff import diff
from refmodel.cli.errors import one_line
from refmodel.cli.explore import explore
from refmodel.cli.failures import failures
from refmodel.cli.iaa import iaa
from refmodel.cli.kcompressd_bound import kcompressd_bound
from refmodel.cli.kcompressd_goals import kcompressd_goals
from refmodel.cli.linux import linux
from refmodel.cli.litmus import litmus
from refmodel.cli.museum import museum
from refmodel.cli.numa_report import numa_report
from refmodel.cli.overhead import overhead
from refmodel.cli.profiles import profiles
from refmodel.cli.prove import prove
from refmodel.cli.replay import replay
from refmodel.cli.serve import serve
from refmodel.cli.spec import spec
from refmodel.cli.validate import validate
from refmodel.cli.vectors import vectors


class _Main(click.Group):
    """A group whose errors take one line each."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with one_line():
            return super().invoke(ctx)


def _show_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    """Look the version up only when it is asked for: that takes longer than most commands need to start."""
    if asked and not context.resilient_parsing:
        click.echo(f"refmodel, version {refmodel.__version__}")
        context.exit()


@click.group(cls=_Main, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def main(ctx: click.Context) -> None:
    """The executable specification of Linux compressed swap.

    Exit codes: 0 all is well, 1 something is refuted, 2 usage or environment, 3 undecided.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for command in (
    check,
    explore,
    failures,
    prove,
    litmus,
    replay,
    validate,
    conform,
    linux,
    vectors,
    adapter,
    serve,
    museum,
    spec,
    profiles,
    diff,
    overhead,
    iaa,
    kcompressd_bound,
    kcompressd_goals,
    numa_report,
    bench,
):
    main.add_command(command)
