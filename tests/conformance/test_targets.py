"""Ways of plugging in: classes, processes, libraries, and what goes wrong with them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from refmodel.conformance.adapters import write_adapter
from refmodel.conformance.boundary import BadTarget, Broke
from refmodel.conformance.conform import conform
from refmodel.conformance.target import open_target, opened
from refmodel.profiles import profile
from refmodel.resources import specs_dir

HELLO = (
    '{"boundary": 1, "name": "x", "profile": "linux-7.3", "workers": 1, "pages": 4, "slots": 8, '
    '"commands": ["read"], "counters": [], "events": []}'
)

PROGRAM = f"""
import os, sys, time
answers = {{"hello": '''{HELLO}''', "reset": '{{"i": 0, "counters": {{}}}}'}}
for line in sys.stdin:
    for name, answer in answers.items():
        if '"' + name + '"' in line:
            print(answer, flush=True)
            break
    else:
        BREAK
"""


def program(tmp_path: Path, breaks: str) -> str:
    """Return the target of a program that says hello, and breaks the boundary at the first command."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM.replace("BREAK", breaks))
    return f"exec:{sys.executable} {path}"


@pytest.mark.parametrize(
    ("breaks", "kind", "said"),
    [
        ("sys.exit('out of order')", "exit 1", "ended with exit code 1, its last words: out of order"),
        ("os.kill(os.getpid(), 11)", "exit -11", "killed by signal 11"),
        ("time.sleep(60)", "hang", "no answer within 0.3 s"),
        ("print('Segmentation fault', flush=True)", "garbage", "answered 'Segmentation fault'"),
        ("os.close(1); time.sleep(60)", "closed", "closed its streams and runs on"),
        ("print('{}', flush=True)", "schema", "'i' is a required property"),
        ("print('{\"i\": 1.0}', flush=True)", "garbage", "one JSON object a line"),
        ("print('{\"i\": NaN}', flush=True)", "garbage", "one JSON object a line"),
        ("print('[' * 100000, flush=True)", "garbage", "one JSON object a line"),
        ('print(\'{"i": 1, "crc": "1"}\', flush=True)', "schema", "crc"),
        ("sys.stdout.write('x' * 5000000); sys.stdout.flush()", "garbage", "without a line's end"),
    ],
)
def test_a_process_that_breaks_the_boundary_is_reported(
    tmp_path: Path, breaks: str, kind: str, said: str
) -> None:
    """Never a hang or a traceback: a divergence that names the command and what was wrong."""
    target = open_target(program(tmp_path, breaks), timeout=0.3)
    try:
        found = conform(target, "x", profile("linux-7.3"), runs=1)
    finally:
        target.close()
    assert found.shrunk
    assert found.shrunk.divergence.kind == kind
    assert found.shrunk.divergence.number == 1
    assert said in found.shrunk.divergence.implementation


def test_a_process_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_text("print('{\"boundary\": 7}', flush=True)\ninput()\ninput()\n")
    with pytest.raises(BadTarget, match=r"command 0 \(hello\): boundary 7; expected 1"):
        open_target(f"exec:{sys.executable} {path}")


def test_a_program_that_is_no_implementation_is_refused() -> None:
    with pytest.raises(BadTarget, match=r"command 0 \(hello\)"):
        open_target("exec:/bin/true")


def test_what_is_no_library_of_the_boundary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.so"
    path.write_text("no library")
    with pytest.raises(BadTarget, match=r"command 0 \(hello\)"):
        open_target(f"lib:{path}")


@pytest.mark.parametrize(
    ("body", "how"),
    [("raise KeyError(1)", "raise KeyError"), ("while True: pass", "hang"), ("return 3", "schema")],
)
def test_a_class_that_breaks_the_boundary_is_reported(tmp_path: Path, body: str, how: str) -> None:
    path = tmp_path / "broken.py"
    hello = f"return {HELLO}" if how != "x" else ""
    path.write_text(
        f"class Broken:\n    def answer(self, c):\n        if c['op'] == 'hello': {hello}\n        {body}\n"
    )
    target = open_target(f"python:{path}:Broken", timeout=0.3)
    with pytest.raises(Broke) as broke:
        target.ask({"i": 0, "op": "reset"})
    assert broke.value.how == how


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class X: pass", "without a method answer"),
        ("X = 3", "without a method answer"),
        ("", "no such class"),
        ("1 / 0", "ZeroDivisionError"),
        (
            "class X:\n    def __init__(self): raise OSError('no disk')\n    def answer(self, c): pass",
            "no disk",
        ),
    ],
)
def test_a_class_that_cannot_be_used_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "unusable.py"
    path.write_text(text)
    with pytest.raises(BadTarget, match=said):
        open_target(f"python:{path}:X")


def test_the_python_example_conforms() -> None:
    target = open_target(f"python:{specs_dir() / 'examples/store.py'}:Store")
    found = conform(target, "store.py", profile("linux-7.3"), seconds=600, runs=40)
    assert found.verdict == "not refuted", found.shrunk


@pytest.mark.parametrize("fault", ["stale", "uncounted", "zeroes"])
def test_the_python_examples_faults_are_found(fault: str) -> None:
    target = open_target(f"python:{specs_dir() / 'examples/store.py'}:Store {fault}")
    found = conform(target, "store.py", profile("linux-7.3"), seconds=600, runs=200)
    assert found.shrunk
    assert len(found.shrunk.program) <= 8


def test_a_python_starting_point_runs_as_it_is(tmp_path: Path) -> None:
    write_adapter("python", tmp_path)
    target = open_target(f"python:{tmp_path / 'adapter.py'}:Adapter")
    assert conform(target, "adapter", profile("linux-7.3"), seconds=600, runs=5).verdict == "not refuted"


def test_a_program_as_starting_point_runs_as_it_is(tmp_path: Path) -> None:
    write_adapter("exec", tmp_path)
    target = open_target(f"exec:{sys.executable} {tmp_path / 'main.py'}")
    try:
        assert conform(target, "adapter", profile("linux-7.3"), seconds=600, runs=5).verdict == "not refuted"
    finally:
        target.close()


def test_a_program_shares_a_processor_with_the_model_while_it_runs(tmp_path: Path) -> None:
    write_adapter("exec", tmp_path)
    before = os.sched_getaffinity(0)
    with opened(f"exec:{sys.executable} {tmp_path / 'main.py'}"):
        assert len(os.sched_getaffinity(0)) == 1
    with opened(f"python:{specs_dir() / 'examples/store.py'}:Store"):
        assert os.sched_getaffinity(0) == before
    assert os.sched_getaffinity(0) == before


def test_a_starting_point_overwrites_nothing(tmp_path: Path) -> None:
    write_adapter("python", tmp_path)
    with pytest.raises(BadTarget, match=r"adapter\.py exists"):
        write_adapter("python", tmp_path)
