"""Which profile a command works on."""

from pathlib import Path

import click
import pytest

from refmodel.cli.subject import options, released, subject, subjects
from refmodel.kernel.zswap_store import ZswapStore61
from refmodel.museum import BadChange
from refmodel.profiles import PROFILES

CHANGE = """\
import attrs
from refmodel.kernel.zswap_entry import ZswapInvalidate

@attrs.define
class Same(ZswapInvalidate):
    '''As it is.'''

CHANGES = {"zswap_invalidate": Same}
"""


def written(where: Path, text: str) -> str:
    file = where / "same.py"
    file.write_text(text)
    return str(file)


def test_without_a_name_the_newest_kernel_is_meant() -> None:
    assert subject(None, None, False).name == "linux-7.3"


def test_known_bugs_are_left_out_unless_they_are_asked_for() -> None:
    assert released("linux-6.1", known_bugs=True).operations.zswap_store is ZswapStore61
    assert released("linux-6.1", known_bugs=False).operations.zswap_store is not ZswapStore61


def test_a_change_is_made_to_its_base_or_to_the_named_profile(tmp_path: Path) -> None:
    free = written(tmp_path, CHANGE)
    assert subject(None, free, False).name == "linux-7.3+same"
    assert subject("linux-6.12", free, False).name == "linux-6.12+same"

    bound = written(tmp_path, CHANGE + 'BASE = "linux-6.18"\n')
    assert subject(None, bound, False).name == "linux-6.18+same"
    with pytest.raises(click.UsageError, match=r"is a change to linux-6\.18, not to linux-6\.12"):
        subject("linux-6.12", bound, False)


def test_a_token_can_name_kernels_exhibits_and_changed_kernels(tmp_path: Path) -> None:
    known = subjects(written(tmp_path, CHANGE), False)

    assert {*PROFILES, "linux-6.12+Z09", "linux-6.12+same", "linux-7.3+same"} <= set(known)
    assert known["linux-6.1"].operations.zswap_store is not ZswapStore61
    assert subjects(None, True)["linux-6.1"].operations.zswap_store is ZswapStore61


def test_a_change_that_its_base_has_no_place_for_is_refused(tmp_path: Path) -> None:
    text = CHANGE.replace('"zswap_invalidate"', '"set_zpool"') + 'BASE = "linux-7.3"\n'

    with pytest.raises(BadChange, match="set_zpool"):
        subject(None, written(tmp_path, text), False)


def test_the_words_of_the_command_line_choose_the_same_again() -> None:
    assert options(None, False) == ""
    assert options("my.py", True) == " --with my.py --known-bugs"
