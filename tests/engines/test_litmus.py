"""Litmus files: what is found in tiny ones."""

import attrs
import pytest

from refmodel.engines.explorer.search import Bounds
from refmodel.engines.litmus import BOUNDS, Litmus, LitmusResult, litmus_of, run_litmus
from refmodel.engines.rerun import rerun
from refmodel.engines.schedule_token import ScheduledRun
from refmodel.engines.toml_file import BadFile, parse_toml
from refmodel.kernel.memory import ReadPage
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, Wait, step
from refmodel.profiles import profile

TWO = """
profiles = ["linux-7.3"]
[initial]
run = ["write(0, 0, 2)"]
[[thread]]
name = "writer"
run = ["write(0, 0, 7)"]
[[thread]]
name = "reader"
run = ["read(0, 0)"]
"""


@attrs.define
class Waiting(ReadPage):
    """A read that waits for what never comes."""

    @step
    def access(self, v: KernelView) -> Next:
        """Wait."""
        return Wait("what never comes")


@attrs.define
class Again(ReadPage):
    """A read that never ends."""

    @step
    def access(self, v: KernelView) -> Next:
        """Flip a bit that nobody else looks at, and go on."""
        v[v.at.thp_orders] ^= 1
        return self.access


def read(text: str) -> Litmus:
    """Read a litmus file."""
    return litmus_of(parse_toml(text, "a.toml"))


def run(text: str, bounds: Bounds = BOUNDS) -> LitmusResult:
    """Run a litmus file on the first of its profiles."""
    litmus = read(text)
    return run_litmus(litmus, profile(litmus.profiles[0]), bounds)


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        ('never = "reader[0] == 3"', "never"),
        ('sometimes = "reader[0] == 7"', "sometimes"),
        ('always = "reader[0] in (2, 7)"', "always"),
        ('always = "reader[0] == 2"', "sometimes"),
        ('sometimes = "reader[0] in (2, 7)"', "always"),
        ('never = "reader[0] == 2"', "sometimes"),
        ('violation = "PROMISE"', "never"),
        ('violation = "any"', "never"),
        ('always = "folio[1] == None"\nat = "settled"', "never"),
        ('sometimes = "truth[0][0].content == 7"\nat = "any"', "sometimes"),
    ],
)
def test_what_is_found_is_exact(outcome: str, found: str) -> None:
    result = run(f"{TWO}[outcome]\n{outcome}")

    assert result.found == found
    assert result.verdict == (
        "as expected" if outcome.startswith((found, "violation")) else "not as expected"
    )


def test_an_outcome_that_happens_is_shown_by_a_shortest_run() -> None:
    text = f'{TWO}[outcome]\nsometimes = "reader[0] == 7"'
    result = run(text)
    seen = rerun(ScheduledRun("linux-7.3", read(text).scope, result.schedule), profile("linux-7.3"))

    assert result.shows == "how the outcome comes about"
    assert [turn.actor for turn in seen.turns if turn.ended] == ["writer", "reader"]


def test_an_outcome_that_is_missed_is_shown() -> None:
    result = run(f'{TWO}[outcome]\nalways = "reader[0] == 2"')

    assert result.shows == "how the outcome is missed"
    assert result.schedule


WRONG_NODE = """
profiles = ["batching-v12"]
[system]
nodes = 2
[initial]
run = ["bind(0, 1)", "write(0, 0, 2)"]
[[thread]]
name = "task"
run = ["pageout(0, 0, 1)"]
[outcome]
sometimes = "lru[1][0] != ()"
"""


def test_a_known_defect_does_not_hide_what_comes_of_it() -> None:
    """Without being told a file fails at the property that is broken; the run that is shown goes past it."""
    assert run(WRONG_NODE).why.startswith("PLACE")
    text = f'{WRONG_NODE}despite = ["PLACE"]'
    result, litmus = run(text), read(text)
    assert (result.found, litmus.despite) == ("sometimes", ("PLACE",))

    schedule = ScheduledRun("batching-v12", litmus.scope, result.schedule)
    whole, cut = (rerun(schedule, profile("batching-v12"), despite) for despite in (litmus.despite, ()))
    assert (whole.violation, len(whole.turns)) == (None, len(result.schedule))
    assert cut.violation is not None
    assert cut.violation.property == "PLACE"


def test_profiles_can_expect_different_things() -> None:
    text = TWO.replace('["linux-7.3"]', '["linux-7.3", "linux-6.1"]')
    litmus = read(f'{text}[outcome]\nnever = "reader[0] == 3"\n[expect]\n"linux-6.1" = "always"')

    assert dict(litmus.expected) == {"linux-7.3": "never", "linux-6.1": "always"}
    assert run_litmus(litmus, profile("linux-6.1")).verdict == "not as expected"


BUFFER = """
profiles = ["linux-6.1"]
[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]
[[thread]]
name = "reader"
run = ["read(0, 0)"]
[environment]
faults = ["bounce_buffer"]
[outcome]
"""


def test_a_property_that_is_asked_for_may_break() -> None:
    result = run(f'{BUFFER}violation = "PROMISE"')

    assert (result.found, result.verdict) == ("sometimes", "not as expected")
    assert result.why.startswith("PROMISE: page 0 of process 0 reads as")
    assert result.schedule


def test_a_property_that_breaks_unasked_is_a_failure_with_its_own_text() -> None:
    result = run(f'{BUFFER}sometimes = "reader[0] == 2"')

    assert (result.found, result.shows) == ("broken", "PROMISE is broken")
    assert result.why.startswith("PROMISE: page 0 of process 0 reads as")


def test_a_deadlock_is_a_failure() -> None:
    litmus = read(f'{TWO}[outcome]\nalways = "reader[0] == 2"')
    base = profile("linux-7.3")

    stuck = base.with_operations(base.name, base.summary, read_page=Waiting)
    result = run_litmus(litmus, stuck)

    assert (result.found, result.shows) == ("broken", "PROGRESS is broken")
    assert result.why.startswith("PROGRESS: reader waits to begin read(mm=0, page=0)")


def test_a_run_that_stops_the_kernel_is_no_end() -> None:
    text = BUFFER.replace("6.1", "6.12").replace("bounce_buffer", "decompress")

    assert run(f'{text}always = "reader[0] == 2"').found == "always"


def test_a_file_without_an_end_has_no_outcome() -> None:
    # The only command never ends: every access faults, and every fault finds its page gone.
    base = profile("linux-7.3")
    endless = base.with_operations(base.name, base.summary, read_page=Again)
    result = run_litmus(read(f'{TWO}[outcome]\nalways = "reader[0] == 2"'), endless)

    assert (result.found, result.why) == ("no end", "no run comes to its end")


def test_a_bound_leaves_a_file_undecided() -> None:
    result = run(f'{TWO}[outcome]\nnever = "reader[0] == 3"', Bounds(states=3))

    assert (result.found, result.verdict) == ("undecided", "undecided")
    assert result.why == "stopped at the bound of 3 states"


def test_counters_that_an_outcome_names_are_kept() -> None:
    assert run(f'{TWO}[outcome]\nalways = "vm.pgmajfault == 0"').found == "always"


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        ("", r"1: none in \[outcome\]; expected one of never, sometimes, always, violation"),
        ('[outcome]\nnever = "1"\nalways = "1"', r"11: never and always in \[outcome\]"),
        ('[outcome]\nnevre = "1"', r"12: unknown key nevre; .* did you mean never\?"),
        ('[outcome]\nnever = "1"\nat = "ende"', r"13: at = 'ende'; .* did you mean end\?"),
        ('[outcome]\nnever = "redaer[0] == 1"', r"12: unknown name redaer; .* did you mean reader\?"),
        ('[outcome]\nnever = ""', r"12: '': .*; expected an expression"),
        ('[outcome]\nviolation = "any"\nat = "end"', r"13: at beside a violation"),
        ("[outcome]\nviolation = []", r"12: no property"),
        ('[outcome]\nviolation = "any"\ndespite = "ZS-1"', r"13: despite beside a violation of the same"),
        ('[outcome]\nviolation = "ZS-1"\ndespite = "ZS-1"', r"13: despite beside a violation of the same"),
        ('[outcome]\nnever = "1"\ndespite = []', r"13: no property; expected the id of one$"),
        (
            '[outcome]\nnever = "1"\ndespite = "any"',
            r"13: unknown property any; expected the id of a property",
        ),
        ('[outcome]\nnever = "reader["', r"12: 'reader\[': .*; expected an expression"),
        (
            '[outcome]\nviolation = "ZS-23"',
            r"12: unknown property ZS-23; expected the id of a property of states",
        ),
        ('[outcome]\nviolation = "ZS-99"', r"12: unknown property ZS-99; .* did you mean ZS-9"),
        (
            '[outcome]\nnever = "1"\n[expect]\n"linux-7.4" = "never"',
            r"14: unknown key linux-7\.4; .* did you mean",
        ),
        (
            '[outcome]\nnever = "1"\n[expect]\n"linux-7.3" = "nevre"',
            "14: linux-7.3 = 'nevre'; .* did you mean",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(outcome: str, message: str) -> None:
    with pytest.raises(BadFile, match=rf"^a\.toml:{message}"):
        read(TWO + outcome)


def test_threads_that_are_not_told_apart_have_no_results() -> None:
    text = TWO.replace('name = "reader"\n', 'name = "reader"\nnumber = 2\n')
    with pytest.raises(
        BadFile, match=r"^a\.toml:13: reader, of which there are 2; .* need a \[\[thread\]\] each"
    ):
        read(f'{text}[outcome]\nnever = "reader[0] == 2"')


def test_a_thread_that_chooses_has_no_results_and_needs_an_end() -> None:
    text = TWO.replace('run = ["read(0, 0)"]', 'choose = ["read(0, 0)"]')
    with pytest.raises(BadFile, match=r"reader, which chooses what it runs"):
        read(f'{text}[outcome]\nnever = "reader[0] == 2"')
    with pytest.raises(BadFile, match=r"an end, while reader goes on without end; expected times = N"):
        read(f'{text}[outcome]\nnever = "tree[1] == 2"')
