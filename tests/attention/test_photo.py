"""Attention of a photo to itself: arrays of the generator's own block, and the layout of Figure 6."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lively import lively
from looking import generators, nla, pixels

from impasto import StylizeOptions, image
from impasto.attention import attention, draw, photo
from impasto.attention.maps import DARKEST
from impasto.attention.photo import PhotoAttention, attention_of, lit, mean_attention
from impasto.methods.cyclegan import network as plain
from impasto.methods.semantic_gan.network import Generator, GeneratorConfig
from impasto.tensors import to_picture
from impasto.translation import padded_to, save_generators, translate

OPTIONS = StylizeOptions(method="nla-cyclegan", precision="fp32")


@pytest.mark.parametrize("pooling", [1, 2])
def test_the_mean_is_that_of_all_places(pooling: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network, content = nla(pooling=pooling), pixels()
    every = torch.tensor([(row, column) for row in range(0, 18, 4) for column in range(0, 29, 4)])
    expected = attention_of(network, content, every).mean(0)
    monkeypatch.setattr(photo, "LARGEST_MAP", 90)
    torch.testing.assert_close(mean_attention(network, content), expected)


def test_arrays_are_the_generators_own(tmp_path: Path) -> None:
    network, file = nla(compose=True), generators(tmp_path, compose=True)
    found = attention(pixels(), None, ["50%,50%", (28, 3)], OPTIONS, weights=file)
    assert isinstance(found, PhotoAttention)
    assert found.places == [pytest.approx((14.5, 9.0)), pytest.approx((28, 3))]
    assert found.generator.cell == 4
    torch.testing.assert_close(found.content, pixels())
    (painted,) = found.painted.values()
    expected = image.to_pil(to_picture(translate(network, pixels())))
    assert np.abs(np.asarray(painted).astype(int) - np.asarray(expected)).max() <= 1
    weights = attention_of(network, pixels(), torch.tensor([[9, 14], [3, 28]]))
    torch.testing.assert_close(found.weights, weights, atol=1e-5, rtol=1e-3)
    assert found.contrast(1) == pytest.approx(float(weights[1].max()) * weights[1].numel(), rel=1e-2)
    assert found.share is not None
    assert found.share.shape == (1, 1, 18, 29)
    smaller = attention(pixels(), None, ["100%,100%"], OPTIONS, weights=file, size=16)
    assert smaller.content.shape == (1, 3, 10, 16)
    assert smaller.places == [pytest.approx((15.5, 9.5))]


def test_figure_6(tmp_path: Path) -> None:
    """Input, CycleGAN, NLA-CycleGAN, attention: each in its column."""
    file = tmp_path / "plain.safetensors"
    network = lively(plain.Generator(plain.GeneratorConfig(width=2, blocks=1))).half().float()
    save_generators(file, "cyclegan", {"A2B": network}, {})
    found = attention(pixels(40, 60), None, ["10%,10%"], OPTIONS, weights=generators(tmp_path), baseline=file)
    assert isinstance(found, PhotoAttention)
    assert found.columns == ["photo", "CycleGAN", "NLA-CycleGAN", "attention"]
    baseline = image.to_pil(to_picture(translate(network, pixels(40, 60))))
    shown = found.painted
    assert np.abs(np.asarray(shown["CycleGAN"]).astype(int) - np.asarray(baseline)).max() <= 1
    sheet = draw(found, overall=True)
    plain_photo = image.to_pil(to_picture(found.content))
    whole = lit(found.content, found.mean, 4)
    head = sheet.height - 2 * (40 + 20 + 8) - 8
    for column, expected in enumerate([plain_photo, *shown.values(), whole]):
        cell = np.asarray(sheet)[head + 8 : head + 48, 8 + column * 68 :][:, :60]
        assert np.array_equal(cell, np.asarray(expected)), column
    assert draw(found).height < sheet.height


@pytest.mark.parametrize(
    ("contrast", "words"),
    [(1225, "1,200 times"), (1000, "1,000 times"), (345.6, "350 times"), (12.34, "12 times"), (3.44, "3.4 times"),
     (1, "1 times"), (0.876, "0.88 times")],
)  # fmt: skip
def test_a_caption_says_how_much_more_without_exponents(
    contrast: float, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PhotoAttention, "painted", {})
    weights = torch.zeros(1, 35, 35)
    weights[0, 20, 7] = contrast / weights.numel()
    monkeypatch.setattr(PhotoAttention, "weights", weights)
    found = attention(pixels(140, 140), None, [(28, 80)], OPTIONS, weights=generators(tmp_path))
    ((caption, _),) = found.rows(overall=False)
    assert caption == f"where 20%,57% looks: up to {words} as much as evenly"


def test_what_is_looked_at_stays_bright() -> None:
    content = torch.full((1, 3, 6, 7), 0.8)
    levels = np.asarray(lit(content, torch.tensor([[0.1, 0.3], [0.2, 0.1]]), 4))[..., 0]
    bright, dark = (round(204 * (DARKEST + (1 - DARKEST) * light)) for light in (1, 0))
    assert (levels[0, 0], levels[0, 6]) == (dark, bright)
    # Eighths of the way, from middle to middle: no square has an edge.
    ways = [max(0.0, min(1.0, (x + 0.5) / 4 - 0.5)) for x in range(7)]
    assert levels[0].tolist() == [round(204 * (DARKEST + (1 - DARKEST) * way)) for way in ways]
    assert np.unique(np.asarray(lit(content, torch.ones(2, 2), 4))).tolist() == [204], "even attention changes nothing"


def semantic(**settings: Any) -> Generator:
    return lively(Generator(GeneratorConfig(width=2, blocks=1, **settings)))


@pytest.mark.parametrize(
    ("make", "settings", "shape"),
    [
        (nla, {"pooling": 1}, (5, 8)),
        (nla, {"pooling": 2}, (3, 4)),
        (nla, {"pooling": 3}, (2, 3)),
        (semantic, {"attention": "full", "pooling": 1}, (18, 29)),
        (semantic, {"attention": "full", "pooling": 4}, (5, 8)),
        (semantic, {"attention": "half", "pooling": 2}, (5, 8)),
        (semantic, {"attention": "quarter", "pooling": 2}, (3, 4)),
    ],
)
def test_cells_cover_the_picture(make: Callable[..., Any], settings: dict[str, Any], shape: tuple[int, int]) -> None:
    network, content = make(**settings), pixels(18, 29)
    looks = attention_of(network, content, torch.tensor([[0, 0], [17, 28]]))
    assert looks.shape == (2, *shape)
    assert not looks.requires_grad
    assert float(looks.min()) >= 0
    assert ((looks.sum((1, 2)) > 0.2) & (looks.sum((1, 2)) <= 1.0001)).all()
    padded = padded_to(content, network.multiple, network.minimum)
    whole = network.looks(network.seen(padded * 2 - 1), torch.tensor([[17, 28]]))
    torch.testing.assert_close(looks[1:], whole[:, : shape[0], : shape[1]])


@pytest.mark.parametrize("make", [nla, semantic])
def test_sums_to_one_where_nothing_is_mirrored(make: Callable[..., Any]) -> None:
    looks = attention_of(make(), pixels(16, 24), torch.tensor([[15, 0], [3, 20], [8, 8]]))
    torch.testing.assert_close(looks.sum((1, 2)), torch.ones(3))
