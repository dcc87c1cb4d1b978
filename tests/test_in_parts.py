"""Large pictures: part by part from a file to a file, as if they were painted at once."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from picture_files import file_bytes
from PIL import Image

import impasto
from impasto import api, decoding, image
from impasto.engine import room
from impasto.gallery import packaged
from impasto.methods.adain import stylizer
from impasto.methods.gatys.lbfgs import FileStorage

SIZE = 430, 400


@pytest.fixture(scope="module")
def method():
    return impasto.load()


@pytest.fixture
def in_parts(monkeypatch):
    """Every picture is large, and nothing but what is looked at is held."""

    def begin() -> None:
        for module in (room, decoding):
            monkeypatch.setattr(module, "HELD", 1000)
        monkeypatch.setattr(image, "WHOLE", 1000)
        monkeypatch.setattr(stylizer, "SIDE_IN_PARTS", 376)

    return begin


def photo(**how: Any) -> bytes:
    with Image.open(packaged()["mountains"]) as picture:
        small = picture.convert(how.pop("mode", "RGB")).resize(SIZE[::-1])
    if how.pop("deep", False):
        deep = np.asarray(small).astype(np.uint16) * 257
        return image.encode(image.from_array(deep), "png", bits=16)
    return file_bytes(small, how.pop("kind", "PNG"), **how)


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize(
    ("how", "options"),
    [
        ({"kind": "TIFF"}, {"stroke": 0.08, "strength": 0.6}),
        ({"mode": "L"}, {"colour": "keep"}),
        ({"deep": True}, {"size": 300}),
    ],
)
def test_is_what_is_painted_at_once(in_parts, method, how, options) -> None:
    data = photo(**how)
    whole = api.paint(
        image.read(data), ["starry-night"], impasto.StylizeOptions(precision="fp32", **options), stylizer=method
    ).picture
    in_parts()
    content = image.read(data)
    assert isinstance(content.raster, decoding.Upright)
    painted = api.paint(
        content, ["starry-night"], impasto.StylizeOptions(precision="fp32", **options), stylizer=method
    ).picture
    assert isinstance(painted.raster, room.Scratch)
    assert (painted.bits, painted.height) == (whole.bits, whole.height)
    assert np.abs(painted.pixels - whole.pixels).max() < 2 / 255
    assert np.abs(painted.pixels - whole.pixels).mean() < 0.6 / 255
    for kind in ("png", "jpeg", "webp", "tiff"):
        bits = painted.bits if kind in ("png", "tiff") else 8
        written = image.encode(painted, kind, bits=bits, record={})
        held = image.encode(image.Picture(painted.pixels), kind, bits=bits, record={})
        assert written == held


def test_masks(in_parts, method) -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[:, 150:] = 255
    whole = impasto.stylize(photo(), "starry-night", masks=mask, stylizer=method, precision="fp32")
    in_parts()
    painted = impasto.stylize(photo(), "starry-night", masks=mask, stylizer=method, precision="fp32")
    before, after, content = (image.to_array(image.read(one)).astype(int) for one in (whole, painted, photo()))
    assert np.abs(after - before).max() <= 2
    np.testing.assert_array_equal(after[:, :140], content[:, :140])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_stands_upright(in_parts, orientation: int) -> None:
    data = photo(exif=turned(orientation))
    whole = image.read(data)
    in_parts()
    kept = image.read(data)
    assert kept.raster.size == (whole.height, whole.width)
    np.testing.assert_array_equal(kept.pixels, whole.pixels)
    place = decoding.Window(3, 50, 200, 90)
    np.testing.assert_array_equal(kept.raster.window(place), whole.pixels[..., 3:200, 50:90])


@pytest.mark.parametrize("how", [{}, {"mode": "L"}, {"exif": turned(3)}, {"exif": turned(6)}])
def test_its_pixels_are_an_array_as_any_other(in_parts, how: dict[str, Any]) -> None:
    """PyTorch takes no other: methods that need it painted no large photo that lies upside down in its file."""
    in_parts()
    pixels = image.read(photo(**how)).pixels
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable


@pytest.mark.parametrize("keep", [lambda: image.read(photo()), lambda: FileStorage().keep(torch.ones(9))])
def test_a_full_disk_is_said_before_work_begins(in_parts, keep: Callable[[], Any], monkeypatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    in_parts()
    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(impasto.PictureError, match=r"folder of temporary files has no room .* TMPDIR"):
        keep()


KEEP = (
    "from impasto.engine.room import Scratch; kept = Scratch(1000, 1000, 3, 'uint8')",
    "import torch; from impasto.methods.gatys.lbfgs import FileStorage; kept = FileStorage().keep(torch.ones(1000))",
)


@pytest.mark.parametrize("keep", KEEP)
def test_who_is_killed_leaves_no_file(keep: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    code = f"import os, signal; {keep}; os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert list(tmp_path.iterdir()) == []
