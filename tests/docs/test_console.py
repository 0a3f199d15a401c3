"""Reading pages: sessions with output and exit codes, and files."""

from tests.docs.console import Shown, appears, commands, files

PAGE = """\
# Title

```console
$ first --option
one
...
$ second
$ third
two
$ echo $?
1
```

```sh
not this
```

```{code-block} python
:caption: change.py

x = 1
```
"""


def test_commands_have_the_output_and_the_exit_code_that_the_page_shows() -> None:
    assert list(commands(PAGE)) == [
        Shown("first --option", ("one", "...")),
        Shown("second", ()),
        Shown("third", ("two",), 1),
    ]


def test_files_are_code_blocks_with_a_name() -> None:
    assert list(files(PAGE)) == [("change.py", "x = 1\n")]


def test_dots_stand_for_anything() -> None:
    assert appears("steps ... in 2 s", "steps 12 in 2 s")
    assert appears("...", "")
    assert not appears("a.c", "abc")
