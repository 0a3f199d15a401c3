"""A run as a litmus file: who ran what, without the order, and which property that breaks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.scope import SMALL, STEPS_BACKGROUND, Scope
from refmodel.report.story import moments, of_rerun

if TYPE_CHECKING:
    from refmodel.engines.command import Command
    from refmodel.engines.rerun import Rerun


def litmus_text(rerun: Rerun) -> str:
    """Return the text of a litmus file.

    Every actor that ran commands becomes a thread that runs the same ones in the same order; only what failed may
    fail.  An exploration of the file then finds this run, or a shorter one.
    """
    scope, violation = rerun.run.scope, rerun.violation
    base, _, bug = rerun.run.profile.partition("+")
    question = (
        scope.question or f"Do these threads break {violation.property if violation else 'a property'}?"
    )
    lines = [f"# {violation.property}: {violation.sentence}"] if violation else []
    lines += [f"# With the bug {bug} put into the kernel."] if bug else []
    lines += [_pair("name", scope.name), _pair("question", question), _pair("profiles", [base])]
    lines += _table("system", _system(scope))
    for name, device in (("kcompressd", scope.kcompressd), ("zram", scope.zram)):
        lines += _table(name, _said(device)) if device is not None else []
    if scope.initial:
        lines += _table("initial", {"run": [_command(each) for each in scope.initial]})
    for name, commands in _threads(rerun):
        lines += ["", "[[thread]]", _pair("name", name), _pair("run", [_command(each) for each in commands])]
    lines += _table("environment", _environment(rerun))
    lines += _table("outcome", {"violation": violation.property if violation else "any"})
    return "\n".join(lines) + "\n"


def _table(name: str, pairs: dict[str, Any]) -> list[str]:
    return ["", f"[{name}]", *(_pair(key, value) for key, value in pairs.items())] if pairs else []


def _pair(key: str, value: Any) -> str:
    # What JSON writes for words, numbers, truth values and lists of them is what TOML writes.
    return f"{key} = {json.dumps(value)}"


def _command(command: Command) -> str:
    return f"{command.name}({', '.join(map(str, command.arguments))})"


def _system(scope: Scope) -> dict[str, Any]:
    sizes = ((f.name, getattr(scope.sizes, f.name)) for f in attrs.fields(type(SMALL)) if f.init)
    found: dict[str, Any] = {name: size for name, size in sizes if size != getattr(SMALL, name)}
    usual = attrs.fields_dict(Scope)
    for name in ("synchronous", "synchronous_writes", "enabled", "lengths", "batch"):
        value = getattr(scope, name)
        if value != usual[name].default:
            found[name] = list(value) if isinstance(value, tuple) else value
    return found


def _said(record: Any) -> dict[str, Any]:
    """Return the fields of a record that have a value."""
    return attrs.asdict(record, filter=lambda _, value: value is not None)


def _threads(rerun: Rerun) -> Iterator[tuple[str, list[Command]]]:
    """Yield the name of each actor that ran commands, with the commands."""
    kinds = [thread for thread in rerun.run.scope.threads for _ in range(thread.number)]
    for actor, thread in enumerate(kinds):
        turns = (record.turn for record in rerun.turns if record.turn.actor == actor)
        commands = [thread.commands[turn.start] for turn in turns if turn.start >= 0]
        if commands:
            yield rerun.actors[actor].replace(" ", "_"), commands


def _environment(rerun: Rerun) -> dict[str, Any]:
    scope = rerun.run.scope
    found: dict[str, Any] = {}
    failed = _failed(rerun)
    if failed:
        found["faults"] = failed
    if scope.fixed != attrs.fields_dict(Scope)["fixed"].default:
        found["fixed"] = list(scope.fixed)
    if scope.budget is not None:
        found["budget"] = scope.budget
    if scope.background != STEPS_BACKGROUND:
        found["background"] = list(scope.background)
    return found


def _failed(rerun: Rerun) -> list[str]:
    answers: Iterable[Any] = (each for m in moments(of_rerun(rerun)) for each in m.step.answers if each.index)
    return [name for name in dict.fromkeys(each.choice for each in answers) if name in rerun.run.scope.faults]
