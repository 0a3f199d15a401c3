"""A run of several actors as it is printed."""

from __future__ import annotations

import attrs
import pytest

from refmodel.engines.interleaving import Turn, TurnRecord
from refmodel.engines.replay import Answer, StepRecord
from refmodel.engines.rerun import rerun
from refmodel.report.lanes import lanes_page
from refmodel.report.story import Story, of_rerun
from refmodel.report.terminal import show
from tests.engines.scheduled import DEADLOCK, GRABBING, run_of
from tests.engines.simple import LINUX, Raising, with_write

CROSSED = of_rerun(rerun(run_of(LINUX, order=((0, 3), (1, 1), (0, 1), (1, 2))), LINUX))


def page(story: Story, capsys: pytest.CaptureFixture[str], *, unfold: bool = False) -> str:
    show(*lanes_page(story, unfold=unfold))
    return capsys.readouterr().out


DRAWN = """\
Run on linux-7.3, scope small: 7 steps, 3 switches between actors, nothing is broken
What is lost?

turn  writer                          reclaim                         what changed
────────────────────────────────────────────────────────────────────────────────────────────────────
   1  write(mm=0, page=0, content=2)
        ⋮ 3 steps                                                     folio[1] new: nid 0, memcg 1,
        WritePage.map_anonymous                                         contents (page of zeroes),
      ┊                                                                 rmap (0)
      ┊                                                               pte[0][0] folio 0 -> 1,
      ┊                                                                 exclusive
────────────────────────────────────────────────────────────────────────────────────────────────────
   4  ┊                               pageout(mm=0, page=0, nr=1)
      ┊                                 MadvisePageout618.lock        mmap_lock[0] 0 -> 1
────────────────────────────────────────────────────────────────────────────────────────────────────
   5    WritePage.store               ┊                               pte[0][0] dirty
      done                            ┊                               truth[0][0] content page of
                                      ┊                                 zeroes -> 2
                                      ┊                               folio[1] contents (page of
                                      ┊                                 zeroes) -> (2)
────────────────────────────────────────────────────────────────────────────────────────────────────
   6                                    ⋮ 2 steps                     folio[1] refs 0 -> 1, not lru
                                        MadvisePageout618.reclaim

Folded: what nobody else could see, and statistics; --unfold prints all.

no property is broken
"""


def test_each_actor_has_a_lane_and_the_differences_stand_beside(capsys: pytest.CaptureFixture[str]) -> None:
    assert page(CROSSED, capsys) == DRAWN


def test_everything_can_be_unfolded(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = page(CROSSED, capsys, unfold=True)

    for text in ("WritePage.anonymous", "folios_used 1 -> 3", "mmap_lock[0] 1 -> 0"):
        assert text in drawn
        assert text not in DRAWN
    assert "Folded" not in drawn


def test_a_violation_is_last_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    planted = with_write(Raising)
    drawn = page(of_rerun(rerun(run_of(planted, order=()), planted)), capsys)
    assert drawn.endswith("no property is broken\n")

    broken = rerun(attrs.evolve(run_of(planted, order=()), schedule=(Turn(0, 0),)), planted)
    drawn = page(of_rerun(broken), capsys)

    assert "Raising.access\n        did not end\n" in drawn
    assert drawn.startswith("Run on planted, scope small: 1 step, LIVE is broken\n")
    assert "broken  LIVE: Nothing is used after it was freed." in drawn


def test_a_deadlock_names_who_waits_and_who_holds(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = page(of_rerun(rerun(DEADLOCK, GRABBING)), capsys)

    assert "broken  PROGRESS: Somebody can always go on." in drawn
    assert "waiting  task 1 in Grabbing.wait_for_mm: for the mmap lock of process 0; held since" in drawn


def test_failures_of_the_environment_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    told = (Answer("alloc_entry", 1, 2, True), Answer("compress", 0, 2, 1024))
    turn = TurnRecord(Turn(0), "task", "store()", (StepRecord("ZswapStore73", "alloc_entry", told, (), ()),))
    drawn = page(attrs.evolve(CROSSED, turns=(turn,)), capsys)

    assert "? alloc_entry fails" in drawn
    assert "compress" not in drawn


@pytest.mark.parametrize("lanes", [1, 2, 3, 4])
def test_up_to_four_lanes_fit_a_terminal(lanes: int, capsys: pytest.CaptureFixture[str]) -> None:
    turns = tuple(attrs.evolve(t, turn=Turn(n % lanes)) for n, t in enumerate(CROSSED.turns))
    drawn = page(attrs.evolve(CROSSED, turns=turns, actors=("one", "two", "three", "four")), capsys)

    assert max(map(len, drawn.splitlines())) <= 100
