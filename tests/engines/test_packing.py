"""Small numbers, words and sequences as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmodel.engines.packing import Packable, packed, unpacked

NESTED = st.recursive(
    st.integers(-(2**60), 2**60) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=20,
)


@given(NESTED.filter(lambda value: _depth(value) < 7))
def test_what_is_packed_can_be_unpacked(value: Packable) -> None:
    assert unpacked(packed(value)) == value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "too early"),
        (packed(1) + b"\0", "follows its end"),
        (b"\x80" * 20, "too large"),
        (packed("abc")[:-1], "too early"),
        (b"\x07" * 30, "too deep"),
    ],
)
def test_bytes_that_are_no_value_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        unpacked(data)


def _depth(value: object) -> int:
    return 1 + max(map(_depth, value), default=0) if isinstance(value, tuple) else 0
