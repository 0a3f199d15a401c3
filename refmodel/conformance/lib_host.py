"""The process that loads a shared library: it copies lines between its streams and ``refmodel_answer``.

It runs as a script and imports nothing of this package, so that whatever the library does stays outside.

    python lib_host.py LIBRARY WORDS
"""

from __future__ import annotations

import ctypes
import sys

MOST_BYTES = 1 << 20
"""Room for an answer, in bytes."""


def main(library: str, words: str) -> None:
    """Answer commands with a library until there are no more; what is wrong with it is said on standard error."""
    try:
        loaded = ctypes.CDLL(library)
        start, answer = loaded.refmodel_start, loaded.refmodel_answer
    except (OSError, AttributeError) as error:
        sys.exit(f"{error}; expected a library with refmodel_start and refmodel_answer (refmodel.h)")
    start.argtypes, start.restype = [ctypes.c_char_p], ctypes.c_int
    answer.argtypes, answer.restype = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t], ctypes.c_int
    if start(words.encode()):
        sys.exit(f"refmodel_start refused {words!r}; expected words that the library knows")
    room = ctypes.create_string_buffer(MOST_BYTES)
    for line in sys.stdin.buffer:
        if answer(line.rstrip(b"\n"), room, MOST_BYTES) < 0:
            sys.exit("refmodel_answer refused a command; expected an answer that fits into the room it gets")
        sys.stdout.buffer.write(room.value + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
