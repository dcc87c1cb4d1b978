"""What axe-core, which is fetched for this, finds in the page: nothing."""

import shutil
import subprocess
import tarfile

import pytest
from browsers import begin, files_for, named, noise, said
from chromium import PHONE
from clips import clip

pytestmark = [pytest.mark.browser, pytest.mark.download, pytest.mark.slow]

VERSION = "4.14.1"
DESKTOP = {"viewport": {"width": 1440, "height": 900}}


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("axe")
    subprocess.run(["npm", "pack", f"axe-core@{VERSION}"], cwd=folder, capture_output=True, check=True, timeout=120)
    with tarfile.open(folder / f"axe-core-{VERSION}.tgz") as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("how", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_violation(how, scheme, axe, echo, visit):
    with visit(echo.url, color_scheme=scheme, **how) as page:
        page.evaluate(axe)
        page.wait_for_selector(".sample")
        found = {"begin": violations(page)}
        begin(page, noise(1))
        page.click("#panel [data-style=ink]")
        said(page, "Painted in")
        page.click("#panel [data-style=swirls]")
        page.wait_for_selector("#strip li:nth-child(2)")
        for part in ("rest", "again", "many"):
            page.click(f"#{part} > summary")
        found["paint"] = violations(page)
        page.check("#mix")
        page.click("#panel [data-style=ink]")
        found["weights"] = violations(page)
        page.get_by_label("where I paint").check()
        page.check("#way-part input[value=gatys]")
        found["places"] = violations(page)
        page.click("#tab-styles")
        page.wait_for_selector("#styles .card")
        found["styles"] = violations(page)
        page.click("#tab-compare")
        page.uncheck("#compare label.line:last-of-type input")
        page.click("#compare-go")
        said(page, "side by side", "#compare-note")
        found["compare"] = violations(page)
        page.click("#tab-explore")
        page.wait_for_selector("#explore-seen:visible")
        files_for(page, "#explore .add", named("mine.png", noise(2)))
        found["explore"] = violations(page)
        page.click("#tab-video")
        files_for(page, "#video-choose", {**named("clip.mp4", clip()), "mimeType": "video/mp4"})
        said(page, "frames a second", "#video-note")
        page.click("#video [data-style=ink]")
        page.click("#video-go")
        page.wait_for_selector("#video-result video")
        found["video"] = violations(page)
        assert {where: some for where, some in found.items() if some} == {}


def violations(page):
    found = page.evaluate("axe.run().then(found => found.violations)")
    return [
        f"{one['id']}: {node['html'][:160]}: {node['failureSummary'][:200]}" for one in found for node in one["nodes"]
    ]
