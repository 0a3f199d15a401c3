"""Tokens: a failure as one short word that can be mailed, kept and replayed.

A token is a version and base64 (URL alphabet) of a checksum and a deflated value.  Numbers are variable-length
integers; the dictionary of the compressor holds the words that most tokens of the version contain.  Everything
that is read here may come from anybody.

``rm1-`` tokens hold a program: profile, preset, setting and moves.  ``rs1-`` tokens hold a schedule
(``refmodel.engines.schedule_token``).
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import attrs

from refmodel.engines.command import Command, Move
from refmodel.engines.commands import KINDS
from refmodel.engines.known import known_profiles
from refmodel.engines.packing import Packable, packed, unpacked
from refmodel.engines.setting import NAMES, Setting
from refmodel.profiles import PRESETS

if TYPE_CHECKING:
    from refmodel.profiles import Profile

T = TypeVar("T")

VERSION = "rm1"
"""Stands in front of a program's token; another layout of programs has another one."""

SCHEDULE_VERSION = "rs1"
"""Stands in front of a schedule's token."""

_WORDS = (
    b"cpu_offline cpu_online bind thp zpool zbud compressor unknown accept_threshold_percent max_pool_percent "
    b"shrinker_enabled enabled swapoff swapon memcg_offline swap_max zswap_max zswap_writeback shrinker_count "
    b"shrinker_scan exit_child fork willneed madvise_free store_byte 4096 8192 max zap read reclaim pageout write "
    b"vswap-v6 linux-6.1 linux-6.18 linux-6.12 linux-7.3 real toy lz4 deflate deflate-iaa zstd tokens zsmalloc"
)
"""What the compressor expects to see.  Part of the layout: a change of it is another version."""

_MOST_BYTES = 1 << 20
"""Length of what a token holds at most, so that it cannot blow up when it is read."""


class BadToken(ValueError):
    """A token that cannot be replayed; its text is one line that says why and what to try."""


@attrs.frozen
class Program:
    """A program that can be replayed.

    profile, preset: their names.  setting: what stands at the start.  moves: commands and answers.
    """

    profile: str
    preset: str
    setting: Setting
    moves: tuple[Move, ...]


def encode(program: Program) -> str:
    """Return the token of a program."""
    moves = tuple((m.command.name, m.command.arguments, m.answers) for m in program.moves)
    value = (program.profile, program.preset, attrs.astuple(program.setting), moves)
    return sealed(VERSION, value, _WORDS)


def decode(token: str, profiles: Mapping[str, Profile] | None = None) -> Program:
    """Return the program of a token.

    profiles: those that are known, by name; by default ``known_profiles()``.
    Raises BadToken for what is no token, or none of this version, or names something that does not exist.
    """
    program = opened(token, VERSION, _WORDS, _program)
    _check_names(program, known_profiles() if profiles is None else profiles)
    return program


def is_schedule(token: str) -> bool:
    """Whether a token is, or was once, one of a schedule."""
    return token.strip().startswith(SCHEDULE_VERSION[:-1])


def sealed(version: str, value: Packable, words: bytes) -> str:
    """Return the token of a value.

    version: what stands in front.  words: the dictionary of the compressor, which is part of the version.
    """
    deflated = _deflated(packed(value), words)
    return f"{version}-{_text(zlib.crc32(deflated).to_bytes(4, 'big') + deflated)}"


def opened(token: str, version: str, words: bytes, read: Callable[[Packable], T]) -> T:
    """Return what ``read`` makes of the value of a token.

    version, words: as for ``sealed``.
    Raises BadToken for what is no token, or none of this version, or holds nothing that can be read.
    """
    given, _, text = token.strip().partition("-")
    if not text or not given.startswith(version[:-1]):
        expected = f"expected one that starts with {VERSION}- or {SCHEDULE_VERSION}-"
        raise BadToken(f"token {_short(token)}: {expected}; copy the whole line")
    if given != version:
        raise BadToken(f"token {_short(token)}: made by another version ({given}); this one reads {version}-")
    checked = _bytes(text)
    checksum, deflated = checked[:4], checked[4:]
    if zlib.crc32(deflated).to_bytes(4, "big") != checksum:
        raise BadToken(f"token {_short(token)}: its checksum is wrong; copy it again, all of it")
    try:
        return read(unpacked(_inflated(deflated, words)))
    except (ValueError, TypeError, IndexError, zlib.error) as error:
        what = "program" if version == VERSION else "schedule"
        raise BadToken(
            f"token {_short(token)}: holds no {what} ({error}); report where it came from"
        ) from None


def profile_of(name: str, profiles: Mapping[str, Profile]) -> Profile:
    """Return the profile that a token names.  Raises BadToken."""
    if name not in profiles:
        known = ", ".join(each for each in profiles if "+" not in each)
        hint = "a profile with changes of its own is replayed with the same changes"
        raise BadToken(f"token of profile {name!r}: expected one of {known}; {hint}")
    return profiles[name]


def _check_names(program: Program, profiles: Mapping[str, Profile]) -> None:
    """Raise BadToken where a name stands for nothing here."""
    setting, profile = program.setting, profile_of(program.profile, profiles)
    if program.preset not in PRESETS:
        raise BadToken(f"token of preset {program.preset!r}: expected one of {', '.join(PRESETS)}")
    if setting.compressor not in NAMES:
        known = ", ".join(NAMES)
        raise BadToken(f"token with compressor {setting.compressor!r}: expected one of {known}")
    if setting.zpool not in profile.allocators:
        known = ", ".join(profile.allocators)
        raise BadToken(f"token with allocator {setting.zpool!r}: {profile.name} has {known}")
    for name in dict.fromkeys(move.command.name for move in program.moves):
        if name not in KINDS.names():
            raise BadToken(f"token with command {name!r}: expected one of {', '.join(KINDS.names())}")


def _program(value: Packable) -> Program:
    profile, preset, setting, moves = _tuple(value)
    compressor, zpool, synchronous, enabled, device = _tuple(setting)
    made = Setting(_str(compressor), _str(zpool), bool(synchronous), bool(enabled), bool(device))
    return Program(_str(profile), _str(preset), made, tuple(_move(move) for move in _tuple(moves)))


def _move(value: Packable) -> Move:
    name, arguments, answers = _tuple(value)
    given = tuple(a if isinstance(a, int) else _str(a) for a in _tuple(arguments))
    return Move(Command(_str(name), given), tuple(_int(answer) for answer in _tuple(answers)))


def _tuple(value: Packable) -> tuple[Packable, ...]:
    if not isinstance(value, tuple):
        raise TypeError(f"{value!r} where a sequence is expected")
    return value


def _str(value: Packable) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} where a word is expected")
    return value


def _int(value: Packable) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} where a number is expected")
    return value


def _deflated(body: bytes, words: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, words)
    return stream.compress(body) + stream.flush()


def _inflated(deflated: bytes, words: bytes) -> bytes:
    stream = zlib.decompressobj(-15, words)
    body = stream.decompress(deflated, _MOST_BYTES)
    if not stream.eof:
        raise ValueError("too long, or cut off")
    return body


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Return what ``_text`` wrote; nothing for text that it never writes, so that the checksum is wrong."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _short(token: str) -> str:
    word = token.strip()
    return repr(word if len(word) <= 24 else f"{word[:20]}...")
