"""A program run again, step by step."""

from refmodel.engines.replay import Change, replay, replay_token
from refmodel.engines.setting import TOKENS, Setting
from refmodel.engines.token import Program, encode
from refmodel.machine.choice import first_answer
from refmodel.profiles import profile
from tests.engines import simple
from tests.engines.simple import LINUX, NO_COUNT, STORE, TOY, Raising, move, with_write


def test_a_timeline_has_every_step_with_what_it_did() -> None:
    timeline = replay(Program("linux-7.3", "toy", TOY, STORE), LINUX)
    stored = timeline.moves[1]
    by_name = {f"{step.operation}.{step.step}": step for step in stored.steps}

    assert stored.text == "pageout(mm=0, page=0, nr=1)"
    assert stored.applied
    assert timeline.violation is None
    assert by_name["ZswapStore73.publish"].changes == (Change("tree[1]", 0, 1),)
    assert [name for name, _ in by_name["ZswapStore73.lru_add"].events] == ["lru_add"]
    answers = by_name["ZswapStore73.publish"].answers
    assert [(answer.choice, answer.index, answer.options) for answer in answers] == [("xa_store", 0, 2)]


def test_changes_add_up_to_the_state_at_the_end() -> None:
    """Nothing that changed is missing."""
    v = TOY.system(LINUX, "toy")
    state = {v.layout.name(place): component for place, component in enumerate(v)}
    v.choose = first_answer
    timeline = replay(Program("linux-7.3", "toy", TOY, (*STORE, move("read", 0, 0))), LINUX)
    for record in timeline.moves:
        for step in record.steps:
            for change in step.changes:
                assert state[change.place] == change.before
                state[change.place] = change.after

    assert state["truth[0][0]"].content == 2
    assert state["tree[1]"] == 0


def test_a_replay_ends_with_the_violation() -> None:
    timeline = replay(Program("no-count", "toy", TOY, (*STORE, move("read", 0, 0))), NO_COUNT)

    assert timeline.violation is not None
    assert timeline.violation.property == "ZS-1"
    assert len(timeline.moves) == 2


def test_a_command_that_does_not_apply_did_nothing() -> None:
    timeline = replay(Program("linux-7.3", "toy", TOY, (move("exit_child", 0),)), LINUX)

    assert [(record.applied, record.steps, record.value) for record in timeline.moves] == [(False, (), None)]


def test_a_step_that_raises_is_the_last_one() -> None:
    planted = with_write(Raising)
    timeline = replay(Program("planted", "toy", TOY, STORE), planted)

    assert simple.ERRORS
    assert [(step.step, step.raised) for step in timeline.moves[0].steps] == [("access", True)]


def test_a_kernel_that_stops_halts_the_replay() -> None:
    which = profile("linux-6.12")
    for position in range(20):
        damaged = move("read", 0, 0, answers=(*[0] * position, 1))
        timeline = replay(Program(which.name, "toy", TOY, (*STORE, damaged)), which)
        if timeline.halted:
            break

    assert timeline.halted
    assert timeline.violation is None


def test_a_token_is_all_that_a_replay_needs() -> None:
    program = Program("linux-7.3+G1", "toy", Setting(TOKENS), STORE)

    assert replay_token(encode(program)).violation is not None
