"""Components: the immutable records that a system is made of.

A component is a small frozen record with a canonical hash.  Steps never change one in place; they
put an evolved copy into its place.  That makes a snapshot of the whole system a tuple, a difference
of two states a comparison by identity, and a component a value that an explorer can intern.

The type checker sees ordinary frozen attrs classes.  At run time the classes are slotted attrs
classes with a generated copy method, because the reflective ``attrs.evolve`` costs more than most
steps (``docs/records/0002-components.md``).  ``REFMODEL_FROZEN=1`` in the environment makes the
classes really frozen, which turns a write to a component into an error; CI runs the tests once so.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from attrs import evolve
    from attrs import frozen as component
else:
    _FROZEN = os.environ.get("REFMODEL_FROZEN") == "1"
    _set_field = object.__setattr__ if _FROZEN else setattr

    def component(cls):
        """Make a class a component: a slotted, hashable record with a fast copy method."""
        made = attrs.frozen(cls) if _FROZEN else attrs.define(cls, eq=True, unsafe_hash=True)
        write = "set_field(new, {0!r}, self.{0})" if _FROZEN else "new.{0} = self.{0}"
        lines = ["new = make(cls)", *(write.format(field.name) for field in attrs.fields(made)), "return new"]
        source = "def copied(self):\n" + "".join(f"    {line}\n" for line in lines)
        namespace = {"cls": made, "make": object.__new__, "set_field": _set_field}
        exec(source, namespace)
        made._copied = namespace["copied"]
        return made

    def evolve(record: Any, **changes: Any) -> Any:
        """Return a copy of a component with some fields replaced."""
        new = record._copied()
        for name in changes:
            _set_field(new, name, changes[name])
        return new


__all__ = ["component", "evolve"]
