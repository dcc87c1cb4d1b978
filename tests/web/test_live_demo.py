"""The documentation's page about the browser, with the site as its live demo where that was built, and without."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"
# Of all pages, one, which names others.
ALONE = (
    "extensions=myst_parser,live_demo",
    "root_doc=how-to/browser",
    "suppress_warnings=myst.xref_missing,image.not_readable",
)


def build(root: Path) -> Path:
    """The folder of the pages. A warning is an error."""
    pytest.importorskip("sphinx")
    given = [part for one in ALONE for part in ("-D", one)]
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-C", *given, root / "docs", root / "pages"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(root / "docs")})
    return root / "pages"


@pytest.mark.parametrize("has_site", [True, False])
def test_the_live_demo_is_there_if_the_site_was_built(has_site, tmp_path):
    (tmp_path / "docs" / "how-to").mkdir(parents=True)
    for name in ("live_demo.py", "how-to/browser.md"):
        shutil.copy(DOCS / name, tmp_path / "docs" / name)
    # What an earlier build left.
    (tmp_path / "pages" / "live").mkdir(parents=True)
    (tmp_path / "pages" / "live" / "old.js").touch()
    if has_site:
        (tmp_path / "build" / "site").mkdir(parents=True)
        for name in ("index.html", "offline.js"):
            (tmp_path / "build" / "site" / name).write_text("the site")
    pages = build(tmp_path)
    text = (pages / "how-to" / "browser.html").read_text()
    assert ('href="../live/index.html"' in text) == has_site
    assert ("builds both" in text) != has_site
    assert [path.name for path in sorted((pages / "live").glob("*"))] == ["index.html", "offline.js"] * has_site
