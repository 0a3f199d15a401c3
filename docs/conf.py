"""How Sphinx builds the book."""

from pathlib import Path

from sphinx.application import Sphinx

import refmodel
from refmodel.report import book

project = "refmodel"
author = "The refmodel authors"
copyright = author
release = refmodel.__version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "refmodel"
html_copy_source = False


def generate_reference(app: Sphinx) -> None:
    """Write the reference pages of operations, properties and profiles from the definitions themselves."""
    book.write_pages(Path(app.srcdir) / "look-up" / "generated")


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", generate_reference)
