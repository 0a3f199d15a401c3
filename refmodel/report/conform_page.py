"""What ``conform`` found: the program in two columns, the step that disagrees, and what was exercised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.conformance.boundary import UNKNOWN, Line
from refmodel.conformance.conform import Conformance, Coverage
from refmodel.conformance.lockstep import Answered
from refmodel.conformance.vectors import Outcome, state_text
from refmodel.report.terminal import Unbroken, table

STYLE = {"not refuted": "green", "refuted": "bold red", "undecided": "yellow"}


def page(found: Conformance, paths: Mapping[str, Path], again: str) -> list[RenderableType]:
    """Return the report.

    paths: of the saved files, by kind.  again: the command line that repeats the run.
    """
    head = f"{found.implementation} against {found.profile}, level {found.level}"
    parts: list[RenderableType] = [Text(head, "bold"), ""]
    if found.shrunk is not None:
        parts += [*_divergence(found), ""]
        parts += [Unbroken(f"saved: {kind:7} {path}") for kind, path in paths.items()]
        if "trace" in paths:
            parts.append(
                Unbroken(
                    f"check: refmodel validate {paths['trace']} --profile {found.profile} --level {found.level}"
                )
            )
        parts.append("")
    return [*parts, *_coverage(found.coverage), "", *_verdict(found, again)]


def data(found: Conformance, paths: Mapping[str, Path]) -> dict[str, Any]:
    """Return the report as data that JSON can hold."""
    made = attrs.asdict(found, filter=lambda attribute, _: attribute.name != "header")
    made["coverage"]["steps"] = len(found.coverage.steps)
    return {**made, "saved": {kind: str(path) for kind, path in paths.items()}}


def _verdict(found: Conformance, again: str) -> Iterator[RenderableType]:
    rate = found.commands / found.seconds if found.seconds and found.shrunk is None else 0
    speed = f", {rate:,.0f} commands a second" if rate else ""
    yield Text(
        f"{found.verdict}: {found.runs:,} programs, {found.commands:,} commands, seed {found.seed}{speed}",
        STYLE[found.verdict],
    )
    if found.verdict == "not refuted":
        yield "Nothing is proved: another seed or more seconds may find a divergence."
    if found.verdict == "undecided":
        yield "Every answer was unknown: nothing could be compared; let the implementation answer crc or post."
    yield Unbroken(f"again: {again}")


def _divergence(found: Conformance) -> Iterator[RenderableType]:
    assert found.shrunk is not None
    divergence, answered = found.shrunk.divergence, found.shrunk.answered
    made = table("#", "command", "implementation", "model")
    for number, each in enumerate(answered[:-1], start=1):
        made.add_row(str(number), command_text(each.command), answer_text(each), "the same")
    made.add_row(
        str(divergence.number),
        command_text(divergence.command),
        Text(divergence.implementation, "bold red"),
        Text(divergence.model, "bold"),
    )
    yield made
    yield ""
    yield f"command {divergence.number}, field {divergence.field}"
    yield f"the model's step: {divergence.step}"
    first = found.found
    if first is not None:
        yield (
            f"found at command {first.number} of a program after {found.found_after:.1f} s; "
            f"{len(answered)} commands left after {found.shrunk.replays} replays"
        )


def command_text(command: Line) -> str:
    """Return a command in a line, for example ``out w=0 page=1``."""
    words = [str(command["op"])]
    for key, value in command.items():
        if key == "fault":
            words.append(f"failing {value['site']} {value['nth']}")
        elif key not in ("op", "i"):
            words.append(f"{key}={value}")
    return " ".join(words)


def answer_text(each: Answered) -> str:
    """Return what an implementation answered, in a line."""
    words = []
    post = each.record.get("post", UNKNOWN)
    states = post if isinstance(post, list) else [post]
    if post != UNKNOWN:
        words.append(", ".join(state_text(state) for state in states))
    if each.record.get("errno", 0) not in (0, UNKNOWN):
        words.append(f"errno {each.record['errno']}")
    words += [f"{name} {change:+d}" for name, change in each.record.get("d", {}).items() if change != UNKNOWN]
    return "; ".join(words) or "done"


def _coverage(coverage: Coverage) -> Iterator[RenderableType]:
    yield f"commands: {_counts(coverage.commands)}"
    if coverage.faults:
        yield f"failures: {_counts(coverage.faults)}"
    yield f"states: {_counts(coverage.states)}"
    yield f"steps of the model that ran: {len(coverage.steps)}"
    if coverage.counters:
        yield f"counters compared: {len(coverage.counters)}"
    if coverage.unknown:
        yield f"left open by the implementation: {_counts(coverage.unknown)}"
    for kind, names in coverage.missing.items():
        yield f"missing {kind}: {', '.join(names)}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


def vectors_page(outcomes: Sequence[Outcome]) -> list[RenderableType]:
    """Return what became of vectors: those that failed, why others were skipped, and the totals."""
    parts: list[RenderableType] = []
    failed = [each for each in outcomes if each.verdict == "failed"]
    if failed:
        made = table("vector", "what it shows", "why it failed")
        for each in failed:
            made.add_row(each.file, each.what, each.why)
        parts += [made, ""]
    skipped: dict[str, int] = {}
    for each in outcomes:
        if each.verdict == "skipped":
            skipped[each.why] = skipped.get(each.why, 0) + 1
    parts += [f"skipped {count}: {why}" for why, count in skipped.items()]
    passed = sum(each.verdict == "passed" for each in outcomes)
    compared, unknown = sum(each.compared for each in outcomes), sum(each.unknown for each in outcomes)
    parts.append(
        f"{passed} passed, {len(failed)} failed, {sum(skipped.values())} skipped; "
        f"{compared:,} values compared, {unknown:,} unknown"
    )
    return parts
