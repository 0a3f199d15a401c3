"""Scopes that come along have the same size on every machine, and hold where known bugs are remedied."""

from __future__ import annotations

import pytest

from refmodel.engines.exploration import explore
from refmodel.engines.scope import BadScope
from refmodel.engines.scope_file import load_scope
from refmodel.museum import without_known_bugs
from refmodel.profiles import profile
from refmodel.resources import specs_dir

SCOPES = sorted((specs_dir() / "scopes").glob("*.toml"))


@pytest.mark.parametrize("path", SCOPES, ids=lambda path: path.stem)
def test_a_scope_asks_a_question_of_several_profiles(path: object) -> None:
    file = load_scope(specs_dir() / "scopes" / f"{path.stem}.toml")  # type: ignore[attr-defined]  # a path
    assert file.scope.question.endswith("?")
    assert len(file.profiles) > 1


@pytest.mark.parametrize(
    ("scope", "name", "size"),
    [
        ("batch", "batching-v14", (28_737, 44_902, 108)),
        ("batch", "batching-v9", (3_111, 5_150, 111)),
        ("direct", "linux-7.3", (46_123, 96_988, 133)),
        ("fork", "linux-7.3", (198_025, 373_273, 129)),
        ("insert-first", "batching-v14", (61_916, 116_582, 187)),
        ("reclaim", "linux-7.3", (93_982, 188_246, 130)),
        ("reclaim", "zram-7.3", (66_956, 133_198, 149)),
        ("swapoff", "linux-7.3", (139_003, 377_251, 130)),
        ("large-folio", "linux-7.3", (145_988, 286_850, 135)),
        ("hotplug", "linux-7.3", (3_852, 8_096, 72)),
        ("hotplug", "linux-6.1", (9_043, 18_392, 84)),
        ("zswap", "linux-7.3", (177_830, 405_058, 177)),
        ("zswap", "linux-6.1", (317_041, 644_650, 380)),
        ("zswap", "batching-v14", (164_057, 366_204, 196)),
        ("zswap", "vswap-v6", (71_054, 155_443, 220)),
        ("zswap-faults", "linux-7.3", (114_592, 258_906, 202)),
        ("zswap-faults", "linux-6.12", (338_505, 830_668, 312)),
        ("iaa-batches", "iaa-v14", (19_486, 47_148, 44)),
        ("iaa-batches", "iaa-v13", (19_486, 47_148, 44)),
        ("iaa-batches", "iaa-v9", (14_119, 34_908, 40)),
        ("iaa-queues", "iaa-v14", (551, 1_013, 28)),
        ("iaa-queues", "iaa-6.12", (638, 1_159, 35)),
        ("kcompressd", "kcompressd-a", (16_330, 31_027, 129)),
        ("kcompressd", "kcompressd-b", (94_954, 258_961, 144)),
        ("kcompressd", "kcompressd-c", (95_950, 261_632, 146)),
        ("kcompressd-zram", "kcompressd-a", (95_859, 249_474, 98)),
        ("kcompressd-zram", "kcompressd-b", (49_375, 124_740, 94)),
        ("kcompressd-zram", "kcompressd-c", (49_943, 126_203, 96)),
        ("kcompressd-full", "kcompressd-a", (22_303, 56_030, 79)),
        ("kcompressd-full", "kcompressd-b", (14_724, 35_581, 76)),
        ("kcompressd-full", "kcompressd-c", (14_592, 35_256, 78)),
        ("iaa-sleeping", "iaa-v5", (3_272, 7_840, 38)),
        ("iaa-store", "iaa-v14", (18_699, 35_063, 149)),
        ("zram", "zram-6.12", (22_345, 43_599, 134)),
        ("zram", "zram-7.3", (36_890, 81_907, 146)),
        ("zram", "zram-batching", (35_424, 78_567, 147)),
        ("zram-kcompressd", "zram-kcompressd-a", (111_236, 308_781, 101)),
        ("zram-kcompressd", "zram-kcompressd-b-words", (62_275, 174_246, 91)),
        ("zram-kcompressd", "zram-kcompressd-c", (95_376, 264_415, 99)),
    ],
)
def test_a_scope_has_the_same_states_transitions_and_levels_everywhere(
    scope: str, name: str, size: tuple[int, int, int]
) -> None:
    file = load_scope(specs_dir() / "scopes" / f"{scope}.toml")
    subject = without_known_bugs(profile(name))
    result = explore(file.scope, subject, goals=file.goals_of(subject))
    assert result.verdict == "holds"
    assert (result.states, result.transitions, result.depth) == size
    assert result.distrusted == (), "operations of the model claim only what is theirs"


def test_hotplug_finds_in_linux_6_1_as_it_is_what_later_kernels_remedied() -> None:
    file = load_scope(specs_dir() / "scopes" / "hotplug.toml")
    result = explore(file.scope, profile("linux-6.1"))
    assert result.verdict == "refuted"
    assert result.counterexample is not None
    assert "used after it was freed" in result.counterexample.violation.found


@pytest.mark.parametrize(
    ("scope", "words"),
    [("kcompressd", "queues of kcompressd"), ("iaa-queues", "IAA devices"), ("zram", "slots of zram")],
)
def test_a_profile_without_what_the_scope_is_about_is_refused(scope: str, words: str) -> None:
    file = load_scope(specs_dir() / "scopes" / f"{scope}.toml")
    with pytest.raises(BadScope, match=f"{words}, and linux-7.3 has none"):
        explore(file.scope, profile("linux-7.3"))
