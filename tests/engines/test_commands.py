"""The commands of a system."""

import attrs
import pytest

from refmodel.engines.command import Command, describe
from refmodel.engines.commands import KINDS
from refmodel.machine import evolve, run
from refmodel.profiles import PROFILES, Profile, profile
from tests.engines.simple import LINUX, TOY


@pytest.mark.parametrize("which", PROFILES.values(), ids=PROFILES)
def test_every_command_that_applies_at_the_start_runs_to_its_end(which: Profile) -> None:
    """Arguments that are enumerated make operations of the profile, and none of them is stuck."""
    v = TOY.system(which, "toy")
    initial, ran = v.snapshot(), 0
    for kind in KINDS.of(which.operations).values():
        for arguments in kind.arguments(v):
            operation = KINDS.operation(v, Command(kind.name, arguments))
            assert operation is not None
            run(v, operation)
            v.restore(initial)
            ran += 1

    assert ran > 200


def test_kinds_exist_where_their_operation_does() -> None:
    """6.18 has no parameter for the allocator."""
    assert "zpool" in KINDS.of(profile("linux-6.12").operations)
    assert "zpool" not in KINDS.of(profile("linux-6.18").operations)


@pytest.mark.parametrize(
    "command",
    [
        Command("write", (9, 0, 0)),
        Command("write", (2, 0, 0)),
        Command("write", (0, 0, -1)),
        Command("write", (0, 0)),
        Command("pageout", (0, 2, 3)),
        Command("exit_child", (0,)),
        Command("cpu_online", (0,)),
        Command("reclaim", (1,)),
        Command("zpool", ("zbud",)),
        Command("no such kind"),
    ],
    ids=str,
)
def test_a_command_that_does_not_apply_is_no_operation(command: Command) -> None:
    """Whatever the command is: so any list of commands is a program."""
    assert KINDS.operation(TOY.system(LINUX, "toy"), command) is None


def test_every_content_number_can_be_written() -> None:
    """The palette is what walks write, not all that there is."""
    v = TOY.system(LINUX, "toy")

    assert KINDS.operation(v, Command("write", (0, 0, 123456))) is not None


def test_children_access_pages_after_a_fork() -> None:
    """A command applies or not according to the state."""
    v = TOY.system(LINUX, "toy")
    read = Command("read", (2, 0))

    assert KINDS.operation(v, read) is None
    run(v, v.ops.fork(0))
    assert KINDS.operation(v, read) is not None


def test_swapoff_waits_for_no_write() -> None:
    """It applies once the writes to the device have ended."""
    v = TOY.system(LINUX, "toy")
    run(v, v.ops.write_page(0, 0, 2))
    place = v.at.folio[1]
    folio = v[place]
    assert folio is not None
    v[place] = evolve(folio, writeback=True)

    assert KINDS.operation(v, Command("swapoff")) is None
    v[place] = folio
    assert KINDS.operation(v, Command("swapoff")) is not None


def test_a_command_is_written_with_the_names_of_its_arguments() -> None:
    """As a person would write it."""
    assert describe(KINDS, Command("write", (0, 1, 3))) == "write(mm=0, page=1, content=3)"
    assert describe(KINDS, Command("bind", (0, "local"))) == "bind(process=0, nid='local')"
    assert describe(KINDS, Command("swapoff")) == "swapoff()"


def test_every_kind_says_what_it_means() -> None:
    """One sentence each."""
    for name in KINDS.names():
        kind = KINDS[name]
        assert kind.meaning.endswith("."), name
        assert len(kind.parameters) == len(kind.domains), name
        assert kind.needs in {field.name for field in attrs.fields(type(LINUX.operations))}, name
