"""``python -m refmodel.cli`` is the command ``refmodel``."""

from refmodel.cli import main

main(prog_name="refmodel")
