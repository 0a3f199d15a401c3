"""Words after ``linux:``."""

from __future__ import annotations

from pathlib import Path

import pytest

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.linux.machine import RAM_DISK_MIB, Shape
from refmodel.conformance.linux.words import words_of


def test_a_kernel_alone_is_the_plainest_machine() -> None:
    """One CPU, one node, a disk, events, pages as they are."""
    words = words_of("6.12")
    assert (words.kernel, words.modules, words.probes, words.folios) == ("6.12", None, True, False)
    assert words.shape == Shape()
    assert words.shape.device == "/dev/vda"


def test_words_shape_the_machine() -> None:
    """In any order, and after an image too."""
    words = words_of("--swap brd image --cpus 2 --modules build --nodes 2 --folios --no-probes --accel tcg")
    assert (words.kernel, words.modules, words.probes, words.folios) == ("image", Path("build"), False, True)
    assert words.shape == Shape(cpus=2, nodes=2, swap="brd", disk=RAM_DISK_MIB, accel="tcg")
    assert words.shape.device == "/dev/ram0"


@pytest.mark.parametrize(
    "where", ["6.12 --quick", "6.12 6.1", "6.12 --accel xen", "6.12 --swap tape", "6.12 --cpus"]
)
def test_words_that_mean_nothing_are_refused(where: str) -> None:
    """The message says which words there are."""
    with pytest.raises(
        BadTarget, match=r"--(accel kvm or tcg|accel 'xen'|swap 'tape'; expected disk or brd)"
    ):
        words_of(where)
