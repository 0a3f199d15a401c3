"""The checks of the whole project, as tests, so that one command runs everything."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(*command: str | Path) -> None:
    """Run a command in the checkout; if it fails, what it printed becomes the test's message."""
    nothing = subprocess.DEVNULL
    done = subprocess.run(command, cwd=ROOT, stdin=nothing, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_linter_finds_nothing() -> None:
    run(sys.executable, "-m", "ruff", "check", ".")


def test_the_formatting_is_canonical() -> None:
    run(sys.executable, "-m", "ruff", "format", "--check", ".")


def test_the_types_hold_strictly() -> None:
    run(sys.executable, "-m", "mypy")


def test_imports_point_one_way() -> None:
    run(Path(sys.executable).with_name("lint-imports"))


def test_the_book_builds_without_a_warning(tmp_path: Path) -> None:
    strict = ["--fail-on-warning", "--nitpicky", "--keep-going"]
    run(sys.executable, "-m", "sphinx", *strict, "docs", tmp_path / "html")
