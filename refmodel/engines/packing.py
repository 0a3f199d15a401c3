"""Packing: small numbers, words and sequences of them as bytes.

A value begins with a variable-length integer, seven bits a byte, the lowest first.  Its two lowest bits say
what it is: a number, a negative number, or the length of the word or of the sequence that follows.
"""

from __future__ import annotations

from collections.abc import Iterator

Packable = int | str | tuple["Packable", ...]
"""What can be packed."""

_NUMBER, _NEGATIVE, _WORD, _SEQUENCE = range(4)

_MOST_DEPTH = 8
"""Sequences inside sequences, at most."""

_MOST_BITS = 70
"""Bits of a number with its kind, at most."""


def packed(value: Packable) -> bytes:
    """Return the bytes of a value."""
    if isinstance(value, str):
        word = value.encode()
        return _varint(len(word) << 2 | _WORD) + word
    if isinstance(value, tuple):
        return _varint(len(value) << 2 | _SEQUENCE) + b"".join(map(packed, value))
    number = int(value)
    return _varint(number << 2 | _NUMBER if number >= 0 else -number << 2 | _NEGATIVE)


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)


def unpacked(data: bytes) -> Packable:
    """Return the value of some bytes, whoever made them.  Raises ValueError when they are not one value."""
    reader = iter(data)
    value = _value(reader, _MOST_DEPTH)
    if next(reader, None) is not None:
        raise ValueError("something follows its end")
    return value


def _value(reader: Iterator[int], depth: int) -> Packable:
    if not depth:
        raise ValueError("too deep")
    number, kind = divmod(_read_varint(reader), 4)
    if kind == _NUMBER:
        return number
    if kind == _NEGATIVE:
        return -number
    if kind == _WORD:
        return bytes(_byte(reader) for _ in range(number)).decode()
    return tuple(_value(reader, depth - 1) for _ in range(number))


def _read_varint(reader: Iterator[int]) -> int:
    number = 0
    for shift in range(0, _MOST_BITS, 7):
        byte = _byte(reader)
        number |= (byte & 127) << shift
        if byte < 128:
            return number
    raise ValueError("a number is too large")


def _byte(reader: Iterator[int]) -> int:
    byte = next(reader, None)
    if byte is None:
        raise ValueError("it ends too early")
    return byte
