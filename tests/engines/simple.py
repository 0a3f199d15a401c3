"""Small profiles with planted bugs, and programs, for the tests of the engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from refmodel.engines.command import Command, Move
from refmodel.engines.setting import TOKENS, Setting
from refmodel.engines.trial import Trial
from refmodel.kernel.memory import WritePage
from refmodel.kernel.zswap_store import ZswapStore73
from refmodel.machine import Next, Return, Wait, evolve, step
from refmodel.profiles import Profile, profile
from refmodel.properties import Property, at_rest, in_history

LINUX = profile("linux-7.3")
TOY = Setting(TOKENS)


@attrs.define
class KeepsNoCount(ZswapStore73):
    """Store a folio, and do not count it."""

    @step
    def count(self, v: Any) -> Next:
        """Forget one page."""
        following = ZswapStore73.count(self, v)
        v[v.at.zs.stored_pages] -= 1
        return following


@attrs.define
class Forgetful(WritePage):
    """A process writes a page, and the page forgets it."""

    @step
    def store(self, v: Any) -> Next:
        """Write something else, though the process believes it wrote the content."""
        following = WritePage.store(self, v)
        folio = v[v.at.folio[v[v.at.pte[self.mm][self.page]].folio]]
        place = v.at.folio[v[v.at.pte[self.mm][self.page]].folio]
        v[place] = evolve(folio, contents=("something else",) * len(folio.contents))
        return following


@attrs.define
class Raising(WritePage):
    """A write whose first step fails with ``ERROR``."""

    @step
    def access(self, v: Any) -> Next:
        """Fail."""
        raise ERRORS[0]


@attrs.define
class Waiting(WritePage):
    """A write that waits for ever."""

    @step
    def access(self, v: Any) -> Next:
        """Wait."""
        return Wait("the end of time")


@attrs.define
class Circling(WritePage):
    """A write that never ends."""

    @step
    def access(self, v: Any) -> Next:
        """Go round."""
        return self.access


@attrs.define
class Idle(WritePage):
    """A write that does nothing."""

    @step
    def access(self, v: Any) -> Next:
        """Return."""
        return Return()


ERRORS: list[Exception] = [LookupError("entry 3: used after it was freed")]


def with_write(cls: type[WritePage]) -> Profile:
    """Return a profile with another write."""
    return LINUX.with_operations("planted", "Planted.", write_page=cls)


NO_COUNT = LINUX.with_operations("no-count", "Stores are not counted.", zswap_store=KeepsNoCount)


def trial(
    which: Profile = LINUX, properties: Sequence[Property] | None = None, *, every_step: bool = False
) -> Trial:
    """Return a trial of a profile, by default with all its properties."""
    checked = (*at_rest(which), *in_history(which)) if properties is None else properties
    return Trial(TOY.system(which, "toy"), checked, every_step=every_step)


def move(name: str, *arguments: int | str, answers: tuple[int, ...] = ()) -> Move:
    """Return a move."""
    return Move(Command(name, arguments), answers)


STORE = (move("write", 0, 0, 2), move("pageout", 0, 0, 1))
"""A page is written and stored in zswap."""
