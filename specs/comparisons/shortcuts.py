"""Decisions that are written for speed, beside the plain way to say the same."""

from __future__ import annotations

from refmodel.kernel import slot_decisions, table, vswap_decisions


def the_lowest_free_number(used: int) -> tuple[int, int]:
    """The lowest number whose bit is clear: by arithmetic on the bitmap, beside a search from 0.

    Source: the numbers of entries, folios and objects of this model, which no kernel has
    Requirement: S1
    Versions: the short way and the plain one
    Expect: alike

    pre: 0 <= used < 2**6
    post: _[0] == _[1]
    """
    plain = next(number for number in range(7) if used // 2**number % 2 == 0)
    return table.lowest_free(used), plain


def the_free_runs_of_a_cluster(used: int, nr: int) -> tuple[list[int], list[int]]:
    """The aligned runs of clear bits in a bitmap of four: by masks, beside looking at every bit.

    Source: mm/vswap.c, Virtual Swap Space v6
    Requirement: S2
    Versions: the short way and the plain one
    Expect: alike

    pre: 0 <= used < 2**4
    pre: nr in (1, 2, 4)
    post: _[0] == _[1]
    """
    clear = [used // 2**bit % 2 == 0 for bit in range(4)]
    plain = [start for start in range(0, 4, nr) if all(clear[start : start + nr])]
    return list(vswap_decisions.free_runs(used, 4, nr)), plain


def the_start_of_an_aligned_run(page: int, nr: int) -> tuple[int, int]:
    """Where the aligned run begins that a page lies in: by the remainder, beside whole division.

    Source: mm/memory.c do_anonymous_page(), Linux 6.12.117
    Requirement: S8
    Versions: the short way and the plain one
    Expect: alike

    pre: 0 <= page <= 2**40
    pre: nr in (1, 2, 4, 8, 16, 512)
    post: _[0] == _[1]
    """
    return slot_decisions.aligned_start(page, nr), page // nr * nr
