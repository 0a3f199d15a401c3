"""Checks and their portions."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from refmodel.engines.check import Progress, check
from refmodel.engines.portion import RULES, Kind, Plan, Report, Worker, can_race
from refmodel.engines.replay import replay_token
from refmodel.engines.rerun import rerun_token
from refmodel.engines.schedule_token import ScheduledRun, encode_run
from refmodel.engines.setting import TOKENS, settings
from refmodel.profiles import Profile, UnknownPreset
from tests.engines.racing import CROSSED
from tests.engines.simple import LINUX, NO_COUNT

quick = partial(check, steps=3000, compressors=(TOKENS,))


def without_times(result: Any) -> dict[str, Any]:
    """Return a result without what depends on the machine."""
    names = ("seconds", "walk_rate", "race_rate", "rule_rate")
    return {name: value for name, value in attrs.asdict(result, recurse=False).items() if name not in names}


class TestCheck:
    def test_a_released_kernel_is_not_refuted(self) -> None:
        result = quick(LINUX)

        assert (result.verdict, result.failures, result.reason) == ("not refuted", (), "")
        assert result.walk_steps >= 3000
        assert result.bound.startswith(f"{result.walks:,} walks and 0 rule-based runs of at most 40 commands")
        assert 0 < result.coverage.figures(faults=False)[0] <= result.coverage.figures(faults=False)[1]

    def test_a_bug_is_refuted_with_a_short_program_and_a_token(self) -> None:
        result = quick(NO_COUNT)
        failure = result.failures[0]

        assert result.verdict == "refuted"
        assert failure.property == "ZS-1"
        assert failure.sentence
        assert len(failure.program) <= 3 <= failure.length
        assert failure.setting.startswith("tokens")
        replayed = replay_token(failure.token, {"no-count": NO_COUNT}).violation
        assert replayed is not None
        assert replayed.found == failure.found

    def test_a_seed_decides_everything(self) -> None:
        assert without_times(quick(LINUX, seed=5)) == without_times(quick(LINUX, seed=5))
        assert without_times(quick(LINUX, seed=5)) != without_times(quick(LINUX, seed=6))

    def test_processes_find_the_same(self) -> None:
        one, two = (quick(LINUX, steps=9000, jobs=jobs) for jobs in (1, 2))

        assert without_times(one) == without_times(two)

    def test_commands_can_run_one_at_a_time(self) -> None:
        """A deadlock that takes two actors is not found then."""
        both, alone = (
            check(CROSSED, steps=30_000, compressors=(TOKENS,), races=races) for races in (True, False)
        )

        assert [failure.property for failure in both.failures] == ["PROGRESS"]
        assert both.failures[0].commands <= 4
        assert (alone.verdict, alone.races, alone.race_steps) == ("not refuted", 0, 0)

    def test_a_process_can_make_the_profile_itself(self) -> None:
        """For classes that cannot be sent there."""
        result = quick(NO_COUNT, jobs=2, remake=partial(_planted, "ignored"))

        assert result.verdict == "refuted"

    def test_a_check_ends_with_its_time(self) -> None:
        result = check(LINUX, seconds=0.05, compressors=(TOKENS,))

        assert result.verdict == "not refuted"
        assert result.commands < 20_000

    def test_progress_is_told_after_each_portion(self) -> None:
        told: list[Progress] = []
        result = check(LINUX, steps=50_000, compressors=(TOKENS,), progress=told.append)

        assert [progress.steps for progress in told] == sorted(progress.steps for progress in told)
        assert told[-1].steps == result.walk_steps + result.race_steps + result.rule_steps
        assert told[-1].declared == len(result.coverage.declared)

    def test_assumptions_are_kept_and_told(self) -> None:
        result = quick(LINUX, assumptions={"alloc_folio": "for this test"})

        assert result.assumptions == {"alloc_folio": "for this test"}
        assert not [goal for goal in result.coverage.reached if goal.fault == "alloc_folio"]

    @pytest.mark.parametrize("bound", [{"seconds": 0}, {"steps": -1}, {"jobs": 0}], ids=str)
    def test_bounds_are_positive(self, bound: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="expected more than 0"):
            check(LINUX, **bound)

    def test_an_unknown_preset_is_told(self) -> None:
        with pytest.raises(UnknownPreset, match="expected one of toy, real"):
            check(LINUX, "tiny", steps=10)


def _planted(_: str) -> Profile:
    return NO_COUNT


class TestWorker:
    def worker(self, which: Profile) -> Worker:
        return Worker(Plan(which, "toy", settings(which, (TOKENS,)), 1, frozenset(), 2000))

    def portion(self, number: int, which: Profile = LINUX) -> Report:
        return self.worker(which).run(number)

    def test_of_ten_portions_one_is_rule_based_and_three_are_races(self) -> None:
        kinds = [self.worker(LINUX).kind(number) for number in range(3 * RULES)]

        assert [kinds.count(kind) for kind in ("walks", "races", "rules")] == [18, 9, 3]
        assert (kinds[0], kinds[1], kinds[RULES - 1]) == ("walks", "races", "rules")

    def test_races_can_be_switched_off(self) -> None:
        plan = attrs.evolve(self.worker(LINUX).plan, races=False)

        assert "races" not in [Worker(plan).kind(number) for number in range(RULES)]

    def test_races_take_settings_that_a_scope_can_have(self) -> None:
        """Without tokens there are none."""
        every = settings(LINUX)

        assert {each.compressor for each in every if can_race(each)} == {TOKENS}
        plan = attrs.evolve(self.worker(LINUX).plan, settings=settings(LINUX, ("lz4",)))
        assert "races" not in [Worker(plan).kind(number) for number in range(RULES)]

    def test_a_portion_does_not_depend_on_those_before(self) -> None:
        worker = self.worker(LINUX)
        worker.run(0)

        for number in (1, 2, RULES - 1):
            again, alone = worker.run(number), self.portion(number)
            assert (again.steps, again.commands, again.found) == (alone.steps, alone.commands, alone.found)

    @pytest.mark.parametrize(("number", "kind"), [(0, "walks"), (1, "races"), (RULES - 1, "rules")])
    def test_all_kinds_find_a_planted_bug(self, number: int, kind: Kind) -> None:
        report = self.portion(number, NO_COUNT)

        assert report.kind == kind
        assert [one.violation.property for one in report.found] == ["ZS-1"]
        assert len(report.found[0].text) <= 3

    def test_races_tell_who_did_what(self) -> None:
        """And leave a token that repeats it."""
        found = self.portion(1, CROSSED).found[0]

        assert found.violation.property == "PROGRESS"
        assert all(re.fullmatch(r"task \d: .*, \d+ steps?", line) for line in found.text)
        assert isinstance(found.run, ScheduledRun)
        again = rerun_token(encode_run(found.run), {CROSSED.name: CROSSED}).violation
        assert again == found.violation

    def test_nothing_is_left_in_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Hypothesis would keep notes there."""
        monkeypatch.chdir(tmp_path)
        self.portion(RULES - 1)

        assert list(tmp_path.iterdir()) == []
