"""Hosts as files: what they say, and every mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from refmodel.engines.iaa_host_file import find_host, load_host, shipped_hosts
from refmodel.engines.toml_file import BadFile
from refmodel.kernel.iaa_topology import Queue
from refmodel.profiles.presets import UnknownPreset

GOOD = """\
about = "a host"
packages = 2
nodes = 2
cores = 4
threads = 2

[attributes]
g_comp_wqs_per_iaa = 1
distribute_comps = false

[[device]]
count = 2
id = 5
queues = [64, { size = 32, mode = "shared", threshold = 16, group = 1 }]
engines = [0, 1]

[[device]]
package = 1
queues = [128]
engines = 2
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def test_a_file_says_what_a_host_has(path: Path) -> None:
    path.write_text(GOOD)
    file = load_host(path)

    assert (file.name, file.about, file.source) == ("mine", "a host", "")
    assert file.attributes == {"g_comp_wqs_per_iaa": 1, "distribute_comps": False}
    assert file.host.nr_cpus == 16
    assert [(device.name, device.package, device.engines) for device in file.host.devices] == [
        ("iax5", 0, (0, 1)),
        ("iax7", 0, (0, 1)),
        ("iax1", 1, (0, 0)),
    ]
    assert file.host.devices[0].queues == (Queue(64), Queue(32, "shared", 16, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("nodes = 2\n", "", "1: no nodes; expected nodes = N; a host has packages, nodes, cores, threads"),
        ("cores = 4", "core = 4", "4: unknown key core; expected one of about"),
        ("cores = 4", "cores = '4'", "4: cores = '4'; expected a whole number"),
        ("nodes = 2", "nodes = 9", "3: nodes = 9; expected at most one for each of the 8 cores"),
        ("threads = 2", "threads = 0", "5: threads = 0; expected 1 or more"),
        ("threads = 2", "numbering = 'odd'\nthreads = 2", "5: numbering 'odd'; expected one of threads-last"),
        ("distribute_comps = false", "distribute_comp = false", "9: unknown key distribute_comp; expected"),
        (
            "distribute_comps = false",
            "distribute_comps = 1",
            "9: distribute_comps = 1; expected true or false",
        ),
        (
            "g_comp_wqs_per_iaa = 1",
            "g_comp_wqs_per_iaa = -1",
            "8: g_comp_wqs_per_iaa = -1; expected 0 or more",
        ),
        ("count = 2", "count = 0", "12: count = 0; expected 1 or more"),
        ("id = 5", "id = 1", "17: iax1 twice; expected each device once; give each group its id"),
        ("package = 1", "package = 2", "18: iax1 in package 2; expected 0 to 1"),
        ("[64, {", "['64', {", "14: '64' in queues; expected a size, or a table with size"),
        (
            "[64, {",
            "[104, {",
            "14: iax5: queues of 104 + 32 = 136 entries; expected at most the 128 of a device",
        ),
        ("group = 1", "group = 2", "14: iax5: queue 1 is in group 2, which has no engine; expected one of"),
        ("group = 1", "groups = 1", "14: unknown key groups; expected one of size, mode, threshold, group"),
        ('"shared"', '"share"', "14: mode 'share'; expected dedicated or shared; did you mean shared?"),
        (
            "threshold = 16",
            "threshold = 64",
            "14: threshold 64 of a shared queue; expected 1 to its size, 32",
        ),
        ("engines = 2", "engines = 9", "20: iax1: 9 engines; expected 1 to 8"),
        ("queues = [128]", "queues = []", "19: iax1: 0 queues; expected 1 to 8"),
        ("queues = [128]", "queues = [128", "is no TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line(path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(BadFile) as caught:
        load_host(path)
    if said == "is no TOML":
        assert "expected TOML" in str(caught.value)
    else:
        assert said in str(caught.value)
        assert str(caught.value).startswith(f"{path}:")


def test_a_host_without_devices_is_refused(path: Path) -> None:
    path.write_text(GOOD[: GOOD.index("[[device]]")])
    with pytest.raises(BadFile, match=r"no devices; expected at least one; add a \[\[device\]\]"):
        load_host(path)


def test_an_unknown_host_gets_the_nearest_name() -> None:
    with pytest.raises(
        UnknownPreset, match=r"host 'gnr-6-node': expected a \.toml file, or one of .*; did you mean"
    ):
        find_host("gnr-6-node")


def test_a_file_is_found_by_its_path(path: Path) -> None:
    path.write_text(GOOD)
    assert find_host(str(path)).name == "mine"


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(BadFile, match=r"nowhere\.toml:1: cannot be read"):
        find_host("nowhere.toml")


@pytest.mark.parametrize("name", shipped_hosts())
def test_hosts_that_come_along_can_be_loaded(name: str) -> None:
    file = find_host(name)
    assert file.name == name
    assert file.about
