"""Page contents of recorded traces (trace schema ``linux-zswap-trace/1``), rebuilt from their names.

A trace names the content of a page by pattern, seed and length instead of carrying its 4096 bytes.
Replaying a trace starts here, and the CRC-32 that the trace holds for each page read shows that the
rebuilt bytes are the recorded ones. Words are 64 bits, little endian, and come from the generator
splitmix64.

Page number p of a ``fillrange`` has the seed ``seed + p``: p counts from the start of the worker's
memory, not from the start of the range.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from types import MappingProxyType
from typing import Final

from refmodel.kernel.config import PAGE_SIZE

_MASK: Final = (1 << 64) - 1
_WORD_SIZE: Final = 8
_VOCABULARY: Final = tuple(
    word + b" "
    for word in (
        b"swap page node entry folio queue batch store load tree slot cgroup worker device zone list".split()
    )
)


def splitmix64(seed: int) -> Iterator[int]:
    """Yield the 64-bit outputs of splitmix64 whose state starts at ``seed``, without end."""
    state = seed & _MASK
    while True:
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        word = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
        yield word ^ (word >> 31)


def _zero(seed: int, length: int) -> bytes:
    return bytes(PAGE_SIZE)


def _same(seed: int, length: int) -> bytes:
    return struct.pack("<Q", next(splitmix64(seed))) * (PAGE_SIZE // _WORD_SIZE)


def _nsame(seed: int, length: int) -> bytes:
    filled = _same(seed, length)
    return store_byte(filled, PAGE_SIZE - _WORD_SIZE, filled[-_WORD_SIZE] ^ 1)


def _rand(seed: int, length: int) -> bytes:
    return _mix(seed, PAGE_SIZE)


def _mix(seed: int, length: int) -> bytes:
    words = tuple(islice(splitmix64(seed), length // _WORD_SIZE))
    return struct.pack(f"<{len(words)}Q", *words).ljust(PAGE_SIZE, b"\0")


def _text(seed: int, length: int) -> bytes:
    text = bytearray()
    outputs = splitmix64(seed)
    while len(text) < PAGE_SIZE:
        text += _VOCABULARY[next(outputs) & 15]
    return bytes(text[:PAGE_SIZE])


PATTERNS: Final[Mapping[str, Callable[[int, int], bytes]]] = MappingProxyType(
    {"zero": _zero, "same": _same, "nsame": _nsame, "rand": _rand, "mix": _mix, "text": _text}
)
"""Name of the pattern -> its maker, which takes the seed and the length in bytes (``mix`` alone uses it)."""


# Making a page takes up to half a millisecond, and traces name the same page more than once.
@lru_cache(maxsize=1024)
def page(kind: str, seed: int, length: int = PAGE_SIZE) -> bytes:
    """Return the 4096 bytes of the pattern ``kind``.

    * ``zero``: zeroes.
    * ``same``: the first output of the generator, repeated.
    * ``nsame``: the same with the lowest bit of the last word flipped: nearly one word, but not quite.
    * ``rand``: 512 outputs; does not compress.
    * ``mix``: ``length`` bytes of outputs, in whole words, then zeroes; the length sets how well it
      compresses.
    * ``text``: words out of 16, each chosen by the low four bits of an output and followed by a blank.

    Raises ValueError when the pattern is unknown or ``length`` is not in 0 to 4096 bytes.
    """
    if kind not in PATTERNS:
        raise ValueError(f"unknown page pattern {kind!r}; known are {', '.join(PATTERNS)}")
    if not 0 <= length <= PAGE_SIZE:
        raise ValueError(f"page pattern {kind!r}: length {length} is not in 0 to {PAGE_SIZE} bytes")
    return PATTERNS[kind](seed, length)


def store_byte(page: bytes, offset: int, value: int) -> bytes:
    """Return ``page`` with the byte at ``offset`` replaced by ``value``: the trace operation ``dirty``.

    Raises ValueError when the offset lies outside the page or the value is no byte.
    """
    if not 0 <= offset < len(page):
        raise ValueError(f"store at offset {offset} of a page of {len(page)} bytes; use 0 to {len(page) - 1}")
    if not 0 <= value <= 0xFF:
        raise ValueError(f"store of the value {value} in one byte; use 0 to 255")
    return page[:offset] + bytes((value,)) + page[offset + 1 :]


def crc(page: bytes) -> int:
    """Return the CRC-32 of the page (zlib polynomial): the field ``crc`` of a trace."""
    return zlib.crc32(page)
