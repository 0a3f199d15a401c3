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


def test_compression_buffers_are_printed_for_each_version() -> None:
    result = refmodel_command("overhead", "--buffers")

    assert result.exit_code == 0
    assert "Compression buffers of one pool, on 112 CPUs" in result.stdout
    assert (
        "v4 to v9                 batching           8        8           2       64.0    64.8"
        in result.stdout
    )
    assert "they leave 73 to 102 bytes for each request" in result.stdout


def test_buffers_can_be_counted_for_another_machine() -> None:
    data = json.loads(refmodel_command("overhead", "--buffers", "--cpus", "224", "--json").stdout)

    whole = {each["design"]: each["total"] for each in data["buffers"]}["the same, one page each"]
    assert (data["cpus"], whole) == (224, 448 << 20)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--cpus=8",), "--cpus counts the CPUs that have compression buffers; add --buffers"),
        (("--buffers", "--device=1G"), "--buffers does not depend on a swap device; leave --device out"),
        (("--buffers", "--cpus=0"), "0 is not in the range x>=1"),
    ],
)
def test_an_option_that_means_nothing_gets_one_line(given: tuple[str, ...], message: str) -> None:
    result = refmodel_command("overhead", *given)

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
