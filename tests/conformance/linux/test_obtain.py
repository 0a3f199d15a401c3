"""Which package of a distribution is a kernel that can be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.linux.obtain import get_kernel, newest, with_modules

OFFERED = [
    "linux-image-6.12.9+deb12-amd64-unsigned",
    "linux-image-6.12.117+deb12-amd64-unsigned",
    "linux-image-6.12.117+deb12-cloud-amd64-unsigned",
    "linux-image-6.12.117+deb12-rt-amd64-unsigned",
    "linux-image-6.1.0-56-amd64-unsigned",
    "linux-image-6.18.15+deb13-amd64",
    "linux-image-7.3.4+deb13-amd64",
    "linux-binary-7.3.4+deb13-amd64",
    "linux-image-amd64",
    "linux-headers-6.12.117+deb12-amd64",
]


@pytest.mark.parametrize(
    ("version", "packages"),
    [
        ("6.12", ["linux-image-6.12.117+deb12-amd64-unsigned"]),
        ("6.1", ["linux-image-6.1.0-56-amd64-unsigned"]),
        ("6.18", ["linux-image-6.18.15+deb13-amd64"]),
        ("7.3", ["linux-binary-7.3.4+deb13-amd64", "linux-modules-7.3.4+deb13-amd64"]),
    ],
)
def test_the_newest_generic_kernel_of_a_version_is_taken(version: str, packages: list[str]) -> None:
    """Numbers are compared as numbers; 6.1 is not the beginning of 6.12; cloud and rt kernels are others."""
    assert with_modules(newest(version, OFFERED)) == packages


def test_a_version_that_is_not_offered_is_refused_with_those_that_are() -> None:
    """The message says what this host has and what to do otherwise."""
    with pytest.raises(
        BadTarget, match=r"no package of Linux 5\.10; this host offers 6\.1, 6\.12, 6\.18, 7\.3"
    ):
        newest("5.10", OFFERED)


def test_a_host_without_the_package_client_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kernel can be used that the user has an image of."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadTarget, match=r"no apt-get .* linux:IMAGE --modules DIR"):
        get_kernel("6.12", tmp_path)
