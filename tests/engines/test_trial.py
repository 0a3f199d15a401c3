"""A trial runs commands and checks what can be checked."""

from typing import Any

import pytest

from refmodel.engines.command import Command
from refmodel.engines.environment import Scripted
from refmodel.engines.violation import BUILT_IN, Violation
from refmodel.kernel.crypto import CorruptData
from refmodel.kernel.memory import WritePage
from refmodel.kernel.zswap_load import KernelBug
from refmodel.profiles import Profile, profile
from refmodel.properties.property import history_property, state_property
from tests.engines import simple
from tests.engines.simple import (
    NO_COUNT,
    STORE,
    Circling,
    Forgetful,
    Idle,
    Raising,
    Waiting,
    trial,
    with_write,
)

WRITE, READ = Command("write", (0, 0, 2)), Command("read", (0, 0))


def first(which: Profile, *commands: Command) -> Violation | None:
    """Return the first violation of some commands, in an environment in which nothing fails."""
    made = trial(which)
    found = (made.do(command, Scripted()) for command in commands)
    return next((violation for violation in found if violation is not None), None)


def test_commands_that_break_nothing_are_silent() -> None:
    made = trial()

    assert [made.do(command, Scripted()) for command in (WRITE, READ)] == [None, None]
    assert made.value == 2
    assert made.commands == 2


def test_a_property_at_rest_that_does_not_hold_is_a_violation() -> None:
    violation = first(NO_COUNT, *(move.command for move in STORE))

    assert violation is not None
    assert (violation.property, violation.where) == ("ZS-1", "at rest")
    assert violation.sentence


def test_a_page_that_forgets_breaks_the_promise() -> None:
    violation = first(with_write(Forgetful), WRITE)

    assert violation is not None
    assert violation.property in ("ZS-19", "PROMISE")


@pytest.mark.parametrize(
    ("error", "property", "found"),
    [
        (LookupError("entry 3: used after it was freed"), "LIVE", "entry 3: used after it was freed"),
        (AssertionError(), "LIVE", "this does not hold: raise ERRORS[0]"),
        (KernelBug("zswap_decompress"), "BUG", "zswap_decompress"),
        (CorruptData("no page"), "PROMISE", "no page"),
        (ZeroDivisionError("by zero"), "DEFINED", "ZeroDivisionError: by zero"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_exception_in_a_step_is_a_violation(
    error: Exception, property: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which property is broken follows from its type."""
    monkeypatch.setattr(simple, "ERRORS", [error])

    assert first(with_write(Raising), WRITE) == Violation(
        property, BUILT_IN[property], found, "Raising.access"
    )


@pytest.mark.parametrize("stuck", [Waiting, Circling])
def test_an_operation_that_does_not_end_breaks_progress(stuck: type[WritePage]) -> None:
    violation = first(with_write(stuck), WRITE)

    assert violation is not None
    assert violation.property == "PROGRESS"


def test_a_kernel_that_stops_where_it_says_so_halts_the_run() -> None:
    """Damaged data stop 6.12: that is its answer, so nothing is broken and nothing more happens."""
    made = trial(profile("linux-6.12"))
    for command in STORE:
        made.do(command.command, Scripted())
    damaged = next(n for n in range(30) if _halts(made, n))

    assert made.halted
    assert damaged
    assert any(fault == "decompress" for _, _, fault in made.failed)
    assert made.do(WRITE, Scripted()) is None


def _halts(made: Any, position: int) -> bool:
    saved = made.save()
    assert made.do(READ, Scripted([0] * position + [1])) is None
    if not made.halted:
        made.restore(saved)
    return bool(made.halted)


def test_going_back_forgets_what_happened() -> None:
    made = trial()
    start = made.save()
    made.do(WRITE, Scripted([1]))

    assert made.run_faults == {"alloc_folio"}
    made.restore(start)
    assert made.run_faults == set()
    assert made.v.snapshot() == made.initial


def test_properties_of_every_step_are_checked_between_steps() -> None:
    """Where asked: the place of the violation names the step after which it was seen."""

    @state_property("CLEAN", source="test", bug="none", when="step")
    def no_page_table_entry(index: Any) -> str | None:
        """No page is mapped."""
        return "a page is mapped" if index.folios else None

    made = trial(properties=[no_page_table_entry], every_step=True)

    assert made.do(WRITE, Scripted()) == Violation(
        "CLEAN", "No page is mapped.", "a page is mapped", "after WritePage.anonymous"
    )


def test_properties_of_events_see_the_events_of_one_command() -> None:
    seen: list[list[str]] = []

    @history_property("SEEN", source="test", bug="none")
    def seen_all(events: Any, v: Any) -> str | None:
        """Everything is seen."""
        seen.append([name for name, _ in events])
        return None

    made = trial(properties=[seen_all])
    for each in STORE:
        made.do(each.command, Scripted())

    assert seen[0] == []
    assert "store" in seen[1]


def test_a_property_that_cannot_be_judged_does_not_hold() -> None:
    """The state is out of shape, and the property says with which error it was met."""

    @state_property("SHAPE", source="test", bug="none")
    def in_shape(index: Any) -> str | None:
        """The state is in shape."""
        return str(index.nothing)

    made = trial(with_write(Idle), [in_shape])
    violation = made.do(WRITE, Scripted())

    assert violation is not None
    assert violation.found.startswith("the state is out of shape: AttributeError")


def test_steps_and_failures_that_were_met_are_noted() -> None:
    made = trial()
    made.do(WRITE, Scripted([1]))

    names = {(cls.__name__, step.__name__) for cls, step in made.reached}
    assert ("WritePage", "anonymous") in names
    assert {(cls.__name__, step.__name__, fault) for cls, step, fault in made.failed} == {
        ("WritePage", "anonymous", "alloc_folio")
    }
    assert made.value == "out of memory"
