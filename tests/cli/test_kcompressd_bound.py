"""``refmodel kcompressd-bound``."""

import json

import pytest

from tests.cli.runner import refmodel_command


def test_bounds_and_figures_of_the_thread_are_printed() -> None:
    result = refmodel_command("kcompressd-bound")

    assert result.exit_code == 0
    assert (
        "      1           428,571    1.43                600,000    2.00              28.6%" in result.stdout
    )
    assert '"over 260%" more than it was  1,080,000' in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_the_widest_table_fits_a_terminal() -> None:
    result = refmodel_command(
        "kcompressd-bound", "--split=1:999999999", "--rate=999999999", "--cpus=1", "--threads=64"
    )

    assert max(map(len, result.stdout.splitlines())) <= 100


def test_rates_come_as_data() -> None:
    data = json.loads(refmodel_command("kcompressd-bound", "--threads", "2", "--json").stdout)

    assert (data["synchronous"], data["scan_bound"]) == (300_000, 1_000_000)
    assert [each["inline"] for each in data["bounds"]] == [600_000, 900_000]
    assert [each["fits"] for each in data["figures"]] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--split=3",), "'3' is no split; expected scan:compress or scan:compress:file, such as 3:7"),
        (("--split=3:-7",), "'3:-7' is no split"),
        (("--split=0:7",), "shares 0:7:0: expected scan and compression above 0"),
        (("--threads=0",), "0 is not in the range 1<=x<=64"),
        (("--threads=65",), "65 is not in the range 1<=x<=64"),
        (("--rate=0",), "0 is not in the range x>=1"),
        (("--cost=0",), "cost 0: expected more than 0"),
        (("--rescan=-1",), "'-1' is no number of 0 or more"),
        (("--cpus=0",), "0 is not in the range x>=1"),
    ],
)
def test_what_cannot_be_gets_one_line(given: tuple[str, ...], message: str) -> None:
    result = refmodel_command("kcompressd-bound", *given)

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
