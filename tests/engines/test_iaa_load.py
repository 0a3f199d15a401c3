"""P4: descriptors run out only where 30 or more cores share one device."""

from __future__ import annotations

import pytest

from refmodel.engines.iaa_load import Load, Plan, load
from refmodel.kernel.iaa_topology import ImpossibleHost
from refmodel.museum import without_known_bugs
from refmodel.profiles import profile


def run(name: str = "iaa-v14", **plan: object) -> Load:
    """Run a plan of one round on a driver without its known bugs."""
    return load(Plan(rounds=1, **plan), without_known_bugs(profile(name)))  # type: ignore[arg-type]  # of each field's type


def test_thirty_cores_on_one_device_run_out_of_descriptors_and_on_four_they_do_not() -> None:
    one, four = run(), run(devices=4)
    assert (one.jobs, one.descriptors, one.tries) == (240, 128, 1000)
    assert one.without > 0
    assert (four.jobs, four.descriptors, four.without, four.tries) == (240, 512, 0, 0)


def test_as_many_batches_as_fit_never_try_twice() -> None:
    """IAA-58: batches times jobs are no more than descriptors."""
    assert run(cores=16).tries == 0
    assert run(cores=17).tries > 0


def test_only_queues_that_compress_count() -> None:
    """Of two queues bound one after the other the second is for compression only."""
    assert run(cores=8, queues=(64, 64)).descriptors == 64


def test_thirty_cores_that_sleep_for_descriptors_hang_on_one_device_and_not_on_four() -> None:
    assert run("iaa-v5").hung
    assert not run("iaa-v5", devices=4).hung


def test_the_same_plan_gives_the_same_load() -> None:
    assert run(cores=20) == run(cores=20)


def test_four_devices_do_what_their_engines_can() -> None:
    """Two engines of a device compress a page in 2.15 us each."""
    found = run(devices=4)
    assert 240 / found.microseconds == pytest.approx(4 * 2 / 2.15, rel=0.1)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"batch": 9}, "batch of 9 jobs: expected 2 to 8"),
        ({"cores": 0}, "cores = 0: expected 1 or more"),
        ({"rounds": 0}, "rounds = 0: expected 1 or more"),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused(plan: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Plan(**plan)  # type: ignore[arg-type]  # numbers all


def test_queues_that_no_device_has_room_for_are_refused() -> None:
    with pytest.raises(ImpossibleHost, match="at most the 128 of a device"):
        run(queues=(64, 65))
