"""``refmodel bench``: how fast it is here."""

from __future__ import annotations

import click

from refmodel.cli.options import json_option, print_json, profile_option


@click.group(short_help="Measure the speed on this machine.", invoke_without_command=True)
@profile_option
@json_option
@click.pass_context
def bench(context: click.Context, profile_name: str, as_json: bool) -> None:
    """Measure the speed of the model, of the engines and of the validator, against their goals.

    Takes about a minute. Other work on the machine makes the figures worse; CPU time is measured where that helps.
    """
    if context.invoked_subcommand is not None:
        return
    from refmodel.report import bench_page
    from refmodel.report.terminal import console, show

    found = []
    with console(stderr=True).status("measuring") as status:
        for figure in bench_page.figures(profile_name):
            status.update(f"{figure.name}: {figure.measured:,.3g} {figure.unit}")
            found.append(figure)
    print_json(bench_page.data(found)) if as_json else show(*bench_page.page(found))


@bench.command("explore", short_help="Measure the explorer, beside Spin.")
@json_option
def explore(as_json: bool) -> None:
    """Measure the explorer on kernel scopes, and on a protocol that Spin and prototypes explore too.

    Takes some minutes. The seconds of bugs are medians of five runs. Only a checkout has the protocol; without spin
    and gcc those columns say so.
    """
    from refmodel.report import bench_explore_page
    from refmodel.report.terminal import console, show

    found = []
    with console(stderr=True).status("measuring") as status:
        for line in bench_explore_page.lines():
            status.update(f"{line.name}: {line.ours:,.3g} {line.unit}")
            found.append(line)
    print_json(bench_explore_page.data(found)) if as_json else show(*bench_explore_page.page(found))


@bench.command("conform", short_help="Measure conform against examples and a kernel.")
@json_option
def conform(as_json: bool) -> None:
    """Measure the speed of conform against the examples and a Linux kernel, and how soon planted faults are found.

    Takes about two minutes. What needs a C compiler, QEMU or a kernel is left out where there is none, and a line
    says so.
    """
    from refmodel.conformance.bench_conform import NotMeasured, with_examples, with_kernel
    from refmodel.report import bench_page
    from refmodel.report.terminal import console, show

    found = []
    missing = []
    with console(stderr=True).status("measuring") as status:
        for figures in (with_examples, with_kernel):
            try:
                for figure in figures():
                    status.update(f"{figure.name}: {figure.measured:,.3g} {figure.unit}")
                    found.append(figure)
            except NotMeasured as error:
                missing.append(str(error))
    print_json(bench_page.data(found)) if as_json else show(*bench_page.page(found))
    for line in missing:
        click.echo(line, err=True)


@bench.command("contracts", short_help="Measure proving the contracts.")
@json_option
def contracts(as_json: bool) -> None:
    """Measure how many conditions of contracts are confirmed, and what a condition costs.

    Takes some minutes, on two cores.
    """
    from refmodel.engines.bench_contracts import bench_contracts
    from refmodel.report import bench_page
    from refmodel.report.terminal import console, show

    found = []
    with console(stderr=True).status("proving") as status:
        for figure in bench_contracts():
            status.update(f"{figure.name}: {figure.measured:,.3g} {figure.unit}")
            found.append(figure)
    print_json(bench_page.data(found)) if as_json else show(*bench_page.page(found))
