"""Paintings in other formats, and small pictures."""

import io

import numpy as np
import pytest
from PIL import Image
from wishes import picture

from impasto.image import Picture, encode
from impasto.record import read_record
from impasto.web import jobs
from impasto.web.styles import thumbnail

RECORD = {"software": "impasto", "options": {"method": "adain"}}


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_a_copy_is_what_impasto_itself_writes(kind):
    pixels = np.random.default_rng(0).random((1, 3, 24, 32), np.float32)
    alpha = np.broadcast_to(np.linspace(0, 1, 32, dtype=np.float32), (1, 1, 24, 32))
    made = jobs.copy(encode(Picture(pixels), "png", record=RECORD), kind)
    assert made == encode(Picture(np.round(pixels * 255) / 255), kind, record=RECORD)
    assert read_record(made) == RECORD
    clear = Image.open(io.BytesIO(jobs.copy(encode(Picture(pixels, alpha), "png"), kind)))
    assert clear.convert("RGB").getpixel((0, 12)) == pytest.approx((255, 255, 255), abs=40)


def test_copies_show_what_painting_sees(tmp_path):
    ramp = np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16)
    path = tmp_path / "ramp.png"
    Image.fromarray(ramp).save(path)
    for data in (jobs.copy(path.read_bytes(), "jpeg"), thumbnail(path)):
        seen = np.asarray(Image.open(io.BytesIO(data)))
        assert np.abs(seen - (ramp / 257)[:, :, None]).max() < 12


def test_a_small_copy_stands_upright_and_says_nothing_of_the_photo(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x9286] = "where I live"
    (tmp_path / "photo.jpg").write_bytes(picture(size=(600, 300), kind="JPEG", exif=exif))
    small = Image.open(io.BytesIO(thumbnail(tmp_path / "photo.jpg")))
    assert small.size == (128, 256)
    assert not small.getexif()
