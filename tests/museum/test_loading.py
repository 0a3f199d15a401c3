"""Changes from a file: what is taken, and the line that says why something is not."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from refmodel.kernel.zswap_load import ZswapLoad73
from refmodel.machine import run
from refmodel.museum import BadChange, Change, load_change
from refmodel.profiles import UnknownProfile, preset, profile
from refmodel.properties import at_rest, first_broken

EXAMPLE = Path(__file__).parents[2] / "docs" / "do" / "examples" / "charge_leak.py"

GOOD = """
import attrs
from refmodel.kernel.zswap_load import ZswapLoad73

@attrs.define
class MyLoad(ZswapLoad73):
    pass

CHANGES = {"zswap_load": MyLoad}
"""


def write(directory: Path, text: str) -> Path:
    """Write a change file."""
    path = directory / "mine.py"
    path.write_text(text)
    return path


def test_a_change_replaces_operations_of_the_profile_that_is_asked_for(tmp_path: Path) -> None:
    change = load_change(write(tmp_path, GOOD))
    made = change.profile("linux-6.18")
    assert made.name == "linux-6.18+mine"
    assert made.operations.zswap_load.__name__ == "MyLoad"
    assert made.operations.zswap_store is profile("linux-6.18").operations.zswap_store


def test_a_change_may_name_its_own_base(tmp_path: Path) -> None:
    assert (
        load_change(write(tmp_path, GOOD + 'BASE = "linux-7.3"\n')).profile("linux-6.1").name
        == "linux-7.3+mine"
    )


def test_the_example_is_a_change_that_a_property_finds() -> None:
    made = load_change(EXAMPLE).profile("linux-6.12")
    assert made.name == "linux-7.3+charge_leak"
    v = made.system(made.config(preset("toy"), compressor="zstd"))
    run(v, v.ops.write_page(mm=0, page=0, content=b"a page of text; ".ljust(4096, b".")))
    run(v, v.ops.madvise_pageout(mm=0, page=0))
    found = first_broken(v, at_rest(made))
    assert found is not None
    assert found[0].id == "ZS-8"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CHANGES = {", r"mine\.py, line 1: .*was never closed"),
        ("\n1 / 0\n", r"mine\.py, line 2: ZeroDivisionError"),
        ("import no_such_module\n", r"mine\.py, line 1: ModuleNotFoundError"),
        ("x = 1\n", "defines no CHANGES; expected for example CHANGES ="),
        ("CHANGES = [1]\n", r"CHANGES is \[1\]; expected operation names with their classes"),
        ("CHANGES = {}\n", r"CHANGES is {}; expected operation names"),
        (
            'CHANGES = {"zswap_stoer": int}\n',
            "operation 'zswap_stoer' does not exist; expected one of .*zswap_store",
        ),
        (
            'CHANGES = {"zswap_load": int}\n',
            "zswap_load is <class 'int'>; expected a subclass of the operation",
        ),
        ('CHANGES = {"zswap_load": 3}\n', "zswap_load is 3; expected a subclass"),
        (GOOD.replace("@attrs.define\n", ""), "MyLoad .*@attrs.define"),
        (GOOD + "BASE = 7\n", "BASE is 7; expected the name of a profile: linux-6.1,"),
        (GOOD + 'BASE = "linux-7.4"\n', "BASE, profile 'linux-7.4': expected one of"),
    ],
)
def test_a_file_that_is_no_change_gets_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadChange, match=message) as caught:
        load_change(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_file_that_does_not_exist_gets_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(BadChange, match=r"nowhere.py: no such file"):
        load_change(tmp_path / "nowhere.py")


def test_an_operation_that_the_profile_lacks_cannot_be_replaced() -> None:
    change = Change("mine", "", {"vswap_release_backing": ZswapLoad73})
    with pytest.raises(BadChange, match=r"mine: linux-7.3 has no operation 'vswap_release_backing'"):
        change.profile("linux-7.3")


def test_an_unknown_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownProfile):
        load_change(write(tmp_path, GOOD)).profile("linux-9.9")


def test_changes_are_plain_data(tmp_path: Path) -> None:
    change = load_change(write(tmp_path, GOOD))
    assert attrs.asdict(change)["name"] == "mine"
