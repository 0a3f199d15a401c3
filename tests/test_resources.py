from pathlib import Path

import pytest

from refmodel import resources


def test_the_data_files_are_found_where_the_tests_run() -> None:
    specs = resources.specs_dir()

    assert (specs / "trace.schema.json").is_file()
    assert len(list((specs / "traces").glob("*.jsonl.gz"))) == 29


@pytest.mark.parametrize("place", ["refmodel/specs", "specs"], ids=["wheel", "checkout"])
def test_the_data_files_stand_in_the_package_or_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(resources, "__file__", str(tmp_path / "refmodel" / "resources.py"))
    (tmp_path / place).mkdir(parents=True)

    assert resources.specs_dir() == tmp_path / place


def test_an_incomplete_installation_is_named_with_both_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "__file__", str(tmp_path / "refmodel" / "resources.py"))

    with pytest.raises(FileNotFoundError) as missing:
        resources.specs_dir()

    assert str(tmp_path / "refmodel" / "specs") in str(missing.value)
    assert str(tmp_path / "specs") in str(missing.value)
