"""Expressions over a state: what a litmus file says about how things end.

A small part of Python, evaluated here and never by Python: comparisons, ``and``, ``or``, ``not``, ``in``, whole
numbers, texts, ``None``, ``True``, ``False``, tuples, attributes and indexes.  Names are threads (``reader[0]`` is
what the first command of thread reader returned) and components as reports name them (``tree[1]``,
``pte[0][0].slot``, ``zs.stored_pages``); an index may be an expression (``device[pte[0][0].slot]``).

A field of something that is not there is None, and so is the value of a command that never ran.  A page of
zeroes is 0.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.toml_file import nearest
from refmodel.kernel import state, vswap_state, zram_state
from refmodel.kernel.crypto import is_zero

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: lambda a, b: a == b,
    ast.IsNot: lambda a, b: a != b,
}

_FIELDS = sorted(
    {
        field.name
        for module in (state, vswap_state, zram_state)
        for cls in vars(module).values()
        if isinstance(cls, type) and attrs.has(cls)
        for field in attrs.fields(cls)
    }
)
"""Names that can stand behind a dot."""


class BadExpression(ValueError):
    """An expression that cannot be evaluated.

    found, expected, hint: what a message says.
    """

    def __init__(self, found: str, expected: str, hint: str = "") -> None:
        super().__init__(f"{found}; expected {expected}{f'; {hint}' if hint else ''}")
        self.found, self.expected, self.hint = found, expected, hint


Look = Callable[[int], Any]
"""Returns the component at a place."""


_PARTIAL: Any = object()
"""Where a name leads that is not a component yet, for example ``tree`` before its index."""


class Expression:
    """An expression over the components of a system and the results of threads.

    v: a system of the kind.  threads: names of the threads whose results can be asked for.

    mentions: names of the threads that it asks for.  named: places that it names as they are.
    Raises BadExpression for what is not of the language and for names that there are not.
    """

    def __init__(self, text: str, v: KernelView, threads: Sequence[str] = ()) -> None:
        self.text, self.threads = text, tuple(threads)
        self.places = _places(v)
        self.partial = {name[: link.start()] for name in self.places for link in re.finditer(r"[.\[]", name)}
        self.roots = sorted({re.split(r"[.\[]", name)[0] for name in self.places})
        try:
            self.tree = ast.parse(text, mode="eval").body
        except SyntaxError as error:
            raise BadExpression(f"{text!r}: {error.msg}", "an expression") from None
        self.mentions: dict[str, None] = {}
        links = (ast.unparse(n) for n in ast.walk(self.tree) if isinstance(n, ast.Attribute | ast.Subscript))
        self.named = [self.places[link] for link in links if link in self.places]
        for node in ast.walk(self.tree):
            self._check(node)

    def _check(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name):
            self._check_name(node.id)
        elif isinstance(node, ast.Attribute) and not self._is_field(node.attr):
            names = [*_FIELDS, *(name.rpartition(".")[2] for name in self.places)]
            raise BadExpression(f".{node.attr}", "a field of a component", nearest(node.attr, names))
        elif not isinstance(node, _LANGUAGE):
            raise BadExpression(
                f"{ast.unparse(node)!r}" if isinstance(node, ast.expr) else type(node).__name__, _WORDS
            )

    def _check_name(self, name: str) -> None:
        if name in self.threads:
            self.mentions[name] = None
        elif name not in self.roots:
            known = [*self.threads, *self.roots]
            raise BadExpression(f"unknown name {name}", "a thread or a component", nearest(name, known))

    def _is_field(self, name: str) -> bool:
        return name in _FIELDS or any(
            place.endswith(f".{name}") or f".{name}[" in place for place in self.places
        )

    def value(self, look: Look, results: Mapping[str, Sequence[Any]]) -> Any:
        """Return the value in a state.

        look: returns the component at a place.  results: what the commands of threads returned.
        Raises BadExpression where that cannot be, as in ``None < 1`` or for a place that there is not.
        """
        found = _Evaluation(self, look, results).value(self.tree)
        if found is _PARTIAL:
            raise BadExpression(f"{self.text!r}", "a component", "say which one with an index")
        return found


def _places(v: KernelView) -> dict[str, int]:
    """Return the places by name; of a row of one ``name[0]`` is a name, too."""
    names = {v.layout.name(place): place for place in range(len(v))}
    single = {*_singles(v.at)}
    rows = [family for family in v.layout.families if family.count == 1 and family.start not in single]
    return names | {f"{family.name}[0]": family.start for family in rows}


def _singles(at: Any) -> Iterator[int]:
    """Yield the places that are in no row."""
    for field in attrs.fields(type(at)):
        value = getattr(at, field.name)
        if attrs.has(type(value)):
            yield from _singles(value)
        elif isinstance(value, int):
            yield value


_LANGUAGE = (
    ast.BoolOp,
    ast.boolop,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.Compare,
    ast.cmpop,
    ast.Name,
    ast.expr_context,
    ast.Attribute,
    ast.Subscript,
    ast.Constant,
    ast.Tuple,
)
_WORDS = "comparisons, and, or, not, in, numbers, texts, None, True, False, tuples, attributes and indexes"


@attrs.frozen(eq=False)
class _Evaluation:
    """One evaluation of an expression."""

    of: Expression
    look: Look
    results: Mapping[str, Sequence[Any]]

    def value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Tuple():
                return tuple(self.value(item) for item in node.elts)
            case ast.BoolOp():
                return self._either(node)
            case ast.UnaryOp():
                return (
                    not self.value(node.operand)
                    if isinstance(node.op, ast.Not)
                    else -self.value(node.operand)
                )
            case ast.Compare():
                return self._compared(node)
        return _shown(self._path(node)[1])

    def _either(self, node: ast.BoolOp) -> bool:
        if isinstance(node.op, ast.And):
            return all(self.value(item) for item in node.values)
        return any(self.value(item) for item in node.values)

    def _compared(self, node: ast.Compare) -> bool:
        left = self.value(node.left)
        for op, other in zip(node.ops, node.comparators, strict=True):
            right = self.value(other)
            try:
                if not _COMPARE[type(op)](left, right):
                    return False
            except TypeError as error:
                raise BadExpression(f"{ast.unparse(node)!r}: {error}", "values that compare") from None
            left = right
        return True

    def _path(self, node: ast.expr) -> tuple[str, Any]:
        """Return the name of what a chain of indexes and attributes leads to, and what is there."""
        match node:
            case ast.Name() if node.id in self.of.threads:
                return "", self.results[node.id]
            case ast.Name():
                return self._next(node.id, _PARTIAL, lambda of: of)
            case ast.Attribute():
                text, of = self._path(node.value)
                return self._next(f"{text}.{node.attr}", of, lambda of: getattr(of, node.attr, None))
            case ast.Subscript():
                text, of = self._path(node.value)
                index = self.value(node.slice)
                return self._next(f"{text}[{index}]", of, lambda of: _item(of, index))
        return "", self.value(node)

    def _next(self, text: str, of: Any, inside: Callable[[Any], Any]) -> tuple[str, Any]:
        """Go one link further: to a component, into one, or towards one."""
        if text in self.of.places:
            return text, self.look(self.of.places[text])
        if of is not _PARTIAL:
            return text, inside(of)
        if text in self.of.partial:
            return text, _PARTIAL
        if "[None]" in text:
            return text, None
        known = [name for name in self.of.places if name.startswith(text.partition("[")[0])]
        raise BadExpression(f"{text} in {self.of.text!r}", f"one of {known[0]} to {known[-1]}")


def _item(of: Any, index: Any) -> Any:
    """Return an item of a tuple, None where there is none."""
    if not isinstance(of, Sequence) or not isinstance(index, int):
        return None
    return of[index] if -len(of) <= index < len(of) else None


def _shown(value: Any) -> Any:
    """Return a value as expressions compare it: every spelling of a page of zeroes is 0."""
    return 0 if isinstance(value, bytes) and is_zero(value) else value
