"""Tokens of schedules."""

import zlib
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmodel.engines import schedule_token, token
from refmodel.engines.command import Command
from refmodel.engines.interleaving import Turn
from refmodel.engines.packing import Packable, packed
from refmodel.engines.record_packing import packable
from refmodel.engines.schedule_token import ScheduledRun, decode_run, encode_run
from refmodel.engines.scope import SMALL, Scope, Thread
from refmodel.engines.token import BadToken, is_schedule
from tests.engines.scheduled import BROKEN, SCOPE, TWINS
from tests.engines.simple import NO_COUNT

TURNS = st.builds(
    Turn,
    actor=st.integers(0, 5),
    start=st.integers(-1, 5),
    answers=st.lists(st.integers(0, 9), max_size=4).map(tuple),
    steps=st.integers(1, 9),
)
KNOWN = {NO_COUNT.name: NO_COUNT}


class TestToken:
    @given(st.lists(TURNS, max_size=30).map(tuple), st.sampled_from([SCOPE, TWINS]))
    def test_a_token_stands_for_its_run(self, schedule: tuple[Turn, ...], scope: Scope) -> None:
        run = ScheduledRun("linux-7.3", scope, schedule)

        assert decode_run(encode_run(run)) == run

    def test_a_token_is_short_enough_to_mail(self) -> None:
        assert len(encode_run(BROKEN)) < 160

    def test_a_token_of_a_changed_profile_is_read_with_that_profile(self) -> None:
        assert decode_run(encode_run(BROKEN), KNOWN) == BROKEN

    def test_the_two_kinds_of_tokens_are_told_apart(self) -> None:
        assert is_schedule(f" {encode_run(BROKEN)}")
        assert not is_schedule("rm1-AAAA")


def _token(**scope: Any) -> str:
    return encode_run(ScheduledRun("linux-7.3", attrs.evolve(SCOPE, **scope), (Turn(0, 0),)))


def _threads(*commands: Command, number: int = 1) -> tuple[Thread, ...]:
    return (Thread("task", commands, number=number),)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("rs1-", "expected one that starts with rm1- or rs1-; copy the whole line"),
        ("rs9-AAAA", "made by another version (rs9); this one reads rs1-"),
        ("rs1-AAAA", "its checksum is wrong; copy it again, all of it"),
        (_token()[:-3], "its checksum is wrong; copy it again, all of it"),
        (encode_run(BROKEN), "token of profile 'no-count': expected one of linux-6.1"),
        (_token(threads=_threads(Command("explode"))), "token with command 'explode': expected one of write"),
        (_token(initial=(Command("read", (0,)),)), "token with read(0,): expected the arguments mm, page"),
        (_token(background=("sleep",)), "background work 'sleep': expected some of writes, worker, release"),
        (_token(sizes=attrs.evolve(SMALL, nodes=65)), "token with nodes 65: expected 1 to 64"),
        (_token(sizes=attrs.evolve(SMALL, slots=4097)), "token with slots 4097: expected 1 to 4096"),
        (_token(sizes=attrs.evolve(SMALL, slots=-1)), "token with slots -1: expected 1 to 4096"),
        (_token(sizes=attrs.evolve(SMALL, pools=0)), "token with pools 0: expected 1 to 64"),
        (_token(lengths=()), "token with length 0: expected 1 to 8192"),
        (_token(name="red \x1b[31m"), "expected one that can be printed in a line"),
        (_token(threads=_threads(number=65)), "token with actors 65: expected 0 to 64"),
        (_token(lengths=(9000,)), "token with length 9000: expected 1 to 8192"),
    ],
)
def test_a_bad_token_gets_one_clear_line(bad: str, message: str) -> None:
    with pytest.raises(BadToken) as caught:
        decode_run(bad)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def _checked(body: bytes) -> str:
    """Return a token with a right checksum, whatever is in it."""
    deflated = token._deflated(body, schedule_token._WORDS)
    return f"rs1-{token._text(zlib.crc32(deflated).to_bytes(4, 'big') + deflated)}"


EMPTY = packable(SCOPE)


@pytest.mark.parametrize(
    "value",
    [
        3,
        (),
        ("linux-7.3", EMPTY),
        (3, EMPTY, ()),
        ("linux-7.3", EMPTY, 3),
        ("linux-7.3", EMPTY, (3,)),
        ("linux-7.3", EMPTY, ((0, 0),)),
        ("linux-7.3", EMPTY, ((0, 0, 1, 0),)),
        ("linux-7.3", EMPTY, ((-1, 0, 1, 1),)),
        ("linux-7.3", EMPTY, ((0, 0, 1, 1, -1),)),
        ("linux-7.3", EMPTY, ((0, 0, "x", 1),)),
        ("linux-7.3", EMPTY, ((0, -1, 1, 1 << 60),)),
        ("linux-7.3", EMPTY, ((0, -1, 1 << 60, 1),)),
    ],
    ids=str,
)
def test_a_token_with_another_content_holds_no_schedule(value: Packable) -> None:
    """Even with a right checksum, and however many turns it promises."""
    with pytest.raises(BadToken, match="holds no schedule"):
        decode_run(_checked(packed(value)))


@given(st.binary(max_size=40))
def test_any_bytes_with_a_right_checksum_are_told_to_be_no_schedule(body: bytes) -> None:
    with pytest.raises(BadToken):
        decode_run(_checked(body))
