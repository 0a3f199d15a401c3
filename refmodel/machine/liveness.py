"""Which local variables of an operation still matter at a step: live variables, read from the code.

A variable that no later step reads before it is written says nothing about the future.  Two operations in
flight that differ only in such variables are in the same state, and engines that compare states must see that.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

import attrs

from refmodel.machine.operation import Call, Operation
from refmodel.machine.remember import remembered
from refmodel.machine.source_code import Frame, Function, NoSource, definition, method


@attrs.frozen
class _Use:
    """What one step does with attributes.

    reads: those that it reads before it writes them.  writes: those that it sets on every way.
    next: steps that may come next.  called: steps that come after an operation that it calls.
    """

    reads: frozenset[str]
    writes: frozenset[str]
    next: frozenset[str]
    called: frozenset[str]


@remembered
def live_fields(cls: type[Operation]) -> dict[str, frozenset[str]]:
    """Return, for each step, the fields whose values matter when that step comes next.

    All fields matter where the source cannot be read.
    """
    fields = frozenset(field.name for field in attrs.fields(cls))
    try:
        uses = {name: _use(cls, name) for name in cls.step_names}
    except NoSource:
        return dict.fromkeys(cls.step_names, fields)
    live = {name: use.reads & fields for name, use in uses.items()}
    changed = True
    while changed:
        changed = False
        for name, use in uses.items():
            later = frozenset().union(*(live[step] for step in use.next))
            later |= frozenset().union(*(live[step] for step in use.called)) - {"result"}
            now = (use.reads | (later - use.writes)) & fields
            if now != live[name]:
                live[name], changed = now, True
    return live


def _use(cls: type[Operation], name: str) -> _Use:
    found = method(cls.__mro__, name)
    if found is None:
        raise NoSource(f"step {cls.__name__}.{name}: expected a function of Python")
    function, definer = found
    parameters = definition(function).args.args
    frame = Frame(function, parameters[1].arg if len(parameters) > 1 else "", cls, definer)
    reader = _Reader(frame)
    for statement in definition(function).body:
        reader.statement(statement)
    steps = {*cls.step_names}
    return _Use(
        frozenset(reader.reads),
        frozenset(reader.writes),
        frozenset(reader.reads & steps),
        frozenset(reader.called & steps),
    )


class _Reader:
    """Reads the statements of one function in order."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.reads: set[str] = set()
        self.writes: set[str] = set()
        self.called: set[str] = set()

    def statement(self, node: ast.stmt) -> None:
        """Note what a statement on the top level reads, then what it writes."""
        self.reads |= _loaded(self.frame, node, {}, self.called) - self.writes
        if isinstance(node, ast.Assign):
            self.writes |= {name for target in node.targets for name in self.own(target)} - self.reads

    def own(self, target: ast.expr) -> Iterable[str]:
        """Yield the attributes of the operation itself that an assignment sets."""
        parts = target.elts if isinstance(target, ast.Tuple) else (target,)
        return (p.attr for p in parts if isinstance(p, ast.Attribute) and self.frame.is_own(p.value))


def _loaded(frame: Frame, node: ast.AST, seen: dict[Function, None], called: set[str]) -> set[str]:
    """Return the attributes of the object that code reads, together with everything that it calls on it.

    The step that comes after a called operation is added to ``called`` instead.
    """
    found: set[str] = set()
    for inner in _walk(frame, node, called):
        if isinstance(inner, ast.Attribute) and frame.is_own(inner.value):
            if not isinstance(inner.ctx, ast.Store):
                found.add(inner.attr)
        elif isinstance(inner, ast.AugAssign):
            target: Any = inner.target
            if isinstance(target, ast.Attribute) and frame.is_own(target.value):
                found.add(target.attr)
        elif isinstance(inner, ast.Call):
            callee = frame.callee(inner)
            if callee and callee.cls is frame.cls and callee.function not in seen:
                seen[callee.function] = None
                found |= _loaded(frame.enter(callee), definition(callee.function), seen, called)
    return found


def _walk(frame: Frame, top: ast.AST, called: set[str]) -> Iterable[ast.AST]:
    """Yield a node and those below it that may read an attribute, but not the step after a called operation."""
    left: list[Any] = [top]
    while left:
        node = left.pop()
        cls = type(node)
        if cls in _READING:
            yield node
        if cls is ast.Call and frame.value(node.func) is Call:
            then = [*node.args[1:], *(k.value for k in node.keywords if k.arg == "then")]
            steps = [n for n in then if isinstance(n, ast.Attribute) and frame.is_own(n.value)]
            called.update(n.attr for n in steps)
            left += [c for c in (*node.args[:1], *(k.value for k in node.keywords)) if c not in steps]
            continue
        for name in _parts(cls):
            part = getattr(node, name)
            if type(part) is list:
                left += part
            else:
                left.append(part)


_READING = (ast.Attribute, ast.AugAssign, ast.Call)

_BARE = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.cmpop)


@remembered
def _parts(cls: type[Any]) -> tuple[str, ...]:
    """Return the fields of nodes in which others stand; none of what is no node, or has no node in it."""
    return () if not issubclass(cls, ast.AST) or issubclass(cls, _BARE) else cls._fields
