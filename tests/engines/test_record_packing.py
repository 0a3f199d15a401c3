"""Records as rows of names and values."""

import attrs
import pytest

from refmodel.engines.packing import Packable
from refmodel.engines.record_packing import packable, record
from refmodel.engines.scope import SMALL, Scope
from refmodel.kernel.config import Sizes
from tests.engines.scheduled import SCOPE, TWINS


@pytest.mark.parametrize(
    "scope",
    [
        SCOPE,
        TWINS,
        attrs.evolve(SCOPE, sizes=attrs.evolve(SMALL, slots=4), budget=0, keeps=True, lengths=(64, 4096)),
        attrs.evolve(SCOPE, background=(), enabled=False, faults=("xa_store",), fixed=()),
    ],
)
def test_a_record_is_read_as_it_was(scope: Scope) -> None:
    assert record(Scope, packable(scope)) == scope


def test_only_what_is_not_usual_is_written() -> None:
    assert packable(attrs.evolve(SMALL, slots=4), SMALL) == ("slots", 4)
    assert packable(SMALL, SMALL) == ()


def test_what_no_token_can_hold_is_an_error() -> None:
    with pytest.raises(TypeError, match="expected a record, a number or a word"):
        packable(1.5)


@pytest.mark.parametrize(
    "value",
    [
        3,
        "scope",
        ("name",),
        ("colour", "red"),
        (3, 4),
        ("name", 3, "threads", ()),
        ("name", "x", "threads", (("name", "t", "commands", 3),)),
        ("name", "x", "threads", (), "keeps", 2),
        ("name", "x", "threads", (), "sizes", ("zonelists", ())),
        ("threads", ()),
    ],
)
def test_what_is_no_such_record_is_refused(value: Packable) -> None:
    with pytest.raises((TypeError, ValueError)):
        record(Scope, value)


def test_a_record_is_read_against_the_usual_one() -> None:
    assert record(Sizes, ("slots", 9), SMALL) == attrs.evolve(SMALL, slots=9)
