"""Kernels from a distribution: a package is downloaded with the ordinary client and unpacked, not installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import attrs

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.linux.boot import IMAGES, image_in, kernels

ELSEWHERE = (
    "elsewhere, take the image and the modules of a kernel for x86-64 with CONFIG_ZSWAP from your distribution "
    "and name them: linux:IMAGE --modules DIR"
)
"""What to do on a host of another kind."""

KEYS = Path("/usr/share/keyrings")
"""Where the distribution's packages put the keys that its lists are signed with."""

_IMAGE = re.compile(r"^linux-(?:image|binary)(?:-unsigned)?-(\d[\w.+~]*?(?:-\d+)?)-amd64(?:-unsigned)?$")


@attrs.frozen
class Client:
    """The package client of this host.  options: after its name, where it looks elsewhere than it is configured to."""

    options: tuple[str, ...] = ()

    def offered(self) -> list[str]:
        """Return the names of kernel packages that the client knows, whether generic or not."""
        return _run(["apt-cache", *self.options, "pkgnames", "linux-"], Path.cwd()).split()

    def download(self, package: str, place: Path) -> None:
        """Download a package to a directory."""
        _run(["apt-get", *self.options, "download", "-q", package], place)


def get_kernel(version: str, directory: Path | None = None, suite: str = "") -> Path:
    """Obtain the newest packaged kernel of a version; return the directory that it was unpacked to.

    version: for example ``6.12``.  directory: where to; by default where ``linux:VERSION`` looks.
    suite: of the distribution, for example ``trixie-backports``; by default those that the host is configured for.
    Raises BadTarget on a host without the client, for a version that it does not offer, and where a package has no
    image; what was there before stays then.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise BadTarget(f"this host has no apt-get and dpkg-deb; {ELSEWHERE}")
    target = directory or kernels() / version
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="get-") as name:
        place = Path(name)
        client = client_of(suite, place) if suite else Client()
        package = newest(version, client.offered())
        for each in with_modules(package):
            client.download(each, place)
        for file in sorted(place.glob("*.deb")):
            _run(["dpkg-deb", "-x", str(file), str(place / "unpacked")], place)
        if image_in(place / "unpacked") is None:
            raise BadTarget(
                f"package {package}: no kernel image in it; expected {', '.join(IMAGES)}; {ELSEWHERE}"
            )
        if target.exists():
            shutil.rmtree(target)
        (place / "unpacked").rename(target)
    return target


def client_of(suite: str, place: Path) -> Client:
    """Return the client with the lists of one suite, which are fetched to a directory; the host stays as it is.

    The suite is taken from where the host gets its packages, and signed by the same keys.
    Raises BadTarget where there is no such suite, and on a host that never fetched lists.
    """
    known = _run(["apt-get", "indextargets", "--format", "$(CREATED_BY) $(REPO_URI)"], place).splitlines()
    sources = [line.split()[1] for line in known if line.startswith("Packages ")]
    if not sources:
        raise BadTarget(f"this host's apt-get has no lists of packages; run apt-get update; {ELSEWHERE}")
    keys = ",".join(str(path) for path in sorted(KEYS.glob("*-archive-keyring.gpg")))
    signed = f" signed-by={keys}" if keys else ""
    (place / "lists" / "partial").mkdir(parents=True)
    (place / "sources.list").write_text(f"deb [arch=amd64{signed}] {sources[0]} {suite} main\n")
    settings = {
        "Dir::Etc::SourceList": place / "sources.list", "Dir::Etc::SourceParts": "-",
        "Dir::State::Lists": place / "lists",
        "Dir::Cache::PkgCache": "", "Dir::Cache::SrcPkgCache": "", "Acquire::Languages": "none",
    }  # fmt: skip
    client = Client(tuple(word for name, value in settings.items() for word in ("-o", f"{name}={value}")))
    _run(["apt-get", *client.options, "-q", "update"], place)
    return client


def newest(version: str, names: list[str]) -> str:
    """Return the newest generic package of a version: other flavours are built without zswap.

    Raises BadTarget where there is none.
    """
    found = {name: told[1] for name in names if (told := _IMAGE.match(name))}
    fitting = [name for name, release in found.items() if _is_of(release, version)]
    if not fitting:
        known = sorted({".".join(release.split(".")[:2]) for release in found.values()}, key=_numbers)
        raise BadTarget(
            f"no package of Linux {version}; this host offers {', '.join(known) or 'none'}: try one of these, another "
            f"suite of the distribution (--suite trixie-backports), or apt-get update; {ELSEWHERE}"
        )
    # From 7.0 on linux-image is a package without files, which depends on linux-binary.
    return max(fitting, key=lambda name: (_numbers(found[name]), "-binary-" in name, "-unsigned" in name))


def with_modules(package: str) -> list[str]:
    """Return the packages to unpack: from 7.0 on the modules have one of their own."""
    if not package.startswith("linux-binary-"):
        return [package]
    release = _IMAGE.match(package)
    assert release is not None
    return [package, f"linux-modules-{release[1]}-amd64"]


def _is_of(release: str, version: str) -> bool:
    return release == version or release.startswith((f"{version}.", f"{version}+", f"{version}-"))


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release))


def _run(command: list[str], directory: Path) -> str:
    ran = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if ran.returncode:
        said = (ran.stderr.strip().splitlines() or ["nothing"])[-1]
        raise BadTarget(f"{' '.join(command)} failed: {said}; {ELSEWHERE}")
    return ran.stdout
