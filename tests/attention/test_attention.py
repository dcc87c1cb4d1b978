"""Whoever looks, and at what: asked together or one by one, drawn, laid over each other, and as a page."""

import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from looking import CONTENT, STYLE, generators, pixels
from PIL import Image
from standalone import Page

import impasto
from impasto import StylizeOptions, image
from impasto.attention import Attention, attention, draw, overlay, page, prepare
from impasto.attention.maps import atlas, by_level, parse_place
from impasto.attention.photo import PhotoAttention, grid_of, points
from impasto.attention.style import StyleAttention
from impasto.errors import OptionError, OutOfMemoryError
from impasto.tensors import to_picture

KINDS = ("style", "photo")
PLACES = ["50%,25%", (60, 45)]

Preparing = Callable[[str], Attention]


@pytest.fixture
def preparing(tmp_path: Path) -> Preparing:
    """Either kind, of the same content."""

    def prepared(kind: str) -> Attention:
        if kind == "style":
            options = StylizeOptions(method="gatys", attention_layers="relu2_1,relu4_1", precision="fp32")
            return prepare(CONTENT, STYLE, options)
        options = StylizeOptions(method="nla-cyclegan", precision="fp32")
        return prepare(CONTENT, None, options, weights=generators(tmp_path, compose=True))

    return prepared


def arrays(found: object) -> list[torch.Tensor]:
    """The weights, of each layer."""
    return [one.weights for one in found.looks] if isinstance(found, StyleAttention) else [found.weights]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
def test_places_asked_one_after_the_other_are_those_asked_together(
    kind: str, preparing: Preparing, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = preparing(kind)
    together = prepared.at(PLACES)
    # From here on no picture is encoded.
    monkeypatch.setattr("impasto.methods.gatys.stylizer.Gatys.encoder", None)
    monkeypatch.setattr("impasto.methods.nla_cyclegan.network.Generator.seen", None)
    for number, place in enumerate(PLACES):
        found = prepared.at([place])
        assert found.places == [pytest.approx(together.places[number])]
        for one, other in zip(arrays(found), arrays(together), strict=True):
            torch.testing.assert_close(one[0], other[number])
        assert np.array_equal(np.asarray(overlay(prepared, place)), np.asarray(found.lit(0)))
    assert prepared.num_bytes > prepared.content.nbytes


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_for_each_place_and_more_for_all_of_them(kind: str, preparing: Preparing) -> None:
    found = preparing(kind).at(PLACES)
    plain, mapped = draw(found), draw(found, overall=True)
    assert mapped.width == plain.width > len(found.columns) * 50
    assert mapped.height == pytest.approx(plain.height * {"style": 2, "photo": 1.5}[kind], rel=0.2)
    # Of a photo, what all places look at is there without any place.
    assert draw(preparing(kind).at([]), overall=True).height < mapped.height


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_needs_nothing_else_and_holds_every_map(kind: str, preparing: Preparing) -> None:
    prepared = preparing(kind)
    read = Page(page(prepared.at(PLACES), "A < B"))
    assert "<title>A &lt; B</title>" in read.text
    panels = json.loads(re.search(r"const panels = (\[.*\]);", read.text)[1])  # type: ignore[index]
    if isinstance(prepared, PhotoAttention):
        across, down = grid_of(prepared.content)
        assert (panels[0]["across"], panels[0]["down"]) == (across, down) == (24, 18)
        tiles = np.asarray(Image.open(io.BytesIO(base64.b64decode(panels[0]["tiles"].partition(",")[2]))))
        own = replace(prepared, places=points(prepared.content)).weights[2 * 24 + 5]
        h, w = own.shape
        np.testing.assert_allclose(tiles[2 * h : 3 * h, 5 * w : 6 * w] / 255, by_level(own), atol=0.003)
        assert panels[1] is None
    else:
        looks = prepared.at([]).looks  # type: ignore[attr-defined]
        assert [panel["cell"] for panel in panels] == [2, 8]
        for panel, look in zip(panels, looks, strict=True):
            assert np.array_equal(np.moveaxis(np.array(panel["map"]), 2, 0), look.correspondence.numpy())
            assert f"<figcaption>{look.layer}</figcaption>" in read.text


def test_tiles_of_large_maps_are_averages() -> None:
    maps = torch.rand(3, 64, 128, generator=torch.Generator().manual_seed(0))
    sheet = np.asarray(atlas(maps, 2))
    assert sheet.shape == (32, 64)
    small = torch.nn.functional.avg_pool2d(maps[2][None], 4)[0]
    np.testing.assert_allclose(sheet[16:, :32] / 255, by_level(small), atol=0.003)
    assert not sheet[16:, 32:].any()


@pytest.mark.parametrize(
    ("place", "expected"),
    [("10,20", (10, 20)), ("50%,25%", (100, 25)), (" 0 , 100% ", (0, 99.5)), ((200, 100), (199.5, 99.5))],
)
def test_places(place: object, expected: tuple[float, float]) -> None:
    assert parse_place(place, 200, 100) == pytest.approx(expected)  # type: ignore[arg-type]


@pytest.mark.parametrize("place", ["", "10", "a,b", "1,2,3", "10;20", "201,5", "-1,5", "50%,101%", "nan,1"])
def test_wrong_places_are_named(place: str) -> None:
    with pytest.raises(OptionError, match=r"^place '"):
        parse_place(place, 200, 100)


def test_wrong_layers_methods_and_missing_paintings_are_named(preparing: Preparing) -> None:
    with pytest.raises(OptionError, match=r"attention_layers names 'relu9_1'"):
        attention(CONTENT, STYLE, ["1,1"], StylizeOptions(method="gatys", attention_layers="relu9_1"))
    with pytest.raises(OptionError, match="is 'adain', but attention is shown of gatys, nla-cyclegan, aggan, semantic"):
        attention(CONTENT, STYLE, ["1,1"], stylizer=impasto.load("adain", device="cpu"))
    with pytest.raises(OptionError, match="style names no painting"):
        prepare(CONTENT)
    with pytest.raises(OptionError, match="place '62,1' lies outside the picture of 61 x 46 pixels"):
        preparing("photo").at(["62,1"])


def test_pictures_too_large_for_the_memory_are_refused_before_they_are_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.device.free_memory", lambda device: 100_000)
    with pytest.raises(OutOfMemoryError, match=r"61 x 46 pixels need about .* fits"):
        prepare(CONTENT, STYLE)


def test_a_size_is_that_of_the_content_and_places_are_scaled_to_it() -> None:
    found = attention(CONTENT, STYLE, PLACES, method="gatys", size=40, style_fit="content")
    assert isinstance(found, StyleAttention)
    assert found.content.shape[-2:] == found.style.shape[-2:] == (30, 40)
    assert found.places[0] == pytest.approx((20, 7.5))


def test_a_picture_of_one_pixel() -> None:
    one = image.to_pil(to_picture(pixels(1, 1, 0)))
    found = attention(one, STYLE, ["0,0"], StylizeOptions(method="gatys", attention_layers="relu5_1"))
    assert draw(found, overall=True).size[0] > 1
    assert image.to_pil(to_picture(found.content)).size == (1, 1)
