"""``refmodel iaa``: tables, load and goals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.runner import refmodel_command


def test_the_tables_of_a_host_are_printed() -> None:
    result = refmodel_command("iaa", "tables", "--host", "gnr-6-nodes", "--profile", "6.12")

    assert result.exit_code == 0
    assert result.stdout.startswith("gnr-6-nodes on linux-6.12\n")
    assert "overloaded     iax1: as much to do as 176 CPUs have, 3.7 times the mean" in result.stdout


def test_attributes_can_be_set_over_the_file() -> None:
    arguments = ("--host", "spr", "--profile", "batching-v13", "--json")
    for given, distribute in (("distribute_decomps=Y", True), ("distribute_decomps=off", False)):
        result = refmodel_command("iaa", "tables", *arguments, "--attribute", given)
        assert json.loads(result.stdout)["attributes"]["distribute_decomps"] is distribute
    result = refmodel_command("iaa", "tables", *arguments, "--attribute", "g_comp_wqs_per_iaa=0")
    assert json.loads(result.stdout)["devices"][0]["queues"] == ["64 both", "64 both"]


def test_a_queue_can_be_unbound_as_written_and_as_intended() -> None:
    arguments = ("iaa", "tables", "--host", "spr", "--profile", "batching-v13", "--unbind", "wq1.1", "--json")
    written = json.loads(refmodel_command(*arguments).stdout)
    intended = json.loads(refmodel_command(*arguments, "--as-intended").stdout)
    assert [row["compress"] for row in written["cpus"]] == [["wq1.0"]]
    assert intended["cpus"][0]["compress"] == ["wq1.0", "wq3.1", "wq5.1", "wq7.1"]


def test_a_picture_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    assert refmodel_command("iaa", "tables", "--host", "spr", "--svg", str(path)).exit_code == 0
    assert path.read_text().startswith("<svg ")


def test_hosts_that_come_along_are_listed() -> None:
    result = refmodel_command("iaa", "tables", "--hosts")
    assert "spr-6          224   6        as spr, 6 devices enabled" in result.stdout
    listed = json.loads(refmodel_command("iaa", "tables", "--hosts", "--json").stdout)
    assert {"name": "gnr-6-nodes", "cpus": 384} in [
        {key: each[key] for key in ("name", "cpus")} for each in listed
    ]


NO_DEVICES = "packages = 1\nnodes = 1\ncores = 2\nthreads = 1\n"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), "which host? expected --host FILE|NAME; --hosts lists those that come along"),
        (("--host=spr9",), "host 'spr9': expected a .toml file, or one of four-packages, "),
        (("--host=spr9",), "; did you mean spr"),
        (("--host=FILE",), "FILE:1: no devices; expected at least one; add a [[device]]"),
        (
            ("--host=spr", "--profile=linux-6.1"),
            "IAA driver of profile 'linux-6.1': expected one of linux-6.12, linux-6.18",
        ),
        (
            ("--host=spr", "--attribute=distribute=Y"),
            "'distribute=Y': expected NAME=VALUE, NAME one of g_comp_wqs",
        ),
        (("--host=spr", "--attribute=distribute_comps=2"), "'distribute_comps=2': expected Y or N, such as"),
        (
            ("--host=spr", "--attribute=g_comp_wqs_per_iaa=-1"),
            "'g_comp_wqs_per_iaa=-1': expected a whole number",
        ),
        (("--host=spr", "--unbind=1.0"), "'1.0': expected a queue such as wq1.0"),
        (("--host=spr", "--unbind=wq2.0"), "--unbind wq2.0: not bound; expected one of wq1.0"),
        (("--host=spr", "--svg=nowhere/a.svg"), "--svg nowhere/a.svg: No such file or directory"),
    ],
)
def test_a_mistake_gets_one_line(tmp_path: Path, given: tuple[str, ...], message: str) -> None:
    path = tmp_path / "host.toml"
    path.write_text(NO_DEVICES)
    result = refmodel_command("iaa", "tables", *(each.replace("FILE", str(path)) for each in given))

    assert (result.exit_code, result.stdout) == (2, "")
    assert message.replace("FILE", str(path), 1 if message.startswith("FILE") else 0) in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_load_runs_out_of_descriptors_on_one_device_only() -> None:
    arguments = ("iaa", "load", "--rounds", "1")
    result = refmodel_command(*arguments)
    assert result.exit_code == 0
    assert result.stdout.startswith("30 cores, 1 batches of 8 each, on iaa-v14\n")
    assert (
        "1 device: batches that sleep for descriptors could hang: 30 * (8 - 1) = 210 >= 128" in result.stdout
    )
    one, four = json.loads(refmodel_command(*arguments, "--json").stdout)
    assert one["without"] > 0 == four["without"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--queues", "100,29"), "queues of 100 + 29 = 129 entries; expected at most the 128 of a device"),
        (("--queues", "many"), "'many': expected the entries of each queue, such as 128 or 64,64"),
        (("--batch", "9"), "batch of 9 jobs: expected 2 to 8"),
        (("--profile", "iaa-7.3"), "it has no batches; expected"),
        (("--profile", "iaa-v15"), "did you mean iaa-v"),
    ],
)
def test_a_load_that_cannot_be_is_refused(given: tuple[str, ...], said: str) -> None:
    result = refmodel_command("iaa", "load", *given)
    assert result.exit_code == 2
    assert said in result.stderr


def test_goals_are_counted_and_what_is_wrong_is_said() -> None:
    result = refmodel_command("iaa", "goals", "--profile", "iaa-7.3")
    assert (result.exit_code, result.stdout.splitlines()[2].split()) == (0, ["status", "54", "54"])
    written = refmodel_command("iaa", "goals", "--profile", "iaa-7.3", "--known-bugs")
    assert written.exit_code == 1
    assert "removal done of compress: LIVE: wq0.0" in written.stdout
    assert len(json.loads(refmodel_command("iaa", "goals", "--profile", "iaa-7.3", "--json").stdout)) == 97
    assert refmodel_command("iaa", "goals", "--profile", "linux-7.3").exit_code == 2
