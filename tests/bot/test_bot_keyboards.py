"""The gallery, page by page."""

import io

from PIL import Image

from impasto.bot.keyboards import StyleGallery


def test_a_page_shows_every_painting_and_its_number(tmp_path):
    (tmp_path / "red.png").write_bytes(b"no picture")
    for name, colour in (("green", (0, 200, 0)), ("blue", (0, 0, 200))):
        Image.new("RGB", (30, 60), colour).save(tmp_path / f"{name}.png")
    gallery = StyleGallery({name: tmp_path / f"{name}.png" for name in ("red", "green", "blue", "x")})
    with Image.open(io.BytesIO(gallery.picture(0))) as sheet:
        middles = [sheet.getpixel((8 + 160 + 328 * column, 168)) for column in range(3)]
        assert sheet.size == (3 * 328 + 8, 2 * 328 + 8)
    for found, wanted in zip(middles, [(128, 128, 128), (0, 200, 0), (0, 0, 200)], strict=True):
        assert all(abs(a - b) < 6 for a, b in zip(found, wanted, strict=True))
    assert gallery.names(0) == {1: "red", 2: "green", 3: "blue", 4: "x"}
