"""A replay as it is printed."""

import json
from typing import Any

import attrs
import pytest

from refmodel.engines.command import Command, Move
from refmodel.engines.replay import Change, Timeline, replay
from refmodel.engines.setting import TOKENS, Setting
from refmodel.engines.token import Program
from refmodel.kernel.memory import WritePage
from refmodel.kernel.state import EMPTY_PTE, FREE_SLOT, Folio, Pte, SwapSlot, Truth
from refmodel.machine import Next, Return, step
from refmodel.profiles import profile
from refmodel.report import timeline
from refmodel.report.terminal import show

LINUX = profile("linux-7.3")


@attrs.define
class ForgetfulWrite(WritePage):
    """A process writes a page, and the page forgets it."""

    @step
    def store(self, v: Any) -> Next:
        """Write nothing, though the process believes it did."""
        v[v.at.truth[self.mm][self.page]] = Truth(7)
        return Return()


FORGETFUL = LINUX.with_operations("forgetful", "Pages forget.", write_page=ForgetfulWrite)


def played(*moves: Move) -> Timeline:
    return replay(Program("forgetful", "toy", Setting(TOKENS), moves), FORGETFUL)


WRITE = Move(Command("write", (0, 0, 2)), (0, 1))
READ = Move(Command("read", (1, 3)))

PAGE = """\
Program on forgetful, toy, tokens
  1  read(mm=1, page=3)
  2  write(mm=0, page=0, content=2)    where folio_node is 1

Timeline
  1  read(mm=1, page=3)
     ReadPage.access               pte[1][3]: zeropage False -> True
                                   returned page of zeroes
  2  write(mm=0, page=0, content=2)
     ForgetfulWrite.access         mmap_lock[0]: 0 -> 1
     ForgetfulWrite.anonymous      ? folio_node is 1
                                   folio[1]: Folio(nid=1, memcg=1, contents=(page of zeroes),
                                   refs=1, ...
     ForgetfulWrite.map_anonymous  pte[0][0]: folio 0 -> 1, exclusive False -> True
                                   mmap_lock[0]: 1 -> 0
                                   folio[1]: rmap () -> (0), refs 1 -> 0, lru False -> True
     ForgetfulWrite.store          truth[0][0]: content page of zeroes -> 7

"""


def test_a_replay_shows_commands_steps_choices_and_differences(capsys: pytest.CaptureFixture[str]) -> None:
    show(*timeline.page(played(READ, WRITE)))

    page, _, broken = capsys.readouterr().out.partition("broken  ")
    assert page == PAGE
    assert broken.startswith("ZS-19: ")


def test_a_replay_without_a_violation_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show(*timeline.page(played(READ)))

    assert capsys.readouterr().out.endswith("\nno property is broken\n")


def test_a_failure_of_the_environment_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    show(*timeline.page(played(Move(WRITE.command, (1,)))))

    assert "write(mm=0, page=0, content=2)    where alloc_folio fails" in capsys.readouterr().out


def test_a_replay_is_data() -> None:
    data = json.loads(json.dumps(timeline.data(played(WRITE)), default=str))

    assert data["program"]["profile"] == "forgetful"
    assert data["moves"][0]["steps"][1]["step"] == "anonymous"
    assert data["violation"]["property"] == "ZS-19"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change("slot[1]", FREE_SLOT, SwapSlot(count=1)), "count 0 -> 1"),
        (Change("folio[1]", None, Folio(0, 1, (0,))), "Folio(nid=0, memcg=1, contents=(0))"),
        (Change("folio[1]", Folio(0, 1, (0,)), None), "gone"),
        (Change("vm.zswpout", 3, 4), "+1"),
        (Change("tree[1]", 0, 4), "0 -> 4"),
        (Change("pte[0][0]", EMPTY_PTE, Pte(slot=3, exclusive=True)), "slot 0 -> 3, exclusive False -> True"),
    ],
)
def test_a_difference_shows_what_became_of_a_component(change: Change, text: str) -> None:
    assert timeline.difference(change) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (bytes(4096), "page of zeroes"),
        (b"\x01" + bytes(4095), "page 01000000..00000000"),
        (b"\x01\x02\x03\x04\x05", "5 bytes 01020304..02030405"),
        ((1, 1, 1, 2), "(3 x 1, 2)"),
        ("x" * 80, "x" * 57 + "..."),
    ],
)
def test_values_are_brief(value: object, text: str) -> None:
    assert timeline.brief(value) == text


def test_neighbours_of_which_the_same_became_are_one_range(capsys: pytest.CaptureFixture[str]) -> None:
    """A pool comes with more than a hundred size classes, all empty."""
    enable = Move(Command("enabled", (1,)))
    program = Program("linux-7.3", "toy", Setting(TOKENS, enabled=False), (enable,))
    show(*timeline.page(replay(program, LINUX)))

    shown = capsys.readouterr().out
    assert shown.count("zs_class[1]") == 1
    assert "zs_class[1][0..118]: None -> (0, 2 x ())" in shown
    assert "acomp_ctx[1][0]: present False -> True" in shown
