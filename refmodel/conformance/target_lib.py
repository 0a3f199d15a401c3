"""An implementation in a shared library with the two functions of ``refmodel.h``.

The library is loaded by a process of its own, so that one that crashes or hangs takes only that process along.
"""

from __future__ import annotations

import sys
from pathlib import Path

from refmodel.conformance import lib_host
from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.target_exec import ExecTarget


class LibTarget(ExecTarget):
    """A shared library."""

    def __init__(self, where: str, timeout: float) -> None:
        """Load the library.  where: ``FILE WORDS``; the words are handed to ``refmodel_start`` as one text."""
        file, _, words = where.partition(" ")
        path = Path(file)
        if not path.is_file():
            raise BadTarget(
                f"target lib:{file}: no such file; expected a shared library, as in lib:./store.so"
            )
        self.library, self.options = str(path.resolve()), words.strip()
        super().__init__(sys.executable, timeout)

    def restart(self) -> None:
        """Start the process that loads the library."""
        self.words = [sys.executable, lib_host.__file__, self.library, self.options]
        super().restart()
