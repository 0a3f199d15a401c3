"""``refmodel diff`` answers with a difference and the exit codes of diff."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.runner import refmodel_command

QUICK = ("--behaviour", "--only", "write", "--only", "pageout", "--max-commands", "2", "--random", "0")

CHANGE = """
import attrs
from refmodel.kernel.zswap_store import ZswapStore73
from refmodel.machine import step

@attrs.define
class Uncounted(ZswapStore73):
    "Store a folio, and do not count it."
    @step
    def count(self, v):
        "Forget one page."
        following = ZswapStore73.count(self, v)
        v[v.at.zs.stored_pages] -= 1
        return following

BASE = "linux-7.3"
CHANGES = {"zswap_store": Uncounted}
"""

FREE = """
profiles = ["linux-7.3"]
[[thread]]
name = "task"
choose = ["write(0, 0, 2)"]
"""


def test_text_tells_what_differs_in_steps_and_options() -> None:
    result = refmodel_command("diff", "linux-6.18", "linux-7.3")
    data = json.loads(refmodel_command("diff", "linux-6.18", "linux-7.3", "--json").stdout)

    assert result.exit_code == 1
    assert "shrink_memcg_budget" in result.stdout
    assert data["options"]["shrink_memcg_budget"] == [1, 32]


def test_behaviour_shows_the_shortest_scenario() -> None:
    result = refmodel_command("diff", "linux-6.12", "linux-6.18", *QUICK)

    assert result.exit_code == 1
    assert result.stdout.startswith("linux-6.12 and linux-6.18, counters: they differ after 2 commands\n")
    assert "where add_to_swap_cache fails (linux-6.18 does not ask)" in result.stdout


def test_profiles_that_look_the_same_end_with_0_and_the_bound() -> None:
    result = refmodel_command("diff", "linux-6.18", "linux-7.3", *QUICK, "--level", "data", "--unusual", "0")

    assert result.exit_code == 0
    assert "no difference within what was tried" in result.stdout
    assert "every scenario of at most 2 commands with nothing unusual" in result.stdout


def test_behaviour_as_json() -> None:
    data = json.loads(refmodel_command("diff", "linux-6.12", "linux-6.18", *QUICK, "--json").stdout)

    assert (data["before"], data["after"], data["level"]) == ("linux-6.12", "linux-6.18", "counters")
    assert data["only"] == ["write", "pageout"]
    assert data["shortest"]["text"][0] == "write(mm=0, page=0, content=2)"


def test_a_token_of_a_scenario_replays() -> None:
    data = json.loads(refmodel_command("diff", "linux-6.12", "linux-6.18", *QUICK, "--json").stdout)
    result = refmodel_command("replay", data["shortest"]["tokens"][0])

    assert result.exit_code == 0
    assert "pageout(mm=0, page=0, nr=1)    where add_to_swap_cache fails" in result.stdout


def test_an_exhibit_is_compared_with_the_kernel_as_it_was_released() -> None:
    only = ("--only", "thp", "--only", "write", "--only", "pageout")
    result = refmodel_command("diff", "linux-6.18", "linux-6.18+Z11", "--behaviour", *only, "--random", "0")

    assert result.exit_code == 1
    assert "alloc_entry fails the 2nd time" in result.stdout
    assert "zs.stored_pages" in result.stdout


def test_a_change_of_ones_own_is_compared_with_its_base(tmp_path: Path) -> None:
    change = tmp_path / "uncounted.py"
    change.write_text(CHANGE)
    result = refmodel_command("diff", "linux-7.3", str(change), *QUICK, "--unusual", "0")

    assert result.exit_code == 1
    assert "!  zs.stored_pages  1" in result.stdout
    assert f" --with {change}\n" in result.stdout
    text = refmodel_command("diff", "linux-7.3", str(change))
    assert "Forget one page." in text.stdout


def test_a_scope_is_compared_by_how_it_can_end() -> None:
    arguments = ("diff", "linux-6.12", "linux-7.3", "--behaviour", "--scope", "two-faults-on-one-slot")
    result = refmodel_command(*arguments)
    data = json.loads(refmodel_command(*arguments, "--level", "data", "--json").stdout)

    assert result.exit_code == 1
    assert "An ending of linux-6.12 alone, and the one of linux-7.3 that is most like it" in result.stdout
    assert (data["verdict"], data["token"]) == ("no difference", None)


def test_without_enough_time_nothing_is_decided() -> None:
    result = refmodel_command("diff", "linux-6.18", "linux-7.3", "--behaviour", "--seconds", "0.000001")

    assert (result.exit_code, "undecided" in result.stdout) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("linux-6.12",), ("'B'", "refmodel diff --help")),
        (("linux-6.12", "linux-6.17"), ("'linux-6.17'", "did you mean linux-6.1")),
        (("linux-6.12", "linux-6.12"), ("linux-6.12 twice", "give two")),
        (("linux-6.12", "linux-6.18", "--level", "data"), ("--level", "belongs to --behaviour")),
        (("linux-6.12", "linux-6.18", "--behaviour", "--preset", "tiny"), ("'tiny'", "toy")),
        (("linux-6.12", "linux-6.18", "--behaviour", "--only", "wite"), ("wite", "did you mean write?")),
        (("linux-6.12", "linux-6.18", "--behaviour", "--level", "all"), ("'all'", "strict")),
        (("linux-6.12", "linux-6.18", "--behaviour", "--scope", "fok"), ("'fok'", "did you mean fork?")),
        (
            ("linux-6.12", "linux-6.18", "--behaviour", "--scope", "fork", "--seed", "1"),
            ("--seed", "--scope explores everything"),
        ),
        (
            ("linux-6.1", "linux-6.12", "--behaviour", "--scope", "direct"),
            ("direct: linux-6.1 does not have shrinker_",),
        ),
        (
            ("linux-6.12", "linux-6.18", "--behaviour", "--scope", "zswap"),
            ("thread task goes on without end", "times = N"),
        ),
    ],
)
def test_a_mistake_gets_one_line_and_exit_code_2(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    result = refmodel_command("diff", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr
