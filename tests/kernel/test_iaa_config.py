"""What a system with IAA devices is like."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from refmodel.kernel.iaa_config import IaaSystem, one_device
from refmodel.kernel.iaa_topology import Queue, Wq
from refmodel.profiles import preset, profile

HOST = one_device(2, (Queue(2), Queue(2)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"statuses": ("done",)}, "status 'done': expected one of page_fault_ir"),
        ({"sync_mode": "later"}, "sync_mode 'later': expected one of sync, async, async_irq"),
        ({"tries": 0}, "tries = 0: expected 1 or more attempts"),
        ({"unbound": (Wq(1, 0),)}, "queue wq1.0: expected one of wq0.0, wq0.1"),
    ],
)
def test_what_cannot_be_set_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        IaaSystem(HOST, **given)


def test_the_cpus_of_the_host_are_the_systems() -> None:
    made = profile("iaa-v14")
    sizes = attrs.evolve(preset("toy"), cpus=1, nodes=1)
    with pytest.raises(ValueError, match="IAA host of 2 CPUs: expected the 1 of the system; set cpus"):
        made.system(made.config(sizes, compressor="deflate-iaa", iaa=IaaSystem(HOST)))


def test_a_profile_without_devices_has_no_places_for_them() -> None:
    made = profile("linux-7.3")
    v = made.system(made.config(preset("toy"), compressor="zstd"))
    assert (len(v.at.iaa.wq), len(v.at.iaa.request), bool(v.at.iaa.system)) == (0, 0, False)
