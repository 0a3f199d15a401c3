"""The specification's data files: traces, schemas and scenarios that need no Python to be read."""

from pathlib import Path


def specs_dir() -> Path:
    """Find the directory ``specs``.

    A wheel carries it inside the package; in a checkout it stands beside the package, where a reader who does
    not care for Python finds it.

    Returns:
        The directory that holds ``trace.schema.json`` and ``traces/``.

    Raises:
        FileNotFoundError: neither place has it, so the installation is incomplete.
    """
    package = Path(__file__).parent
    places = [package / "specs", package.parent / "specs"]
    for place in places:
        if place.is_dir():
            return place
    looked = " and ".join(str(place) for place in places)
    raise FileNotFoundError(
        f"the data files of refmodel are missing: looked for {looked}; install refmodel again"
    )
