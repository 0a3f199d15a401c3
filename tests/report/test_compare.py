"""The difference of two profiles, exact for two that differ in little."""

import json
from typing import Any

import attrs
import pytest

from refmodel.kernel.zswap_entry import ZswapInvalidate
from refmodel.kernel.zswap_store import ZswapStore73
from refmodel.machine import Next, Return, step
from refmodel.profiles import NAMED, PROFILES, Profile, profile
from refmodel.report import compare
from refmodel.report.compare import OperationDifference, StepDifference
from refmodel.report.spec import operations
from refmodel.report.terminal import show


@attrs.define
class ForgetfulInvalidate(ZswapInvalidate):
    """Drop nothing."""

    @step
    def erase(self, v: object) -> Next:
        """Do nothing at all."""
        return Return()


@attrs.define
class StoreWithOtherHelper(ZswapStore73):
    """Store a folio of any size, page by page; a page that fails unwinds the whole folio."""

    def finish(self, v: object, ok: bool, ret: int) -> Return:
        """End the store without telling anybody."""
        return Return(ok)


@attrs.define
class StoreThatGoesOn(ZswapStore73):
    """Store a folio, and count it twice."""

    @step
    def count(self, v: Any) -> Next:
        """Count, and once more."""
        v[v.at.zs.stored_pages] += 1
        return ZswapStore73.count(self, v)


def sibling(**classes: type) -> Profile:
    return profile("linux-7.3").with_operations("sibling", "As 7.3 with a change.", **classes)


def of(found: compare.Difference, operation: str) -> OperationDifference:
    return next(each for each in found.operations if each.operation == operation)


def step_of(found: compare.Difference, operation: str, name: str) -> StepDifference | None:
    return next((each for each in of(found, operation).steps if each.step == name), None)


FORGETFUL = """\
From linux-7.3 to sibling

zswap_invalidate
  - Drop what zswap holds for a slot that is being freed.
  + Drop nothing.
  ~  erase  - Take the entry out of the tree in one step; there may be none.
            + Do nothing at all.

1 operations differ, 34 are the same.
"""


def test_a_changed_step_is_printed_with_both_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    other = sibling(zswap_invalidate=ForgetfulInvalidate)

    show(*compare.difference_page(compare.difference(profile("linux-7.3"), other)))

    same = len(operations(other)) - 1
    assert capsys.readouterr().out == FORGETFUL.replace("34", str(same))


def test_a_profile_does_not_differ_from_itself() -> None:
    found = compare.difference(profile("linux-6.12"), profile("linux-6.12"))

    assert (found.options, found.operations) == ({}, ())


def test_options_that_differ_are_listed_with_both_values() -> None:
    found = compare.difference(profile("linux-6.12"), profile("linux-7.3"))

    assert found.options["shrink_memcg_budget"] == (1, 32)
    assert "compressor" not in found.options


def test_rules_of_the_allocator_are_options_too() -> None:
    found = compare.difference(profile("linux-6.1"), profile("linux-6.12"))

    assert found.options["zsmalloc.max_pages_per_zspage"] == (4, 8)


def test_steps_are_added_and_removed() -> None:
    found = compare.difference(profile("linux-6.12"), profile("linux-7.3"))

    erase_page, erase_old = (step_of(found, "zswap_store", name) for name in ("erase_page", "erase_old"))
    assert erase_page is not None
    assert (erase_page.kind, erase_page.before) == ("added", "")
    assert erase_old is not None
    assert (erase_old.kind, erase_old.after) == ("removed", "")


def test_a_step_that_differs_in_words_only_is_the_same() -> None:
    """``after_memcg_shrink`` speaks of a page in one kernel and of a folio in the other."""
    found = compare.difference(profile("linux-6.12"), profile("linux-7.3"))

    assert step_of(found, "zswap_store", "after_memcg_shrink") is None


def test_a_step_that_calls_the_one_that_it_overrides_has_changed() -> None:
    found = compare.difference(profile("linux-7.3"), sibling(zswap_store=StoreThatGoesOn))

    count = step_of(found, "zswap_store", "count")
    assert count is not None
    assert (count.kind, count.after, count.through) == ("changed", "Count, and once more.", ())


def test_a_step_that_differs_in_a_helper_names_the_helper() -> None:
    found = compare.difference(profile("linux-7.3"), sibling(zswap_store=StoreWithOtherHelper))

    count = step_of(found, "zswap_store", "count")
    assert count is not None
    assert (count.kind, count.through) == ("changed", (".finish",))


@pytest.mark.parametrize("before", PROFILES)
@pytest.mark.parametrize("after", PROFILES)
def test_any_two_profiles_can_be_compared(before: str, after: str) -> None:
    data = compare.difference_data(compare.difference(profile(before), profile(after)))

    assert json.loads(json.dumps(data, default=str))["before"] == before


def test_the_list_names_every_profile(capsys: pytest.CaptureFixture[str]) -> None:
    show(*compare.profile_list())

    assert [line.split()[0] for line in capsys.readouterr().out.splitlines() if line[0] != " "] == [
        "profile",
        *NAMED,
    ]
