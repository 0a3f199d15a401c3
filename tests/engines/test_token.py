"""Tokens of programs."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmodel.engines import token
from refmodel.engines.command import Command, Move
from refmodel.engines.commands import KINDS
from refmodel.engines.packing import Packable, packed
from refmodel.engines.setting import COMPRESSORS, Setting
from refmodel.engines.token import BadToken, Program, decode, encode
from refmodel.profiles import PROFILES
from tests.engines.simple import LINUX, STORE

ARGUMENTS = st.integers(-(2**40), 2**40) | st.text(max_size=8)
MOVES = st.builds(
    Move,
    st.builds(Command, st.sampled_from(KINDS.names()), st.lists(ARGUMENTS, max_size=4).map(tuple)),
    st.lists(st.integers(0, 9), max_size=12).map(tuple),
)
PROGRAMS = st.builds(
    Program,
    profile=st.sampled_from(list(PROFILES)),
    preset=st.sampled_from(["toy", "real"]),
    setting=st.builds(
        Setting,
        compressor=st.sampled_from(COMPRESSORS),
        synchronous=st.booleans(),
        enabled=st.booleans(),
        device=st.booleans(),
    ),
    moves=st.lists(MOVES, max_size=12).map(tuple),
)
PROGRAM = Program("linux-7.3", "toy", Setting(), STORE)


class TestToken:
    @given(PROGRAMS)
    def test_a_token_stands_for_its_program(self, program: Program) -> None:
        assert decode(encode(program)) == program

    def test_a_token_is_short(self) -> None:
        """It fits into a line."""
        assert len(encode(PROGRAM)) < 72

    def test_blanks_around_a_token_do_not_matter(self) -> None:
        assert decode(f"  {encode(PROGRAM)}\n") == PROGRAM

    def test_a_token_of_a_changed_profile_is_read_with_that_profile(self) -> None:
        changed = LINUX.with_operations("mine", "Mine.")
        program = Program("mine", "toy", Setting(), STORE)

        assert decode(encode(program), {"mine": changed}) == program

    def test_exhibits_of_the_museum_are_known(self) -> None:
        program = Program("linux-6.12+S11", "toy", Setting(), STORE)

        assert decode(encode(program)) == program


def _token(profile: str = "linux-7.3", preset: str = "toy", name: str = "fork", **setting: object) -> str:
    made = Setting(**setting)  # type: ignore[arg-type]  # each has a type of its own
    return encode(Program(profile, preset, made, (Move(Command(name, ())),)))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("", "expected one that starts with rm1- or rs1-; copy the whole line"),
        ("hello", "expected one that starts with rm1- or rs1-; copy the whole line"),
        ("rm9-AAAA", "made by another version (rm9); this one reads rm1-"),
        ("rm1-AAAA", "its checksum is wrong; copy it again, all of it"),
        ("rm1-???", "its checksum is wrong; copy it again, all of it"),
        (_token()[:-3], "its checksum is wrong; copy it again, all of it"),
        (_token(profile="linux-2.6"), "token of profile 'linux-2.6': expected one of linux-6.1"),
        (_token(preset="huge"), "token of preset 'huge': expected one of toy, real"),
        (_token(compressor="lz5"), "token with compressor 'lz5': expected one of zstd"),
        (_token(zpool="z3fold"), "token with allocator 'z3fold': linux-7.3 has zsmalloc"),
        (_token(name="explode"), "token with command 'explode': expected one of write"),
    ],
)
def test_a_bad_token_gets_one_clear_line(bad: str, message: str) -> None:
    with pytest.raises(BadToken) as caught:
        decode(bad)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def _checked(body: bytes) -> str:
    """Return a token with a right checksum, whatever is in it."""
    deflated = token._deflated(body, token._WORDS)
    return f"rm1-{token._text(zlib.crc32(deflated).to_bytes(4, 'big') + deflated)}"


@pytest.mark.parametrize(
    "value", [3, (), ("a",), ("a", "b", (), ()), ("a", "b", ("zstd", 1, 0, 0, 0), ())], ids=str
)
def test_a_token_with_another_content_holds_no_program(value: Packable) -> None:
    """Even with a right checksum."""
    with pytest.raises(BadToken, match="holds no program"):
        decode(_checked(packed(value)))


@given(st.binary(max_size=40))
def test_any_bytes_with_a_right_checksum_are_told_to_be_no_program(body: bytes) -> None:
    with pytest.raises(BadToken):
        decode(_checked(body))
