"""Contracts of decision functions: what a function promises for all inputs within bounds, and what would break it.

A contract is a function of a module in ``specs/contracts``.  It calls one decision of the model; its docstring says in
a sentence what has to hold, where that is from, and for which inputs (``pre:``).  Each ``post:`` is one condition on
the result ``_``.  These are the docstrings that CrossHair reads (PEP 316), so that no other form of them exists.

Beside each contract stand its twins: wrong versions of the decision, each of which has to break a condition.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, reduce
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar

import attrs

from refmodel.resources import specs_dir

Decision = TypeVar("Decision", bound=Callable[..., Any])

FOLDER = "contracts"
"""Where contracts stand in ``specs``."""

_CLAUSE = re.compile(r"(pre|post): (.+)")
_FACT = re.compile(r"(Source|Requirement|Open|Expect|Random|Versions): (.+)", re.DOTALL)
_SIZE = re.compile(r"(\w+) = (\d+)")
_PREFIX = "contracts_of_"


class BadContract(ValueError):
    """A module of contracts cannot be read; says which and why."""


class NoContract(LookupError):
    """A name fits no contract; says which names are near."""


@attrs.frozen(eq=False)
class Twin:
    """A wrong version of a decision.

    decision: what it stands in for.  function: the wrong version, which takes the same arguments.
    """

    decision: FunctionType
    function: FunctionType

    @property
    def name(self) -> str:
        """Name of the wrong version."""
        return self.function.__name__

    @property
    def sentence(self) -> str:
        """What is wrong with it."""
        return _paragraphs(self.function)[0]

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Have the model use the wrong version."""
        *path, name = self.decision.__qualname__.split(".")
        home: Any = reduce(getattr, path, sys.modules[self.decision.__module__])
        setattr(home, name, self.function)
        try:
            yield
        finally:
            setattr(home, name, self.decision)


@attrs.frozen(eq=False)
class Contract:
    """What a decision promises.

    area: the module of the contract.  function: calls the decision.  twins: wrong versions of it.
    """

    area: str
    function: FunctionType
    twins: tuple[Twin, ...]

    @property
    def name(self) -> str:
        """Area and name, as the command takes it."""
        return f"{self.area}.{self.function.__name__}"

    @cached_property
    def sentence(self) -> str:
        """What has to hold."""
        return _paragraphs(self.function)[0]

    @cached_property
    def facts(self) -> Mapping[str, str]:
        """Further paragraphs, by their first word.

        Source, Requirement.  Open: why it is not confirmed.  Random: sizes for random inputs.
        Versions: what is compared.  Expect: what is known of it.
        """
        matches = (_FACT.fullmatch(each) for each in _paragraphs(self.function)[1:])
        return {match[1]: match[2] for match in matches if match}

    @cached_property
    def bounds(self) -> tuple[str, ...]:
        """Preconditions: for which inputs it has to hold."""
        return _clauses(self.function, "pre")

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """Postconditions, each a condition by itself."""
        return _clauses(self.function, "post")

    @property
    def path(self) -> Path:
        """The file of its module."""
        return Path(self.namespace["__file__"])

    @property
    def versions(self) -> tuple[str, ...]:
        """What a comparison compares: two profiles, or whatever else has the decision; empty for a contract."""
        return tuple(self.facts["Versions"].split(" and ")) if "Versions" in self.facts else ()

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Constants of the module that are larger for random inputs, which need not be gone through to the end."""
        return {name: int(number) for name, number in _SIZE.findall(self.facts.get("Random", ""))}

    @contextmanager
    def widened(self) -> Iterator[None]:
        """Have the constants that bound the contract be as large as they are for random inputs."""
        before = {name: self.namespace[name] for name in self.sizes}
        self.namespace.update(self.sizes)
        try:
            yield
        finally:
            self.namespace.update(before)

    @cached_property
    def _compiled(self) -> tuple[list[CodeType], list[CodeType]]:
        return [_compile(each) for each in self.bounds], [_compile(each) for each in self.conditions]

    def admits(self, inputs: Mapping[str, Any]) -> bool:
        """Whether the preconditions hold for inputs, by parameter."""
        names = {**self.namespace, **inputs}
        return all(eval(code, names) for code in self._compiled[0])

    def broken(self, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the conditions that do not hold for inputs that are admitted; an exception breaks all of them."""
        try:
            result = self.function(**inputs)
            names = {**self.namespace, **inputs, "_": result}
            held = [eval(code, names) for code in self._compiled[1]]
        except Exception:
            return self.conditions
        return tuple(text for text, holds in zip(self.conditions, held, strict=True) if not holds)

    @property
    def namespace(self) -> dict[str, Any]:
        """What the conditions can name: the module of the contract."""
        return vars(sys.modules[self.function.__module__])


def breaks(contract: Callable[..., Any], decision: Decision) -> Callable[[Decision], Decision]:
    """Mark a function as a twin: a wrong version of a decision that a contract has to refuse.

    contract: the function of the contract, above in the same module.  decision: what the twin stands in for; both
    take the same arguments.
    """

    def mark(twin: Decision) -> Decision:
        assert isinstance(decision, FunctionType)
        assert isinstance(twin, FunctionType)
        vars(contract).setdefault("twins", []).append(Twin(decision, twin))
        return twin

    return mark


def shipped(folder: str = FOLDER) -> list[Path]:
    """Return the modules of contracts that come with refmodel, by name.

    folder: of ``specs``.
    """
    return sorted((specs_dir() / folder).glob("*.py"))


def load(path: Path) -> tuple[Contract, ...]:
    """Return the contracts of a module, in their order.

    Raises BadContract for a module that cannot be imported, has no contract, or has one that lacks something.
    """
    module = _module(path)
    functions = [each for each in vars(module).values() if _is_contract(each, module)]
    made = [Contract(path.stem, each, tuple(vars(each).get("twins", ()))) for each in functions]
    if not made:
        raise BadContract(f"{path}: no contract in it; expected functions with post: in their docstrings")
    for each in made:
        _check(each, path)
    return tuple(made)


def chosen(names: Sequence[str], folder: str = FOLDER) -> tuple[Contract, ...]:
    """Return the contracts that names mean, each once; without names all that come with refmodel.

    A name is an area, an area and a contract (``area.contract``), or the path of a module (``.py``).
    folder: of ``specs``.
    Raises NoContract for a name that fits nothing, and BadContract.
    """
    known = [each for path in shipped(folder) for each in load(path)]
    if not names:
        return tuple(known)
    found: dict[tuple[Path, str], Contract] = {}
    for name in names:
        fits = load(Path(name)) if name.endswith(".py") else _named(name, known)
        found |= {(each.path, each.name): each for each in fits}
    return tuple(found.values())


def _named(name: str, known: Sequence[Contract]) -> list[Contract]:
    fits = [each for each in known if name in (each.area, each.name)]
    if not fits:
        raise NoContract(_unknown(name, known))
    return fits


def _unknown(name: str, known: Sequence[Contract]) -> str:
    import difflib

    names = list(dict.fromkeys(text for each in known for text in (each.area, each.name)))
    near = difflib.get_close_matches(name, names, 1)
    areas = ", ".join(dict.fromkeys(each.area for each in known))
    return f"{name}: no contract of that name; " + (
        f"did you mean {near[0]}?" if near else f"areas are {areas}"
    )


def _module(path: Path) -> ModuleType:
    """Import a module from its file, once."""
    name = _PREFIX + re.sub(r"\W", "_", str(path.resolve()))
    known = sys.modules.get(name)
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadContract(f"{path}: not a Python module")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise BadContract(f"{path}: cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _is_contract(value: object, module: ModuleType) -> bool:
    mine = isinstance(value, FunctionType) and value.__module__ == module.__name__
    return mine and bool(_clauses(value, "post"))


def _check(contract: Contract, path: Path) -> None:
    for fact in ("Source", "Requirement"):
        if fact not in contract.facts:
            raise BadContract(f"{path}: {contract.function.__name__} does not say its {fact}")
    if "Random" in contract.facts and not contract.sizes:
        raise BadContract(f"{path}: {contract.function.__name__}: Random: expected NAME = NUMBER")
    for name in contract.sizes:
        if not isinstance(contract.namespace.get(name), int):
            raise BadContract(f"{path}: {contract.function.__name__}: Random: there is no number {name}")
    for name in (*inspect.signature(contract.function).parameters, "return"):
        if name not in contract.function.__annotations__:
            raise BadContract(f"{path}: {contract.function.__name__} does not say the type of {name}")
    for text in (*contract.bounds, *contract.conditions):
        try:
            unknown = _unknown_names(text, contract)
        except SyntaxError as error:
            raise BadContract(f"{path}: {contract.function.__name__}: {text}: {error.msg}") from error
        if unknown:
            raise BadContract(f"{path}: {contract.function.__name__}: {text}: there is no {unknown[0]}")


def _unknown_names(text: str, contract: Contract) -> list[str]:
    """Return the names in a condition that stand for nothing."""
    names = [node for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)} | {"_", "implies"}
    known = {*bound, *inspect.signature(contract.function).parameters, *contract.namespace, *vars(builtins)}
    return [node.id for node in names if node.id not in known]


def _paragraphs(function: object) -> list[str]:
    text = inspect.getdoc(function) or ""
    return [" ".join(each.split()) for each in re.split(r"\n\s*\n|\n(?=[A-Z][a-z]+: )", text)] or [""]


def _clauses(function: object, kind: str) -> tuple[str, ...]:
    lines = (inspect.getdoc(function) or "").splitlines()
    matches = (_CLAUSE.fullmatch(line.strip()) for line in lines)
    return tuple(match[2] for match in matches if match and match[1] == kind)


def _compile(text: str) -> CodeType:
    tree = _Implies().visit(ast.parse(text, mode="eval"))
    return compile(ast.fix_missing_locations(tree), text, "eval")


class _Implies(ast.NodeTransformer):
    """Makes ``implies(a, b)`` a word of conditions, as CrossHair does: b is looked at only where a holds."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Replace the call."""
        self.generic_visit(node)
        match node:
            case ast.Call(ast.Name("implies"), [condition, then]):
                return ast.IfExp(condition, then, ast.Constant(True))
        return node
