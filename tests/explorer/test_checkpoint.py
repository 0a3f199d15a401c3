"""A search that was stopped goes on as if it had not been."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from refmodel.engines.explorer.agenda import Order
from refmodel.engines.explorer.checkpoint import FORMAT, Checkpoint, Refused
from refmodel.engines.explorer.search import Bounds, Search
from refmodel.engines.explorer.visited import Storage
from tests.explorer.scope import NOTHING, search_of

SCOPE, LARGER = (1, 2, 2), (2, 2, 2)


def saved(path: Path, states: int, scope: tuple[int, ...] = SCOPE, **options: Any) -> Search:
    """Search until there are so many states, and save."""
    checkpoint = Checkpoint(path, "protocol")
    return search_of(scope, "all", bounds=Bounds(states=states), checkpoint=checkpoint, **options).run()


def resumed(path: Path, scope: tuple[int, ...] = SCOPE, **options: Any) -> Search:
    """Go on to the end."""
    return search_of(scope, "all", checkpoint=Checkpoint(path, "protocol"), **options).resume().run()


def counts(search: Search) -> tuple[object, ...]:
    """Return what has to be the same."""
    return len(search.visited), search.transitions, search.depth, search.complete


@pytest.mark.parametrize(("scope", "states"), [(SCOPE, 10), (SCOPE, 400), (LARGER, 6_000)])
@pytest.mark.parametrize("storage", ["flat", "compact"])
def test_a_resumed_search_counts_what_an_uninterrupted_one_does(
    tmp_path: Path, scope: tuple[int, ...], states: int, storage: Storage
) -> None:
    """States, transitions and depth are the same; what a step does is not all learned again."""
    whole = search_of(scope, "all", storage=storage).run()
    part = saved(tmp_path / "search", states, scope, storage=storage)
    assert len(part.visited) < len(whole.visited)
    again = resumed(tmp_path / "search", scope, storage=storage)
    assert counts(again) == counts(whole)
    assert again.table.runs <= 1.05 * whole.table.runs


def test_a_search_that_was_stopped_depth_first_goes_on_depth_first(tmp_path: Path) -> None:
    """The states that wait, and where they were found, are part of the file."""
    whole = search_of(SCOPE, "all", order="depth").run()
    saved(tmp_path / "search", 300, order="depth")
    assert counts(resumed(tmp_path / "search", order="depth")) == counts(whole)
    with pytest.raises(Refused, match="order is 'depth'; expected 'breadth'"):
        resumed(tmp_path / "search")


@pytest.mark.parametrize("order", ["breadth", "depth"])
def test_states_that_were_too_deep_are_expanded_when_the_bound_is_lifted(
    tmp_path: Path, order: Order
) -> None:
    """What was left out is seen by a search that goes on without the bound."""
    checkpoint = Checkpoint(tmp_path / "search", "protocol")
    part = search_of(SCOPE, bounds=Bounds(depth=20), checkpoint=checkpoint, order=order).run()
    assert part.stopped == "stopped at the bound of 20 transitions of a run"
    search = search_of(SCOPE, checkpoint=checkpoint, order=order).resume().run()
    assert search.complete
    assert (len(search.visited), search.transitions) == (1_647, 3_784)


def test_counters_that_were_looked_at_stay_kept(tmp_path: Path) -> None:
    """A search that began again because of a property resumes with what it had found out."""
    assert saved(tmp_path / "search", 100, judged=True).restarts
    assert counts(resumed(tmp_path / "search", judged=True)) == counts(
        search_of(SCOPE, "all", judged=True).run()
    )


def test_a_search_saves_itself_after_some_seconds(tmp_path: Path) -> None:
    """The file is written between levels, and stays when the search is over."""
    checkpoint = Checkpoint(tmp_path / "search", "protocol", seconds=0)
    search_of((1, 2, 2), checkpoint=checkpoint).run()
    search = search_of((1, 2, 2), checkpoint=checkpoint).resume()
    assert (len(search.visited), search.depth) == (1_647, 46)


def test_another_scope_is_refused(tmp_path: Path) -> None:
    """The message says what differs."""
    saved(tmp_path / "search", 10)
    other = search_of(SCOPE, "all", checkpoint=Checkpoint(tmp_path / "search", "other"))
    with pytest.raises(Refused, match="scope is 'protocol'; expected 'other'"):
        other.resume()


def test_other_reductions_are_refused(tmp_path: Path) -> None:
    """States of different reductions are different states."""
    saved(tmp_path / "search", 10)
    other = search_of(SCOPE, NOTHING, checkpoint=Checkpoint(tmp_path / "search", "protocol"))
    with pytest.raises(Refused, match="actors not told apart is 'True'; expected 'False'"):
        other.resume()


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"hello\n", "starts with 'hello'; expected 'refmodel exploration"),
        (b"refmodel exploration, version 0\n{}\n", "not a checkpoint of this version"),
        (FORMAT.encode() + b"\nhello\n", "its header is no JSON"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, contents: bytes, message: str) -> None:
    """Nothing is read of a file that does not begin right."""
    path = tmp_path / "search"
    path.write_bytes(contents)
    with pytest.raises(Refused, match=message):
        resumed(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """A file that ends too early is no checkpoint."""
    path = tmp_path / "search"
    saved(path, 100)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Refused, match="damaged"):
        resumed(path)


def test_a_file_cannot_bring_code_along(tmp_path: Path) -> None:
    """Only records of loaded modules are read."""
    path = tmp_path / "search"
    saved(path, 10)
    first, header, _ = path.read_bytes().split(b"\n", 2)
    assert json.loads(header)["scope"] == "protocol"
    path.write_bytes(b"\n".join((first, header, pickle.dumps(Path))))
    with pytest.raises(Refused, match=r"pathlib\.Path is no record of the model"):
        resumed(path)
