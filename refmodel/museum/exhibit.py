"""What an exhibit is: a profile with one step replaced, its story, and a short program that shows the bug."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import attrs

from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.iaa_poll import device_work
from refmodel.kernel.kcompressd_queue import thread_work
from refmodel.kernel.table import KernelView
from refmodel.machine import ChoicePoint, Event, Operation, run
from refmodel.profiles import Profile, preset, profile

Evidence = Literal["A", "B"]
"""A: a commit message, patch or report says so.  B: read in the code or in a comment of the code."""


@attrs.frozen
class Command:
    """One line of a program.

    operation: name in the operation table.  arguments: by name.
    answers: choice point -> which option the environment takes there, first time first, counted from 0.
        Everywhere else, and after the last of them, it takes the first option: nothing fails.
    """

    operation: str
    arguments: Mapping[str, Any]
    answers: Mapping[str, Sequence[int]]


def do(operation: str, answers: Mapping[str, Sequence[int]] | None = None, /, **arguments: Any) -> Command:
    """Write a line of a program: ``do("madvise_pageout", {"xa_store": (1,)}, mm=0, page=0)``."""
    return Command(operation, arguments, answers or {})


@attrs.frozen(kw_only=True)
class Exhibit:
    """A bug of Linux, put back into the model.

    id: as in the list of bugs.  about: its module's docstring: the title, then the story.
    source: commit or patch.  evidence: how well it is known.
    base: the profile in which the bug is put.
    ground: operations of base and bug alike: callers or answers of the environment that the bug needs.
    operations: the steps that make the bug, by name in the operation table.
    remedy: where the released kernel itself is wrong and ``operations`` is empty: what would make it right.
    remedy_options: fields of ``KernelOptions`` that the remedy needs besides.
    forms: where a kernel, or the remedy of another bug, has such a step in a form of its own: what the remedy makes
        of that form.
    released_in: further released kernels that have the bug as they are.
    breaks: ids of the properties that ``program`` breaks.
    scope: text of a scope file (``refmodel.engines.scope_file``): a small system in which an exploration finds
        the bug, and nothing else.
    meets: id of the property that a shortest run of that exploration breaks.
    fixed: fields of ``Config`` that it needs.  sizes: sizes that it needs, where those of a preset do not do.
    options: fields of ``KernelOptions`` that it needs.
    lengths, batch: what the compressor of ``program`` is like: lengths that every page can get, in bytes, and pages
        that it takes in one call.
    never: choice points at which nothing but the first option is taken.
    demands: ids of properties that hold in ``base`` only under ``never``, to be checked besides the others.
    program: the shortest demonstration by one actor, on the preset "toy"; empty where it takes more.
    """

    id: str
    about: str | None
    source: str
    evidence: Evidence
    base: str
    operations: Mapping[str, type[Operation]]
    scope: str = ""
    meets: str = ""
    breaks: tuple[str, ...] = ()
    program: tuple[Command, ...] = ()
    ground: Mapping[str, type[Operation]] = attrs.field(factory=dict)
    remedy: Mapping[str, type[Operation]] = attrs.field(factory=dict)
    remedy_options: Mapping[str, Any] = attrs.field(factory=dict)
    forms: Mapping[type[Operation], type[Operation]] = attrs.field(factory=dict)
    released_in: tuple[str, ...] = ()
    fixed: Mapping[str, Any] = attrs.field(factory=dict)
    sizes: Mapping[str, int] = attrs.field(factory=dict)
    options: Mapping[str, Any] = attrs.field(factory=dict)
    lengths: tuple[int, ...] = (1024,)
    batch: int = 1
    never: tuple[str, ...] = ()
    demands: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What goes wrong, in one line."""
        return (self.about or "").partition("\n")[0].removeprefix(f"{self.id}: ").rstrip(".")

    @property
    def story(self) -> str:
        """What happens, why, and what was done about it."""
        return " ".join((self.about or "").partition("\n")[2].split())

    @property
    def profile(self) -> Profile:
        """The profile with the bug."""
        return self._sibling("", self.title, {**self.ground, **self.operations})

    @property
    def correct(self) -> Profile:
        """The profile without it, in which the same things can happen."""
        made = self._sibling("-correct", f"{self.base} without {self.id}", {**self.ground, **self.remedy})
        return attrs.evolve(made, options=attrs.evolve(made.options, **self.remedy_options))

    def _sibling(self, suffix: str, summary: str, operations: Mapping[str, type[Operation]]) -> Profile:
        base = profile(self.base)
        made = base.with_operations(f"{self.base}+{self.id}{suffix}", summary, **operations)
        return attrs.evolve(made, options=attrs.evolve(base.options, **self.options))


def play(exhibit: Exhibit, which: Profile) -> Iterator[tuple[KernelView, list[Event]]]:
    """Run an exhibit's program on one of its profiles; yield the system and the events after each command.

    Page contents are tokens: 0 is the page of zeroes.  Raises what the model raises when a step reaches for
    something that was released, or when the kernel would stop.
    """
    codecs = {"symbolic": Symbolic("symbolic", exhibit.lengths, batch_size=exhibit.batch)}
    sizes = attrs.evolve(preset("toy"), **exhibit.sizes)
    v = which.system(which.config(sizes, codecs, compressor="symbolic", **exhibit.fixed))
    for command in exhibit.program:
        events: list[Event] = []
        v.emit = _collector(events)
        v.choose = _answers(command)
        run(v, getattr(v.ops, command.operation)(**command.arguments), while_waiting=partial(_serve, v))
        yield v, events


def _serve(v: KernelView) -> bool:
    """Let a device or a thread do the next thing that it can do; return whether there was any."""
    work = device_work(v)
    if work is None:
        work = thread_work(v)
    if work is not None:
        run(v, work, while_waiting=partial(_serve, v))
    return work is not None


def _collector(events: list[Event]) -> Any:
    return lambda name, /, **fields: events.append((name, fields))


def _answers(command: Command) -> Any:
    """Return an environment that takes the options which a command names, and else the first."""
    left = {name: list(taken) for name, taken in command.answers.items()}

    def choose(point: ChoicePoint, options: Sequence[Any]) -> Any:
        taken = left.get(point.name)
        return options[taken.pop(0) if taken else 0]

    return choose
