"""How a picture was made, in its file."""

import io
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from picture_files import file_bytes
from PIL import Image, PngImagePlugin

from impasto import image as images
from impasto.errors import PictureError
from impasto.record import name_of, read_record

RECORD = {
    "software": "impasto",
    "version": "0.1.0",
    "method": "gatys",
    "options": {"size": None, "style_weight": 1e3, "layers": ["relu1_1", "relu2_1"], "keep_colours": True},
    "seed": 2**40,
    "weights": {"lite": "ab" * 32},
    "content": "Größe \u2603 \U0001f3a8 'quoted' \"twice\" \\ \n.jpg",
    "seconds": 12.5,
}


def picture() -> images.Picture:
    return images.from_array(np.full((6, 9, 3), 120, np.uint8))


def png_with(text: str) -> bytes:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("impasto", text)
    return file_bytes(Image.new("RGB", (2, 2)), pnginfo=chunks)


@pytest.mark.parametrize(
    ("suffix", "bits"), [(".png", 8), (".png", 16), (".jpg", 8), (".jpeg", 8), (".webp", 8), (".tif", 8), (".tiff", 16)]
)
def test_record_comes_back(tmp_path: Path, suffix: str, bits: int) -> None:
    path = tmp_path / f"out{suffix}"
    images.write(picture(), path, bits=bits)
    none = (
        f"{path}: it carries no record of how it was made: it was not painted by impasto, or its metadata were stripped"
    )
    with pytest.raises(PictureError, match=f"^{re.escape(none)}$"):
        read_record(path)
    images.write(picture(), path, bits=bits, record=RECORD, overwrite=True)
    assert read_record(path) == read_record(path.read_bytes()) == RECORD
    assert images.read(path).pixels.shape == (1, 3, 6, 9)
    if suffix == ".png":
        with Image.open(path) as image:
            assert json.loads(image.info["impasto"]) == RECORD


def test_a_cameras_description_is_no_record() -> None:
    exif = Image.Exif()
    exif[0x010E] = '{"software": "camera"}'
    with pytest.raises(PictureError, match="carries no record"):
        read_record(file_bytes(Image.new("RGB", (4, 4)), "JPEG", exif=exif))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged"),
        ("", "damaged"),
        ("[1, 2]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": %s}' % ("9" * 5000), "damaged"),
        ('{"a": ' * 40 + "1" + "}" * 40, "nested deeper than 32"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "damaged"),
        ('{"a": "\\ud800"}', "damaged"),
        (json.dumps({"a": "b" * 2**20}), "longer than 1,048,576 characters"),
    ],
)
def test_hostile_records(text: str, message: str) -> None:
    with pytest.raises(PictureError, match=message) as caught:
        read_record(png_with(text))
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), "x" * 2**20])
def test_records_that_could_not_be_read_again_are_not_written(value: Any) -> None:
    with pytest.raises(PictureError, match="record"):
        images.encode(picture(), "png", record={"value": value})


@pytest.mark.parametrize("name", [os.fsdecode(b"caf\xe9.jpg"), "caf\udce9\ud800"])
def test_names_that_are_no_unicode_are_written_readably(name: str) -> None:
    record = {"content": name, "style": [name], "options": {"init": name}}
    for kind in ("png", "jpeg", "webp", "tiff"):
        said = read_record(images.encode(picture(), kind, record=record))
        assert said["content"].startswith("caf\\")
        assert said["style"] == [said["content"]] == [said["options"]["init"]]
    assert said["content"] in ("caf\\xe9.jpg", "caf\\udce9\\ud800")


def test_a_record_too_long_for_jpeg_is_refused() -> None:
    record = {"value": "x" * 70_000}
    with pytest.raises(PictureError, match="cannot be written as JPEG"):
        images.encode(picture(), "jpg", record=record)
    for kind in ("png", "webp", "tiff"):
        assert read_record(images.encode(picture(), kind, record=record)) == record


def test_names() -> None:
    assert name_of(b"...") == "the picture given as bytes"
    assert name_of(io.BytesIO()) == "the picture given as a stream"
    assert name_of(Path("a") / "b.png") == str(Path("a") / "b.png")
