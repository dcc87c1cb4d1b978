"""What paintings are sent as."""

import io

import pytest
from PIL import Image
from wishes import picture

from impasto.bot.sending import FinishedPainting, SendAs, fitting_size, format_for, send_as


@pytest.mark.parametrize(
    ("size", "how"),
    [
        ((20, 1), SendAs.PHOTO),
        ((21, 1), SendAs.FILE),
        ((1, 21), SendAs.FILE),
        ((5000, 5000), SendAs.PHOTO),
        ((5001, 5000), SendAs.FILE),
    ],
)
def test_the_shape_of_a_photo(size, how):
    data = picture(size=size)
    assert send_as(data, as_file=False) is how
    assert send_as(data, as_file=True) is SendAs.FILE


@pytest.mark.parametrize(
    ("num_bytes", "how"),
    [(10_000_000, SendAs.PHOTO), (10_000_001, SendAs.FILE), (50_000_000, SendAs.FILE), (50_000_001, SendAs.NOT_AT_ALL)],
)
def test_the_bytes_of_a_photo(num_bytes, how):
    data = picture()
    assert send_as(data + bytes(num_bytes - len(data)), as_file=False) is how


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
    small = FinishedPainting(picture(200, size=(1000, 500)), "png", SendAs.FILE).thumbnail
    with Image.open(io.BytesIO(small)) as image:
        assert (image.format, image.size) == ("JPEG", (320, 160))
