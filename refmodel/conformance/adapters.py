"""Starting points for plugging an implementation in: files that are copied, and what to do with them."""

from __future__ import annotations

import shutil
from pathlib import Path

from refmodel.conformance.boundary import BadTarget
from refmodel.resources import specs_dir

FILES = {
    "python": ("adapters/adapter.py",),
    "exec": ("adapters/adapter.py", "adapters/main.py"),
    "c": ("adapters/adapter.c", "adapters/Makefile", "boundary/refmodel.h", "boundary/stdio.c"),
}
"""Files of each kind, under ``specs``."""

NEXT = {
    "python": "refmodel conform python:{dir}/adapter.py:Adapter",
    "exec": 'refmodel conform "exec:python3 {dir}/main.py"',
    "c": "make -C {dir} && refmodel conform lib:{dir}/adapter.so",
}
"""The command that runs a starting point as it is."""


def write_adapter(kind: str, directory: Path) -> list[str]:
    """Copy a starting point; return lines that say what to do next.

    Raises BadTarget where a file of it exists already, or the directory cannot be written.
    """
    sources = [specs_dir() / name for name in FILES[kind]]
    there = [source.name for source in sources if (directory / source.name).exists()]
    if there:
        raise BadTarget(f"{directory / there[0]} exists; expected a directory without it; choose another one")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for source in sources:
            shutil.copyfile(source, directory / source.name)
    except OSError as error:
        raise BadTarget(
            f"{directory}: cannot be written ({error.strerror}); choose another directory"
        ) from None
    return [f"wrote {directory / source.name}" for source in sources] + [
        f"run: {NEXT[kind].format(dir=directory)}"
    ]
