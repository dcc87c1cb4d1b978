"""How Sphinx builds these pages: `make docs`."""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "impasto"
author = "the impasto authors"
copyright = "the impasto authors, Apache-2.0"  # noqa: A001 - the name that Sphinx reads
release = metadata.version("impasto")
version = release

extensions = ["myst_parser", "live_demo"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"impasto {release}"
# Everything is served from these pages themselves: they read the same without a network.
html_theme_options = {"sidebar_hide_name": False}
