"""The fresh process of a benchmark: ``python -m refmodel.engines.bench_process FILE SIZE SETTING``.

Nothing is collected while it starts: what is imported stays.
"""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Explore the scope that the arguments name."""
    gc.disable()
    from refmodel.engines.bench_subject import main

    main(sys.argv[1:])


if __name__ == "__main__":
    main()
