"""Reading the source of functions: their syntax trees, and what the names in them stand for.

Introspection works on source, because source holds what running cannot show: the branches that were not
taken, and every choice point that a step might reach.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable
from functools import cache
from tokenize import TokenError
from types import CodeType, FunctionType
from typing import Any

import attrs

Function = Callable[..., Any]
"""A function that was written in Python."""

MISSING: Any = object()
"""What a name stands for when only running the function would tell."""


class NoSource(OSError):
    """The source of a function cannot be read, or is no longer what was loaded."""


@cache
def definition(function: Function) -> ast.FunctionDef:
    """Return the syntax tree of a function.

    Raises NoSource when its file is not there, or was edited since it was loaded.
    """
    name = f"{function.__module__}.{function.__qualname__}"
    try:
        tree = _parsed(function)
    except OSError as error:
        raise NoSource(
            f"source of {name}: {error}; expected its Python file; install the package again"
        ) from error
    except (SyntaxError, TokenError):
        tree = ast.Pass()
    if not isinstance(tree, ast.FunctionDef) or tree.name != function.__name__:
        raise NoSource(
            f"source of {name}: another text stands there, the file was edited meanwhile; start again"
        )
    return tree


def _parsed(function: Function) -> ast.stmt:
    """Return the statement that a function is, without a tokenizer where its code tells on which line it ends."""
    made: Any = inspect.unwrap(function)
    file, first = made.__code__.co_filename, made.__code__.co_firstlineno - 1
    linecache.checkcache(file)
    lines = linecache.getlines(file, made.__globals__)
    if not lines:
        raise OSError("could not get source code")
    try:
        text = "".join(lines[first : _last_line(made.__code__)])
        return ast.parse(textwrap.dedent(text)).body[0]
    except SyntaxError:  # no more than a docstring, which leaves no code behind
        return ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]


def _last_line(code: CodeType) -> int:
    """Return the number of the last line that code stands in."""
    inner = [_last_line(each) for each in code.co_consts if isinstance(each, CodeType)]
    return max(inner + [end for _, end, _, _ in code.co_positions() if end])


def method(classes: tuple[type, ...], name: str) -> tuple[Function, type] | None:
    """Return the first definition of a method in a row of classes, with the class that defines it."""
    for cls in classes:
        found = vars(cls).get(name)
        if isinstance(found, FunctionType):
            return found, cls
    return None


def _is_super(node: ast.expr) -> bool:
    """Whether an expression is ``super()``."""
    match node:
        case ast.Call(ast.Name("super"), [], []):
            return True
    return False


@attrs.frozen(eq=False)
class Callee:
    """What a call leads to.

    cls: the class of the object that it is a method of, None for a plain function.  definer: the class in
    whose body the method stands.  positional: its arguments, the object itself included.
    """

    function: Function
    cls: type | None
    definer: type | None
    positional: list[ast.expr]
    keywords: list[ast.keyword]

    def arguments(self) -> dict[str, ast.expr]:
        """Return the arguments by the names of the parameters."""
        names = [parameter.arg for parameter in definition(self.function).args.args]
        named = {keyword.arg: keyword.value for keyword in self.keywords if keyword.arg}
        return dict(zip(names, self.positional, strict=False)) | named


@attrs.frozen(eq=False)
class Frame:
    """A function in the middle of being read.

    view: the parameter that holds the view, "" if none does.  cls, definer: as in ``Callee``.
    own_name: the parameter that holds the object, by custom ``self``; "" in a plain function.
    """

    function: Function
    view: str
    cls: type | None = None
    definer: type | None = None
    own_name: str = attrs.field(init=False)

    @own_name.default
    def _own_name(self) -> str:
        parameters = definition(self.function).args.args
        return parameters[0].arg if self.cls and parameters else ""

    def is_own(self, node: ast.expr) -> bool:
        """Whether an expression is the object itself."""
        return isinstance(node, ast.Name) and node.id == self.own_name

    def is_view(self, node: ast.expr) -> bool:
        """Whether an expression is the view."""
        return isinstance(node, ast.Name) and node.id == self.view

    def value(self, node: ast.expr) -> Any:
        """Return what a dotted name stands for outside the function, or MISSING."""
        if isinstance(node, ast.Name):
            names: dict[str, Any] = getattr(self.function, "__globals__", {})
            return names.get(node.id, MISSING)
        if isinstance(node, ast.Attribute):
            holder = self.value(node.value)
            return MISSING if holder is MISSING else getattr(holder, node.attr, MISSING)
        return MISSING

    def callee(self, node: ast.Call) -> Callee | None:
        """Return what a call leads to, or None if it is no function of Python or not known from here."""
        found = self._method(node.func)
        if found is not None:
            function, definer = found
            return Callee(function, self.cls, definer, [ast.Name(self.own_name), *node.args], node.keywords)
        target = self.value(node.func)
        if isinstance(target, FunctionType):
            cls = self.cls if node.args and self.is_own(node.args[0]) else None
            return Callee(target, cls, cls, node.args, node.keywords)
        constructor = vars(target).get("__init__") if isinstance(target, type) else None
        if isinstance(constructor, FunctionType):
            return Callee(constructor, target, target, [ast.Name(""), *node.args], node.keywords)
        return None

    def enter(self, callee: Callee) -> Frame:
        """Return the frame of a called function."""
        view = next((name for name, given in callee.arguments().items() if self.is_view(given)), "")
        return Frame(callee.function, view, callee.cls, callee.definer)

    def _method(self, node: ast.expr) -> tuple[Function, type] | None:
        """Find what ``self.name`` or ``super().name`` is, and the class that defines it."""
        if not isinstance(node, ast.Attribute) or self.cls is None:
            return None
        classes = self.cls.__mro__
        if self.definer and _is_super(node.value):
            return method(classes[classes.index(self.definer) + 1 :], node.attr)
        return method(classes, node.attr) if self.is_own(node.value) else None
