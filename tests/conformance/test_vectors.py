"""Vectors: what they hold, that they come out the same, and what becomes of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from refmodel.conformance.boundary import check_command
from refmodel.conformance.vector_fill import WHY, fill, write_vectors
from refmodel.conformance.vectors import (
    BadVector,
    read_manifest,
    read_vector,
    state_text,
    vector_of,
    verify,
    verify_case,
)
from refmodel.engines.coverage import declared
from refmodel.profiles import PROFILES, profile
from refmodel.resources import specs_dir
from tests.conformance.served import Served, breaking

SHIPPED = specs_dir() / "vectors"
KERNELS = [name for name in PROFILES if name.startswith("linux-")]

PROGRAM = [
    {"op": "write", "w": 0, "page": 0, "kind": "text", "seed": 1},
    {"op": "out", "w": 0, "page": 0},
    {"op": "read", "w": 0, "page": 0},
]


def test_a_vector_says_what_the_model_answers() -> None:
    case = vector_of("a page goes and comes", profile("linux-7.3"), PROGRAM)
    out, read = case.steps[1][1], case.steps[2][1]
    assert out["post"] == ["swap"]
    assert (out["vm.zswpout"], out["zs.stored_pages"]) == (1, 1)
    assert read["crc"]
    assert read["zs.stored_pages"] == 0


def test_what_depends_on_compressed_lengths_is_left_out() -> None:
    """A page that one compressor keeps under the limit of a cgroup and another does not decides nothing."""
    limit = {"op": "set", "what": "w0/memory.zswap.max", "value": "4096"}
    writes = [{"op": "write", "w": 0, "page": p, "kind": "mix", "seed": p, "len": 1600} for p in range(3)]
    outs = [{"op": "out", "w": 0, "page": p} for p in range(3)]
    case = vector_of("limit", profile("linux-7.3"), [limit, *writes, *outs])
    assert "zs.pool_total_size" not in case.steps[-1][1]
    assert "vm.zswpout" in case.steps[4][1]


def test_a_state_is_its_name_and_the_flags_that_are_set() -> None:
    assert state_text({"st": "mem", "nid": 0, "swcache": 1, "dirty": 1}) == "mem dirty swcache"
    assert state_text({"st": "swap", "swp": [0, 1], "swcache": "unknown"}) == "unknown"
    assert state_text("unknown") == "unknown"


def test_filling_repeats_with_its_seed_and_deals_to_shards(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_vectors(fill(profile("linux-7.3"), seed=3, runs=6), profile("linux-7.3"), tmp_path / name, 2, 3)
    files = [sorted(p.relative_to(tmp_path / n) for p in (tmp_path / n).rglob("*")) for n in ("a", "b")]
    assert files[0] == files[1]
    assert (tmp_path / "a/manifest.json").read_bytes() == (tmp_path / "b/manifest.json").read_bytes()
    shards = [len(list(verify(tmp_path / "a", Served(), shard))) for shard in (0, 1)]
    assert sum(shards) == len(read_manifest(tmp_path / "a")["cases"])
    assert min(shards) > 0


@pytest.mark.parametrize("name", KERNELS)
def test_shipped_vectors_hold_for_their_own_kernel(name: str) -> None:
    outcomes = list(verify(SHIPPED / name, Served(name)))
    assert {each.verdict for each in outcomes} == {"passed"}, outcomes


@pytest.mark.parametrize("name", KERNELS)
def test_shipped_vectors_reach_every_goal_that_one_actor_can_reach(name: str) -> None:
    """Each adds a goal; what none reaches is listed with the reason."""
    manifest = read_manifest(SHIPPED / name)
    assert all(entry["goals"] for entry in manifest["cases"])
    reached = [goal for entry in manifest["cases"] for goal in entry["goals"]]
    left = [each["goal"] for each in manifest["unreached"]]
    assert sorted(reached + left) == sorted(goal.text for goal in declared(profile(name).operations))
    assert [each for each in manifest["unreached"] if not each["why"]] == []


def test_each_reason_is_needed_by_a_kernel() -> None:
    left = {each["goal"] for name in KERNELS for each in read_manifest(SHIPPED / name)["unreached"]}
    assert set(WHY) == left


def test_shipped_vectors_tell_kernels_apart() -> None:
    outcomes = list(verify(SHIPPED / "linux-7.3", Served("linux-6.12")))
    assert "failed" in {each.verdict for each in outcomes}


def test_commands_of_vectors_fit_the_schema() -> None:
    for entry in read_manifest(SHIPPED / "linux-7.3")["cases"]:
        case = read_vector(SHIPPED / "linux-7.3" / entry["file"], entry["sha256"])
        for command, _ in case.steps:
            check_command(command)


def test_a_vector_that_was_changed_is_refused(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "linux-7.3", tmp_path / "changed")
    entry = read_manifest(tmp_path / "changed")["cases"][0]
    path = tmp_path / "changed" / entry["file"]
    path.write_text(path.read_text().replace('"errno": 0', '"errno": 1', 1))
    with pytest.raises(BadVector, match="SHA-256"):
        list(verify(tmp_path / "changed", Served()))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"vectors": 2, "cases": [], "shards": 1, "profile": "x"}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BadVector):
        read_manifest(tmp_path)


def test_a_vector_that_needs_more_is_skipped_with_the_reason() -> None:
    def change(command: dict[str, object], answer: dict[str, object]) -> object:
        return {**answer, "commands": ["write", "out"]} if command["op"] == "hello" else answer

    case = vector_of("x", profile("linux-7.3"), PROGRAM)
    outcome = verify_case(case, "x", Served(change=change))
    assert (outcome.verdict, outcome.why) == ("skipped", "the implementation has no command read")


def test_a_broken_boundary_fails_a_vector() -> None:
    case = vector_of("x", profile("linux-7.3"), PROGRAM)
    outcome = verify_case(case, "x", Served(change=breaking("hang")))
    assert (outcome.verdict, outcome.why) == ("failed", "command 3 (read): it did hang")


def test_unknown_is_counted_and_not_compared() -> None:
    case = vector_of("x", profile("linux-7.3"), PROGRAM)
    target = Served(change=lambda c, a: a if c["op"] == "hello" else {"i": c["i"], "counters": {}})
    outcome = verify_case(case, "x", target)
    assert outcome.verdict == "passed"
    assert outcome.compared == 0
    assert outcome.unknown == sum(len(expect) for _, expect in case.steps)


def test_a_vector_is_json_lines() -> None:
    case = vector_of("x", profile("linux-7.3"), PROGRAM)
    assert [set(json.loads(line)) for line in case.text.splitlines()[1:]] == [{"command", "expect"}] * 3
