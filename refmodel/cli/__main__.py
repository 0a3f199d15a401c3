"""``python -m refmodel.cli`` is the command ``refmodel``."""

import atexit
import gc

from refmodel.cli import main


def run() -> None:
    """Run the command, and end at once.

    A last look for garbage, in what a long search leaves behind, would keep its user waiting for nothing.
    """
    atexit.register(gc.freeze)
    main(prog_name="refmodel")


if __name__ == "__main__":
    run()
