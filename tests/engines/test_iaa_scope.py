"""The table ``iaa`` of a scope file."""

from __future__ import annotations

import pytest

from refmodel.engines.iaa_scope import iaa_system
from refmodel.engines.toml_file import BadFile, Table, parse_toml
from refmodel.kernel.iaa_config import IaaSystem
from refmodel.kernel.iaa_tables import Attributes
from refmodel.kernel.iaa_topology import Queue, Wq


def read(text: str) -> IaaSystem:
    """Return the devices of a system of two CPUs."""
    file = parse_toml(f"[iaa]\n{text}", "a.toml")
    return iaa_system(Table(file, (), file.data), 2)


def test_one_device_with_one_queue_of_two_entries_is_what_nobody_has_to_say() -> None:
    made = read("")
    assert made.queues == (Queue(2),)
    assert (made.host.nr_cpus, made.engines(0), made.tries, made.sync_mode, made.unbound) == (
        2,
        1,
        None,
        None,
        (),
    )


def test_everything_can_be_said() -> None:
    made = read(
        """
        devices = 2
        queues = [4, { size = 2, mode = "shared", threshold = 1 }]
        engines = 3
        tries = 5
        sync_mode = "async_irq"
        verify_compress = true
        statuses = ["watchdog"]
        unbound = ["wq1.1"]
        attributes = { g_comp_wqs_per_iaa = 1, distribute_decomps = false }
        """
    )
    assert made.names == ("wq0.0", "wq0.1", "wq1.0", "wq1.1")
    assert made.queues[1].descriptors == 1
    assert (made.engines(1), made.tries, made.sync_mode, made.verify_compress) == (3, 5, "async_irq", True)
    assert (made.statuses, made.unbound) == (("watchdog",), (Wq(1, 1),))
    assert made.attributes == Attributes(1, distribute_comps=True, distribute_decomps=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("queues = [129]", "queues of 129 entries; expected at most the 128 of a device"),
        ("queues = [{ size = 1, group = 1 }]", "queue 0 is in group 1, which has no engine"),
        (
            'queues = [{ size = 2, mode = "shared" }]',
            "threshold 0 of a shared queue; expected 1 to its size, 2",
        ),
        ("devices = 0", "devices = 0; expected 1 or more"),
        ("tries = 0", "tries = 0; expected 1 or more attempts"),
        ('sync_mode = "asynk"', "sync_mode 'asynk'; expected one of sync, async, async_irq; did you mean"),
        ('statuses = ["watchdogs"]', "unknown status 'watchdogs'.*did you mean watchdog"),
        ('unbound = ["wq0.1"]', "unknown queue 'wq0.1'; expected one of wq0.0"),
        ("engine = 1", "unknown key engine.*did you mean engines"),
    ],
)
def test_what_cannot_be_is_refused_with_its_rule_and_its_line(text: str, said: str) -> None:
    with pytest.raises(BadFile, match=f"a.toml:2: .*{said}"):
        read(text)
