"""What a step may touch: the choices, events, counters and components that its code names.

The code of a step is read, not run, together with every function that it hands its view to.  So the answer
covers all branches; it is a bound of what one run does.
"""

from __future__ import annotations

import ast

import attrs

from refmodel.machine.choice import ChoicePoint
from refmodel.machine.source_code import Frame, Function, definition

Path = tuple[str, ...]
"""Where a place stands in the layout: ``v.at.lru[m][n]`` is ("lru",), ``v.at.vm.zswpin`` ("vm", "zswpin")."""


@attrs.define
class Footprint:
    """What code names, in the order in which it is read.  Dictionaries stand for ordered sets.

    counters: "group.name" of places that are incremented or decremented.
    reads, writes: names of component families.
    attributes: attributes of the operation itself, among them the steps that it may go on with.
    functions: all that was read, the step first.
    """

    choices: dict[ChoicePoint, None] = attrs.field(factory=dict)
    events: dict[str, None] = attrs.field(factory=dict)
    counters: dict[str, None] = attrs.field(factory=dict)
    reads: dict[str, None] = attrs.field(factory=dict)
    writes: dict[str, None] = attrs.field(factory=dict)
    attributes: dict[str, None] = attrs.field(factory=dict)
    functions: dict[Function, None] = attrs.field(factory=dict)


def footprint(frame: Frame) -> Footprint:
    """Read a step and all that it calls."""
    found = Footprint()
    _Reader(frame, {}, found, {}).read()
    return found


class _Reader(ast.NodeVisitor):
    """Reads one function.

    paths: what its local names stand for, as far as they are places or rows of places.
    seen: functions already read, with the places that they were given.
    """

    def __init__(
        self,
        frame: Frame,
        paths: dict[str, Path],
        found: Footprint,
        seen: dict[tuple[Function, tuple[tuple[str, Path], ...]], None],
    ) -> None:
        self.frame, self.paths, self.found, self.seen = frame, paths, found, seen

    def read(self) -> None:
        """Read the body, unless that was done before."""
        key = self.frame.function, tuple(sorted(self.paths.items()))
        if key not in self.seen:
            self.seen[key] = None
            self.found.functions[self.frame.function] = None
            for statement in definition(self.frame.function).body:
                self.visit(statement)

    # --- places -------------------------------------------------------------------------------------------

    def path(self, node: ast.expr) -> Path | None:
        """Return where the places that an expression stands for are."""
        match node:
            case ast.Name(name):
                return self.paths.get(name)
            case ast.Attribute(ast.Attribute(view, "at"), name) if self.frame.is_view(view):
                return (name,)
            case ast.Attribute(value, name):
                base = self.path(value)
                return (*base, name) if base else None
            case ast.Subscript(value) if not self.frame.is_view(value):
                return self.path(value)
            case ast.Call(ast.Name("getattr"), [value, _]):
                return self.path(value)
            case ast.IfExp(_, one, other):
                return self.path(one) or self.path(other)
        return None

    def row_path(self, node: ast.expr) -> Path | None:
        """Return where the places are that a loop goes through, also inside ``enumerate`` and the like."""
        if isinstance(node, ast.Call):
            return next((path for path in map(self.path, node.args) if path), None)
        return self.path(node)

    def bind(self, target: ast.expr, path: Path | None) -> None:
        """Remember what an assigned name stands for."""
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                if path:
                    self.paths[node.id] = path
                else:
                    self.paths.pop(node.id, None)

    # --- statements -----------------------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:
        """Read the value, then write."""
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)
            self.bind(target, self.path(node.value))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """Count, or read and write."""
        self.visit(node.value)
        path = self.component(node.target)
        if path and len(path) > 1 and isinstance(node.op, ast.Add | ast.Sub):
            self.found.counters[".".join(path)] = None
        elif path:
            self.found.reads[path[0]] = self.found.writes[path[0]] = None
        if isinstance(node.target, ast.Subscript):
            self.visit(node.target.slice)

    def visit_For(self, node: ast.For) -> None:
        """Go through a row of places."""
        self.visit(node.iter)
        self.bind(node.target, self.row_path(node.iter))
        for statement in (*node.body, *node.orelse):
            self.visit(statement)

    def _visit_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> None:
        for part in node.generators:
            self.visit(part.iter)
            self.bind(part.target, self.row_path(part.iter))
            for condition in part.ifs:
                self.visit(condition)
        for value in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self.visit(value)

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _visit_comprehension

    # --- expressions ----------------------------------------------------------------------------------------

    def component(self, node: ast.expr) -> Path | None:
        """Return the place that ``view[place]`` is about."""
        if isinstance(node, ast.Subscript) and self.frame.is_view(node.value):
            return self.path(node.slice)
        return None

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Read or write a component."""
        path = self.component(node)
        if path:
            found = self.found.writes if isinstance(node.ctx, ast.Store) else self.found.reads
            found[path[0]] = None
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Meet a choice point by its name."""
        self.meet(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Meet a choice point, or an attribute of the operation."""
        if self.frame.is_own(node.value):
            self.found.attributes[node.attr] = None
        if not self.meet(node):
            self.visit(node.value)

    def meet(self, node: ast.Name | ast.Attribute) -> bool:
        """Note a choice point."""
        value = self.frame.value(node)
        if isinstance(value, ChoicePoint):
            self.found.choices[value] = None
        return isinstance(value, ChoicePoint)

    def visit_Call(self, node: ast.Call) -> None:
        """Note an event; read the called function if it gets the view."""
        match node.func, node.args:
            case ast.Attribute(view, "emit"), [ast.Constant(str(name)), *_] if self.frame.is_view(view):
                self.found.events[name] = None
        self.generic_visit(node)
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        callee = self.frame.callee(node)
        if callee and (callee.cls is self.frame.cls is not None or any(map(self.frame.is_view, given))):
            paths = {name: path for name, value in callee.arguments().items() if (path := self.path(value))}
            _Reader(self.frame.enter(callee), paths, self.found, self.seen).read()
