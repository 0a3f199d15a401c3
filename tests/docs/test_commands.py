"""Every command that the book shows does what the page says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.console import Shown, appears, commands, files
from tests.specs.c_examples import MISSING

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if "generated" not in path.parts)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A directory that stands for a clone: it has the traces, and the command ``refmodel``."""
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    command = tmp_path / "bin" / "refmodel"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m refmodel.cli "$@"\n')
    command.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT / "docs")))
def test_the_commands_of_a_page_do_what_it_says(page: Path, elsewhere: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if MISSING and any(shown.command.startswith("cc ") for shown in commands(text)):
        pytest.skip(MISSING)
    for name, content in files(text):
        (elsewhere / name).write_text(content, encoding="utf-8")
    last: dict[str, str] = {}
    for shown in commands(text):
        check(shown, elsewhere, last)


def check(shown: Shown, where: Path, last: dict[str, str]) -> None:
    """Run a command in a directory; in it, TOKEN stands for the last one that was printed."""
    path = f"{where / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", shown.command.replace("TOKEN", last.get("token", "TOKEN"))],
        cwd=where,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == shown.exit_code, f"{shown.command}\n{printed}"
    rest = iter(printed.splitlines())
    for line in shown.output:
        assert line == "..." or any(appears(line, each) for each in rest), (
            f"{shown.command}: {line}\n{printed}"
        )
    for each in printed.splitlines():
        if "refmodel replay " in each:
            last["token"] = each.split("refmodel replay ")[1].split()[0]
