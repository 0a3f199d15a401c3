"""Runs as litmus files."""

from pathlib import Path

import attrs

from refmodel.engines.interleaving import Turn
from refmodel.engines.litmus import load_litmus
from refmodel.engines.rerun import rerun
from refmodel.engines.scope import SMALL
from refmodel.report.litmus_text import litmus_text
from tests.engines.scheduled import BROKEN, SCOPE, TWINS, run_of
from tests.engines.simple import LINUX, NO_COUNT

TEXT = """\
name = "small"
question = "What is lost?"
profiles = ["no-count"]

[[thread]]
name = "writer"
run = ["write(0, 0, 2)"]

[[thread]]
name = "reclaim"
run = ["pageout(0, 0, 1)"]

[outcome]
violation = "ZS-1"
"""


def test_a_run_is_its_threads_and_what_they_break() -> None:
    first, _, rest = litmus_text(rerun(BROKEN, NO_COUNT)).partition("\n")

    assert first.startswith("# ZS-1: ")
    assert rest == TEXT


def test_only_what_actors_ran_and_what_failed_is_in_it(tmp_path: Path) -> None:
    sizes = attrs.evolve(SMALL, slots=4)
    scope = attrs.evolve(
        TWINS,
        sizes=sizes,
        faults=("alloc_folio", "xa_store"),
        lengths=(64,),
        initial=SCOPE.threads[0].commands,
    )
    run = run_of(LINUX, scope, ())
    schedule = (Turn(1, 1), *[Turn(1)] * 3)
    file = tmp_path / "twins.toml"
    file.write_text(litmus_text(rerun(attrs.evolve(run, schedule=schedule), LINUX)), encoding="utf-8")
    litmus = load_litmus(file)

    assert [(thread.name, thread.commands) for thread in litmus.scope.threads] == [
        ("task_2", (TWINS.threads[0].commands[1],))
    ]
    assert (litmus.scope.sizes, litmus.scope.lengths, litmus.scope.faults) == (sizes, (64,), ())
    assert litmus.scope.initial == scope.initial


def test_a_bug_that_was_put_in_is_named() -> None:
    run = attrs.evolve(run_of(LINUX), profile="linux-7.3+Z12")
    text = litmus_text(rerun(run, LINUX))

    assert text.startswith("# With the bug Z12 put into the kernel.\n")
    assert 'profiles = ["linux-7.3"]' in text
