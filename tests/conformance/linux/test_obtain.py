"""Which package of a distribution is a kernel that can be used."""

from __future__ import annotations

import sys
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


APT = """#!{python}
import pathlib, sys
words = sys.argv[1:]
if "indextargets" in words:
    print("Packages http://mirror.example/debian/")
    print("Translations http://mirror.example/other/")
elif "pkgnames" in words:
    print("linux-image-7.3.4+deb13-amd64" if "Dir::Etc::SourceParts=-" in words else "linux-image-6.1.0-56-amd64")
elif "update" in words:
    (source,) = [word.split("=")[1] for word in words if word.startswith("Dir::Etc::SourceList=")]
    pathlib.Path("{seen}").write_text(pathlib.Path(source).read_text())
else:
    pathlib.Path(words[-1] + ".deb").write_text("")
"""
UNPACK = """#!{python}
import pathlib, sys
pathlib.Path(sys.argv[3]).mkdir()
"""


def test_a_suite_is_looked_into_without_touching_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is told of lists of its own, from where the host gets its packages, and nothing of it stays."""
    seen = tmp_path / "seen"
    programs = {"apt-get": APT, "apt-cache": APT, "dpkg-deb": UNPACK}
    for name, text in programs.items():
        (tmp_path / name).write_text(text.replace("{python}", sys.executable).replace("{seen}", str(seen)))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    made = get_kernel("7.3", tmp_path / "kernels" / "7.3", "trixie-backports")

    assert made.is_dir()
    assert list(made.parent.iterdir()) == [made]
    assert seen.read_text().endswith("] http://mirror.example/debian/ trixie-backports main\n")
    with pytest.raises(BadTarget, match=r"this host offers 6\.1: .*--suite trixie-backports"):
        get_kernel("7.3", tmp_path / "kernels" / "7.3")
