"""What can follow a step, and under which condition: read from the code of the step."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from types import ModuleType

import attrs

from refmodel.machine.choice import ChoicePoint
from refmodel.machine.operation import Call, Return, Wait
from refmodel.machine.source_code import Frame, definition


@attrs.frozen
class Successor:
    """One way on from a step.  The ways of a step are tried in order; the first whose guard holds is taken.

    guard: a condition in the words of the code, "" where nothing is left to ask.
    next: the name of a step, "call NAME", "call NAME then STEP", "return VALUE", "wait for WHAT" or
        "raise ERROR".
    """

    guard: str
    next: str


def successors(frame: Frame) -> tuple[Successor, ...]:
    """Return the ways on from a step, in the order in which its code asks for them."""
    ways = _Reader(frame, {}).block(definition(frame.function).body, ())
    return tuple(dict.fromkeys(Successor(_conjunction(guards), following) for guards, following in ways))


def _conjunction(guards: tuple[str, ...]) -> str:
    if len(guards) < 2:
        return "".join(guards)
    return " and ".join(f"({guard})" if " or " in guard else guard for guard in guards)


_SHORT = 40
"""Characters of a value that takes the place of its name in a guard, at most."""

Way = tuple[tuple[str, ...], str]


@attrs.define
class _Reader:
    """Reads one function.

    arguments: readable forms of what was handed to it.  assigned: last value of each local name.
    """

    frame: Frame
    arguments: dict[str, ast.expr]
    assigned: dict[str, ast.expr] = attrs.field(factory=dict)

    def block(self, statements: list[ast.stmt], guards: tuple[str, ...]) -> Iterator[Way]:
        """Yield the ways out of a row of statements."""
        for statement in statements:
            match statement:
                case ast.Assign([ast.Name(name)], value):
                    self.assigned[name] = value
                case ast.If(test, body, orelse):
                    yield from self.block(body, (*guards, *self.conditions(test)))
                    closed = () if _ends(body) else self.conditions(_negated(test))
                    yield from self.block(orelse, (*guards, *closed))
                case ast.While(test, body):
                    always = isinstance(test, ast.Constant)
                    yield from self.block(body, guards if always else (*guards, *self.conditions(test)))
                case ast.For(_, _, body) | ast.With(_, body):
                    yield from self.block(body, guards)
                case ast.Return(value) if value is not None:
                    yield from self.way(value, guards)
                case ast.Raise(error) if error is not None:
                    raised = error.func if isinstance(error, ast.Call) else error
                    yield guards, f"raise {self.text(raised)}"

    def way(self, node: ast.expr, guards: tuple[str, ...]) -> Iterator[Way]:
        """Yield the ways that a returned expression stands for."""
        match node:
            case ast.IfExp():
                for above, value in self.alternatives(node, guards):
                    yield from self.way(value, above)
            case ast.Name(name) if name in self.assigned:
                yield from self.way(self.assigned[name], guards)
            case ast.Call():
                yield from self.call(node, guards)
            case _:
                yield guards, self.text(node)

    def alternatives(
        self, node: ast.expr, guards: tuple[str, ...]
    ) -> Iterator[tuple[tuple[str, ...], ast.expr]]:
        """Yield the values that an expression may have, with the guards of each."""
        if not isinstance(node, ast.IfExp):
            yield guards, node
            return
        if self.known(node.test) is not False:
            yield from self.alternatives(node.body, (*guards, *self.conditions(node.test)))
        if self.known(node.test) is not True:
            yield from self.alternatives(node.orelse, guards)

    def call(self, node: ast.Call, guards: tuple[str, ...]) -> Iterator[Way]:
        """Yield the way that a Call, Return or Wait stands for, or the ways of a helper's result."""
        kind, given = self.frame.value(node.func), [*node.args, *(k.value for k in node.keywords)]
        callee = self.frame.callee(node) if kind not in (Call, Return, Wait) else None
        if kind is Call:
            then = f" then {self.text(given[1])}" if len(given) > 1 else ""
            yield guards, f"call {self.operation(given[0])}{then}"
        elif kind is Return:
            for above, value in self.alternatives(given[0], guards) if given else ():
                yield above, f"return {self.text(value)}"
            if not given:
                yield guards, "return"
        elif kind is Wait:
            yield guards, f"wait for {self.phrase(given[0])}"
        elif callee:
            arguments = {name: self.readable(value) for name, value in callee.arguments().items()}
            inner = _Reader(self.frame.enter(callee), arguments)
            yield from inner.block(definition(callee.function).body, guards)
        else:
            yield guards, self.text(node)

    def operation(self, node: ast.expr) -> str:
        """Return the name of the operation that an expression makes."""
        if isinstance(node, ast.Name) and node.id in self.assigned:
            return self.operation(self.assigned[node.id])
        return self.text(node.func if isinstance(node, ast.Call) else node)

    def phrase(self, node: ast.expr) -> str:
        """Return a formatted string as a person would read it, with its holes named."""
        match node:
            case ast.JoinedStr(parts):
                return "".join(map(self.phrase, parts))
            case ast.FormattedValue(value):
                return f"{{{self.text(value)}}}"
            case ast.Constant(str(text)):
                return text
        return self.text(node)

    def known(self, test: ast.expr) -> bool | None:
        """Return what a test comes to, if only constants were handed in."""
        made = self.readable(test)
        if any(isinstance(node, ast.Name | ast.Call) for node in ast.walk(made)):
            return None
        return bool(eval(ast.unparse(made), {}))

    def conditions(self, test: ast.expr) -> tuple[str, ...]:
        """Return what must hold for a test to be true: one text for each part of a conjunction."""
        if self.known(test):
            return ()
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
            return tuple(text for part in test.values for text in self.conditions(part))
        return (self.text(self.unfolded(test)),)

    def unfolded(self, test: ast.expr) -> ast.expr:
        """Put the value of a local name in its place, if it is a short call or a look-up."""
        match test:
            case ast.UnaryOp(ast.Not(), operand):
                return ast.UnaryOp(ast.Not(), self.unfolded(operand))
            case ast.Name(name):
                value = self.assigned.get(name)
                short = isinstance(value, ast.Call | ast.Subscript) and len(self.text(value)) <= _SHORT
                return value if value and short else test
        return test

    def readable(self, node: ast.expr) -> ast.expr:
        """Return an expression without what only the machine needs: the view, ``self``, module names."""
        made: ast.expr = _Readable(self.frame, self.arguments).visit(copy.deepcopy(node))
        return made

    def text(self, node: ast.expr) -> str:
        """Write an expression down."""
        return ast.unparse(self.readable(node))


class _Readable(ast.NodeTransformer):
    """Rewrites an expression in the words of the operation."""

    def __init__(self, frame: Frame, arguments: dict[str, ast.expr]) -> None:
        self.frame, self.arguments = frame, arguments

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace a parameter by what was handed in, a choice point by its name."""
        value = self.frame.value(node)
        return ast.Name(value.name) if isinstance(value, ChoicePoint) else self.arguments.get(node.id, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Drop ``self.``, ``view.at.`` and the like, and the names of modules."""
        value = self.frame.value(node)
        if isinstance(value, ChoicePoint):
            return ast.Name(value.name)
        if self.frame.is_own(node.value) or isinstance(self.frame.value(node.value), ModuleType):
            return ast.Name(node.attr)
        inner = node.value
        if isinstance(inner, ast.Attribute) and self.frame.is_view(inner.value):
            return ast.Name(node.attr)
        return self.generic_visit(node)  # type: ignore[return-value]  # a visitor's result is not typed

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Read ``view[place]`` as the place."""
        if self.frame.is_view(node.value):
            place: ast.expr = self.visit(node.slice)
            return place
        return self.generic_visit(node)  # type: ignore[return-value]  # a visitor's result is not typed

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Drop the view among the arguments; read ``view.fails(point)`` as a sentence."""
        match node.func:
            case ast.Attribute(view, "fails") if self.frame.is_view(view):
                return ast.Name(f"{ast.unparse(self.visit(node.args[0]))} fails")
        node.args = [given for given in node.args if not self.frame.is_view(given)]
        self.generic_visit(node)
        match node.args:
            case [ast.GeneratorExp() as only]:
                # ast.unparse would write two pairs of parentheses.
                node.args = [ast.Name(ast.unparse(only)[1:-1])]
        return node


_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


def _negated(test: ast.expr) -> ast.expr:
    match test:
        case ast.UnaryOp(ast.Not(), operand):
            return operand
        case ast.Compare(left, [operator], right):
            return ast.Compare(left, [_OPPOSITE[type(operator)]()], right)
    return ast.UnaryOp(ast.Not(), test)


def _ends(statements: list[ast.stmt]) -> bool:
    """Whether nothing after these statements is reached from them."""
    match statements[-1:]:
        case [ast.Return() | ast.Raise() | ast.Continue() | ast.Break()]:
            return True
        case [ast.If(_, body, orelse)]:
            return bool(orelse) and _ends(body) and _ends(orelse)
    return False
