"""A run of several actors as a page for a browser."""

import json
import re
from typing import Any

import attrs

from refmodel.engines.rerun import rerun
from refmodel.report.lanes_html import lanes_html
from refmodel.report.story import of_rerun
from tests.engines.scheduled import BROKEN, DEADLOCK, GRABBING
from tests.engines.simple import NO_COUNT

STORY = of_rerun(rerun(BROKEN, NO_COUNT))
PAGE = lanes_html(STORY)


def data(page: str) -> Any:
    """Return what the page holds."""
    found = re.search(r'<script id="data" type="application/json">(.*)</script>', page)
    assert found
    return json.loads(found[1])


def test_the_page_needs_nothing_else() -> None:
    assert not re.search(r"https?:|src=|<link|@import|url\(", PAGE)


def test_the_page_has_every_step_with_the_state_after_it() -> None:
    held = data(PAGE)
    state = dict(held["initial"])
    for step in held["steps"]:
        state |= step["changes"]

    assert len(held["steps"]) == len(BROKEN.schedule)
    assert [lane["name"] for lane in held["lanes"]] == ["writer", "reclaim"]
    assert (held["initial"]["tree[1]"], state["tree[1]"]) == ("0", "1")
    assert set(state) == set(held["order"])


def test_the_page_says_what_is_broken_and_who_waits() -> None:
    assert data(PAGE)["verdict"][0][0].startswith("ZS-1 is broken: ")
    waiting = data(lanes_html(of_rerun(rerun(DEADLOCK, GRABBING))))["verdict"]
    assert waiting[2][0].startswith("waiting: task 1 in Grabbing.wait_for_mm: for the mmap lock of process 0")


def test_text_of_a_run_does_not_become_a_part_of_the_page() -> None:
    page = lanes_html(attrs.evolve(STORY, title="</script><b>$data", question="<i>"))

    assert "<b>" not in page
    assert "<i>" not in page
    assert data(page)["title"] == "Run on </script><b>$data"
