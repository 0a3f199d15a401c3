"""The picture of who uses which device."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from refmodel.engines.iaa_host_file import find_host
from refmodel.engines.iaa_usage import usage
from refmodel.profiles.iaa import iaa_driver
from refmodel.report.iaa_picture import ALARM, svg

PAGES = Path(__file__).parent.parent.parent / "docs" / "do"
SVG = "{http://www.w3.org/2000/svg}"


def drawn(name: str, profile: str) -> str:
    """Return the picture of a host."""
    file = find_host(name)
    return svg(file, usage(file.host, iaa_driver(profile), file.attributes))


def texts(picture: str) -> list[str]:
    """Return the texts of a picture, without those that only a pointer shows."""
    return [each.text or "" for each in ElementTree.fromstring(picture).iter(f"{SVG}text")]


@pytest.mark.parametrize(("host", "profile"), [("gnr-6-nodes", "linux-6.12"), ("spr-6", "batching-v13")])
def test_the_picture_in_the_book_is_what_is_drawn(host: str, profile: str) -> None:
    assert (PAGES / f"{host}.svg").read_text(encoding="utf-8") == drawn(host, profile)


def test_every_device_and_every_group_of_cpus_is_named() -> None:
    shown = texts(drawn("spr-6", "batching-v13"))
    assert [each for each in shown if each.startswith("iax")] == [
        "iax1",
        "iax3",
        "iax5",
        "iax9",
        "iax11",
        "iax13",
    ]
    assert [each for each in shown if each.startswith("CPUs ")][:2] == [
        "CPUs 0-17,112-129",
        "CPUs 18-35,130-147",
    ]
    assert shown.count("1/3") == 7 * 3
    assert shown.count("all") == 7


def test_cpus_of_two_packages_are_two_rows_and_the_foreign_ones_are_marked() -> None:
    """Device 0 takes two nodes of the other package in 6.12: four rows have a device of another package."""
    picture = drawn("gnr-6-nodes", "linux-6.12")
    rows = [each for each in texts(picture) if each.startswith("CPUs ")]
    marked = [
        each for each in ElementTree.fromstring(picture).iter(f"{SVG}rect") if each.get("stroke") == ALARM
    ]
    assert len(rows) == 9
    assert len(marked) == 4, "three rows and the key"


def test_nothing_outside_the_picture_is_needed() -> None:
    assert "href" not in drawn("spr", "batching-v13")
    assert "<style" not in drawn("spr", "batching-v13")


def test_long_lists_of_cpus_are_cut_and_show_whole_under_the_pointer() -> None:
    picture = drawn("gnr-6-nodes-2", "linux-6.12")
    for label in ElementTree.fromstring(picture).iter(f"{SVG}text"):
        assert len(label.text or "") <= 70
    assert "CPUs 0-31,64-95,192-223,256-287; 128 of package 0" in picture
