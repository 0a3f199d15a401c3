"""The museum: bugs of Linux compressed swap, each put back into the model as a profile with a step replaced.

``EXHIBITS`` are the bugs: each says in which small system an exploration finds it, and has a program where one
actor is enough.  ``NOT_IN_THIS_ROOM`` says of the others of the list what they wait for.  ``load_change`` takes a
bug, or a patch, that somebody brings along.
"""

from refmodel.museum.collection import (
    EXHIBITS,
    NOT_IN_THIS_ROOM,
    UnknownExhibit,
    exhibit,
    known_bugs,
    without_known_bugs,
)
from refmodel.museum.exhibit import Command, Exhibit, play
from refmodel.museum.loading import BadChange, Change, load_change

__all__ = [
    "EXHIBITS",
    "NOT_IN_THIS_ROOM",
    "BadChange",
    "Change",
    "Command",
    "Exhibit",
    "UnknownExhibit",
    "exhibit",
    "known_bugs",
    "load_change",
    "play",
    "without_known_bugs",
]
