"""Looking at the attention: the arrays are those of the loss, and the pictures show the arrays."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import impasto
from impasto import StylizeOptions, figures, image
from impasto.attention import attention, correspondence_picture, draw, overlay, page, parse_place, see
from impasto.attention.draw import gathered, heat, light
from impasto.attention.light import DARKEST
from impasto.encoders import load_encoder
from impasto.errors import OptionError, OutOfMemoryError
from impasto.losses.feature_statistics import normalised

LAYERS = "relu2_1,relu4_1"


def picture(height: int, width: int, seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


CONTENT, STYLE = picture(46, 61, 0), picture(37, 53, 1)


def look(**choices: object) -> impasto.attention.Attention:  # type: ignore[name-defined]
    options = StylizeOptions(method="gatys", attention_layers=LAYERS, precision="fp32", **choices)  # type: ignore[arg-type]
    return attention(CONTENT, STYLE, ["50%,25%", (60, 45)], options)


def features(pixels: Tensor, layer: str) -> Tensor:
    with torch.no_grad():
        return normalised(load_encoder("lite")(pixels, [layer])[layer])[0]


@pytest.mark.parametrize("temperature", [1.0, 7.0])
def test_weights_are_the_softmax_of_the_features_products(temperature: float) -> None:
    found = look(attention_temperature=temperature)
    assert [one.layer for one in found.looks] == LAYERS.split(",")
    for one in found.looks:
        C, A = features(found.content, one.layer), features(found.style, one.layer)
        for number, (x, y) in enumerate(found.places):
            query = C[:, int(y) // one.stride, int(x) // one.stride]
            expected = (torch.einsum("c,chw->hw", query, A) / temperature).flatten().softmax(0).view(A.shape[1:])
            torch.testing.assert_close(one.weights[number], expected, rtol=1e-3, atol=1e-6)
        products = torch.einsum("chw,cyx->hwyx", C, A).flatten(2)
        row, column = one.correspondence
        chosen = products.gather(2, (row * A.shape[2] + column)[..., None])[..., 0]
        torch.testing.assert_close(chosen, products.max(2).values, rtol=1e-4, atol=1e-3)


def test_what_is_transparent_of_a_content_has_no_say() -> None:
    options = StylizeOptions(method="gatys", attention_layers=LAYERS, precision="fp32")
    left, opaque = np.zeros((46, 61, 1), np.uint8), np.asarray(CONTENT)
    left[:, :30] = 255
    found = []
    for colours in (opaque, np.where(left > 0, opaque, 0)):
        content = Image.fromarray(np.concatenate([colours, left], 2).astype(np.uint8))
        found.append(attention(content, STYLE, ["20%,50%"], options).looks[0].weights)
    assert torch.equal(*found)
    assert not torch.allclose(found[0], attention(CONTENT, STYLE, ["20%,50%"], options).looks[0].weights, rtol=0.01)


def test_the_style_has_the_size_that_painting_gives_it() -> None:
    found = look(size=40, style_fit="content")
    assert found.content.shape[-2:] == (30, 40)
    assert found.style.shape[-2:] == (30, 40)
    assert found.places[0] == pytest.approx((20, 7.5))


def test_best_matches_lie_in_the_picture_where_the_weights_are_highest() -> None:
    found = look()
    for one in found.looks:
        for number, (x, y) in enumerate(one.best):
            assert 0 <= x < found.style.shape[-1]
            assert 0 <= y < found.style.shape[-2]
            shown = np.asarray(heat(found, one, number))
            assert shown.shape[:2] == tuple(found.style.shape[-2:])
            assert (shown[int(y), int(x)] == 255).all()


def test_maps_can_be_seen_whatever_the_weights_span() -> None:
    """Of a logarithmic map down to a ten-thousandth, 0.03 % of the pixels were lighter than grey 100 at 512 pixels."""
    found = look()
    for one in found.looks:
        for scale in (1.0, 40.0):  # 40 is far beyond what single precision holds
            spread = (one.weights[0] / one.weights[0].max()).double().pow(scale).float()
            seen = light(replace(one, weights=spread[None]), 0)
            assert seen.max() == 1
            # What is 0 in single precision cannot be told apart, and is dark.
            told = float((spread > 0).float().mean())
            assert float((seen > 100 / 255).float().mean()) > min(0.25, 0.5 * told)
            assert float((seen == 0).float().mean()) >= 0.45
    even = replace(found.looks[0], weights=torch.full((1, 4, 4), 1 / 16))
    assert (light(even, 0) == 1).all()


def test_maps_have_the_contents_size_and_the_styles_pixels() -> None:
    found = look()
    one = found.looks[1]
    assert correspondence_picture(found, one).size == CONTENT.size
    rows, columns = one.correspondence
    pixels = np.asarray(gathered(found, one))
    top, left = int(rows[0, 0]) * one.stride, int(columns[0, 0]) * one.stride
    block = found.style[0, :, top : top + one.stride, left : left + one.stride]
    assert pixels[0, 0] == pytest.approx((255 * block.mean((1, 2))).numpy(), abs=0.51)


def test_places_in_one_colour_are_places_that_look_alike() -> None:
    found = look()
    one = found.looks[1]
    shown = np.asarray(correspondence_picture(found, one))[:: one.stride, :: one.stride]
    rows, columns = one.correspondence.numpy()
    colours = {}
    for place in np.ndindex(rows.shape):
        colours.setdefault((rows[place], columns[place]), set()).add(tuple(shown[place]))
    assert len(colours) > 1
    assert all(len(some) == 1 for some in colours.values())
    assert len({next(iter(some)) for some in colours.values()}) == len(colours)


def test_places_asked_one_after_the_other_are_those_asked_together(monkeypatch: pytest.MonkeyPatch) -> None:
    options = StylizeOptions(method="gatys", attention_layers=LAYERS, precision="fp32")
    gatys = impasto.load("gatys", device="cpu")
    sight = see(CONTENT, STYLE, options, stylizer=gatys)  # type: ignore[arg-type]
    together = look()
    # From here on no picture is encoded.
    monkeypatch.setattr(type(gatys), "encoder", None)
    for number, place in enumerate(["50%,25%", (60, 45)]):
        found = sight.at([place])
        assert found.places == [pytest.approx(together.places[number])]
        for one, other in zip(found.looks, together.looks, strict=True):
            torch.testing.assert_close(one.weights[0], other.weights[number])
            assert torch.equal(one.correspondence, other.correspondence)
    pictures = sight.content.nbytes + sight.style.nbytes
    features = sum(one.compared.queries.nbytes + one.compared.keys.nbytes for one in together.looks)
    assert sight.num_bytes == pictures + features


def test_what_a_place_looks_at_stays_bright() -> None:
    sight = see(CONTENT, STYLE, StylizeOptions(method="gatys", precision="fp32"))
    shown = overlay(sight, "50%,25%")
    found = sight.at(["50%,25%"])
    (one,) = found.looks
    assert np.array_equal(
        np.asarray(shown.content), np.asarray(figures.marked(image.to_pil(image.Picture(found.content)), (30.5, 11.5)))
    )
    flat = one.weights[0].flatten()
    less = (flat[None] < flat[:, None]).sum(1).reshape(one.weights[0].shape).float()
    share = (2 * less / less.max() - 1).clamp_min(0)
    assert (share == 0).float().mean() >= 0.45
    large = torch.kron(share, torch.ones(one.stride, one.stride))[: found.style.shape[2], : found.style.shape[3]]
    lit = image.to_pil(image.Picture(found.style * (DARKEST + (1 - DARKEST) * large)))
    expected = np.asarray(figures.marked(lit, one.best[0], ring=True)).astype(int)
    assert np.abs(np.asarray(shown.seen) - expected).max() <= 1
    wider = see(CONTENT, STYLE, StylizeOptions(method="gatys", precision="fp32", attention_temperature=5.0))
    assert np.abs(np.asarray(overlay(wider, "50%,25%").seen) - expected).max() <= 1
    even = see(CONTENT, Image.new("RGB", (20, 20), "grey"), StylizeOptions(method="gatys", precision="fp32"))
    assert np.isfinite(np.asarray(overlay(even, "50%,25%").seen)).all()


def test_pictures_too_large_for_the_memory_are_refused_before_they_are_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.device.free_memory", lambda device: 100_000)
    with pytest.raises(OutOfMemoryError, match=r"61 x 46 pixels need about .* fits"):
        look()


def test_the_figure_has_a_row_for_each_place_and_two_for_the_map() -> None:
    found = look()
    plain, mapped = draw(found), draw(found, correspondence=True)
    assert mapped.width == plain.width > 5 * 53
    assert mapped.height == pytest.approx(2 * plain.height, rel=0.2)


def test_the_page_holds_the_map_and_needs_nothing_else() -> None:
    found = look()
    text = page(found, "A < B")
    assert "<title>A &lt; B</title>" in text
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    assert "http" not in text
    data = json.loads(re.search(r"const looks = (\[.*\]);", text)[1])  # type: ignore[index]
    assert [one["layer"] for one in data] == LAYERS.split(",")
    assert np.array_equal(np.moveaxis(np.array(data[0]["map"]), 2, 0), found.looks[0].correspondence.numpy())


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


def test_wrong_layers_and_methods_are_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"attention_layers names 'relu9_1'"):
        attention(CONTENT, STYLE, ["1,1"], StylizeOptions(method="gatys", attention_layers="relu9_1"))
    with pytest.raises(OptionError, match="attention is shown of gatys"):
        attention(CONTENT, STYLE, ["1,1"], stylizer=impasto.load("adain", device="cpu"))  # type: ignore[arg-type]


def test_a_picture_of_one_pixel() -> None:
    one = Image.fromarray(np.full((1, 1, 3), 90, np.uint8))
    found = attention(one, STYLE, ["0,0"], StylizeOptions(method="gatys", attention_layers="relu5_1"))
    assert draw(found, correspondence=True).size[0] > 1
    assert image.to_pil(image.Picture(found.content)).size == (1, 1)
