"""Which package of a distribution is a kernel that can be used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.linux.boot import find_kernel
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
image = pathlib.Path(sys.argv[3], "{image}")
image.parent.mkdir(parents=True, exist_ok=True)
image.write_text("")
"""


def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: str) -> Path:
    """Make a package client whose packages have one file; return where it notes what it looks into."""
    seen = tmp_path / "seen"
    filled = {"python": sys.executable, "seen": str(seen), "image": image}
    for name, text in {"apt-get": APT, "apt-cache": APT, "dpkg-deb": UNPACK}.items():
        for key, value in filled.items():
            text = text.replace(f"{{{key}}}", value)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return seen


@pytest.mark.parametrize(
    "image", ["boot/vmlinuz-7.3.4", "usr/lib/modules/7.3.4/vmlinuz", "usr/lib/modules/7.3.4/vmlinuz.unsigned"]
)
def test_the_image_of_a_package_is_found_where_packages_have_it(
    image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(tmp_path, monkeypatch, image)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = get_kernel("7.3", suite="trixie-backports")
    assert find_kernel("7.3", None) == (made / image, made)


def test_a_package_without_an_image_is_refused_and_what_was_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(tmp_path, monkeypatch, "usr/share/doc/linux/copyright")
    target = tmp_path / "kernels" / "7.3"
    target.mkdir(parents=True)
    with pytest.raises(
        BadTarget, match=r"package linux-image-7\.3\.4\+deb13-amd64: no kernel image in it; expected boot/"
    ):
        get_kernel("7.3", target, "trixie-backports")
    assert target.is_dir()


def test_a_suite_is_looked_into_without_touching_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is told of lists of its own, from where the host gets its packages, and nothing of it stays."""
    seen = client(tmp_path, monkeypatch, "boot/vmlinuz-7.3.4")
    made = get_kernel("7.3", tmp_path / "kernels" / "7.3", "trixie-backports")

    assert made.is_dir()
    assert list(made.parent.iterdir()) == [made]
    assert seen.read_text().endswith("] http://mirror.example/debian/ trixie-backports main\n")
    with pytest.raises(BadTarget, match=r"this host offers 6\.1: .*--suite trixie-backports"):
        get_kernel("7.3", tmp_path / "kernels" / "7.3")
