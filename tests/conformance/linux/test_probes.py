"""What probes print becomes events of a trace."""

from __future__ import annotations

import pytest

from refmodel.conformance.linux.probes import Normaliser, generation


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("6.1.0-56-amd64", "6.1"),
        ("6.12.117+deb12-amd64", "6.12"),
        ("6.18.15", "6.18"),
        ("7.3.4+deb13-amd64", "7.3"),
    ],
)
def test_each_kernel_has_its_set_of_probes(release: str, expected: str) -> None:
    """The functions that are probed exist under other names in other kernels."""
    assert generation(release) == expected


def line(event: str, values: str) -> str:
    """Return a line as the trace buffer prints it."""
    return (
        f"          worker-77      [000] .....    12.345678: {event}: (function+0x4/0x90 <- caller) {values}"
    )


def test_addresses_become_names_in_the_order_of_their_appearance() -> None:
    """Two runs of a kernel at other addresses give the same events."""
    text = "\n".join(
        [
            line("zs_malloc", "size=52 ret=-110526123456"),
            line("zs_malloc", "size=60 ret=-12"),
            line("zs_free", "handle=-110526123456"),
            line("lru_add", "lru=0x1 swp=0x3 nid=0 memcg=0xffff888001234000 ret=1"),
        ]
    )
    assert list(Normaliser("6.12.1").events(text)) == [
        {"ev": "zs_malloc", "cpu": 0, "size": 52, "ret": 0, "h": 0},
        {"ev": "zs_malloc", "cpu": 0, "size": 60, "ret": -12},
        {"ev": "zs_free", "cpu": 0, "h": 0},
        {"ev": "lru_add", "cpu": 0, "swp": [0, 3], "nid": 0, "memcg": "m0", "ret": 1},
    ]


def test_the_halves_of_a_pair_are_joined() -> None:
    """On 6.1 a return probe has no arguments: those of the entry go with it."""
    text = "\n".join([line("store_e", "type=0 off=7"), line("store", "ret=0")])
    assert list(Normaliser("6.1.9").events(text)) == [
        {"ev": "store", "cpu": 0, "swp": [0, 7], "ret": 0, "ok": True}
    ]


def test_counts_of_a_shrinker_that_found_nothing_are_left_out() -> None:
    """They say nothing; the kernel asks often."""
    text = line("shrinker_count", "nid=0 memcg=0x0 ret=0")
    assert list(Normaliser("7.3.4").events(text)) == []
