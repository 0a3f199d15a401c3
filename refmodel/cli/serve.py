"""``refmodel serve``: the model as a process that speaks the boundary."""

from __future__ import annotations

import sys

import click

from refmodel.cli.options import profile_option


@click.command(short_help="Answer the commands of the boundary, as a fake.")
@profile_option
def serve(profile_name: str) -> None:
    """Answer commands of the boundary on the standard streams, one JSON object a line.

    The model stands in for a kernel: `refmodel conform "exec:refmodel serve"` finds nothing. A bug of the museum
    is a profile, too: `refmodel museum list` names them.
    """
    from refmodel.conformance.served import ServedModel, serve
    from refmodel.engines.known import known_profiles
    from refmodel.profiles import PROFILES, profile

    known = {**known_profiles(), **PROFILES}
    model = ServedModel(known[profile_name] if profile_name in known else profile(profile_name))
    serve(model, sys.stdin, sys.stdout)
