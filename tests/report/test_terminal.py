"""Printing: width, and what is left out where nobody looks at a terminal."""

import pytest

from refmodel.report.terminal import WIDTH, Unbroken, show, table


def test_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    show("lru[memcg][nid] :smile: 42", "", "second")

    assert capsys.readouterr().out == "lru[memcg][nid] :smile: 42\n\nsecond\n"


def test_lines_are_broken_at_the_width_of_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    show("word " * 50)

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert not any(line.endswith(" ") for line in lines)


def test_a_table_has_headings_and_no_frame(capsys: pytest.CaptureFixture[str]) -> None:
    made = table("name", "value")
    made.add_row("a", "x" * 120)
    show(made)

    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "name  value"
    assert "".join(line.split()[-1] for line in rest) == "x" * 120


def test_a_line_to_be_copied_is_not_broken(capsys: pytest.CaptureFixture[str]) -> None:
    show(Unbroken("x" * 300))

    assert capsys.readouterr().out == "x" * 300 + "\n"
