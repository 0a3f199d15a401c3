"""The reference of the command line is what ``--help`` prints."""

import re
from pathlib import Path

import click
import pytest

from refmodel.cli import main
from tests.cli.runner import refmodel_command

PAGE = (Path(__file__).parent.parent.parent / "docs" / "look-up" / "command-line.md").read_text(
    encoding="utf-8"
)


@pytest.mark.parametrize("command", ["", *main.list_commands(click.Context(main))])
def test_the_page_has_the_help_of_a_command(command: str) -> None:
    printed = refmodel_command(*command.split(), "--help").stdout

    assert f"```text\n{printed}```\n" in PAGE


def test_the_page_has_no_command_that_does_not_exist() -> None:
    headings = re.findall(r"^## `refmodel ([\w-]+)`$", PAGE, re.MULTILINE)

    assert headings == main.list_commands(click.Context(main))
