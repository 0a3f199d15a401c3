"""Verdicts on traces as they are printed."""

import attrs
import pytest

from refmodel.conformance.validator import Rejection, Verdict
from refmodel.report import verdicts
from refmodel.report.terminal import show

ACCEPTED = Verdict("traces/a.jsonl", "linux-6.12", "accepted", "events", "", 12, 3456, 789, 1.25)
PARALLEL = attrs.evolve(ACCEPTED, path="traces/b.jsonl", level="counters", level_reason="two CPUs")
REJECTED = attrs.evolve(
    ACCEPTED,
    path="traces/c.jsonl",
    verdict="rejected",
    rejection=Rejection(
        16, "#8 out w=0 page=5", "lru_add nid=0", "store ret=0", "ZswapStore61.publish: Insert."
    ),
)

PAGE = """\
trace    profile     verdict   level     operations  events  counters  seconds
a.jsonl  linux-6.12  accepted  events            12   3,456       789      1.2
b.jsonl  linux-6.12  accepted  counters          12   3,456       789      1.2
c.jsonl  linux-6.12  rejected  events            12   3,456       789      1.2

only counters: two CPUs

traces/c.jsonl:16: not allowed
operation  #8 out w=0 page=5
observed   lru_add nid=0
allowed    store ret=0
step       ZswapStore61.publish: Insert.
"""


def test_verdicts_are_rows_and_rejections_have_their_details(capsys: pytest.CaptureFixture[str]) -> None:
    show(*verdicts.page([ACCEPTED, PARALLEL, REJECTED]))

    assert capsys.readouterr().out == PAGE


def test_verdicts_are_data() -> None:
    accepted, rejected = verdicts.data([ACCEPTED, REJECTED])

    assert (accepted["path"], accepted["rejection"]) == ("traces/a.jsonl", None)
    assert rejected["rejection"]["line"] == 16
