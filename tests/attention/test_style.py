"""Attention to a style: the arrays are those of the loss, and the pictures show the arrays."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from looking import CONTENT, STYLE
from PIL import Image
from torch import Tensor

from impasto import StylizeOptions, image
from impasto.attention import attention, overlay, prepare
from impasto.attention.maps import DARKEST, by_order, gathered, in_colours
from impasto.attention.style import Look, StyleAttention
from impasto.encoders import load_encoder
from impasto.losses.feature_statistics import normalised
from impasto.report.sheets import marked
from impasto.tensors import to_picture

LAYERS = "relu2_1,relu4_1"
GATYS = StylizeOptions(method="gatys", precision="fp32")


def look(**choices: object) -> StyleAttention:
    options = replace(GATYS, attention_layers=LAYERS, **choices)  # type: ignore[arg-type]
    found = attention(CONTENT, STYLE, ["50%,25%", (60, 45)], options)
    assert isinstance(found, StyleAttention)
    return found


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
            query = C[:, int(y) // one.cell, int(x) // one.cell]
            expected = (torch.einsum("c,chw->hw", query, A) / temperature).flatten().softmax(0).view(A.shape[1:])
            torch.testing.assert_close(one.weights[number], expected, rtol=1e-3, atol=1e-6)
        products = torch.einsum("chw,cyx->hwyx", C, A).flatten(2)
        row, column = one.correspondence
        chosen = products.gather(2, (row * A.shape[2] + column)[..., None])[..., 0]
        torch.testing.assert_close(chosen, products.max(2).values, rtol=1e-4, atol=1e-3)


def test_what_is_transparent_of_a_content_has_no_say() -> None:
    def weights(content: Image.Image) -> Tensor:
        found = attention(content, STYLE, ["20%,50%"], replace(GATYS, attention_layers=LAYERS))
        assert isinstance(found, StyleAttention)
        return found.looks[0].weights

    left, opaque = np.zeros((46, 61, 1), np.uint8), np.asarray(CONTENT)
    left[:, :30] = 255
    first, second = (
        weights(Image.fromarray(np.concatenate([colours, left], 2).astype(np.uint8)))
        for colours in (opaque, np.where(left > 0, opaque, 0))
    )
    assert torch.equal(first, second)
    assert not torch.allclose(first, weights(CONTENT), rtol=0.01)


def test_best_matches_lie_in_the_picture_where_the_weights_are_highest() -> None:
    for one in look().looks:
        for number, (x, y) in enumerate(one.best):
            assert 0 <= x < one.style.shape[-1]
            assert 0 <= y < one.style.shape[-2]
            shown = np.asarray(one.heat(number))
            assert shown.shape[:2] == tuple(one.style.shape[-2:])
            assert (shown[int(y), int(x)] == 255).all()


def test_maps_can_be_seen_whatever_the_weights_span() -> None:
    """Of a logarithmic map down to a ten-thousandth, 0.03 % of the pixels were lighter than grey 100 at 512 pixels."""
    for one in look().looks:
        for scale in (1.0, 40.0):  # 40 is far beyond what single precision holds
            spread = (one.weights[0] / one.weights[0].max()).double().pow(scale).float()
            seen = by_order(spread)
            assert seen.max() == 1
            # What is 0 in single precision cannot be told apart, and is dark.
            told = float((spread > 0).float().mean())
            assert float((seen > 100 / 255).float().mean()) > min(0.25, 0.5 * told)
            assert float((seen == 0).float().mean()) >= 0.45
    assert (by_order(torch.full((4, 4), 1 / 16)) == 1).all()


def test_maps_have_the_contents_size_and_the_styles_pixels() -> None:
    found = look()
    one = found.looks[1]
    matched = one.correspondence, one.cell, found.content, found.style
    colours, pixels = in_colours(*matched), np.asarray(gathered(*matched))
    assert colours.size == CONTENT.size
    rows, columns = one.correspondence
    top, left = int(rows[0, 0]) * one.cell, int(columns[0, 0]) * one.cell
    block = found.style[0, :, top : top + one.cell, left : left + one.cell]
    assert pixels[0, 0] == pytest.approx((255 * block.mean((1, 2))).numpy(), abs=0.51)
    # Places in one colour are places that look alike.
    shown = np.asarray(colours)[:: one.cell, :: one.cell]
    by_match: dict[tuple[int, int], set[tuple[int, ...]]] = {}
    for place in np.ndindex(rows.shape):
        by_match.setdefault((int(rows[place]), int(columns[place])), set()).add(tuple(shown[place]))
    assert len(by_match) > 1
    assert all(len(some) == 1 for some in by_match.values())
    assert len({next(iter(some)) for some in by_match.values()}) == len(by_match)


def between(values: np.ndarray, cell: int) -> np.ndarray:
    """Columns of (h, w), each `cell` pixels wide, as straight lines from middle to middle."""
    places = (np.arange(values.shape[1] * cell) + 0.5) / cell - 0.5
    return np.stack([np.interp(places, np.arange(values.shape[1]), row) for row in values])


def test_what_a_place_looks_at_stays_bright() -> None:
    def seen(style: Image.Image, **choices: object) -> np.ndarray:
        return np.asarray(overlay(prepare(CONTENT, style, replace(GATYS, **choices)), "50%,25%"))  # type: ignore[arg-type]

    found = attention(CONTENT, STYLE, ["50%,25%"], GATYS)
    assert isinstance(found, StyleAttention)
    (one,) = found.looks
    assert isinstance(one, Look)
    flat = one.weights[0].flatten()
    less = (flat[None] < flat[:, None]).sum(1).reshape(one.weights[0].shape).float()
    share = (2 * less / less.max() - 1).clamp_min(0)
    large = torch.from_numpy(between(between(share.numpy(), one.cell).T, one.cell).T).float()
    large = large[: found.style.shape[2], : found.style.shape[3]]
    lit = image.to_pil(to_picture(found.style * (DARKEST + (1 - DARKEST) * large)))
    expected = np.asarray(marked(lit, one.best[0], ring=True)).astype(int)
    assert np.abs(seen(STYLE) - expected).max() <= 1
    assert np.abs(seen(STYLE, attention_temperature=5.0) - expected).max() <= 1
    assert np.isfinite(seen(Image.new("RGB", (20, 20), "grey"))).all()
