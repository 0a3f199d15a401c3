"""What else could have happened, as it is printed."""

import pytest

from refmodel.engines.forks import forks
from refmodel.engines.schedule_token import encode_run
from refmodel.report.fork_page import fork_page
from refmodel.report.terminal import show
from tests.engines.scheduled import DEADLOCK, GRABBING, TWINS, run_of
from tests.engines.simple import LINUX


def test_each_fork_is_a_line_with_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    found, waiting = forks(run_of(LINUX, TWINS, ((1, 2),)), LINUX, 2)
    show(*fork_page(found, waiting, 2, " --known-bugs"))
    _, head, _, *lines = capsys.readouterr().out.splitlines()

    assert head == "continue with: refmodel replay TOKEN --known-bugs"
    assert [line.split()[-1] for line in lines] == [encode_run(fork.run) for fork in found]
    assert lines[0].startswith("  task 1 starts write(mm=0, page=0, content=2), WritePage.access  ")
    assert [line[0] for line in lines] == [" ", " ", " ", "*"]


def test_who_has_to_wait_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    show(*fork_page(*forks(DEADLOCK, GRABBING, 3), 3, ""))

    assert capsys.readouterr().out.splitlines()[3:] == [
        "  task 1 waits in Grabbing.wait_for_mm for the mmap lock of process 0",
        "  task 2 waits in Grabbing.wait_for_table for the page-table lock of process 0",
    ]
