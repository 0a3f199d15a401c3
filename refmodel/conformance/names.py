"""Names that a trace and the model give to the same thing.

A recorded swap slot, memory cgroup or storage handle has a number or name of its own.  Slots that the
trace saw being handed out keep their numbers; the rest are bound when they are first met, and from then
on the two names must go together.
"""

from __future__ import annotations

from typing import Any


class Names:
    """A growing one-to-one relation between names in the trace and names in the model."""

    def __init__(self) -> None:
        """Start with nothing bound."""
        self._to_model: dict[object, object] = {}
        self._to_trace: dict[object, object] = {}

    def bind(self, recorded: object, modelled: object) -> None:
        """Let two names go together, forgetting what either was bound to."""
        self._to_trace.pop(self._to_model.get(recorded), None)
        self._to_model.pop(self._to_trace.get(modelled), None)
        self._to_model[recorded] = modelled
        self._to_trace[modelled] = recorded

    def copy(self) -> Names:
        """Return an independent copy."""
        made = Names()
        made._to_model, made._to_trace = dict(self._to_model), dict(self._to_trace)
        return made

    def same(self, recorded: object, modelled: object) -> bool:
        """Whether two names mean the same thing; names that were never met are bound to each other."""
        if recorded not in self._to_model and modelled not in self._to_trace:
            self.bind(recorded, modelled)
        return self._to_model.get(recorded) == modelled

    def model_name(self, recorded: object) -> Any:
        """Return the model's name of a thing.

        Raises LookupError for one that was never met.
        """
        if recorded not in self._to_model:
            raise LookupError(f"{recorded} was not met before in this trace")
        return self._to_model[recorded]
