"""What the page keeps of its visitors' pictures, and how long."""

import io

import pytest
from fake_service import go, offer, serve
from in_tensors import picture as as_picture
from PIL import Image
from wishes import picture, wish

from impasto.errors import PictureError
from impasto.image import encode
from impasto.record import read_record
from impasto.service.refusals import QueueFullError
from impasto.web import copies
from impasto.web.page.shelf import Shelf, called

__all__ = ["go", "offer", "serve"]


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def shelf(serve, clock):
    return Shelf(serve(keep_seconds=60, results_mb=0.01), "/nowhere", clock)


def test_a_path_leads_to_its_picture_and_to_no_file(shelf):
    one, two = shelf.put(b"one", "photo.jpg"), shelf.put(b"one", "photo.jpg")
    assert one != two
    assert one.startswith("/nowhere/impasto/")
    assert one.endswith("/photo.jpg")
    assert shelf.read(one) == b"one"
    assert (shelf.file(one).data, shelf.file(one).media_type) == (b"one", "image/jpeg")


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "", "/nowhere/impasto", "/nowhere/impasto/short/photo.jpg", "http://example.org/x.png",
        f"/nowhere/impasto/{'x' * 22}/../../etc/passwd", f"/nowhere/impasto/{'x' * 22}/a/b", "photo.jpg\0",
    ],
)  # fmt: skip
def test_other_paths_are_none(shelf, path):
    assert not shelf.holds(path)
    with pytest.raises(PictureError, match="no longer on the server"):
        shelf.read(path)
    with pytest.raises(PictureError, match="no longer on the server"):
        shelf.file(path)


def test_an_upload_goes_when_its_time_is_over_which_reading_begins_anew(shelf, clock):
    read, left = shelf.put(b"read", "a.png"), shelf.put(b"left", "b.png")
    clock.now += 40
    assert shelf.read(read) == b"read"
    clock.now += 40
    assert shelf.read(read) == b"read"
    assert shelf.num_bytes == 4
    with pytest.raises(PictureError):
        shelf.read(left)
    clock.now += 60
    assert shelf.num_bytes == 0


def test_what_finds_no_room_is_told_when_it_will(shelf, clock):
    shelf.put(bytes(9000), "a.png")
    clock.now += 15
    with pytest.raises(QueueFullError) as full:
        shelf.put(bytes(1001), "b.png")
    assert full.value.retry_after == pytest.approx(45)
    clock.now += 45
    assert shelf.read(shelf.put(bytes(1001), "b.png")) == bytes(1001)


def test_a_painting_stays_with_the_service(serve, clock):
    service = serve(keep_seconds=60)
    shelf = Shelf(service, "/nowhere", clock)
    job = service.submit(wish("picture"))
    service.wait(job.id)
    shown = shelf.show(job.id, "impasto swirls")
    data = service.result(job.id).data
    assert shown.png.endswith("/impasto-swirls.png")
    assert shelf.file(shown.png).data == data
    for path in (shown.jpeg, shown.small):
        file = shelf.file(path)
        assert file.media_type == "image/jpeg"
        assert Image.open(io.BytesIO(file.data)).format == "JPEG"
    assert shelf.num_bytes == 0
    with pytest.raises(PictureError):
        shelf.read(shown.png)  # not an upload
    service.forget(job.id)
    with pytest.raises(PictureError):
        shelf.file(shown.png)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("photo.JPG", "photo.jpg"), ("../../etc/passwd", "passwd"), ("C:\\pictures\\a b.png", "a-b.png"),
        ("", "picture"), ("/", "picture"), ("x" * 300 + ".jpg", "x" * 60 + ".jpg"), ('"><b>.png', "b.png"),
        ("Ärger über alles.webp", "Ärger-über-alles.webp"), ("a.tar.gz\0", "a-tar.gz"), (".png", "png"),
    ],
)  # fmt: skip
def test_names(given, kept):
    assert called(given) == kept


def test_a_jpeg_copy_is_what_impasto_itself_writes():
    import torch

    pixels = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(0))
    alpha = torch.linspace(0, 1, 32).expand(1, 1, 24, 32)
    record = {"software": "impasto", "options": {"method": "adain"}}
    made = copies.jpeg(encode(as_picture(pixels), "png", record=record))
    assert made == encode(as_picture(torch.round(pixels * 255) / 255), "jpeg", record=record)
    assert read_record(made) == record
    clear = Image.open(io.BytesIO(copies.jpeg(encode(as_picture(pixels, alpha), "png"))))
    assert clear.getpixel((0, 12)) == pytest.approx((255, 255, 255), abs=40)


def test_copies_show_what_painting_sees():
    import numpy as np

    ramp = np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16)
    stream = io.BytesIO()
    Image.fromarray(ramp).save(stream, "PNG")
    for make in (copies.jpeg, copies.thumbnail):
        seen = np.asarray(Image.open(io.BytesIO(make(stream.getvalue()))))
        assert np.abs(seen - (ramp / 257)[:, :, None]).max() < 12
    opaque = copy_of(Image.new("RGBA", (8, 8), (0, 0, 0, 0)))
    assert np.asarray(opaque).min() > 250


def copy_of(drawn):
    stream = io.BytesIO()
    drawn.save(stream, "PNG")
    return Image.open(io.BytesIO(copies.thumbnail(stream.getvalue())))


def test_a_small_copy_stands_upright_and_says_nothing_of_the_photo():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x9286] = "where I live"
    small = Image.open(io.BytesIO(copies.thumbnail(picture(size=(600, 300), kind="JPEG", exif=exif))))
    assert small.size == (128, 256)
    assert not small.getexif()
