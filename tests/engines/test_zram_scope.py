"""The zram device in a scope file: what no device can have is refused, with the line of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from refmodel.engines.scope_file import load_scope
from refmodel.engines.toml_file import BadFile
from refmodel.kernel.zram_config import ZramSystem

SCOPE = """
profiles = ["{profile}"]

[system]
{system}

[{table}]
{lines}

[[thread]]
name = "task"
run = ["write(0, 0, 2)"]
"""


def written(where: Path, profile: str, lines: str, *, system: str = "slots = 3", table: str = "zram") -> Path:
    """Write a scope file."""
    path = where / "scope.toml"
    text = SCOPE.format(profile=profile, system=system, table=table, lines=lines)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_device_is_read(tmp_path: Path) -> None:
    scope = load_scope(written(tmp_path, "zram-6.12", "backing = 2\nlimit = 3\nrequests = 1")).scope
    assert scope.zram == ZramSystem(2, 3, 1)


def test_a_device_without_more_has_no_backing_device_and_no_limit(tmp_path: Path) -> None:
    scope = load_scope(written(tmp_path, "zram-6.12", "")).scope
    assert scope.zram == ZramSystem(0, None, 2)


@pytest.mark.parametrize(
    ("profile", "lines", "said"),
    [
        ("zram-6.12", "backing = -1", "backing device of -1 blocks; expected 0 or more"),
        ("zram-6.12", "limit = -1", "limit of -1 pages; expected 0 or more"),
        ("zram-6.12", "requests = 0", "0 requests; expected 1 to 32"),
        ("zram-6.12", "blocks = 2", "unknown key blocks"),
        ("linux-6.12", "backing = 1", "slots of zram, and linux-6.12 has none; expected a profile zram-"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, profile: str, lines: str, said: str) -> None:
    with pytest.raises(BadFile, match=said):
        load_scope(written(tmp_path, profile, lines))


def test_synchronous_for_reads_alone_takes_a_profile_whose_flag_is_split(tmp_path: Path) -> None:
    system = "slots = 3\nsynchronous = true\nsynchronous_writes = false"
    with pytest.raises(
        BadFile, match=r"synchronous for reads alone; expected a profile .* synchronous-split"
    ):
        load_scope(written(tmp_path, "linux-6.12", "", system=system, table="environment"))
    scope = load_scope(written(tmp_path, "synchronous-split", "", system=system, table="environment")).scope
    assert (scope.synchronous, scope.synchronous_writes) == (True, False)
