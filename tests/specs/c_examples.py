"""Building what is written in C, where there is a compiler with zlib."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from refmodel.resources import specs_dir

COMPILER = shutil.which("cc") or shutil.which("gcc")


def _missing() -> str:
    """Return why C cannot be built, "" if it can."""
    if COMPILER is None:
        return "no C compiler: install gcc and zlib1g-dev"
    words = [COMPILER, "-x", "c", "-fsyntax-only", "-"]
    found = subprocess.run(words, input=b"#include <zlib.h>\n#include <stdio.h>\n", capture_output=True)
    return "" if not found.returncode else "no headers of zlib: install zlib1g-dev"


MISSING = _missing()
needs_c = pytest.mark.skipif(bool(MISSING), reason=MISSING)


def build(output: Path, *sources: str, flags: tuple[str, ...] = ()) -> Path:
    """Compile sources under ``specs`` into a program or, with -shared, a library."""
    assert COMPILER is not None
    paths = [str(specs_dir() / source) for source in sources]
    strict = ["-O2", "-Wall", "-Wextra", "-Werror", f"-I{specs_dir() / 'boundary'}"]
    subprocess.run([COMPILER, *strict, *flags, *paths, "-lz", "-o", str(output)], check=True)
    return output


def build_store(directory: Path) -> tuple[Path, Path]:
    """Build the example store; return its library and its program."""
    library = build(directory / "store.so", "examples/store.c", flags=("-fPIC", "-shared"))
    return library, build(directory / "store", "examples/store.c", "boundary/stdio.c")
