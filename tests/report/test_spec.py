"""The specification on the terminal: exact for one small operation, whole for all."""

import json

import pytest

from refmodel.profiles import PROFILES, profile
from refmodel.report import spec
from refmodel.report.terminal import WIDTH, show

INVALIDATE = """\
zswap_invalidate in linux-6.1

Drop what zswap holds for a slot, if its frontswap bit says that it holds something.

Source: mm/frontswap.c __frontswap_invalidate_page(), mm/zswap.c, Linux 6.1.192
Requirements: Z2
Arguments: slot: int
Class: FrontswapInvalidate

step   what happens, then what follows                             asks, counts, tells
erase  Clear the frontswap bit and take the entry out of the       > invalidate
       tree.
         if not frontswap[slot] -> return
         if not tree[slot] -> return
         else -> call zswap_entry_free

! may fail   ? chosen by the environment   + counted   > told to observers
"""


def test_an_operation_is_printed_with_steps_guards_and_events(capsys: pytest.CaptureFixture[str]) -> None:
    show(*spec.operation_page(profile("linux-6.1"), "zswap_invalidate"))

    assert capsys.readouterr().out == INVALIDATE


@pytest.mark.parametrize("name", PROFILES)
def test_every_operation_of_every_profile_fits_the_width(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for operation in spec.operations(profile(name)):
        show(*spec.operation_page(profile(name), operation))

    assert max(map(len, capsys.readouterr().out.splitlines())) <= WIDTH


@pytest.mark.parametrize("name", PROFILES)
def test_every_step_of_every_profile_has_a_sentence_a_source_and_a_way_on(name: str) -> None:
    for operation in spec.operations(profile(name)).values():
        assert operation.summary.endswith("."), operation.name
        for step in operation.steps:
            assert step.summary.endswith("."), (operation.name, step.name)
            assert step.source, (operation.name, step.name)
            assert step.successors, (operation.name, step.name)


def test_failures_counters_and_choices_have_marks(capsys: pytest.CaptureFixture[str]) -> None:
    show(*spec.operation_page(profile("linux-7.3"), "zswap_store"))

    printed = capsys.readouterr().out
    for mark in ("! alloc_entry", "? entry_node", "+ zs.reject_kmemcache_fail", "> store"):
        assert mark in printed
    assert "if xa_store fails -> free_object" in printed


def test_the_list_has_every_operation_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    show(*spec.operation_list(profile("linux-6.12")))

    printed = capsys.readouterr().out
    for name in spec.operations(profile("linux-6.12")):
        assert f"\n{name} " in printed


def test_an_unknown_operation_is_named_with_the_nearest_ones() -> None:
    with pytest.raises(spec.UnknownOperation) as unknown:
        spec.operation(profile("linux-6.12"), "zswap_stor")

    assert "operation 'zswap_stor': linux-6.12 has none of that name" in str(unknown.value)
    assert "zswap_store" in str(unknown.value)


def test_the_data_of_an_operation_can_be_written_as_json() -> None:
    data = json.loads(json.dumps(spec.operation_data(profile("linux-6.12"), "zswap_store")))

    assert (data["profile"], data["operation"], data["name"]) == (
        "linux-6.12",
        "zswap_store",
        "ZswapStore612",
    )
    publish = next(step for step in data["steps"] if step["name"] == "publish")
    assert publish["successors"][0] == {"guard": "xa_store fails", "next": "free_object"}
