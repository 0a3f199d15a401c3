"""The model against itself, against its own bugs, and against what breaks the boundary."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from refmodel.conformance.boundary import BadTarget, Line
from refmodel.conformance.conform import Conformance, conform, profile_for
from refmodel.conformance.conform_files import save, write_trace
from refmodel.conformance.conform_shrink import run_program
from refmodel.conformance.conform_walk import CommandDraws
from refmodel.conformance.lockstep import Lockstep
from refmodel.conformance.target import open_target
from refmodel.conformance.validator import Level, validate
from refmodel.engines.litmus import load_litmus, run_litmus
from refmodel.museum import exhibit
from refmodel.profiles import PROFILES, profile
from tests.conformance.served import Served, breaking, without

KERNELS = [name for name in PROFILES if name.startswith("linux-")]


def search(
    target: Served, against: str = "linux-7.3", level: Level = "counters", runs: int = 200
) -> Conformance:
    return conform(target, "served", profile(against), level=level, seconds=600, runs=runs)


@pytest.mark.parametrize("level", ["data", "counters", "events"])
@pytest.mark.parametrize("name", KERNELS)
def test_the_model_conforms_to_itself(name: str, level: Level) -> None:
    """What the replica takes as observed, it takes from answers; all the rest follows."""
    found = search(Served(name), name, level, runs=12)
    assert found.verdict == "not refuted", found.shrunk
    assert found.compared


@pytest.mark.parametrize(("bug", "kernel"), [("Z11", "linux-6.12"), ("Z12", "linux-6.18")])
def test_a_bug_of_the_museum_is_found_in_an_implementation(bug: str, kernel: str) -> None:
    """Served behind the boundary, the bug of a kernel is a wrong implementation like any other."""
    found = search(Served(exhibit(bug).profile.name), kernel)
    assert found.shrunk
    assert len(found.shrunk.program) <= 8


def test_limits_on_what_is_not_told_are_left_alone() -> None:
    """Where the size of memory is unknown, a share of it cannot be held against the model's."""

    def change(command: Line, answer: Line) -> Line:
        return {**answer, "totalram_pages": "unknown"} if command["op"] == "hello" else answer

    coverage = search(Served(change=change), runs=2).coverage
    assert coverage.missing["controls, because what they limit is not told"] == ("zswap/max_pool_percent",)


@pytest.mark.parametrize(
    ("wrong", "field", "found"),
    [("swapoff", "errno", 12), ("swapon", "errno", 0), ("offline", "errno", 16), ("count", "found", 7)],
)
def test_a_wrong_number_that_answers_a_command_is_found(wrong: str, field: str, found: int) -> None:
    """A device that goes and comes, a cgroup that goes, a list that is counted."""

    def change(command: Line, answer: Line) -> Line:
        return {**answer, field: found} if command["op"] == wrong else answer

    lockstep = Lockstep(Served(change=change), profile("linux-7.3"), "counters")
    assert lockstep.reset() is None
    divergence = lockstep.do({"op": wrong, **({} if wrong.startswith("swap") else {"w": 0, "nid": 0})})
    assert divergence is not None
    assert (divergence.field, divergence.implementation) == (field, f"{field} {found}")


def test_a_search_repeats_with_its_seed() -> None:
    first, second = (search(Served("linux-6.12"), runs=200) for _ in range(2))
    assert first.shrunk
    assert second.shrunk
    assert (first.runs, first.shrunk.program) == (second.runs, second.shrunk.program)


def test_another_kernel_is_told_from_the_one_that_it_claims_to_be() -> None:
    found = search(Served("linux-6.12"))
    assert found.verdict == "refuted"
    assert found.shrunk
    assert len(found.shrunk.program) <= 8


def test_the_shortened_program_has_the_failure_that_was_found() -> None:
    found = search(Served("linux-6.1"))
    assert found.found
    assert found.shrunk
    assert found.shrunk.divergence.same_as == found.found.same_as
    assert found.shrunk.divergence.number == len(found.shrunk.program)


def test_a_divergence_is_saved_as_a_trace_that_the_validator_rejects(tmp_path: Path) -> None:
    found = search(Served("linux-6.12"))
    paths = save(found, profile("linux-7.3"), tmp_path)
    verdict = validate(paths["trace"], "linux-7.3", "counters")
    assert verdict.rejection
    assert found.shrunk
    assert verdict.rejection.operation.startswith(f"#{len(found.shrunk.program) - 1} ")
    assert validate(paths["trace"], "linux-6.12", "counters").verdict == "accepted"


def test_a_divergence_is_saved_as_a_litmus_file_where_it_has_one(tmp_path: Path) -> None:
    found = search(Served(change=lambda c, a: _miscounted(a) if c["op"] != "hello" else a))
    paths = save(found, profile("linux-7.3"), tmp_path)
    assert run_litmus(load_litmus(paths["litmus"]), profile("linux-7.3")).verdict == "as expected"


def test_the_step_that_disagrees_is_the_one_that_moves_the_value() -> None:
    found = search(Served("linux-7.3", lambda c, a: _miscounted(a) if c["op"] != "hello" else a))
    assert found.shrunk
    assert found.shrunk.divergence.field == "counter vm.zswpout"
    assert found.shrunk.divergence.step.startswith("ZswapStore73.count:")


def _miscounted(answer: dict[str, dict[str, int]]) -> object:
    return {**answer, "counters": {**answer["counters"], "vm.zswpout": 0}}


@pytest.mark.parametrize("how", ["hang", "garbage", "closed", "exit 1"])
def test_a_broken_boundary_is_a_divergence_that_names_command_and_field(how: str) -> None:
    found = search(Served(change=breaking(how)))
    assert found.shrunk
    divergence = found.shrunk.divergence
    assert (divergence.kind, divergence.number, divergence.command["op"]) == (how, 1, "read")


def test_a_broken_boundary_leaves_a_vector_only(tmp_path: Path) -> None:
    """A trace holds answers; here there is none."""
    found = search(Served(change=breaking("hang")))
    assert set(save(found, profile("linux-7.3"), tmp_path)) == {"vector"}


def test_what_is_left_out_is_neither_pass_nor_failure() -> None:
    found = search(Served(change=without("crc", "pre", "post", "counters")), runs=10)
    assert found.verdict == "not refuted"
    assert found.coverage.unknown["post"]


def test_nothing_but_unknown_decides_nothing() -> None:
    found = search(Served(change=without("crc", "pre", "post", "counters", "errno", "cg")), runs=4)
    assert found.verdict == "undecided"


def test_lengths_that_are_not_told_are_nobodys_failure() -> None:
    """Without events the model cannot know how well pages compressed, and asks for nothing that depends on it."""

    def change(command: dict[str, object], answer: dict[str, object]) -> object:
        if command["op"] == "hello":
            return {**answer, "events": [], "counters": ["vm.swpout_zero"], "controls": {}}
        return {**answer, "events": [], "post": "unknown", "pre": "unknown"}

    found = search(Served(change=change), runs=12)
    assert found.verdict == "not refuted", found.shrunk


def test_coverage_tells_commands_failures_states_and_what_is_missing() -> None:
    coverage = search(Served(), runs=30).coverage
    assert min(coverage.commands.values()) > 0
    assert set(coverage.faults) == {"zswap_entry", "zs_handle", "radix_tree_node"}
    assert {"none", "mem", "swap"} <= set(coverage.states)
    assert coverage.missing == {"commands": ("reclaim", "move", "parallel")}


def test_free_order_takes_what_was_written_back_as_observed() -> None:
    """An implementation with an order of its own is held to what it says that it wrote back."""
    program: list[Line] = [
        {"op": "set", "what": "zswap/shrinker_enabled", "value": "Y"},
        {"op": "write", "w": 0, "page": 0, "kind": "text", "seed": 1},
        {"op": "write", "w": 0, "page": 1, "kind": "text", "seed": 2},
        {"op": "out", "w": 0, "page": 0, "n": 2},
        {"op": "shrink", "w": 0, "nid": 0, "n": 4},
    ]

    def change(command: dict[str, object], answer: dict[str, object]) -> object:
        if command["op"] == "hello":
            return {**answer, "writeback_order": "free", "counters": ["zs.stored_pages"]}
        if command["op"] != "shrink":
            return answer
        return {
            **answer,
            "events": [{"ev": "writeback", "swp": [0, 2], "ret": 0}],
            "counters": {"zs.stored_pages": 1},
        }

    assert run_program(Lockstep(Served(change=change), profile("linux-7.3"), "counters"), program) is None


@pytest.mark.parametrize(
    "name", ["nothing", "python:", "exec:", "python:no_such_module:X", "lib:/no/such.so"]
)
def test_a_target_that_is_not_there_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(BadTarget):
        open_target(name)


def test_a_profile_that_the_implementation_makes_up_is_its_mistake() -> None:
    target = Served(change=lambda c, a: {**a, "profile": "linux-99"} if c["op"] == "hello" else a)
    with pytest.raises(BadTarget, match="linux-99"):
        profile_for(target, None)
    assert profile_for(target, "linux-7.3").name == "linux-7.3"


def test_a_saved_vector_is_one_json_object_a_line(tmp_path: Path) -> None:
    found = search(Served("linux-6.12"))
    path = save(found, profile("linux-7.3"), tmp_path)["vector"]
    first, *steps = [json.loads(line) for line in path.read_text().splitlines()]
    assert first["vector"] == 1
    assert found.shrunk
    assert len(steps) == len(found.shrunk.program) + 1


@pytest.mark.parametrize("level", ["counters", "events"])
@pytest.mark.parametrize("name", KERNELS)
def test_a_run_that_agrees_is_a_trace_that_the_validator_accepts(
    name: str, level: Level, tmp_path: Path
) -> None:
    """Lockstep and validator are the same comparison, so they agree on what is written down."""
    lockstep = Lockstep(Served(name), profile(name), level)
    for number in range(4):
        lockstep.reset()
        draws = CommandDraws(Random(number), lockstep.hello, lockstep.v)
        for _ in range(40):
            assert lockstep.do(draws.draw()) is None
        path = tmp_path / f"{number}.jsonl"
        write_trace(lockstep.header, number, tuple(lockstep.answered), path)
        verdict = validate(path, name, level)
        assert verdict.verdict == "accepted", verdict.rejection


def test_bytes_do_as_well_as_a_checksum() -> None:
    """A page that is answered whole is compared by its bytes."""
    program: list[Line] = [
        {"op": "write", "w": 0, "page": 0, "kind": "zero", "seed": 0},
        {"op": "read", "w": 0, "page": 0},
    ]

    def read(answered: str) -> Served:
        change = {"bytes": answered, "crc": "unknown"}
        return Served(change=lambda c, a: a | change if c["op"] == "read" else a)

    assert run_program(Lockstep(read("00" * 4096), profile("linux-7.3"), "data"), program) is None
    wrong = run_program(Lockstep(read("00" * 4095 + "01"), profile("linux-7.3"), "data"), program)
    assert wrong is not None
    assert (wrong.number, wrong.field) == (2, "crc")
