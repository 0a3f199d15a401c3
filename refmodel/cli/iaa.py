"""``refmodel iaa``: queues and devices of the IAA driver."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from refmodel.cli.errors import FINE, REFUTED
from refmodel.cli.options import json_option, print_json
from refmodel.cli.subject import known_bugs_option

if TYPE_CHECKING:
    from refmodel.kernel.iaa_topology import Wq

_YES, _NO = ("1", "y", "t", "on", "yes", "true"), ("0", "n", "f", "off", "no", "false")


@click.group(short_help="Size the queues and devices of the IAA driver.")
def iaa() -> None:
    """Say who gets which queue of the Intel In-Memory Analytics Accelerator."""


def _attributes(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, int | bool]:
    """Read attributes as sysfs takes them: numbers, and Y or N in any of its spellings."""
    return dict(_attribute(value) for value in values)


def _attribute(given: str) -> tuple[str, int | bool]:
    from refmodel.kernel.iaa_tables import Attributes

    known = list(Attributes.__annotations__)
    name, _, value = given.partition("=")
    if name not in known:
        raise click.BadParameter(f"{given!r}: expected NAME=VALUE, NAME one of {', '.join(known)}")
    if name == "g_comp_wqs_per_iaa":
        if not re.fullmatch(r"\d+", value):
            raise click.BadParameter(f"{given!r}: expected a whole number, such as {name}=1")
        return name, int(value)
    if value.lower() not in _YES + _NO:
        raise click.BadParameter(f"{given!r}: expected Y or N, such as {name}=Y")
    return name, value.lower() in _YES


def _wqs(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[Wq, ...]:
    """Read names of queues."""
    from refmodel.kernel.iaa_topology import Wq

    made = []
    for value in values:
        found = re.fullmatch(r"wq(\d+)\.(\d+)", value)
        if not found:
            raise click.BadParameter(f"{value!r}: expected a queue such as wq1.0")
        made.append(Wq(int(found[1]), int(found[2])))
    return tuple(made)


@iaa.command(short_help="Print which queues each CPU uses, and what each device gets.")
@click.option("--host", "name", metavar="FILE|NAME", help="A host file, or a host that comes along.")
@click.option("--hosts", "list_hosts", is_flag=True, help="List the hosts that come along.")
@click.option(
    "--profile",
    "profile_name",
    metavar="NAME",
    default="linux-7.3",
    show_default=True,
    help="Kernel version or series: 6.12, 6.18, 7.3, batching-v9, -v10, -v13, -v14.",
)
@click.option(
    "--attribute",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_attributes,
    help="Set a driver attribute, over what the host file says: distribute_decomps=Y.",
)
@click.option(
    "--unbind",
    "unbound",
    multiple=True,
    metavar="WQ",
    callback=_wqs,
    help="Unbind a queue afterwards, such as wq1.0; several in their order.",
)
@click.option("--as-intended", is_flag=True, help="Leave out the defects of the version.")
@click.option(
    "--svg",
    "picture",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw who uses which device, too.",
)
@json_option
def tables(
    name: str | None,
    list_hosts: bool,
    profile_name: str,
    settings: dict[str, int | bool],
    unbound: tuple[Wq, ...],
    as_intended: bool,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Bind all queues of a host one by one, and print who uses what.

    For each CPU the queues that its jobs go to, for each device its share of the jobs, warnings, and the memory of the
    tables. CPUs that are alike share a line. Versions without the driver's attributes ignore them.
    """
    from refmodel.engines.iaa_host_file import find_host, load_host, shipped_hosts
    from refmodel.engines.iaa_usage import usage
    from refmodel.profiles.iaa import iaa_driver
    from refmodel.report import iaa_picture, iaa_tables_page
    from refmodel.report.terminal import show

    if list_hosts:
        hosts = [load_host(path) for path in shipped_hosts().values()]
        print_json(iaa_tables_page.hosts_data(hosts)) if as_json else show(iaa_tables_page.hosts(hosts))
        return
    if name is None:
        raise click.UsageError("which host? expected --host FILE|NAME; --hosts lists those that come along")
    file, driver = find_host(name), iaa_driver(profile_name)
    try:
        made = usage(
            file.host,
            driver.as_intended() if as_intended else driver,
            {**file.attributes, **settings},
            unbound,
        )
    except ValueError as error:
        raise click.UsageError(f"--unbind {error}") from None
    if picture is not None:
        _write(picture, iaa_picture.svg(file, made))
    print_json(iaa_tables_page.data(file, made)) if as_json else show(*iaa_tables_page.page(file, made))


def _entries(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """Read the entries of the queues of a device: 64,64."""
    if not re.fullmatch(r"\d+(,\d+)*", value):
        raise click.BadParameter(f"{value!r}: expected the entries of each queue, such as 128 or 64,64")
    return tuple(int(size) for size in value.split(","))


@iaa.command(short_help="Let cores compress batches, and count jobs without a descriptor.")
@click.option(
    "--profile",
    "profile_name",
    metavar="NAME",
    default="iaa-v14",
    show_default=True,
    help="Driver: iaa-v5, iaa-v8, iaa-v9, iaa-v13, iaa-v14.",
)
@click.option("--cores", default=30, show_default=True, metavar="N", help="Cores that compress.")
@click.option(
    "--devices",
    multiple=True,
    type=int,
    default=(1, 4),
    show_default=True,
    metavar="N",
    help="Devices that they share; a row for each number.",
)
@click.option(
    "--queues",
    default="128",
    show_default=True,
    metavar="N[,N]...",
    callback=_entries,
    help="Entries of each queue of a device.",
)
@click.option("--batch", default=8, show_default=True, metavar="N", help="Jobs of a batch.")
@click.option("--rounds", default=2, show_default=True, metavar="N", help="Batches of each core.")
@json_option
def load(
    profile_name: str,
    cores: int,
    devices: tuple[int, ...],
    queues: tuple[int, ...],
    batch: int,
    rounds: int,
    as_json: bool,
) -> None:
    """Run cores that compress batch after batch, in simulated time, on the devices of one package.

    A job that gets no descriptor in the tries of the version fails; batches whose jobs sleep for descriptors can hang.
    The costs of steps are derived from published measurements.
    """
    from refmodel.cli.subject import released
    from refmodel.engines.iaa_load import Plan
    from refmodel.engines.iaa_load import load as run
    from refmodel.kernel.iaa_topology import ImpossibleHost
    from refmodel.report import iaa_load_page
    from refmodel.report.terminal import show

    profile = released(profile_name, known_bugs=False)
    if profile.operations.iaa_batch is None:
        raise click.UsageError(
            f"profile {profile.name}: it has no batches; expected a driver that has, such as iaa-v14"
        )
    try:
        loads = [run(Plan(cores, number, queues, batch, rounds), profile) for number in devices]
    except (ValueError, ImpossibleHost) as error:
        raise click.UsageError(str(error)) from None
    print_json(iaa_load_page.data(loads)) if as_json else show(*iaa_load_page.page(profile, loads))


@iaa.command(short_help="Run every status, errno, counter, batch position, time-out and removal of a driver.")
@click.option(
    "--profile", "profile_name", metavar="NAME", default="iaa-v14", show_default=True, help="Driver."
)
@known_bugs_option
@json_option
def goals(profile_name: str, known_bugs: bool, as_json: bool) -> None:
    """Run everything that a driver has to get through, one after the other, and judge what each leaves.

    Each status that a device can report, in both directions; each other errno, and each counter of debugfs; the states
    of a descriptor; a failed job at every position of a batch; no descriptor in the tries of the version; the removal
    of a queue while the descriptor of a job is in each of its phases.
    """
    from refmodel.cli.subject import released
    from refmodel.engines.iaa_goals import reach
    from refmodel.report import iaa_goals_page
    from refmodel.report.terminal import show

    profile = released(profile_name, known_bugs)
    if profile.options.iaa is None:
        raise click.UsageError(f"profile {profile.name}: it has no IAA devices; expected one such as iaa-v14")
    outcomes = list(reach(profile))
    print_json(iaa_goals_page.data(outcomes)) if as_json else show(*iaa_goals_page.page(profile, outcomes))
    sys.exit(REFUTED if any(each.wrong for each in outcomes) else FINE)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(
            f"--svg {path}: {error.strerror}; expected a file that can be written"
        ) from None
