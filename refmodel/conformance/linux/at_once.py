"""Commands of several processes at once, each on a CPU of its own."""

from __future__ import annotations

import errno
from itertools import groupby
from typing import TYPE_CHECKING, Any

from refmodel.conformance.boundary import Broke, Line

if TYPE_CHECKING:
    from refmodel.conformance.linux.probes import Normaliser
    from refmodel.conformance.linux.setting import Setting


def worker_line(command: Line) -> str:
    """Return a command about a process or its pages as the process gets it."""
    op = command["op"]
    if op in ("fork", "reap"):
        return str(op)
    match op:
        case "write":
            arguments = f"{command['kind']} {command['seed']} {command.get('len', 4096)}"
        case "dirty":
            arguments = f"{command['off']} {command['val']}"
        case _:
            arguments = str(command.get("n", 1))
    return f"{op} {command['page']} {arguments}"


def at_once(setting: Setting, command: Line, normaliser: Normaliser, patience: float) -> Line:
    """Let processes run their commands at the same time, then come to rest, and say what is there.

    They begin together.  Refused where two of them are on the same CPU: what they do could not be told apart.
    normaliser: of the kernel's events.  patience: seconds for an answer.
    Raises Broke where a process died, GuestGone.
    """
    ops = sorted(command["ops"], key=lambda each: int(each["w"]))
    lists = {w: ";".join(worker_line(each) for each in mine) for w, mine in groupby(ops, lambda e: e["w"])}
    if len({setting.cpu_of(w) for w in lists}) < len(lists):
        lists = {}
    setting.at_gate += len(lists)
    asked = [f"&{w} together {setting.at_gate} {text}" for w, text in lists.items()]
    waited = [f"?{w}" for w in lists]
    answers = setting.machine.ask_all([*asked, *waited], patience) if lists else []
    done = dict(zip(lists, answers[len(asked) :], strict=True))
    told = {w: iter(_all(answer)) for w, answer in done.items()}
    results = [(each, next(told[each["w"]])) for each in command["ops"]] if lists else []
    return {
        "i": command["i"],
        "errno": next((r["errno"] for _, r in results if r["errno"]), 0) if lists else errno.EINVAL,
        "crcs": [result["crc"] for each, result in results if each["op"] == "read"] if lists else "unknown",
        **at_rest(setting, normaliser),
    }


def at_rest(setting: Setting, normaliser: Normaliser) -> Line:
    """Let everything come to rest; return the state of every page, counters and events."""
    counted, *seen, traced = setting.machine.ask_all(["counters", *setting.looks(), "trace"])
    return {
        "memory": [states_of(answer) for answer in seen],
        "counters": counted["counters"],
        "events": list(normaliser.events(traced["text"])),
    }


def _all(answer: Line) -> list[Line]:
    if "died" in answer:
        raise Broke("exit", "the answer", f"the guest's worker died of wait status {answer['died']}")
    found: list[Line] = answer["all"]
    return found


def states_of(answer: Line) -> list[Line]:
    """Return the states of pages in an answer, also of a single one."""
    states: Any = answer["state"]
    return states if isinstance(states, list) else [states]
