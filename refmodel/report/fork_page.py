"""What else could have happened at a turn of a run, printed: a line and a token for each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.forks import Fork
from refmodel.engines.rerun import Waiting
from refmodel.engines.schedule_token import encode_run
from refmodel.report.terminal import Unbroken
from refmodel.report.timeline import answer_text


def fork_page(
    found: Sequence[Fork], waiting: Sequence[Waiting], number: int, options: str
) -> list[RenderableType]:
    """Return a line for each thing that can happen at a turn, with the token that leads there.

    number: of the turn.  options: words of the command line that choose the profile again.
    """
    lines = [_line(fork) for fork in found]
    width = max(map(len, lines), default=0)
    parts: list[RenderableType] = [
        Text(f"What can happen at turn {number}; * is what the run does", "bold"),
        Unbroken(f"continue with: refmodel replay TOKEN{options}"),
        "",
    ]
    for fork, line in zip(found, lines, strict=True):
        mark = "*" if fork.taken else " "
        parts.append(Unbroken(f"{mark} {line.ljust(width)}  {encode_run(fork.run)}"))
    parts += [f"  {each.name} waits in {each.step} for {each.what}" for each in waiting]
    return parts if found or waiting else [*parts, "  nothing: all threads have come to their end"]


def _line(fork: Fork) -> str:
    """Write who does what, what the environment decides, and what that breaks."""
    record = fork.record
    begins = f" starts {record.label}," if record.label else ""
    answers = "".join(
        f", {answer_text(each)}" for step in record.steps for each in step.answers if each.index
    )
    breaks = f", which breaks {fork.violation.property}" if fork.violation else ""
    return f"{record.actor}{begins} {fork.step}{answers}{breaks}"
