"""Properties: the promise that swap is a map, and the invariants that keep it.

``at_rest(profile)`` gives the properties of states, ``in_history(profile)`` those of the events of one
command.  ``first_broken`` judges many properties of one state with one index; ``Property.check`` judges
one.
"""

from refmodel.properties.catalogue import (
    HISTORY_PROPERTIES,
    NOT_CHECKED,
    PROPERTIES,
    SAME_AS,
    STATE_PROPERTIES,
    UnknownProperty,
    at_every_step,
    at_rest,
    by_id,
    in_history,
)
from refmodel.properties.property import (
    HistoryProperty,
    Property,
    StateProperty,
    first_broken,
    first_broken_history,
)

__all__ = [
    "HISTORY_PROPERTIES",
    "NOT_CHECKED",
    "PROPERTIES",
    "SAME_AS",
    "STATE_PROPERTIES",
    "HistoryProperty",
    "Property",
    "StateProperty",
    "UnknownProperty",
    "at_every_step",
    "at_rest",
    "by_id",
    "first_broken",
    "first_broken_history",
    "in_history",
]
