"""The mutation score of decisions: ``python -m tests.mutation.score``, in a checkout, a quarter of an hour of CPU.

mutmut changes the decisions in every way that it knows, and for each change runs contracts with many random inputs
(``tests/mutation/decisions.py``) and the tests of functions that always were decisions.  A change that makes one run
for ever is killed, too.  Survivors are listed; those that no test can kill have their reason here.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

LEAST = 98.0
"""Percent of the mutants that have to be killed: it may only rise."""

SURVIVORS = {
    "kernel.limit_decisions.x_zswap_admits__mutmut_2": "the same: a quotient is below a whole number if its floor is",
    "kernel.iaa_mapping.x_start_cursor__mutmut_6": "the same: the start is below the queues, or there is none",
    "kernel.iaa_mapping.x_start_cursor__mutmut_7": "the same: the start is below the queues, or there is none",
    "kernel.zsmalloc_classes.x_inuse_ratio_group__mutmut_8": "the same: the quotient is rounded down by what follows",
    "kernel.zsmalloc_classes.x_three_quarters_group__mutmut_10": "the same: whole numbers are compared with a quotient",
    "kernel.zsmalloc_classes.x_best_percentage_chain__mutmut_7": "the same for the chains of 6.1, of 4 pages at most",
    "kernel.zsmalloc_classes.x__no_such_zspage__mutmut_3": "what a message lists, not a decision",
    "kernel.zsmalloc_classes.x__no_such_zspage__mutmut_4": "what a message lists, not a decision",
    "kernel.zsmalloc_classes.x__no_such_zspage__mutmut_6": "the advice of a message, not a decision",
    "kernel.zsmalloc_classes.x__no_such_zspage__mutmut_7": "the advice of a message, not a decision",
    "kernel.zbud.x_malloc_new_page__mutmut_26": "the same: the first buddy is number 0",
    "kernel.zbud.x_reclaim_end__mutmut_2": "the same: None is as false as False",
    "kernel.zbud.x__page__mutmut_3": "a message, not a decision",
    "report.overhead.x_slots_of_device__mutmut_3": "the same: a device of one byte has no whole pages either",
    "report.overhead.x_pages_to_pay_for_cluster__mutmut_4": "the same: no gain of whole bytes pays a cluster exactly",
}
"""Mutants that survive, by function and number, and why."""


def main() -> int:
    """Run mutmut in a copy, print the score and the survivors; return 0 if the score is high enough."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "checkout"
        left_out = shutil.ignore_patterns(".git", ".venv", "mutants", "__pycache__", "_build")
        shutil.copytree(ROOT, copy, ignore=left_out)
        mutmut = [sys.executable, "-m", "mutmut"]
        subprocess.run(
            [*mutmut, "run", "--max-children", "2"], cwd=copy, check=True, stdout=subprocess.DEVNULL
        )
        listed = subprocess.run([*mutmut, "results"], cwd=copy, check=True, capture_output=True, text=True)
        subprocess.run([*mutmut, "export-cicd-stats"], cwd=copy, check=True, stdout=subprocess.DEVNULL)
        stats = json.loads((copy / "mutants" / "mutmut-cicd-stats.json").read_text())
        survivors = re.findall(r"refmodel\.(\S+): (?!killed|timeout)", listed.stdout)
        for name in survivors:
            shown = subprocess.run(
                [*mutmut, "show", f"refmodel.{name}"],
                cwd=copy,
                check=True,
                capture_output=True,
                text=True,
            )
            changed = [line for line in shown.stdout.splitlines() if re.match(r"[-+] ", line)]
            print(f"{name}: {SURVIVORS.get(name, 'survives without a reason')}", *changed, sep="\n    ")
    score = 100 * (stats["total"] - len(survivors)) / stats["total"]
    print(
        f"{stats['total'] - len(survivors)} of {stats['total']} mutants killed: {score:.1f} %, at least {LEAST:g} %"
    )
    return 0 if score >= LEAST and set(survivors) <= set(SURVIVORS) else 1


if __name__ == "__main__":
    sys.exit(main())
