"""How Sphinx builds these pages: `make docs`."""

import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import generate

generate.main()

project = "impasto"
author = "the impasto authors"
copyright = "the impasto authors, Apache-2.0"  # noqa: A001 - the name that Sphinx reads
release = metadata.version("impasto")
version = release

extensions = ["live_demo", "myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "generated/styles.md"]
nitpicky = True
# What no page of these documents; the standard library's pages are on another server.
nitpick_ignore_regex = [("py:.*", r"(?!impasto\.stylize$).*")]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
default_role = "code"
smartquotes = False  # `--style` is no dash

html_theme = "furo"
html_title = f"impasto {release}"
# Everything is served from these pages themselves, their search too: they read the same without a network.
html_theme_options = {"sidebar_hide_name": False}


def listed(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG001
    """Make a list of a docstring's arguments, which stand there as `name: what it is`."""
    inside = False
    for number, line in enumerate(lines):
        plain = line.replace("|", r"\|")
        if said := re.match(r"([a-z_]+(?:, [a-z_]+)*): (.*)", plain):
            lines[number], inside = f"- **{said[1]}**: {said[2]}", True
        else:
            inside = inside and bool(line.strip())
            lines[number] = "  " + plain.strip() if inside else plain


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", listed)
