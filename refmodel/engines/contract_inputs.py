"""Random inputs for contracts: the same preconditions that CrossHair assumes, as strategies of Hypothesis.

The bounds are read off the preconditions, so that a contract says them once; what a bound does not say is filtered.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import islice, product
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample, Unsatisfiable
from hypothesis.strategies import SearchStrategy

from refmodel.engines.contract import Contract

Backend = Literal["hypothesis", "crosshair"]
"""Who thinks inputs up: Hypothesis at random, or CrossHair for Hypothesis, path by path."""

EXAMPLES: dict[Backend, int] = {"hypothesis": 50, "crosshair": 10}
"""Inputs for a contract, if nothing else is asked for."""

LENGTH = 8
"""Elements of a tuple whose preconditions do not bound it."""


NEAR = 16
"""How far from an end of its range a number counts as near."""


SMALL = 128
"""Values of a parameter that are tried one by one, to find the smallest."""

TRIED = 100_000
"""Inputs that are tried one by one, at most."""


class NoBackend(RuntimeError):
    """A backend is not installed."""


@attrs.frozen
class Tried:
    """What random inputs made of a contract.

    inputs: how many were tried.  broken: a condition that they broke, or "".  given: the smallest inputs that do.
    """

    contract: str
    inputs: int
    broken: str = ""
    given: tuple[tuple[str, str], ...] = ()


@attrs.define
class _Range:
    """What is known of a number: the least, the most, and the only values that it may have.

    elements: of a length, what is known of the elements beside each other.
    """

    low: int | None = None
    high: int | None = None
    only: tuple[Any, ...] = ()
    elements: Literal["any", "distinct", "descending"] = "any"

    def narrow(self, low: int | None, high: int | None) -> None:
        """Take another bound into account."""
        self.low = low if self.low is None or (low is not None and low > self.low) else self.low
        self.high = high if self.high is None or (high is not None and high < self.high) else self.high


def inputs(contract: Contract) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy of inputs that a contract admits, by parameter."""
    hints = get_type_hints(contract.function)
    hints.pop("return")
    trees = [ast.parse(text, mode="eval").body for text in contract.bounds]

    @st.composite
    def draw_all(draw: st.DrawFn) -> dict[str, Any]:
        drawn: dict[str, Any] = {}
        for name, hint in hints.items():
            bounds = _bounds(trees, {**contract.namespace, **drawn})
            drawn[name] = draw(_strategy(hint, name, bounds))
        return drawn

    return draw_all().filter(contract.admits)


def _unknown_inputs(contract: Contract) -> SearchStrategy[dict[str, Any]]:
    """Return inputs that do not depend on each other, as CrossHair wants its unknowns: it meets the rest by solving."""
    hints = get_type_hints(contract.function)
    hints.pop("return")
    bounds = _bounds([ast.parse(text, mode="eval").body for text in contract.bounds], contract.namespace)
    drawn = {name: _strategy(hint, name, bounds) for name, hint in hints.items()}
    return st.fixed_dictionaries(drawn).filter(contract.admits)


def try_inputs(
    contract: Contract, *, examples: int | None = None, seed: int = 0, backend: Backend = "hypothesis"
) -> Tried:
    """Call a contract with random inputs, and say which condition they break.

    examples: how many; by default 50, or 10 if CrossHair thinks them up.
    Hypothesis tries larger inputs than those that a proof goes through, where the contract says how large.
    Raises NoBackend where CrossHair is asked for and cannot be used by Hypothesis.
    """
    count, found = 0, ""

    smallest: dict[str, str] = {}

    @with_seed(seed)
    @settings(
        max_examples=examples or EXAMPLES[backend],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        backend=_backend(backend),
    )
    @given(inputs(contract) if backend == "hypothesis" else _unknown_inputs(contract))
    def run(drawn: Mapping[str, Any]) -> None:
        nonlocal count, found, smallest
        count += 1
        broken = contract.broken(drawn)
        if broken:
            found, smallest = broken[0], {name: repr(value) for name, value in drawn.items()}
            raise _Broken

    try:
        with contract.widened() if backend == "hypothesis" else nullcontext():
            run()
    except _Broken:
        return Tried(contract.name, count, found, tuple(smallest.items()))
    return Tried(contract.name, count)


class _Broken(Exception):
    """A condition does not hold."""


def smallest_inputs(contract: Contract, *, examples: int = 2000) -> dict[str, Any] | None:
    """Return the smallest inputs that break a condition of a contract, or None if none are found.

    Numbers and truth values are the smallest in the order of the parameters, as far as ``SMALL`` and ``TRIED`` reach;
    other inputs are as small as shrinking makes them.
    """
    small = (each for each in _in_order(contract) if contract.admits(each) and contract.broken(each))
    return next(small, None) or _shrunk(contract, examples)


def _shrunk(contract: Contract, examples: int) -> dict[str, Any] | None:
    """Return inputs that break a condition, as small as Hypothesis makes them, or None."""
    limits = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    try:
        return find(inputs(contract), lambda drawn: bool(contract.broken(drawn)), settings=limits)
    except (NoSuchExample, Unsatisfiable):
        return None


def _in_order(contract: Contract) -> Iterator[dict[str, Any]]:
    """Yield small inputs in the order of the parameters, if all of these are numbers and truth values."""
    hints = get_type_hints(contract.function)
    hints.pop("return")
    bounds = _bounds([ast.parse(text, mode="eval").body for text in contract.bounds], contract.namespace)
    if all(hint in (int, bool) for hint in hints.values()):
        ranges = [_small(hint, bounds.get(name, _Range())) for name, hint in hints.items()]
        for values in islice(product(*ranges), TRIED):
            yield dict(zip(hints, values, strict=True))


def _small(hint: type, known: _Range) -> Sequence[Any]:
    """Return the values of a number or truth value that are tried one by one: its least ones."""
    if hint is bool:
        return (False, True)
    if known.only:
        return sorted(known.only)
    low = known.low or 0
    return range(low, low + SMALL if known.high is None else min(low + SMALL, known.high + 1))


def _backend(backend: Backend) -> str:
    """Return the backend if Hypothesis has it."""
    from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS

    if backend == "crosshair":
        import importlib.util

        if importlib.util.find_spec("hypothesis_crosshair_provider") is None:
            raise NoBackend(
                "hypothesis-crosshair is not installed, so Hypothesis cannot ask CrossHair for inputs; "
                "install it with: pip install 'refmodel[contracts]'"
            )
        return "crosshair"
    assert backend in AVAILABLE_PROVIDERS
    return backend


# --- bounds ----------------------------------------------------------------------------------------------


def _bounds(trees: Sequence[ast.expr], names: Mapping[str, Any]) -> dict[str, _Range]:
    """Return the range of each number that preconditions bound by constants and by what is drawn already.

    names: values of both.
    The keys are parameters, ``len(name)`` for lengths, ``name[]`` for elements, ``name[].k`` for parts of them.
    A bound may be another parameter that is not drawn yet, so everything is read twice.
    """
    found: dict[str, _Range] = {}
    for tree in (*trees, *trees):
        _read(tree, names, {}, found)
    return found


def _read(
    node: ast.expr, names: Mapping[str, Any], local: Mapping[str, str], found: dict[str, _Range]
) -> None:
    match node:
        case ast.BoolOp(ast.And(), parts):
            for part in parts:
                _read(part, names, local, found)
        case ast.Compare(left, [ast.In()], [values]) if (subject := _subject(left, local)) is not None:
            found.setdefault(subject, _Range()).only = tuple(_value(values, names) or ())
        case ast.Compare(left, operators, right):
            _read_chain([left, *right], operators, names, local, found)
        case ast.Call(
            ast.Name("all"), [ast.GeneratorExp(body, [ast.comprehension(target, ast.Name(whole), [])])]
        ):
            _read(body, names, _elements(target, whole), found)
        case ast.Call(
            ast.Name("all"),
            [ast.GeneratorExp(ast.Compare(ast.Subscript(ast.Name(whole)), [operator], [ast.Subscript()]))],
        ):
            length = found.setdefault(f"len({whole})", _Range())
            length.elements = "distinct" if isinstance(operator, ast.NotEq) else "descending"


def _elements(target: ast.expr, whole: str) -> dict[str, str]:
    """Return what the variables of a loop over a parameter stand for."""
    match target:
        case ast.Name(name):
            return {name: f"{whole}[]"}
        case ast.Tuple(parts):
            return {part.id: f"{whole}[].{k}" for k, part in enumerate(parts) if isinstance(part, ast.Name)}
    return {}


def _read_chain(
    terms: list[ast.expr],
    operators: list[ast.cmpop],
    names: Mapping[str, Any],
    local: Mapping[str, str],
    found: dict[str, _Range],
) -> None:
    """Read ``low <= a <= b == c < high``: each name lies between the constants before and behind it."""
    if not all(isinstance(each, ast.Lt | ast.LtE | ast.Eq) for each in operators):
        return
    known = [_known(term, names, local, found) for term in terms]
    for at, term in enumerate(terms):
        subject = _subject(term, local)
        if subject is None or isinstance(_value(term, names), int):
            continue
        before, behind = known[:at], known[at + 1 :]
        if at < len(operators) and isinstance(operators[at], ast.Eq):
            before.append(known[at + 1])
        if at > 0 and isinstance(operators[at - 1], ast.Eq):
            behind.insert(0, known[at - 1])
        low = next((each.low for each in reversed(before) if each.low is not None), None)
        high = next((each.high for each in behind if each.high is not None), None)
        found.setdefault(subject, _Range()).narrow(low, high)


def _known(
    term: ast.expr, names: Mapping[str, Any], local: Mapping[str, str], found: Mapping[str, _Range]
) -> _Range:
    """Return what is known of a term so far: a constant is both bounds."""
    value = _value(term, names)
    if isinstance(value, int):
        return _Range(value, value)
    bound = found.get(_subject(term, local) or "", _Range())
    return _Range(min(bound.only), max(bound.only)) if bound.only else bound


def _subject(term: ast.expr, local: Mapping[str, str]) -> str | None:
    match term:
        case ast.Name(name):
            return local.get(name, name)
        case ast.Call(ast.Name("len"), [ast.Name(name)]):
            return f"len({name})"
    return None


def _value(term: ast.expr, names: Mapping[str, Any]) -> Any:
    """Return the value of a term in which nothing is left to be drawn, or None."""
    try:
        return eval(compile(ast.Expression(term), "bound", "eval"), dict(names))
    except Exception:
        return None


# --- strategies --------------------------------------------------------------------------------------------


def _strategy(hint: Any, name: str, bounds: Mapping[str, _Range]) -> SearchStrategy[Any]:
    """Return a strategy for a type, within the bounds of a parameter or of a part of it."""
    origin, parts = get_origin(hint), get_args(hint)
    known = bounds.get(name, _Range())
    if known.only:
        return st.sampled_from(known.only)
    if hint is int:
        return _numbers(bounds.get(name, bounds.get(f"{name.partition('[')[0]}[]", known)))
    if origin in (Union, types.UnionType):
        return st.one_of([_strategy(part, name, bounds) for part in parts])
    if origin in (tuple, list) and (origin is list or parts[-1] is Ellipsis):
        length = bounds.get(f"len({name})", _Range(0, LENGTH))
        drawn = st.lists(
            _strategy(parts[0], f"{name}[]", bounds),
            min_size=length.low or 0,
            max_size=LENGTH if length.high is None else length.high,
            unique=length.elements == "distinct",
        )
        if length.elements == "descending":
            drawn = drawn.map(partial(sorted, reverse=True))
        return drawn if origin is list else drawn.map(tuple)
    if origin is tuple:
        inside = name if name.endswith("[]") else f"{name}[]"
        return st.tuples(*(_strategy(part, f"{inside}.{k}", bounds) for k, part in enumerate(parts)))
    return st.from_type(hint)


def _numbers(known: _Range) -> SearchStrategy[int]:
    """Return a strategy of whole numbers that meets small ones and the ends more often than their share."""
    low, high = known.low, known.high
    if low is not None and high is not None and low > high:
        return st.nothing()
    if low is None or high is None or high - low < NEAR * 4:
        return st.integers(low, high)
    near = st.integers(low, low + NEAR), st.integers(high - NEAR, high)
    return st.one_of(near[0], st.integers(low, high), near[1])
