"""Asking CrossHair whether one condition of a contract holds for all inputs.

The verdict is what CrossHair reports, never how its process ends.  A counterexample is believed only after the
contract was really called with it.
"""

from __future__ import annotations

import ast
import inspect
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import attrs

if TYPE_CHECKING:
    from crosshair.statespace import AnalysisMessage

    from refmodel.engines.contract import Contract

Verdict = Literal["confirmed", "no counterexample", "refuted", "could not run"]
"""Confirmed over all paths; looked for a counterexample and found none; found one; was not looked at."""

MISSING = "crosshair is not installed; install it with: pip install 'refmodel[contracts]'"


class NoCrossHair(RuntimeError):
    """CrossHair is not installed."""


@attrs.frozen
class Answer:
    """What is known of one condition.

    contract, condition: which one.  seconds: of CPU.  reason: why it could not run or was not confirmed, else "".
    inputs: a counterexample by parameter, as text.  returned: what the contract returned for it, or the exception.
    """

    contract: str
    condition: str
    verdict: Verdict
    seconds: float
    reason: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    returned: str = ""


def require_crosshair() -> None:
    """Raise NoCrossHair where CrossHair is not installed."""
    import importlib.util

    if importlib.util.find_spec("crosshair") is None:
        raise NoCrossHair(MISSING)


def ask(contract: Contract, seconds: float) -> Iterator[Answer]:
    """Yield an answer for each condition of a contract, with so many seconds of CPU for each."""
    from crosshair.core_and_libs import analyze_function
    from crosshair.options import AnalysisKind, AnalysisOptionSet

    options = AnalysisOptionSet(
        analysis_kind=[AnalysisKind.PEP316], per_condition_timeout=seconds, report_all=True
    )
    checkables = analyze_function(contract.function, options)
    if len(checkables) != len(contract.conditions):
        said = "; ".join(each.message for one in checkables for each in one.analyze())
        reason = f"CrossHair sees {len(checkables)} conditions of {len(contract.conditions)}: {said}"
        yield from (Answer(contract.name, each, "could not run", 0, reason) for each in contract.conditions)
        return
    for condition, checkable in zip(contract.conditions, checkables, strict=True):
        begin = time.process_time()
        try:
            messages = list(checkable.analyze())
        except Exception as error:
            reason = f"CrossHair failed: {type(error).__name__}: {error}"
            yield Answer(contract.name, condition, "could not run", time.process_time() - begin, reason)
            continue
        yield _answer(contract, condition, messages, time.process_time() - begin, seconds)


def _answer(
    contract: Contract, condition: str, messages: list[AnalysisMessage], seconds: float, limit: float
) -> Answer:
    """Read the report on a condition.

    seconds: of CPU that it took.  limit: that it could take.
    """
    if not messages:
        return Answer(contract.name, condition, "could not run", seconds, "CrossHair reports nothing")
    worst = max(messages, key=lambda message: message.state)
    match worst.state.name:
        case "CONFIRMED":
            return Answer(contract.name, condition, "confirmed", seconds)
        case "CANNOT_CONFIRM":
            return Answer(contract.name, condition, "no counterexample", seconds, "not all paths were tried")
        case "POST_FAIL" | "POST_ERR" | "EXEC_ERR":
            return _replayed(contract, condition, worst.message, seconds)
        case "PRE_UNSAT" if seconds >= limit:
            reason = "no input within the bounds was found in the time"
            return Answer(contract.name, condition, "no counterexample", seconds, reason)
    return Answer(contract.name, condition, "could not run", seconds, worst.message)


def _replayed(contract: Contract, condition: str, message: str, seconds: float) -> Answer:
    """Call the contract with a reported counterexample; one that does not repeat refutes nothing."""
    inputs = _inputs(contract, message)
    if inputs is None:
        return Answer(contract.name, condition, "could not run", seconds, f"unreadable: {message}")
    shown = tuple((name, repr(value)) for name, value in inputs.items())
    if not contract.admits(inputs) or condition not in contract.broken(inputs):
        reason = f"a counterexample did not repeat: {message}"
        return Answer(contract.name, condition, "could not run", seconds, reason, shown)
    return Answer(contract.name, condition, "refuted", seconds, "", shown, _returned(contract, inputs))


def _returned(contract: Contract, inputs: dict[str, Any]) -> str:
    try:
        return repr(contract.function(**inputs))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _inputs(contract: Contract, message: str) -> dict[str, Any] | None:
    """Return the arguments of the call that a message quotes: ``... when calling name(1, x=2) (which ...``."""
    _, found, call = message.partition(f"when calling {contract.function.__name__}(")
    ends = [at for at, letter in enumerate(call) if letter == ")"] if found else []
    for end in ends:
        try:
            tree = ast.parse(f"given({call[:end]})", mode="eval")
        except SyntaxError:
            continue
        bound = eval(
            compile(tree, message, "eval"),
            contract.namespace,
            {"given": inspect.signature(contract.function).bind},
        )
        return dict(bound.arguments)
    return None
