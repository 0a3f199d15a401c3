"""Profiles with planted bugs that take two actors, for the tests of races."""

from __future__ import annotations

from typing import Any

import attrs

from refmodel.engines.command import Command, Move
from refmodel.engines.race_course import TO_ITS_END, Course
from refmodel.engines.race_trial import Part, Race, RaceTrial
from refmodel.engines.races import MEETING, race_scope
from refmodel.kernel.memory import WritePage
from refmodel.kernel.zswap_store import ZswapStore73
from refmodel.machine import Next, Return, Wait, step
from refmodel.profiles import Profile
from refmodel.properties import at_rest
from tests.engines.simple import LINUX, TOY


@attrs.define
class CountsInTwoSteps(ZswapStore73):
    """Store a folio; the counter of stored pages is read in one step and written in the next."""

    seen: int = 0

    @step
    def count(self, v: Any) -> Next:
        """Count as ever, then look at the counter and put it back."""
        following = ZswapStore73.count(self, v)
        self.seen = v[v.at.zs.stored_pages]
        v[v.at.zs.stored_pages] -= len(self.the_folio(v).contents)
        assert isinstance(following, Return)
        self.value = following.value
        return self.write_count

    value: Any = None

    @step
    def write_count(self, v: Any) -> Next:
        """Write what the counter should be."""
        v[v.at.zs.stored_pages] = self.seen
        return Return(self.value)


@attrs.define
class CrossesLocks(WritePage):
    """A write that takes two locks first, in an order that depends on the page."""

    first = "take_one"

    @step
    def take_one(self, v: Any) -> Next:
        """Take the mmap lock of process 0 for writing, or its page-table lock."""
        return self.take(v, self.page % 2, self.take_other)

    @step
    def take_other(self, v: Any) -> Next:
        """Take the other lock."""
        return self.take(v, 1 - self.page % 2, self.give_back)

    @step
    def give_back(self, v: Any) -> Next:
        """Give both back and go on."""
        v[v.at.mmap_writer[0]] = v[v.at.ptl[0]] = False
        return self.access

    def take(self, v: Any, which: int, then: Any) -> Next:
        """Take a lock, or wait for it."""
        place = v.at.ptl[0] if which else v.at.mmap_writer[0]
        if v[place]:
            return Wait("a lock")
        v[place] = True
        return then  # type: ignore[no-any-return]  # a step


def planted(name: str, **operations: Any) -> Profile:
    """Return a profile with a planted bug."""
    return LINUX.with_operations(name, "Planted.", **operations)


LOST_COUNT = planted("lost-count", zswap_store=CountsInTwoSteps)
CROSSED = planted("crossed", write_page=CrossesLocks)


def race_trial(which: Profile = LINUX, *, every_step: bool = False) -> RaceTrial:
    """Return a trial of a profile with all its properties, on the sizes at which actors meet."""
    return RaceTrial(race_scope(TOY, MEETING, which), which, at_rest(which), every_step=every_step)


def part(actor: int, name: str, *arguments: int | str, answers: tuple[int, ...] = ()) -> Part:
    """Return a part of a race."""
    return Part(actor, Move(Command(name, arguments), answers))


def followed(trial: RaceTrial, parts: list[Part], slices: list[tuple[int, int]]) -> Race:
    """Follow a race and bring everybody to rest."""
    course = Course(trial)
    course.begin()
    course.follow(parts, slices)
    course.settle()
    return course.race


END = TO_ITS_END
