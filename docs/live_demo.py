"""The page that paints in the browser, as `make site` built it, beside the documentation as its live demo.

Pages ask for the tag `site` whether it is there.
"""

import shutil
from pathlib import Path
from typing import Any

SITE = Path(__file__).parent.parent / "build" / "site"


def setup(app: Any) -> dict[str, bool]:
    """As Sphinx calls it."""
    if (SITE / "offline.js").is_file():
        app.tags.add("site")
    app.connect("build-finished", _copied)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _copied(app: Any, error: Exception | None) -> None:
    live = Path(app.outdir) / "live"
    shutil.rmtree(live, ignore_errors=True)
    if error is None and app.tags.has("site"):
        shutil.copytree(SITE, live)
