"""Expressions over states."""

from typing import Any

import pytest

from refmodel.engines.expression import BadExpression, Expression
from refmodel.engines.scope import Scope
from refmodel.kernel.crypto import ZERO_PAGE
from refmodel.kernel.table import KernelView
from refmodel.profiles import profile


@pytest.fixture(scope="module")
def v() -> KernelView:
    """A system with a page that is swapped out."""
    from refmodel.engines.command import Command

    initial = (Command("write", (0, 0, 2)), Command("pageout", (0, 0, 1)))
    return Scope("s", (), initial=initial).system(profile("linux-7.3"))


def value(v: KernelView, text: str, **results: tuple[Any, ...]) -> Any:
    """Evaluate an expression."""
    return Expression(text, v, list(results)).value(lambda place: v[place], results)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tree[1] == 1", True),
        ("slot[1].count", 1),
        ("pte[0][0].slot", 1),
        ("tree[pte[0][0].slot]", 1),
        ("folio[1]", None),
        ("folio[1].contents[0]", None),
        ("device[1]", "never written"),
        ("forked[0] or forked", False),
        ("pool_list[0]", 1),
        ("pool_list == (1,)", True),
        ("zs.stored_pages", 1),
        ("memcg[1].zswap", 1024),
        ("memcg[1].online and not memcg[1].zswap_max", True),
        ("pool[pool_list[0]].compressor in ('tokens', 'tokens-2')", True),
        ("0 < zs.stored_pages <= 1 != -1", True),
        ("truth[0][0].content is None", False),
        ("reader[0] == 7 and reader[1] == None", True),
        ("reader[0] not in (2, 3)", True),
        ("zeroes[0] == 0", True),
    ],
)
def test_expressions_have_values(v: KernelView, text: str, expected: object) -> None:
    assert value(v, text, reader=(7,), zeroes=(ZERO_PAGE,)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tree[1] ==", "invalid syntax; expected an expression"),
        ("tre[1]", r"unknown name tre; .* did you mean tree\?"),
        ("tree[9]", r"tree\[9\] in 'tree\[9\]'; expected one of tree\[0\] to tree\[1\]"),
        ("tree", "expected a component; say which one with an index"),
        ("slot[1].cuont", r"\.cuont; expected a field of a component; did you mean count\?"),
        ("folio[1] < 2", "'folio\\[1\\] < 2': .* expected values that compare"),
        ("print(1)", r"'print\(1\)'; expected comparisons"),
        ("[x for x in tree]", "expected comparisons"),
        ("1 + 1", "expected comparisons"),
        ("lambda: 1", "expected comparisons"),
    ],
)
def test_what_cannot_be_evaluated_is_told(v: KernelView, text: str, message: str) -> None:
    with pytest.raises(BadExpression, match=message):
        value(v, text)


def test_an_expression_knows_what_it_asks_for(v: KernelView) -> None:
    expression = Expression("reader[0] == 2 and zs.stored_pages == 1", v, ["reader", "writer"])

    assert [*expression.mentions] == ["reader"]
    assert v.at.zs.stored_pages in expression.named
