"""The queues of kcompressd in a scope file: what a discipline cannot have is refused, with the line of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from refmodel.engines.scope_file import load_scope
from refmodel.engines.toml_file import BadFile
from refmodel.kernel.lru_lists import LruLists

SCOPE = """
profiles = ["{profile}"]

[kcompressd]
{queues}

[[thread]]
name = "kswapd"
run = ["kswapd(1)"]
"""


def written(where: Path, profile: str, queues: str) -> Path:
    """Write a scope file."""
    path = where / "scope.toml"
    path.write_text(SCOPE.format(profile=profile, queues=queues), encoding="utf-8")
    return path


def test_queues_are_read(tmp_path: Path) -> None:
    scope = load_scope(written(tmp_path, "kcompressd-a", "queues = 2\ncapacity = 3")).scope
    assert scope.kcompressd is not None
    assert (scope.kcompressd.queues, scope.kcompressd.capacity) == (2, 3)


def test_lists_are_read(tmp_path: Path) -> None:
    more = 'capacity = 1\n[lists]\nkind = "generations"\nbatch = 3'
    scope = load_scope(written(tmp_path, "kcompressd-a", more)).scope
    assert scope.lists == LruLists("generations", 3)


@pytest.mark.parametrize(
    ("profile", "queues", "said"),
    [
        ("kcompressd-b", '[lists]\nkind = "clock"', "kind = 'clock'.*expected one of classic, generations"),
        ("kcompressd-b", "[lists]\nbatch = 32", "batch = 32; expected 1 to 31 folios"),
        ("kcompressd-b", "capacity = 257", "queue of 257 folios"),
        ("kcompressd-b", "queues = 2", "2 queues"),
        ("kcompressd-a", "queues = 5", "5 queues"),
        ("kcompressd-a", "threads = 5", "threads"),
        ("kcompressd-a", "kswapds = 2", "2 kswapds; expected at most 1, one for each node"),
        ("linux-6.18", "capacity = 2", "linux-6.18 has none; expected a profile kcompressd-"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, profile: str, queues: str, said: str) -> None:
    with pytest.raises(BadFile, match=said):
        load_scope(written(tmp_path, profile, queues))
