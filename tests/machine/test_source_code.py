"""Reading the source of functions."""

import ast
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from refmodel.machine.source_code import NoSource, definition


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("edited", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_function_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "edited.py"
    file.write_text("def one():\n    return 1\n")

    tree = definition(loaded(file).one)

    assert ast.unparse(tree) == "def one():\n    return 1"


@pytest.mark.parametrize(
    "text",
    [
        'def one():\n    """No more than a sentence."""\n',
        "def one(\n    a=1,\n):\n    return (\n        a\n    )\n\n\nx = 1\n",
        "def one():\n    for _ in ():\n        pass\n    else:\n        pass\n",
        "def one():\n    def two():\n        return lambda: [\n        ]\n\n    return two\n",
    ],
)
def test_a_function_is_read_as_a_whole(tmp_path: Path, text: str) -> None:
    """Also where it ends with lines that leave no code behind."""
    file = tmp_path / "edited.py"
    file.write_text(text)
    assert ast.dump(definition(loaded(file).one)) == ast.dump(ast.parse(text).body[0])


@pytest.mark.parametrize("text", ["x = 1\n", "def other():\n    return 1\n", "def (:\n"])
def test_a_file_that_was_edited_meanwhile_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "edited.py"
    file.write_text("def one():\n    return 1\n")
    module = loaded(file)
    file.write_text(text)

    with pytest.raises(NoSource, match=r"edited\.one: another text stands there.*start again"):
        definition(module.one)


def test_a_function_without_a_file_is_named() -> None:
    names: dict[str, Any] = {"__name__": "nowhere"}
    exec("def one(): pass", names)

    with pytest.raises(NoSource, match=r"source of nowhere\.one: .*install the package again"):
        definition(names["one"])
