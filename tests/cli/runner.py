"""Runs the command inside the test process."""

from click.testing import CliRunner, Result

from refmodel.cli import main


def refmodel_command(*arguments: str) -> Result:
    """Run ``refmodel`` with arguments; the result has exit code and both outputs."""
    return CliRunner().invoke(main, list(arguments), prog_name="refmodel")
