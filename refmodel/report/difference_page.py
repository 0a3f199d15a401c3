"""Two profiles compared by what they do, printed: the shortest scenario that tells, in two columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.command import describe
from refmodel.engines.commands import KINDS
from refmodel.engines.difference import Behaviour, scenario_data
from refmodel.engines.difference_pair import EVENTS, Act, Sight, Told, programs
from refmodel.engines.difference_scope import Endings, Explored
from refmodel.engines.difference_search import Progress
from refmodel.engines.replay import Answer, MoveRecord, Timeline, replay
from refmodel.engines.rerun import rerun
from refmodel.engines.schedule_token import encode_run
from refmodel.engines.token import encode
from refmodel.kernel.crypto import Compressed, CompressError
from refmodel.properties.observation import SEES
from refmodel.report.lanes import lanes_page
from refmodel.report.side_by_side import MARK, command_lines, roles, summary_line
from refmodel.report.story import of_rerun
from refmodel.report.terminal import Unbroken, show, table
from refmodel.report.timeline import answer_text, brief

if TYPE_CHECKING:
    from refmodel.profiles import Profile

_STYLE = {"differ": "bold red", "no difference": "bold green", "undecided": "bold yellow"}

_LONG = 34
"""Characters of a value at most, beside another one."""


def progress_line(progress: Progress) -> str:
    """Return how far a comparison has come, in one line."""
    return (
        f"{progress.seconds:.0f} s: {progress.scenarios:,} scenarios; {progress.doing}: "
        f"{progress.done:,} of {progress.due:,}"
    )


# --- scenarios ----------------------------------------------------------------------------------------------------


Words = tuple[str, str]
"""Words of the command line that choose either profile for a replay."""


def behaviour_page(
    found: Behaviour, before: Profile, after: Profile, words: Words = ("", ""), *, unfold: bool = False
) -> list[RenderableType]:
    """Return a whole comparison.

    before, after: the profiles that were compared.  words: see ``Words``.
    unfold: print every step of every command.
    """
    parts: list[RenderableType] = [_head(found), "", _facts(_behaviour_facts(found))]
    for title, told in _tellings(found):
        parts += ["", Text(title, "bold"), "", *told_page(told, before, after, words, unfold=unfold)]
    return parts


def told_page(
    told: Told, before: Profile, after: Profile, words: Words = ("", ""), *, unfold: bool = False
) -> list[RenderableType]:
    """Return one scenario: its commands on both sides, what looks different afterwards, and how to replay it.

    unfold: print every step of every command.
    """
    names, classes = (before.name, after.name), roles(before, after)
    ours, theirs = programs(told.scenario, before, after)
    runs = replay(ours, before, ()), replay(theirs, after, ())
    parts: list[RenderableType] = []
    for number, text in enumerate(_commands(told, runs), start=1):
        moves = runs[0].moves[number - 1], runs[1].moves[number - 1]
        last = number == len(told.scenario.acts)
        parts.append(f"{number:3}  {text}")
        if last or unfold:
            parts += command_lines(*moves, names, classes, unfold=unfold)
        else:
            parts.append(summary_line(*moves, names, classes))
    parts += ["", sights_table(told.sights, *names), ""]
    for program, chosen in zip((ours, theirs), words, strict=True):
        parts.append(Unbroken(f"{program.profile}: refmodel replay {encode(program)}{chosen}"))
    return parts


def sights_table(sights: Sequence[Sight], before: str, after: str) -> RenderableType:
    """Return what looks different as a table, the first marked."""
    made = table("", "seen afterwards", before, after)
    for number, sight in enumerate(sights):
        name, *values = _sight(sight)
        made.add_row("" if number else Text(MARK, "bold red"), name, *values)
    return made


def behaviour_data(found: Behaviour, before: Profile, after: Profile) -> dict[str, Any]:
    """Return a comparison as data that JSON can hold; without the time, so that it is the same each time."""
    data = attrs.asdict(found, filter=attrs.filters.exclude("shortest", "plain", "seconds"))
    data |= {"verdict": found.verdict, "shortest": None, "plain": None}
    for key in ("shortest", "plain"):
        told: Told | None = getattr(found, key)
        if told is not None:
            data[key] = _told_data(told, before, after)
    return data


def text_of(*parts: RenderableType) -> str:
    """Return parts as they are printed to a file."""
    with redirect_stdout(StringIO()) as printed:
        show(*parts)
    return printed.getvalue()


def _told_data(told: Told, before: Profile, after: Profile) -> dict[str, Any]:
    made = programs(told.scenario, before, after)
    runs = replay(made[0], before, ()), replay(made[1], after, ())
    return {
        "text": list(_commands(told, runs)),
        "scenario": scenario_data(told.scenario),
        "sights": [dict(zip(("what", "before", "after"), _sight(s), strict=True)) for s in told.sights],
        "tokens": [encode(program) for program in made],
    }


def _tellings(found: Behaviour) -> Iterator[tuple[str, Told]]:
    """Yield the scenarios that are worth printing, with titles."""
    if found.shortest is not None:
        title = "The shortest scenario that was found" if found.random else "The shortest scenario"
        yield title, found.shortest
    if found.plain is not None and found.plain is not found.shortest:
        yield "The shortest scenario in which nothing unusual happens", found.plain


def _head(found: Behaviour) -> Text:
    told = found.shortest
    head = Text(f"{found.before} and {found.after}, {found.level}: ")
    head.append(found.verdict if told is None else "they differ", _STYLE[found.verdict])
    if told is not None:
        count = len(told.scenario.acts)
        head.append(f" after {count} {'command' if count == 1 else 'commands'}")
    elif found.bound:
        head.append(" within what was tried")
    return head


def _behaviour_facts(found: Behaviour) -> dict[str, str]:
    tried = f"{found.bound}; {found.scenarios:,} in {found.seconds:.1f} s" if found.bound else ""
    return {
        "compared": SEES[found.level],
        "system": f"preset {found.preset}; pages are tokens, each can get several compressed lengths",
        "commands": ", ".join(found.only),
        "no difference in" if found.shortest is not None else "tried": tried,
    }


def _facts(facts: dict[str, str]) -> RenderableType:
    made = table("", "")
    made.show_header = False
    for label, text in facts.items():
        if text:
            made.add_row(label, text)
    return made


def _commands(told: Told, runs: tuple[Timeline, Timeline]) -> Iterator[str]:
    """Yield the commands of a scenario, with what is unusual in their environments."""
    start = told.scenario.setting.text
    for number, act in enumerate(told.scenario.acts):
        moves = runs[0].moves[number], runs[1].moves[number]
        unusual = [_answered(act, index, moves, runs) for index in range(len(act.answers))]
        where = f"    where {', '.join(unusual)}" if unusual else ""
        begins = f"    (start: {start})" if not number and start != "tokens" else ""
        yield f"{describe(KINDS, act.command)}{where}{begins}"


def _answered(
    act: Act, index: int, moves: tuple[MoveRecord, MoveRecord], runs: tuple[Timeline, Timeline]
) -> str:
    """Write one unusual answer, and which side is never asked."""
    answered = act.answers[index]
    told = [_nth(move, answered.point, answered.time) for move in moves]
    text = next(_answer_text(answer) for answer in told if answer is not None)
    again = f" the {_ORDINALS.get(answered.time, f'{answered.time}th')} time" if answered.time > 1 else ""
    silent = [run.program.profile for run, answer in zip(runs, told, strict=True) if answer is None]
    return f"{text}{again}{f' ({silent[0]} does not ask)' if silent else ''}"


def _answer_text(answer: Answer) -> str:
    """Write an answer: what a compressor made of a page by its length, or its error."""
    if isinstance(answer.taken, Compressed):
        return f"{answer.choice} gives {answer.taken.length} bytes"
    if isinstance(answer.taken, CompressError):
        return f"{answer.choice} fails with errno {answer.taken.errno}"
    return answer_text(answer)


_ORDINALS = {2: "2nd", 3: "3rd"}


def _nth(move: MoveRecord, point: str, time: int) -> Answer | None:
    """Return the answer that a choice point got when it was asked for the nth time in a command."""
    told = [answer for step in move.steps for answer in step.answers if answer.choice == point]
    return told[time - 1] if time <= len(told) else None


def _sight(sight: Sight) -> tuple[str, str, str]:
    """Write something that looks different: of rows of events the first that do."""
    if sight.what != EVENTS:
        return sight.what, _value(sight.before), _value(sight.after)
    pairs = enumerate(zip((*sight.before, None), (*sight.after, None), strict=False), start=1)
    number, (before, after) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
    return f"event {number}", _event(before), _event(after)


def _value(value: Any) -> str:
    if value is None or value == ():
        return "nothing" if value is None else "empty"
    if isinstance(value, tuple) and value[0] == "on the device":
        return f"on the device, {brief(value[1])}"
    text = brief(value)
    return text if len(text) <= _LONG or " " in text else f"{text[: _LONG - 3]}..."


def _event(event: tuple[str, Sequence[tuple[str, Any]]] | None) -> str:
    if event is None:
        return "no more"
    name, fields = event
    return " ".join([name, *(f"{field}={brief(value)}" for field, value in fields)])


# --- endings of a scope -------------------------------------------------------------------------------------------


def endings_page(
    found: Endings, question: str, profile: Profile, words: str = "", *, unfold: bool = False
) -> list[RenderableType]:
    """Return the comparison of a scope's endings.

    question: of the scope.  profile: the one that has the ending.  words: of the command line that choose it.
    unfold: print every step of the run.
    """
    sides = found.before, found.after
    head = Text(f"{found.scope} on {sides[0].profile} and {sides[1].profile}, {found.level}: ")
    head.append("they differ" if found.verdict == "differ" else found.verdict, _STYLE[found.verdict])
    head.append(f", {found.why}")
    facts = {"compared": f"{SEES[found.level]}{'; not events' * (found.level == 'strict')}"}
    facts |= {side.profile: _explored(side) for side in sides} | {"time": f"{found.seconds:.1f} s"}
    parts: list[RenderableType] = [head, "", _facts(facts)]
    if found.run is None:
        return [head, Text(question, "italic"), *parts[1:]]
    if found.sights:
        parts += ["", _ending_title(found, sides), sights_table(found.sights, *(s.profile for s in sides))]
    parts += ["", *lanes_page(of_rerun(rerun(found.run, profile)), unfold=unfold), ""]
    return [*parts, Unbroken(f"again: refmodel replay {encode_run(found.run)}{words}")]


def endings_data(found: Endings) -> dict[str, Any]:
    """Return the comparison of a scope's endings as data that JSON can hold."""
    data = attrs.asdict(found, filter=attrs.filters.exclude("run", "sights", "seconds"))
    data["sights"] = [dict(zip(("what", "before", "after"), _sight(s), strict=True)) for s in found.sights]
    return data | {"token": encode_run(found.run) if found.run is not None else None}


def _ending_title(found: Endings, sides: Sequence[Explored]) -> Text:
    other = next(side.profile for side in sides if side.profile != found.only)
    return Text(f"An ending of {found.only} alone, and the one of {other} that is most like it", "bold")


def _explored(side: Explored) -> str:
    stopped = f", {side.stopped}" if side.stopped else ""
    return f"{side.states:,} states, {side.endings:,} endings{stopped}"
