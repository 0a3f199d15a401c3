"""Playing an exhibit's program and judging every state and every command of it."""

from __future__ import annotations

from refmodel.museum.exhibit import Exhibit, play
from refmodel.profiles import Profile
from refmodel.properties import at_rest, by_id, in_history
from refmodel.properties.property import HistoryProperty, Property, StateProperty


def broken(exhibit: Exhibit, which: Profile) -> tuple[str, ...]:
    """Return the ids of the properties that the program breaks first, on one of the exhibit's profiles.

    A program that reaches for something that was released breaks LIVE.
    """
    demanded = tuple(by_id(id) for id in exhibit.demands)
    properties: tuple[Property, ...] = (*at_rest(which), *in_history(which), *demanded)
    try:
        for v, events in play(exhibit, which):
            states = [p for p in properties if isinstance(p, StateProperty)]
            histories = [p for p in properties if isinstance(p, HistoryProperty)]
            found = [p.id for p in states if p.check(v)] + [p.id for p in histories if p.check(events, v)]
            if found:
                return tuple(found)
    except LookupError:
        return ("LIVE",)
    return ()
