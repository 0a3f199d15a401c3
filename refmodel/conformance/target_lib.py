"""An implementation in a shared library with the two functions of ``refmodel.h``.

The library is loaded by a process of its own, so that one that crashes or hangs takes only that process along.
That process copies lines between its standard streams and the function ``refmodel_answer``.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.target_exec import ExecTarget

MOST_BYTES = 1 << 20
"""Room for an answer, in bytes."""


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
        self.words = [sys.executable, "-m", "refmodel.conformance.target_lib", self.library, self.options]
        super().restart()


def serve(library: str, options: str) -> None:
    """Copy lines between the standard streams and a library, until there are no more."""
    try:
        loaded = ctypes.CDLL(library)
        start, answer = loaded.refmodel_start, loaded.refmodel_answer
    except (OSError, AttributeError) as error:
        sys.exit(f"{error}; expected a library with refmodel_start and refmodel_answer (refmodel.h)")
    start.argtypes, start.restype = [ctypes.c_char_p], ctypes.c_int
    answer.argtypes, answer.restype = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t], ctypes.c_int
    if start(options.encode()):
        sys.exit(f"refmodel_start refused {options!r}; expected words that the library knows")
    room = ctypes.create_string_buffer(MOST_BYTES)
    for line in sys.stdin.buffer:
        if answer(line.rstrip(b"\n"), room, MOST_BYTES) < 0:
            sys.exit("refmodel_answer refused a command; expected an answer that fits into the room it gets")
        sys.stdout.buffer.write(room.value + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
