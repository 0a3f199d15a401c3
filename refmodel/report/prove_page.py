"""What became of contracts, printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.compare_decisions import Comparison
from refmodel.engines.contract import Contract
from refmodel.engines.contract_inputs import Tried
from refmodel.engines.prove import Progress, Proof, Tooth
from refmodel.engines.symbolic import Answer, Verdict
from refmodel.report.terminal import table

if TYPE_CHECKING:
    from rich.table import Table

VERDICTS: tuple[Verdict, ...] = ("confirmed", "no counterexample", "refuted", "could not run")

_COLOURS = {
    "confirmed": "green",
    "refuted": "bold red",
    "could not run": "red",
    "no counterexample": "yellow",
}
_WORDS = {"confirmed": "confirmed over all paths", "no counterexample": "no counterexample found"}


def progress_line(progress: Progress) -> str:
    """Return how far a proof has come, in one line."""
    return f"{progress.done} of {progress.all}, {progress.good} {progress.word}"


def page(proof: Proof, *, full: bool) -> list[RenderableType]:
    """Return a row for each area, then every contract that is not confirmed, or all if ``full``, then the totals."""
    rows = list(_by_contract(proof))
    told = [row for row in rows if full or any(each.verdict != "confirmed" for each in row[1])]
    parts: list[RenderableType] = [_areas(proof), ""]
    for contract, answers in told:
        parts += [*_contract(contract, answers), ""]
    return [*parts, *totals(proof)]


def totals(proof: Proof) -> list[str]:
    """Return how many conditions there are, what became of them, and what that took."""
    counts = ((verdict, len(proof.with_verdict(verdict))) for verdict in VERDICTS)
    kinds = ", ".join(f"{number} {_WORDS.get(verdict, verdict)}" for verdict, number in counts if number)
    seconds = [each.seconds for each in proof.answers]
    return [
        f"{len(proof.contracts)} contracts, {len(proof.answers)} conditions: {kinds}",
        f"CPU for a condition: median {median(seconds):.2f} s, longest {max(seconds):.1f} s; "
        f"all of them {sum(seconds):.0f} s, in {proof.wall:.0f} s",
    ]


def teeth_page(teeth: Sequence[Tooth]) -> list[RenderableType]:
    """Return a row for each twin: what it does wrong, and which input gives it away."""
    made = table("contract and its wrong twins", "refuted by")
    for name, group in groupby(teeth, key=lambda tooth: tooth.contract.name):
        made.add_row(Text(name, "bold"), "")
        for tooth in group:
            found = tooth.broken[0] if tooth.broken else None
            missing = "nothing" if tooth.verdict == "confirmed" else "nothing in the time"
            by = ", ".join(f"{name}={value}" for name, value in found.inputs) if found else missing
            made.add_row(f"  {tooth.twin.sentence}", Text(by, "" if found else "bold red"))
    toothless = [tooth for tooth in teeth if not tooth.broken]
    return [made, "", f"{len(teeth) - len(toothless)} of {len(teeth)} wrong versions refuted"]


def data(proof: Proof) -> dict[str, Any]:
    """Return a proof as data that JSON can hold."""
    return {
        "verdict": proof.verdict,
        "seconds_a_condition": proof.seconds,
        "wall_seconds": proof.wall,
        **{verdict.replace(" ", "_"): len(proof.with_verdict(verdict)) for verdict in VERDICTS},
        "contracts": [
            {
                "name": contract.name,
                "sentence": contract.sentence,
                "source": contract.facts["Source"],
                "requirement": contract.facts["Requirement"],
                "bounds": list(contract.bounds),
                "constants": _constants(contract),
                "random": dict(contract.sizes),
                "conditions": [_answer_data(each) for each in answers],
            }
            for contract, answers in _by_contract(proof)
        ],
    }


def teeth_data(teeth: Sequence[Tooth]) -> list[dict[str, Any]]:
    """Return what became of twins as data that JSON can hold."""
    return [
        {
            "contract": tooth.contract.name,
            "twin": tooth.twin.name,
            "sentence": tooth.twin.sentence,
            "refuted": bool(tooth.broken),
            "verdict": tooth.verdict,
            "broken": [_answer_data(each) for each in tooth.broken],
        }
        for tooth in teeth
    ]


def diff_page(compared: Sequence[Comparison]) -> list[RenderableType]:
    """Return each comparison with what was found, and for different versions the smallest input and both answers."""
    parts: list[RenderableType] = []
    for each in compared:
        facts, bounds = each.contract.facts, " and ".join(each.contract.bounds)
        words = "alike over all paths" if each.found == "alike" else each.found
        expected = "" if each.expected else f", expected {facts.get('Expect', 'nothing')}"
        parts += [Text(each.contract.name, "bold"), f"  {each.contract.sentence}"]
        parts.append(Text(f"  {words}{expected}", "green" if each.expected else "bold red"))
        if each.inputs:
            shown = ", ".join(f"{name}={value}" for name, value in each.inputs)
            former, later = each.contract.versions
            parts.append(f"  first for {shown}: {each.first} in {former}, {each.second} in {later}")
        else:
            parts.append(f"  for all inputs with {bounds}")
        parts.append("")
    right = sum(each.expected for each in compared)
    return [*parts, f"{len(compared)} comparisons, {right} as expected"]


def diff_data(compared: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Return comparisons as data that JSON can hold."""
    return [
        {
            "name": each.contract.name,
            "sentence": each.contract.sentence,
            "versions": list(each.contract.versions),
            "bounds": list(each.contract.bounds),
            "found": each.found,
            "expected": each.contract.facts.get("Expect"),
            "inputs": dict(each.inputs),
            "first": each.first,
            "second": each.second,
            "seconds": each.seconds,
        }
        for each in compared
    ]


def tried_progress(found: Sequence[Tried], all_: int) -> Progress:
    """Return how far a check of contracts has come."""
    return Progress(len(found), all_, sum(not each.broken for each in found), "not refuted")


def tried_page(found: Sequence[Tried]) -> list[RenderableType]:
    """Return the contracts that random inputs broke, each with the smallest, and how many inputs were tried."""
    parts: list[RenderableType] = []
    for each in found:
        if each.broken:
            shown = ", ".join(f"{name}={value}" for name, value in each.given)
            parts += [Text(each.contract, "bold red"), f"  for {shown} it does not hold: {each.broken}", ""]
    broken = sum(bool(each.broken) for each in found)
    tried = f"{len(found)} contracts, {sum(each.inputs for each in found):,} inputs"
    return [*parts, f"{tried}: {f'{broken} refuted' if broken else 'none refuted'}"]


def tried_data(found: Sequence[Tried]) -> list[dict[str, Any]]:
    """Return what inputs made of contracts as data that JSON can hold."""
    return [attrs.asdict(each) | {"given": dict(each.given)} for each in found]


def _answer_data(answer: Answer) -> dict[str, Any]:
    return attrs.asdict(answer, filter=attrs.filters.exclude("contract")) | {"inputs": dict(answer.inputs)}


def _by_contract(proof: Proof) -> Iterator[tuple[Contract, list[Answer]]]:
    for contract in proof.contracts:
        yield contract, [each for each in proof.answers if each.contract == contract.name]


def _areas(proof: Proof) -> Table:
    made = table("area", "contracts", "conditions", *VERDICTS, "CPU s")
    made.columns[0].no_wrap = True
    for column in made.columns[1:]:
        column.justify = "right"
    for area, group in groupby(_by_contract(proof), key=lambda row: row[0].area):
        rows = list(group)
        answers = [each for _, found in rows for each in found]
        counts = [sum(each.verdict == verdict for each in answers) for verdict in VERDICTS]
        seconds = f"{sum(each.seconds for each in answers):.1f}"
        made.add_row(area, str(len(rows)), str(len(answers)), *(str(n) if n else "" for n in counts), seconds)
    return made


def _contract(contract: Contract, answers: Sequence[Answer]) -> Iterator[RenderableType]:
    """Yield what a contract says, for which inputs, and what became of each condition."""
    yield Text(contract.name, "bold")
    yield f"  {contract.sentence}"
    yield f"  {contract.facts['Requirement']}: {contract.facts['Source']}"
    constants = "".join(f"; {name} = {value:,}" for name, value in _constants(contract).items())
    yield f"  for all inputs with {' and '.join(contract.bounds) or 'their types'}{constants}"
    if contract.sizes:
        yield f"  random inputs go on to {contract.facts['Random']}"
    for each in answers:
        words = Text(f"  {_WORDS.get(each.verdict, each.verdict)}", _COLOURS[each.verdict])
        yield words.append(f" in {each.seconds:.2f} s: {each.condition}", "default")
        if each.inputs:
            shown = ", ".join(f"{name}={value}" for name, value in each.inputs)
            yield f"    for {shown} it returns {each.returned}" if each.returned else f"    {shown}"
        if each.reason:
            yield f"    {each.reason}"
    if "Open" in contract.facts:
        yield f"  open: {contract.facts['Open']}"


def _constants(contract: Contract) -> dict[str, int]:
    """Return the constants that the bounds name, with their values."""
    names = dict.fromkeys(re.findall(r"\b[A-Z][A-Z_]+\b", " ".join(contract.bounds)))
    values = {name: contract.namespace.get(name) for name in names}
    return {name: value for name, value in values.items() if isinstance(value, int)}
