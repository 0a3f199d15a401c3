"""Runs as pytest functions."""

from typing import Any

import pytest

from refmodel.engines.interleaving import Turn
from refmodel.engines.replay import replay
from refmodel.engines.rerun import rerun
from refmodel.engines.schedule_token import ScheduledRun
from refmodel.engines.setting import TOKENS, Setting
from refmodel.engines.token import Program
from refmodel.museum import exhibit
from refmodel.report.pytest_text import pytest_text
from tests.engines.scheduled import TWINS, run_of
from tests.engines.simple import LINUX, STORE, move

Z06 = exhibit("Z06")
PROGRAM = Program(Z06.profile.name, "toy", Setting(TOKENS), (*STORE, move("read", 0, 0)))

TEXT = '''\
"""A run on linux-7.3."""

from refmodel.engines.command import Command
from refmodel.engines.interleaving import Turn
from refmodel.engines.known import known_profiles
from refmodel.engines.rerun import rerun
from refmodel.engines.schedule_token import ScheduledRun
from refmodel.engines.scope import Scope, Thread


def test_linux_7_3_holds() -> None:
    """Nothing is broken."""
    run = ScheduledRun(
        profile="linux-7.3",
        scope=Scope(
            name="twins",
            threads=(
                Thread(
                    name="task",
                    commands=(
                        Command("write", (0, 0, 2)),
                        Command("pageout", (0, 0, 1)),
                        Command("read", (0, 0)),
                    ),
                    free=True,
                    times=2,
                    number=2,
                ),
            ),
        ),
        schedule=(Turn(1, 0), *(Turn(1),) * 3, Turn(0, 1)),
    )
    violation = rerun(run, known_profiles()["linux-7.3"]).violation

    assert violation is None
'''


def ran(text: str) -> None:
    """Run the functions of a test file."""
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    for name, function in list(namespace.items()):
        if name.startswith("test_"):
            function()


def test_a_run_of_several_actors_is_a_test() -> None:
    started = run_of(LINUX, TWINS, ((1, 99),))
    run = ScheduledRun("linux-7.3", TWINS, (*started.schedule, Turn(0, 1)))
    text = pytest_text(run, rerun(run, LINUX).violation, change=None, known_bugs=False)

    assert text == TEXT
    ran(text)


def test_a_run_of_one_actor_is_a_test_that_asserts_the_violation() -> None:
    violation = replay(PROGRAM, Z06.profile).violation
    text = pytest_text(PROGRAM, violation, change=None, known_bugs=False)

    assert violation is not None
    assert violation.property in text
    ran(text)


def test_a_test_fails_where_nothing_is_broken() -> None:
    violation = replay(PROGRAM, Z06.profile).violation
    text = pytest_text(PROGRAM, violation, change=None, known_bugs=False)
    with pytest.raises(AssertionError):
        ran(text.replace('known_profiles()["linux-6.12+Z06"]', 'known_profiles()["linux-6.12"]'))


@pytest.mark.parametrize(
    ("change", "known_bugs", "source"),
    [
        (None, True, 'replay(run, profile("linux-6.12+Z06"))'),
        ("my_change.py", False, 'replay(run, subjects("my_change.py", False)["linux-6.12+Z06"])'),
    ],
)
def test_the_profile_is_chosen_as_on_the_command_line(
    change: str | None, known_bugs: bool, source: str
) -> None:
    assert source in pytest_text(PROGRAM, None, change=change, known_bugs=known_bugs)
