"""Scopes as TOML."""

import pytest

from refmodel.engines.command import Command
from refmodel.engines.scope_file import ScopeFile, scope_of
from refmodel.engines.toml_file import BadFile, parse_toml
from refmodel.profiles import PROFILES, profile

WHOLE = """
name = "a scope"
question = "Why?"
profiles = ["linux-6.12", "linux-7.3"]
source = "a sheet"
goals = ["ZswapWriteback612.claimed", "ZswapStore73.publish xa_store"]

[system]
slots = 3
synchronous = true
lengths = [1024, 64]

[initial]
run = ["write(0, 0, 2)", "zswap_max(1, 4096)", "bind(0, local)"]

[[thread]]
name = "task"
run = ["pageout(nr=1, mm=0, page=0)", "swapoff()"]

[[thread]]
name = "pressure"
choose = ["shrinker_scan(1, 0, *)", "fork"]
times = 2
number = 3

[environment]
faults = ["xa_store"]
fixed = []
budget = 1
background = ["writes"]
"""


def read(text: str) -> ScopeFile:
    """Read a scope file."""
    return scope_of(parse_toml(text, "a.toml"))


def test_a_file_says_everything_that_a_scope_has() -> None:
    file = read(WHOLE)
    scope = file.scope
    task, pressure = scope.threads

    assert (scope.name, scope.question, file.source) == ("a scope", "Why?", "a sheet")
    assert file.profiles == ("linux-6.12", "linux-7.3")
    assert (scope.sizes.slots, scope.sizes.pages, scope.synchronous, scope.lengths) == (
        3,
        1,
        True,
        (1024, 64),
    )
    assert scope.initial[1:] == (Command("zswap_max", (1, "4096")), Command("bind", (0, "local")))
    assert task.commands == (Command("pageout", (0, 0, 1)), Command("swapoff"))
    assert (task.free, pressure.free, pressure.times, pressure.number) == (False, True, 2, 3)
    assert (scope.faults, scope.fixed, scope.budget, scope.background) == (("xa_store",), (), 1, ("writes",))


def test_a_star_stands_for_every_value_and_a_bare_name_for_all_arguments() -> None:
    commands = read(WHOLE).scope.threads[1].commands
    scans = tuple(Command("shrinker_scan", (1, 0, todo)) for todo in (1, 2, 4))

    assert commands == (*scans, Command("fork", (0,)))


def test_folios_that_do_not_exist_yet_can_be_named() -> None:
    thread = read('[[thread]]\nname = "a"\nchoose = ["reclaim"]').scope.threads[0]

    assert thread.commands == tuple(Command("reclaim", (n,)) for n in (1, 2, 3))


def test_goals_are_those_of_operations_that_a_profile_has() -> None:
    file = read(WHOLE)

    assert file.goals_of(profile("linux-7.3")) == ("ZswapStore73.publish xa_store",)
    assert file.goals_of(profile("linux-6.12")) == ("ZswapWriteback612.claimed",)


def test_without_names_every_profile_is_meant_and_the_file_gives_the_name() -> None:
    file = read('[[thread]]\nrun = ["read(0, 0)"]')

    assert file.profiles == tuple(PROFILES)
    assert (file.scope.name, file.scope.threads[0].name) == ("a", "thread_1")


THREAD = '[[thread]]\nname = "a"\n'
READ = THREAD + 'run = ["read(0, 0)"]\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"proflies = []\n{READ}", r"1: unknown key proflies; .* did you mean profiles\?"),
        (
            f'profiles = [\n"linux-7.3",\n"linux-6.13"]\n{READ}',
            r"3: unknown profile 'linux-6\.13'.* did you mean",
        ),
        (f"[system]\nslost = 3\n{READ}", r"2: unknown key slost; .* did you mean slots\?"),
        (f"[system]\npages = 0\n{READ}", r"2: pages = 0; expected 1 or more"),
        (f"[system]\nmax_batch = 9\n{READ}", r"2: max_batch = 9; expected 1 to 8 pages"),
        (f"[system]\nbatch = 0\n{READ}", r"2: batch = 0; expected 1 to 8 pages"),
        (f"[system]\npages = '2'\n{READ}", r"2: pages = '2'; expected a whole number"),
        (f"[system]\nlengths = [9000]\n{READ}", r"1: codec 'tokens': lengths \[9000\] are not in"),
        (f"[system]\nvswap_cluster_size = 3\n{READ}", r"1: vswap_cluster_size 3; expected a power of two"),
        (READ.replace('"read', '"raed'), r"3: unknown command raed; .* did you mean read\?"),
        (READ.replace("0, 0", "0"), r"3: 1 arguments in read\(0\); expected read\(mm, page\)"),
        (READ.replace("0, 0", "mm=0, pgae=0"), r"3: argument pgae in .* did you mean page\?"),
        (READ.replace("0, 0", "0, 7"), r"3: page = 7 in read\(0, 7\); expected one of 0"),
        (READ.replace("0, 0", "0, *"), r"3: page = \* in .* only choose = \[\.\.\.\] takes a \*"),
        (READ.replace("(0, 0)", ""), r"3: read; expected read\(mm, page\)"),
        (READ.replace("(0, 0)", "(0"), r"3: 'read\(0'; expected a command such as"),
        (READ.replace("read(0, 0)", "zpool(zbud)"), r"3: zpool, which linux-6\.18 does not have"),
        (READ + "times = 2\n", r"4: times without choose"),
        (READ + READ, r"5: thread 'a'; expected a name of letters"),
        (READ.replace("run", "rnu"), r"3: unknown key rnu; .* did you mean run\?"),
        (THREAD, r"2: thread a; expected either run = \[\.\.\.\] or choose"),
        (THREAD + "run = []", r"3: thread a runs nothing; expected a command"),
        (THREAD + 'choose = ["read"]\nnumber = 0', r"4: number = 0; expected 1 or more"),
        ("question = 'Why?'", r"1: no \[\[thread\]\]; expected at least one"),
        (
            READ + '[environment]\nfaults = ["xa_stroe"]',
            r"5: unknown failure 'xa_stroe'; .* did you mean xa_store\?",
        ),
        (READ + '[environment]\nfaults = ["slot"]', r"5: unknown failure 'slot'"),
        (READ + '[environment]\nbackground = ["wirtes"]', r"5: unknown background work 'wirtes'"),
        (
            f'goals = ["ReadPage.acess"]\n{READ}',
            r"1: unknown step of ReadPage 'acess'; .* did you mean access\?",
        ),
        (f'goals = ["ReadPages.access"]\n{READ}', r"1: unknown operation 'ReadPages'"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(BadFile, match=rf"^a\.toml:{message}"):
        read(text)
