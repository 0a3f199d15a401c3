"""Queue tables as text and as data."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from refmodel.engines.iaa_host_file import HostFile, find_host
from refmodel.engines.iaa_usage import Usage, usage
from refmodel.kernel.iaa_topology import NUMBERINGS
from refmodel.profiles.iaa import IAA_DRIVERS, iaa_driver
from refmodel.report.iaa_tables_page import data, page
from refmodel.report.terminal import WIDTH

LARGE = """\
packages = 2
nodes = 6
cores = 112
threads = 2
numbering = "NUMBERING"

[[device]]
count = 4
queues = [32, 32, 32, 32]

[[device]]
count = 4
id = 9
package = 1
queues = [32, 32, 32, 32]
"""


def made(name: str, profile: str) -> tuple[HostFile, Usage]:
    """Return a host and its tables."""
    file = find_host(name)
    return file, usage(file.host, iaa_driver(profile), file.attributes)


def text(file: HostFile, tables: Usage) -> str:
    """Return the page as a terminal of 100 columns shows it."""
    out = io.StringIO()
    console = Console(file=out, width=WIDTH, markup=False, highlight=False, emoji=False)
    for part in page(file, tables):
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_cpus_that_are_alike_share_a_line() -> None:
    shown = text(*made("spr", "batching-v13"))
    assert (
        "CPUs             compress, in the order of use  decompress\n"
        "0-13, 112-125    wq1.1 wq3.1 wq5.1 wq7.1        wq1.0\n"
        "14-27, 126-139   wq3.1 wq5.1 wq7.1 wq1.1        wq3.0\n"
    ) in shown
    assert (
        "iax1          0  64 decompress, 64 compress  compress     112     28       64        8\n"
        "                                             decompress    28     28       64        8\n"
    ) in shown
    assert "\nNothing to warn of.\n" in shown


def test_one_cursor_takes_one_column() -> None:
    shown = text(*made("gnr-6-nodes", "linux-6.12"))
    assert (
        "CPUs                    compress and decompress, in the order of use\n"
        "0-31, 128-207, 320-383  wq1.1 wq1.0\n"
    ) in shown
    assert "iax1          0  64 both, 64 both  both   176    176      128       16\n" in shown
    assert "overloaded     iax1: as much to do as 176 CPUs have, 3.7 times the mean\n" in shown


def test_what_is_not_verified_is_said() -> None:
    assert "UNVERIFIED: the patch was not read; all is assumed to be as in v13\n" in text(
        *made("spr", "batching-v14")
    )


def test_the_claim_stands_beside_the_figures_and_is_marked() -> None:
    shown = text(*made("gnr-2-nodes", "linux-6.12"))
    assert (
        "one table a CPU, with its queues        linux-6.12 to linux-7.3                      33,792" in shown
    )
    assert (
        "claimed to be saved (UNVERIFIED)        the series, of 384 cores and 8 devices  146,800,640" in shown
    )


@pytest.mark.parametrize("numbering", NUMBERINGS)
@pytest.mark.parametrize("profile", IAA_DRIVERS)
def test_448_cpus_stay_readable(tmp_path: Path, profile: str, numbering: str) -> None:
    """A screen or two, whatever the firmware does with the numbers of CPUs."""
    path = tmp_path / "large.toml"
    path.write_text(LARGE.replace("NUMBERING", numbering))
    file, tables = made(str(path), profile)
    lines = text(file, tables).splitlines()

    assert max(map(len, lines)) <= WIDTH
    assert len(lines) <= 90
    assert file.host.nr_cpus == 448


def test_the_same_can_be_had_as_data() -> None:
    found = json.loads(json.dumps(data(*made("four-packages", "batching-v13"))))
    assert found["enabled"] is False
    assert found["cursors"] == 2
    assert found["cpus"][0] == {
        "cpus": "0-27,112-139",
        "number": 56,
        "compress": ["wq1.0"],
        "decompress": ["wq1.0"],
    }
    assert found["devices"][1]["queues"] == ["128 unbound"]
    assert found["attributes"] == {
        "g_comp_wqs_per_iaa": 1,
        "distribute_comps": True,
        "distribute_decomps": True,
    }
    assert found["memory"]["claimed_to_be_saved"]["mark"] == "unverified"
    assert data(*made("spr", "linux-7.3"))["attributes"] is None
