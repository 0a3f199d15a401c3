"""An implementation that is a process: commands on its standard input, answers on its output, JSON lines.

What it writes to its standard error is kept for the report when it goes wrong.
"""

from __future__ import annotations

import json
import os
import select
import shlex
import subprocess
import tempfile
import time
from typing import Any, NoReturn

from refmodel.conformance.boundary import BadTarget, Broke, Line
from refmodel.conformance.target import Target

MOST_BYTES = 1 << 20
"""Longest answer, in bytes."""


class ExecTarget(Target):
    """A process, started again after it broke the boundary."""

    def __init__(self, where: str, timeout: float) -> None:
        """Start the process.  where: the program and its arguments, as a shell would split them."""
        try:
            self.words = shlex.split(where)
        except ValueError as error:
            raise BadTarget(f"target exec:{where}: cannot be split into words ({error})") from None
        self.process: subprocess.Popen[bytes] | None = None
        self.restart()
        super().__init__(timeout)

    def restart(self) -> None:
        """Start the process anew."""
        self.close()
        self.buffer = b""
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  # close() closes it
        try:
            self.process = subprocess.Popen(
                self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0
            )
        except OSError as error:
            self.errors.close()
            raise BadTarget(
                f"target exec:{self.words[0]}: cannot be started ({error.strerror}); expected a program; "
                "give its path, as in exec:./store"
            ) from None
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self.poll = select.poll()
        self.poll.register(self.process.stdout, select.POLLIN)

    def exchange(self, command: Line) -> Any:
        """Write a line and read one."""
        assert self.process is not None
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(command).encode() + b"\n")
        except OSError:
            raise self.ended() from None
        text = self.line()
        try:
            return _DECODER.decode(text.decode())
        except (ValueError, RecursionError):
            shown = repr(text[:60].decode(errors="replace"))
            raise Broke(
                "garbage", "the answer", f"answered {shown}; expected one JSON object a line"
            ) from None

    def line(self) -> bytes:
        """Return the next line of output.  Raises Broke."""
        assert self.process is not None
        assert self.process.stdout is not None
        deadline = time.monotonic() + self.timeout
        while not self.buffer.endswith(b"\n") and b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not self.poll.poll(left * 1000):
                raise Broke("hang", "the answer", f"no answer within {self.timeout:g} s")
            read = self.process.stdout.read(1 << 16)
            if read == b"":
                raise self.ended()
            self.buffer += read or b""
            if len(self.buffer) > MOST_BYTES:
                raise Broke("garbage", "the answer", f"more than {MOST_BYTES} bytes without a line's end")
        text, _, self.buffer = self.buffer.partition(b"\n")
        return text

    def ended(self) -> Broke:
        """Return how the process ended, or that it only closed its streams."""
        assert self.process is not None
        try:
            code = self.process.wait(1.0)
        except subprocess.TimeoutExpired:
            return Broke("closed", "the answer", "closed its streams and runs on; expected an answer")
        said = self.last_words()
        how = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return Broke(f"exit {code}", "the answer", f"{how}{said}; expected an answer")

    def last_words(self) -> str:
        """Return the last line that the process wrote to its standard error."""
        self.errors.seek(0)
        lines = self.errors.read()[-4096:].decode(errors="replace").split("\n")
        last = [line for line in lines if line.strip()]
        return f", its last words: {last[-1].strip()[:120]}" if last else ""

    def close(self) -> None:
        """End the process."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            if stream is not None:
                stream.close()
        self.process = None


def _refused(number: str) -> NoReturn:
    raise ValueError(f"{number} is no whole number")


_DECODER = json.JSONDecoder(parse_float=_refused, parse_constant=_refused)
