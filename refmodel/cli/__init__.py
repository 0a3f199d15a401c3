"""The command ``refmodel``: one module per subcommand.

Only click is imported before a subcommand runs, so that ``refmodel --help`` answers at once.
"""

from refmodel.cli.main import main

__all__ = ["main"]
