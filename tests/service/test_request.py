import struct
import zlib

import pytest
from fake_service import refusal
from wishes import picture

from impasto.errors import OptionError, PictureError
from impasto.methods import StylizeOptions
from impasto.service.limits import Limits
from impasto.service.offer import Offer
from impasto.service.request import PaintRequest, inspect


def looked_at(content=None, styles=("swirls",), limits=None, masks=(), kind="png", place=None, **options):
    request = PaintRequest(
        content=picture() if content is None else content, styles=styles, masks=masks, format=kind, place=place,
        options=StylizeOptions(**options),
    )  # fmt: skip
    return inspect(request, limits or Limits(), Offer())


def bomb():
    """A PNG file of a hundred bytes that says that it has 1.6 billion pixels."""
    whole = picture()
    header = b"IHDR" + struct.pack(">II", 40_000, 40_000) + whole[24:29]
    return whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]


def test_pixels_of_the_painting():
    assert looked_at(picture(size=(80, 60))) == 4800
    assert looked_at(picture(size=(80, 60)), size=40) == 1200
    assert looked_at(picture(size=(1000, 1)), size=10) == 10


def test_bombs_are_refused_by_their_header():
    with refusal("too-large", match="content: it has more than 50 megapixels"):
        looked_at(bomb())
    with refusal("too-large", match="style 2: it has more than"):
        looked_at(styles=("swirls", bomb()))
    with refusal("too-large", match="mask 1: it has more than"):
        looked_at(masks=(bomb(),))


def test_a_painting_that_would_be_too_large_is_refused_with_a_size_that_fits():
    limits = Limits(result_megapixels=0.01)
    with refusal("too-large", match=r"this server paints at most 0\.01; a size of 115 fits"):
        looked_at(picture(size=(400, 300)), limits=limits)
    assert looked_at(picture(size=(400, 300)), limits=limits, size=115) <= 10_000
    with refusal("too-large", match="megapixels"):
        looked_at(size=1_000_000)


def test_too_many_bytes_and_too_many_styles():
    with refusal("too-large", match=r"more than 0\.01 MB"):
        looked_at(styles=tuple(picture(size=(64, 64), kind="BMP") for _ in range(2)), limits=Limits(upload_mb=0.01))
    with pytest.raises(OptionError, match="styles are more than 2"):
        looked_at(styles=("swirls",) * 3, limits=Limits(styles_each=2))
    with pytest.raises(OptionError, match="styles are more than 2"):
        looked_at(styles=("swirls",), masks=(picture(),) * 3, limits=Limits(styles_each=2))


@pytest.mark.parametrize("content", [b"GIF89", b"<svg/>", b"%PDF-1.7", b"\x7fELF", b"x" * 1000, b"{}"])
def test_what_is_no_picture(content):
    with refusal("not-a-picture", match="content: it is not a picture"):
        looked_at(content)


def test_empty_and_damaged():
    with pytest.raises(PictureError, match="content: it is empty"):
        looked_at(b"")
    with pytest.raises(PictureError, match="content: it is"):
        looked_at(picture()[:20])


def test_styles_masks_and_formats_must_fit():
    cases = [
        ({"styles": ()}, "at least one style"),
        ({"styles": ("swirl",)}, "style 'swirl' is not on this server; did you mean 'swirls'"),
        ({"styles": ("/etc/passwd",)}, "is not on this server"),
        ({"styles": ("swirls", "ink"), "style_blend": "1,2,3"}, "style_blend has 3 weights for 2 styles"),
        ({"masks": (picture(), None)}, "masks are 2 for 1 styles"),
        ({"styles": ("swirls", "ink"), "masks": (None,)}, "masks are 1 for 2 styles, and leave the rest to several"),
        ({"masks": (picture(),), "style_blend": "1"}, "style_blend mixes"),
        ({"kind": "exe"}, "format is 'exe'"),
        ({"decoder": "/etc/passwd"}, "decoder is '/etc/passwd', but on this server"),
        ({"styles": ("stary-night",)}, "did you mean 'starry-night'"),
        ({"styles": ("Impression, Sunrise",)}, "did you mean 'sunrise'"),
        ({"styles": ("swirls", "storm"), "refine": 3}, "refine 3 needs the painting itself, of which the"),
        ({"styles": ("storm",), "method": "gatys"}, "the method gatys needs the painting itself"),
        ({"styles": ("storm",), "style_scale": 2.0}, "style_scale is 2, but the style 'storm' was encoded at 1"),
    ]
    for how, message in cases:
        with pytest.raises(OptionError, match=message):
            looked_at(**how)
    assert looked_at(styles=("swirls", "ink"), masks=(picture(),)) == 48
    assert looked_at(styles=("swirls", "storm"), masks=(picture(),)) == 48


def test_a_look_takes_its_own_size_unless_it_is_chosen():
    large = picture(size=(2000, 1000))
    assert looked_at(large, place=(0, 100), method="gatys") == 512 * 256
    assert looked_at(large, place=(50, 50), method="gatys", size=1000) == 1000 * 500
    assert looked_at(picture(size=(80, 60)), place=(50, 50), method="gatys") == 4800
    with refusal("too-large", match=r"this server paints at most 0\.01"):
        looked_at(large, place=(1, 1), method="gatys", limits=Limits(result_megapixels=0.01))


def test_looks_that_make_no_sense():
    cases = [
        ({"place": (-1, 50)}, "x of the place is -1, but must be from 0 to 100 percent"),
        ({"place": (50, 100.5)}, "y of the place is 100.5, but"),
        ({"place": (float("nan"), 50)}, "x of the place is nan"),
        ({"method": "adain"}, "method is 'adain', but attention is shown of gatys"),
        ({"steps": 3}, "steps does not change what a look shows"),
        ({"colour": "keep"}, "colour does not change"),
        ({"attention_temperature": 10.0}, "attention_temperature does not change"),
        ({"masks": (picture(),)}, "masks are for paintings"),
        ({"styles": ("swirls", "ink")}, "styles are 2, but a place looks in one painting"),
        ({"styles": ()}, "at least one style"),
        ({"styles": ("storm",)}, "needs the painting itself"),
        ({"attention_layers": "relu3_1,relu4_1"}, "attention_layers are relu3_1, relu4_1, but one layer is shown"),
        ({"method": "nla-cyclegan", "styles": ()}, "method is 'nla-cyclegan', but on this server"),
    ]
    for how, message in cases:
        with pytest.raises(OptionError, match=message):
            looked_at(**{"method": "gatys", "place": (50, 50), **how})
    assert looked_at(method="gatys", place=(50, 50), attention_layers="relu1_1", style_scale=0.5) == 48
