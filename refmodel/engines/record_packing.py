"""Packing records: a record as a row of the names and values in which it differs from a usual one.

So tokens are short, and a field that a record gets later does not spoil the tokens of today.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

import attrs

from refmodel.engines.packing import Packable

R = TypeVar("R")


def packable(value: Any, usual: Any = None) -> Packable:
    """Return a record of records, sequences, numbers and words as something that can be packed.

    usual: what a record is compared with; by default each field with its own default.
    Raises TypeError for a value that no token can hold.
    """
    if isinstance(value, tuple):
        return tuple(packable(each) for each in value)
    if isinstance(value, int | str):
        return value
    if not attrs.has(type(value)):
        raise TypeError(f"{value!r} of type {type(value).__name__}: expected a record, a number or a word")
    row: list[Packable] = []
    for name, default in _defaults(type(value)).items():
        given = getattr(value, name)
        if given != (default if usual is None else getattr(usual, name)):
            row += [name, packable(given, _record_or_none(default))]
    return tuple(row)


def record(cls: type[R], value: Packable, usual: R | None = None) -> R:
    """Return the record that ``packable`` made a value from, whoever made it.

    usual: what it was compared with.  Raises TypeError and ValueError where the value is no such record.
    """
    if not isinstance(value, tuple) or len(value) % 2:
        raise TypeError(f"{value!r} where names and values are expected")
    hints, defaults = get_type_hints(cls), _defaults(cls)
    given = {}
    for name, found in zip(value[::2], value[1::2], strict=True):
        if name not in defaults:
            raise ValueError(f"{cls.__name__} has no field {name!r}")
        field = str(name)
        given[field] = _read(hints[field], found, _record_or_none(defaults[field]))
    return cls(**given) if usual is None else cast("R", attrs.evolve(cast("Any", usual), **given))


def _read(hint: Any, value: Packable, usual: Any) -> Any:
    if attrs.has(hint):
        return record(hint, value, usual)
    if get_origin(hint) is tuple:
        return tuple(_read(get_args(hint)[0], each, None) for each in _row(value))
    if hint is bool and value in (0, 1):
        return bool(value)
    kinds = get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if isinstance(value, kinds):
        return value
    raise TypeError(f"{value!r} where {hint} is expected")


def _row(value: Packable) -> tuple[Packable, ...]:
    if not isinstance(value, tuple):
        raise TypeError(f"{value!r} where a sequence is expected")
    return value


def _record_or_none(default: Any) -> Any:
    return default if attrs.has(type(default)) and default is not attrs.NOTHING else None


def _defaults(cls: type[Any]) -> Mapping[str, Any]:
    return {field.name: field.default for field in attrs.fields(cls) if field.init}
