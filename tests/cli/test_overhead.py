"""``refmodel overhead``."""

import json

import pytest

from tests.cli.runner import refmodel_command


def test_the_costs_of_every_design_and_the_break_evens_are_printed() -> None:
    result = refmodel_command("overhead")

    assert result.exit_code == 0
    assert "Swap metadata of a device of 32 GiB" in result.stdout
    assert "v6-zswap   descriptor and bitmap                         0  24.125" in result.stdout
    assert "v6-zswap  old-zswap                            38.5%                    0.59%" in result.stdout


def test_the_device_can_have_another_size() -> None:
    data = json.loads(refmodel_command("overhead", "--device", "1G", "--json").stdout)

    full = {cost["design"]: cost["bytes"] for cost in data["costs"] if cost["utilisation"] == 1}
    assert full["swap-map"] == 1 << 18
    assert full["seed-24"] == 24 << 18


@pytest.mark.parametrize("size", ["", "0", "3x", "-4K", "5000", "1.5G"])
def test_a_size_that_is_none_gets_one_line(size: str) -> None:
    result = refmodel_command("overhead", f"--device={size}")

    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{size!r} is no size of whole pages; expected one such as 512M" in result.stderr
