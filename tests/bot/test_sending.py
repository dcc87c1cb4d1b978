"""What paintings are sent as."""

import io
from contextlib import nullcontext

import pytest
from PIL import Image
from wishes import picture

from impasto.bot.messages import OrderFailed
from impasto.bot.sending import finished_painting, fitting_size, format_for, sendable
from impasto.service.job import JobResult


def kind(data, *, as_file=False):
    return finished_painting(data, "png", "", 0, as_file=as_file).kind


@pytest.mark.parametrize(
    ("size", "sent"),
    [((20, 1), "photo"), ((21, 1), "document"), ((1, 21), "document"), ((5000, 5000), "photo"),
     ((5001, 5000), "document")],
)  # fmt: skip
def test_the_shape_of_a_photo(size, sent):
    assert kind(picture(size=size)) == sent
    assert kind(picture(size=size), as_file=True) == "document"


@pytest.mark.parametrize(("num_bytes", "sent"), [(10_000_000, "photo"), (10_000_001, "document")])
def test_the_bytes_of_a_photo(num_bytes, sent):
    assert kind(picture().ljust(num_bytes)) == sent


@pytest.mark.parametrize(("num_bytes", "is_sent"), [(50_000_000, True), (50_000_001, False)])
def test_the_bytes_of_a_file(num_bytes, is_sent, tmp_path):
    (tmp_path / "film").write_bytes(bytes(num_bytes))
    for result in (JobResult(bytes(num_bytes), "png"), JobResult(b"", "mp4", tmp_path / "film")):
        with nullcontext() if is_sent else pytest.raises(OrderFailed):
            assert len(sendable(result)) == num_bytes


def test_files_lose_nothing_as_long_as_they_fit():
    assert format_for(2000, 2000, as_file=False) == "jpeg"
    assert format_for(2000, 2000, as_file=True) == "png"
    # Noise of 16 bits and this many pixels makes a PNG just below 50 MB; more of it would not be taken.
    assert format_for(2880, 2890, as_file=True) == "png"
    assert format_for(2890, 2890, as_file=True) == "jpeg"


@pytest.mark.parametrize(("width", "height"), [(40, 30), (30, 40), (8000, 3), (1, 5000), (4001, 2999), (1999, 1)])
@pytest.mark.parametrize("limit", [0.0005, 0.001, 0.1, 7.9])
def test_a_size_that_fits(width, height, limit):
    size, longer = fitting_size(width, height, limit), max(width, height)

    def pixels(side):
        return max(1, round(width * side / longer)) * max(1, round(height * side / longer))

    if size is None:
        assert width * height <= limit * 1e6
    else:
        assert pixels(size) <= limit * 1e6 < width * height
        # It is as large as can be, within the pixel by which the shorter side jumps.
        assert pixels(size) >= 0.5 * limit * 1e6 or pixels(size + 1) > limit * 1e6


def test_a_thumbnail():
    painting = finished_painting(picture(200, size=(1000, 500)), "png", "", 0, as_file=True)
    with Image.open(io.BytesIO(painting.thumbnail)) as image:
        assert (image.format, image.size) == ("JPEG", (320, 160))
