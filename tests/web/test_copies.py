"""Paintings in other formats, and small pictures."""

import asyncio
import io
import threading

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


def test_the_latest_are_kept_within_bounds_and_for_a_while(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(jobs, "KEPT_MB", 30e-6)
    kept = jobs.Copies(60, lambda: now[0])
    made = []

    async def ask(names):
        for name in names:
            assert await kept.get(name, "jpeg", lambda name=name: made.append(name) or bytes(10)) == bytes(10)
            now[0] += 1

    asyncio.run(ask("abcd" + "dcb"))
    assert "".join(made) == "abcd"
    kept.forget("c")
    asyncio.run(ask("c" + "bdc" + "a"))
    assert "".join(made) == "abcdca"
    now[0] = 63.5
    kept.sweep()
    assert kept.num_bytes == 20


def test_who_asks_while_it_is_encoded_waits_for_the_same():
    kept, made, go = jobs.Copies(60), [], threading.Event()

    def make():
        made.append(1)
        assert go.wait(20)
        return b"x"

    async def ask():
        asked = [asyncio.create_task(kept.get("a", "webp", make)) for _ in range(5)]
        await asyncio.sleep(0.05)
        asked[0].cancel()
        go.set()
        assert await asyncio.gather(*asked[1:]) == [b"x"] * 4

    asyncio.run(ask())
    assert made == [1]
