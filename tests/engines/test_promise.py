"""What a process may see when it accesses a page."""

import pytest

from refmodel.engines import promise
from refmodel.engines.command import Command
from refmodel.kernel.memory import KILLED
from refmodel.kernel.swap_fault import OOM, SIGBUS
from refmodel.machine import run
from tests.engines.simple import LINUX, TOY

NOTHING: frozenset[str] = frozenset()
READ = Command("read", (0, 0))


def broken(
    value: object, run_faults: frozenset[str] = NOTHING, faults: frozenset[str] = NOTHING
) -> str | None:
    """Judge a read of a page into which content 2 was written."""
    v = TOY.system(LINUX, "toy")
    run(v, v.ops.write_page(0, 0, 2))
    return promise.broken(v, READ, value, run_faults, faults)


def test_a_read_gives_what_was_last_written() -> None:
    assert broken(2) is None
    assert broken(3) == "page 0 of process 0 reads as 3; last written was 2"


def test_a_page_that_was_never_written_is_zeroes() -> None:
    v = TOY.system(LINUX, "toy")

    assert promise.broken(v, READ, bytes(4096), NOTHING, NOTHING) is None


@pytest.mark.parametrize("point", ["decompress", "bounce_buffer", "backing_io"])
def test_sigbus_needs_stored_data_that_could_not_be_read_in_this_run(point: str) -> None:
    assert broken(SIGBUS, run_faults=frozenset([point])) is None
    assert broken(SIGBUS) == "SIGBUS, although all stored data could be decompressed"


def test_out_of_memory_needs_an_allocation_that_failed_in_this_command() -> None:
    assert broken(OOM, faults=frozenset(["alloc_folio"])) is None
    assert (
        broken(OOM, run_faults=frozenset(["alloc_folio"])) == "out of memory, although no allocation failed"
    )


@pytest.mark.parametrize("name", ["read", "write"])
def test_an_access_never_happens_only_where_its_process_has_exited(name: str) -> None:
    v = TOY.system(LINUX, "toy")
    child = v.cfg.sizes.processes
    wrong = "killed, although its process has not exited"

    assert promise.broken(v, Command(name, (0, 0)), KILLED, NOTHING, NOTHING) == wrong
    assert promise.broken(v, Command(name, (child, 0)), KILLED, NOTHING, NOTHING) is None
    run(v, v.ops.fork(process=0))
    assert promise.broken(v, Command(name, (child, 0)), KILLED, NOTHING, NOTHING) == wrong


def test_other_commands_promise_nothing() -> None:
    v = TOY.system(LINUX, "toy")

    assert promise.broken(v, Command("fork", (0,)), SIGBUS, NOTHING, NOTHING) is None
