"""TOML files with the lines of what stands in them."""

import re
from pathlib import Path

import pytest

from refmodel.engines.toml_file import BadFile, Table, parse_toml, read_toml

TEXT = '''# a comment with [brackets] and = signs
name = "a = b" # and another

[system]
pages = 2

[[thread]]
run = [
  "one", # [first]
  """two
lines""",
  "three",
]

[[thread]]
run = ["four", "five"]
inline = { a = 1, "b" = 2 }
'''


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (("name",), 2),
        (("system",), 4),
        (("system", "pages"), 5),
        (("thread", 0), 7),
        (("thread", 0, "run"), 8),
        (("thread", 0, "run", 0), 9),
        (("thread", 0, "run", 1), 10),
        (("thread", 0, "run", 2), 12),
        (("thread", 1), 15),
        (("thread", 1, "run", 1), 16),
        (("thread", 1, "inline", "b"), 17),
    ],
)
def test_every_key_and_item_has_its_line(where: tuple[str | int, ...], line: int) -> None:
    assert parse_toml(TEXT, "a.toml").line(where) == line


def test_what_is_not_there_has_the_line_of_the_table_around_it() -> None:
    assert parse_toml(TEXT, "a.toml").line(("thread", 1, "missing")) == 15


@pytest.mark.parametrize(
    ("text", "line"), [('a = 1\nb = "open\n', 2), ("a = 1\n\na = 2\n", 3), ("a = [1,\n2\n", 3)]
)
def test_text_that_is_no_toml_is_told_with_its_line(text: str, line: int) -> None:
    with pytest.raises(BadFile, match=rf"^a\.toml:{line}: .*; expected TOML$"):
        parse_toml(text, "a.toml")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be read \\(No such file or directory\\)"):
        read_toml(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (
            lambda t: t.only(["nam", "system"]),
            "2: unknown key name; expected one of nam, system; did you mean nam?",
        ),
        (lambda t: t.get("name", int, 0), "2: name = 'a = b'; expected a whole number"),
        (lambda t: t.table("system").get("pages", bool, False), "5: pages = 2; expected true or false"),
        (
            lambda t: t.tables("thread")[0].all("run", int),
            "9: 'one' in run; expected a whole number as item 1",
        ),
    ],
)
def test_a_mistake_names_what_was_found_and_what_was_expected(read: object, message: str) -> None:
    assert callable(read)
    file = parse_toml(TEXT, "a.toml")
    with pytest.raises(BadFile, match=f"^a.toml:{re.escape(message)}"):
        read(Table(file, (), file.data))
