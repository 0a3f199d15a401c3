"""``refmodel spec`` and ``refmodel profiles``."""

import json

from tests.cli.runner import refmodel_command


def test_spec_prints_an_operation() -> None:
    result = refmodel_command("spec", "zswap_load", "--profile", "linux-6.12")

    assert result.exit_code == 0
    assert result.stdout.startswith("zswap_load in linux-6.12\n")


def test_spec_lists_the_operations() -> None:
    result = refmodel_command("spec")

    assert result.exit_code == 0
    assert "zswap_store" in result.stdout


def test_spec_prints_json() -> None:
    one = json.loads(refmodel_command("spec", "zswap_load", "--json").stdout)
    every = json.loads(refmodel_command("spec", "--json").stdout)

    assert one["operation"] == "zswap_load"
    assert "zswap_load" in {each["operation"] for each in every}


def test_profiles_lists_them() -> None:
    result = refmodel_command("profiles")

    assert result.exit_code == 0
    assert "linux-6.18" in result.stdout
    assert json.loads(refmodel_command("profiles", "--json").stdout)[0]["name"] == "linux-6.1"
