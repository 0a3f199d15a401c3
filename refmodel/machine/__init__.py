"""The machine: operations as explicit step machines over a system of components.

Nothing in this package knows a kernel word.  It gives the model its vocabulary — components and
their places, operations and steps, choice points, events — and the sequential runner.  Engines
that interleave, explore or explain build on the same definitions.
"""

from refmodel.machine.choice import ChoicePoint, first_answer
from refmodel.machine.component import component, evolve
from refmodel.machine.layout import Layout, Place
from refmodel.machine.operation import Call, Next, Operation, Return, Wait, step
from refmodel.machine.run import Execution, WouldBlock, run
from refmodel.machine.view import Event, View

__all__ = [
    "Call",
    "ChoicePoint",
    "Event",
    "Execution",
    "Layout",
    "Next",
    "Operation",
    "Place",
    "Return",
    "View",
    "Wait",
    "WouldBlock",
    "component",
    "evolve",
    "first_answer",
    "run",
    "step",
]
