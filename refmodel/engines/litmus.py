"""Litmus files: a small scope, and how it may end.

A litmus file is a scope file with a table ``outcome``, and where profiles differ with a table ``expect``:

    [outcome]
    never = "reader[0] == 2"        # or sometimes, or always
    at = "end"                      # or "settled", or "any"

    [expect]
    "linux-6.1" = "sometimes"

or, for a property that is broken by nothing (``never``, the normal case) or by something:

    [outcome]
    violation = "ZS-18"             # the id of a property, several of them, or "any"

States that are looked at: ``end``: every thread has done what it could, and nothing is in flight, though the
system may still have work of its own to do; ``settled``: nothing more can happen at all; ``any``: every state.
``sometimes`` means in some of these states and not in all.  The exploration is complete, and a property that
breaks without being asked for is a failure of the file, unless the outcome is what comes of a known defect:

    despite = ["PLACE"]             # properties that may be broken on the way
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs

from refmodel.engines.exploration import make_search, result_of, schedule_of
from refmodel.engines.explorer.path import way_to_state
from refmodel.engines.explorer.search import Bounds, Found, Reductions, Search
from refmodel.engines.expression import BadExpression, Expression
from refmodel.engines.interleaving import Schedule
from refmodel.engines.scope import Scope
from refmodel.engines.scope_file import scope_of
from refmodel.engines.toml_file import Table, TomlFile, nearest, read_toml
from refmodel.engines.violation import BUILT_IN
from refmodel.machine.recorder import Unkept
from refmodel.profiles import Profile, profile
from refmodel.properties import STATE_PROPERTIES, at_rest
from refmodel.resources import specs_dir

if TYPE_CHECKING:
    from refmodel.engines.exploration import Exploration
    from refmodel.engines.explorer.actors import Local
    from refmodel.engines.judge import Judge
    from refmodel.kernel.table import KernelView

Word = Literal["never", "sometimes", "always"]

WORDS: tuple[Word, ...] = ("never", "sometimes", "always")

AT = ("end", "settled", "any")
"""Which states an outcome speaks of."""

ANY = "any"
"""Stands for every property."""

BOUNDS = Bounds(states=200_000, seconds=120.0)
"""Where a litmus file that is too big is given up, undecided."""


@attrs.frozen(eq=False)
class Litmus:
    """A litmus file.

    name: of the file, without its ending.  profiles: those that it is about.  source: who says so.
    outcome: the expression as it is written, or "".  violation: ids of properties, () where it has an outcome.
    at: which states the outcome speaks of.  expected: by profile.
    despite: ids of properties that may be broken on the way.
    file: what mistakes found later are told with.
    """

    name: str
    scope: Scope
    profiles: tuple[str, ...]
    source: str
    outcome: str
    violation: tuple[str, ...]
    at: str
    expected: Mapping[str, Word]
    file: TomlFile
    despite: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The outcome in a few words."""
        return self.outcome or f"{' or '.join(self.violation)} is broken"


@attrs.frozen
class LitmusResult:
    """What became of a litmus file on one profile.

    expected: what the file says.  found: a ``Word``, or "broken", "no end", "undecided".
    why: what ``found`` means where it is no ``Word``.  states, depth: of the exploration.
    shows: what the schedule shows; "" without one.
    """

    name: str
    profile: str
    expected: Word
    found: str
    why: str
    states: int
    depth: int
    seconds: float
    shows: str = ""
    schedule: Schedule = ()

    @property
    def verdict(self) -> str:
        """Whether the file is right: "as expected", "not as expected" or "undecided"."""
        if self.found == "undecided":
            return "undecided"
        return "as expected" if self.found == self.expected else "not as expected"


# --- reading ----------------------------------------------------------------------------------------------------


def shipped() -> list[Path]:
    """Return the litmus files that come with the package, by name; numbers count as such."""
    return sorted((specs_dir() / "litmus").glob("*.toml"), key=_order)


def _order(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", path.stem)
    return [(int(part), "") if part.isdigit() else (0, part) for part in parts]


def load_litmus(path: Path) -> Litmus:
    """Read a litmus file.  Raises BadFile."""
    return litmus_of(read_toml(path))


def litmus_of(file: TomlFile) -> Litmus:
    """Return what a litmus file says.  Raises BadFile."""
    found = scope_of(file, ("outcome", "expect"))
    top = Table(file, (), file.data)
    table = top.table("outcome")
    table.only((*WORDS, "violation", "at", "despite"))
    claims = [key for key in (*WORDS, "violation") if key in table.data]
    if len(claims) != 1:
        given = " and ".join(claims) or "none"
        raise top.bad("outcome", f"{given} in [outcome]", f"one of {', '.join(WORDS)}, violation")
    word: Word = "never" if claims[0] == "violation" else claims[0]  # type: ignore[assignment]  # one of WORDS
    at = table.get("at", str, "end")
    if at not in AT:
        raise table.bad("at", f"at = {at!r}", f"one of {', '.join(AT)}", nearest(at, AT))
    if claims[0] == "violation" and "at" in table.data:
        raise table.bad("at", "at beside a violation", "no at", "a property says itself when it holds")
    made = Litmus(
        name=Path(file.path).stem,
        scope=found.scope,
        profiles=found.profiles,
        source=found.source,
        outcome="" if claims[0] == "violation" else table.get(claims[0], str, ""),
        violation=_properties(table, "violation", (ANY, *BUILT_IN)) if claims[0] == "violation" else (),
        at=at,
        expected=_expected(top, found.profiles, word),
        file=file,
        despite=_properties(table, "despite") if "despite" in table.data else (),
    )
    if {ANY, *made.despite} & {*made.violation} and made.despite:
        raise table.bad("despite", "despite beside a violation of the same", "other ids, and not any")
    return made if made.violation else _checked(made, table)


def _properties(table: Table, key: str, more: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the ids of properties under a key.  more: words that may stand there, too."""
    given = table.data[key]
    ids = [given] if isinstance(given, str) else table.all(key, str)
    or_any = ", or any" if ANY in more else ""
    if not ids:
        raise table.bad(key, "no property", f"the id of one{or_any}")
    known = [*more, *(prop.id for prop in STATE_PROPERTIES)]
    for each in ids:
        if each not in known:
            expected = f"the id of a property of states{or_any}"
            raise table.bad(key, f"unknown property {each}", expected, nearest(each, known))
    return tuple(ids)


def _expected(top: Table, profiles: Sequence[str], word: Word) -> Mapping[str, Word]:
    table = top.table("expect")
    table.only(profiles)
    for name in table.data:
        given = table.get(name, str, "")
        if given not in WORDS:
            raise table.bad(name, f"{name} = {given!r}", f"one of {', '.join(WORDS)}", nearest(given, WORDS))
    return {name: table.data.get(name, word) for name in profiles}


def _checked(litmus: Litmus, table: Table) -> Litmus:
    """Evaluate the outcome where the threads begin, which shows mistakes in it.  Raises BadFile."""
    key = _key(table)
    for name in litmus.profiles:
        v = litmus.scope.system(profile(name))
        try:
            expression = _expression(litmus, v)
            expression.value(partial(_item, v), dict.fromkeys(expression.threads, ()))
        except BadExpression as error:
            raise table.bad(key, error.found, error.expected, error.hint) from None
    _check_threads(litmus, expression, table, key)
    return attrs.evolve(litmus, scope=attrs.evolve(litmus.scope, keeps=bool(expression.mentions)))


def _key(table: Table) -> str:
    """Return the key under which an outcome stands."""
    return next(key for key in WORDS if key in table.data)


def _item(v: KernelView, place: int) -> Any:
    return v[place]


def _expression(litmus: Litmus, v: KernelView) -> Expression:
    return Expression(litmus.outcome, v, [thread.name for thread in litmus.scope.threads])


def _check_threads(litmus: Litmus, expression: Expression, table: Table, key: str) -> None:
    for thread in litmus.scope.threads:
        if thread.name in expression.mentions and thread.free:
            expected = "a thread that runs its commands in order"
            raise table.bad(key, f"{thread.name}, which chooses what it runs", expected)
        if thread.name in expression.mentions and thread.number > 1:
            expected = "one thread of that name"
            hint = "threads that are told apart need a [[thread]] each"
            raise table.bad(key, f"{thread.name}, of which there are {thread.number}", expected, hint)
        if thread.free and thread.times is None and litmus.at != "any":
            expected = 'times = N in the thread, or at = "any"'
            raise table.bad(key, f"an end, while {thread.name} goes on without end", expected)


# --- running ----------------------------------------------------------------------------------------------------


def run_litmus(litmus: Litmus, profile: Profile, bounds: Bounds = BOUNDS) -> LitmusResult:
    """Explore a litmus file on a profile.

    Raises BadFile where the outcome cannot be evaluated in a state that is reached.
    """
    return _Run(litmus, profile, bounds).result()


@attrs.define
class _Seen:
    """What the states that the outcome speaks of look like.

    fits, misses: the first state, with its level, in which the outcome holds, and the first in which not.
    stuck: the first in which a thread waits for ever to begin something, and who does.
    """

    fits: tuple[int, int] | None = None
    misses: tuple[int, int] | None = None
    stuck: tuple[int, int] | None = None
    who: str = ""

    @property
    def word(self) -> str:
        if self.fits is None:
            return "no end" if self.misses is None else "never"
        return "always" if self.misses is None else "sometimes"


class _Run:
    """One exploration of a litmus file."""

    def __init__(self, litmus: Litmus, profile: Profile, bounds: Bounds) -> None:
        self.litmus, self.profile, self.bounds = litmus, profile, bounds
        self.expression = _expression(litmus, litmus.scope.system(profile)) if litmus.outcome else None
        # Counters that the outcome names are part of the states.
        self.kept = {*self.expression.named} if self.expression else set()
        # A step that is merged with the one before it has no state of its own to look at.
        self.merge = litmus.at != "any"

    def result(self) -> LitmusResult:
        """Explore until nothing has to be done again."""
        began = time.monotonic()
        while True:
            search, judge = self._searched()
            try:
                found = self._found(search, judge)
            except Unkept as unkept:
                self.kept.add(unkept.place)
                continue
            except BadExpression as error:
                outcome = Table(self.litmus.file, ("outcome",), self.litmus.file.data["outcome"])
                raise outcome.bad(_key(outcome), error.found, error.expected, error.hint) from None
            return attrs.evolve(found, seconds=time.monotonic() - began)

    def _searched(self) -> tuple[Search, Judge]:
        reductions = Reductions(merge=self.merge)
        properties = [prop for prop in at_rest(self.profile) if prop.id not in self.litmus.despite]
        search, judge = make_search(
            self.litmus.scope, self.profile, properties=properties, reductions=reductions, bounds=self.bounds
        )
        search.recorder.kept |= self.kept & search.recorder.counters
        return search.run(), judge

    def _found(self, search: Search, judge: Judge) -> LitmusResult:
        explored = result_of(self.litmus.scope, self.profile, search, judge, (), 0.0)
        made = LitmusResult(
            name=self.litmus.name,
            profile=self.profile.name,
            expected=self.litmus.expected[self.profile.name],
            found="undecided",
            why=search.stopped,
            states=explored.states,
            depth=explored.depth,
            seconds=0.0,
        )
        if explored.counterexample is not None:
            return self._broken(made, explored)
        if not search.complete:
            return made
        if self.expression is None:
            return self._violated(made, judge)
        seen = _Outcomes(self.litmus.at, self.expression, search).seen()
        if seen.stuck is not None:
            return self._stuck(made, seen, search)
        return self._seen(made, seen, search)

    def _stuck(self, made: LitmusResult, seen: _Seen, search: Search) -> LitmusResult:
        assert seen.stuck is not None
        why = f"PROGRESS: {seen.who}, and nothing can end that"
        schedule = _schedule(search, *seen.stuck)
        return attrs.evolve(made, found="broken", why=why, shows="PROGRESS is broken", schedule=schedule)

    def _broken(self, made: LitmusResult, explored: Exploration) -> LitmusResult:
        """Return what a broken property makes of a file that asks for it, or for something else."""
        assert explored.counterexample is not None
        violation, asked = explored.counterexample.violation, self.litmus.violation
        sometimes = violation.property in asked or ANY in asked
        return attrs.evolve(
            made,
            found="sometimes" if sometimes else "broken",
            why=f"{violation.property}: {violation.found}",
            shows=f"{violation.property} is broken",
            schedule=explored.counterexample.schedule,
        )

    def _violated(self, made: LitmusResult, judge: Judge) -> LitmusResult:
        unjudged = [each for each in self.litmus.violation if each in judge.unjudged]
        if unjudged:
            return attrs.evolve(made, why=f"{unjudged[0]} counts events, which an exploration does not keep")
        return attrs.evolve(made, found="never", why="")

    def _seen(self, made: LitmusResult, seen: _Seen, search: Search) -> LitmusResult:
        if seen.word == "no end":
            return attrs.evolve(made, found="no end", why="no run comes to its end")
        missed = made.expected == "always"
        state = seen.misses if missed else seen.fits
        shown = "how the outcome is missed" if missed else "how the outcome comes about"
        if state is None:
            return attrs.evolve(made, found=seen.word, why="")
        return attrs.evolve(made, found=seen.word, why="", shows=shown, schedule=_schedule(search, *state))


def _schedule(search: Search, state: int, depth: int) -> Schedule:
    """Return the turns that lead to a state of a level."""
    # The way may meet new values, which gives states other numbers: the search keeps the one that it found.
    found = search.found = Found("state", "the outcome", state, depth)
    turns, _ = search.fitting(lambda: way_to_state(search, found.state, depth))
    return schedule_of(turns)


class _Outcomes:
    """Looks for the outcome in the states of a complete search."""

    def __init__(self, at: str, expression: Expression, search: Search) -> None:
        self.at, self.expression, self.search = at, expression, search
        self.packing, self.actors = search.packing, search.actors
        self.found = _Seen()
        self.unkept = search.recorder.counters - search.recorder.kept
        names = [program.name for program in self.actors.programs]
        actors = range(len(self.actors.initial))
        self.threads = {
            names[self.actors.initial[actor].program]: actor
            for actor in actors
            if names[self.actors.initial[actor].program] in self.expression.mentions
        }

    def seen(self) -> _Seen:
        """Go through the states, those that are reached sooner first."""
        seen = self.found
        for state, depth in self._states():
            if self._holds(state):
                seen.fits = seen.fits or (state, depth)
            else:
                seen.misses = seen.misses or (state, depth)
        return seen

    def _states(self) -> Iterator[tuple[int, int]]:
        """Yield the states that the outcome speaks of, with their levels."""
        everyone = self.packing.local_bits
        ends: dict[int, str] = {}
        for depth, level in enumerate(self.search.visited.levels):
            for state in level:
                if self.at != "any":
                    locals_ = state & everyone
                    if locals_ not in ends:
                        ends[locals_] = self._kind(state)
                    if not self._is_end(state, depth, ends[locals_]):
                        continue
                yield state, depth

    def _kind(self, state: int) -> str:
        """Return whether actors are busy, all threads are done, or some may be unable to go on."""
        locals_: list[Local] = [self.packing.local(state, actor) for actor in range(self.packing.actors)]
        if any(local.flight for local in locals_):
            return "busy"
        serves = self.actors.programs
        left = (self.actors.actions(local) for local in locals_ if not serves[local.program].serves)
        return "waiting" if any(left) else "done"

    def _is_end(self, state: int, depth: int, kind: str) -> bool:
        """Whether a state is one that the outcome speaks of.

        A thread whose next command does not apply is done, too, if nothing else can happen.
        """
        if kind == "done" and self.at == "end":
            return True
        if kind == "busy" or self.search.successors((state,)):
            return False
        who = self._waiting(state) if kind == "waiting" and self.found.stuck is None else ""
        if who:
            self.found.stuck, self.found.who = (state, depth), who
        return not who

    def _waiting(self, state: int) -> str:
        """Return who waits to begin a command that applies, or ""."""
        view = self.search.view
        view.restore(tuple(self.packing.components(state)))
        for actor in range(self.packing.actors):
            local: Local = self.packing.local(state, actor)
            program = self.actors.programs[local.program]
            for number in () if program.serves else self.actors.actions(local):
                if program.starts[number].make(view) is not None:
                    return f"{self.actors.name(actor)} waits to begin {program.starts[number].label}"
        return ""

    def _holds(self, state: int) -> bool:
        results = dict.fromkeys(self.expression.threads, ())
        results |= {name: self.packing.local(state, actor).values for name, actor in self.threads.items()}
        return bool(self.expression.value(partial(self._look, state), results))

    def _look(self, state: int, place: int) -> Any:
        if place in self.unkept:
            raise Unkept(place)
        return self.packing.component(state, place)
