"""Attention of a photo to itself: arrays of the generator's own block, the layout of Figure 6, and the page."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import impasto
from impasto import StylizeOptions, figures, image
from impasto.attention import draw_within, generator, overlay, page_within, points, see_within, weights_of, within
from impasto.attention.draw_within import atlas, lit
from impasto.attention.generator import attention_of as attention
from impasto.attention.generator import mean_attention
from impasto.attention.light import DARKEST
from impasto.attention.within import Within, grid_of
from impasto.errors import OptionError
from impasto.methods.cyclegan import network as plain
from impasto.methods.nla_cyclegan.network import Generator, GeneratorConfig
from impasto.methods.nla_cyclegan.stylizer import NLACycleGAN
from impasto.translation import save_generators, translate

OPTIONS = StylizeOptions(method="nla-cyclegan", precision="fp32")


def trained(network: torch.nn.Module) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data = (torch.randn(parameter.shape, generator=generator) * 0.3).half().float()
    return network.eval().requires_grad_(False)


def nla(**settings: object) -> Generator:
    network = trained(Generator(GeneratorConfig(width=2, blocks=3, position=2, **settings)))  # type: ignore[arg-type]
    assert isinstance(network, Generator)
    return network


def picture(height: int = 18, width: int = 29) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))


def stylizer(folder: Path, network: Generator) -> NLACycleGAN:
    file = folder / "nla.safetensors"
    save_generators(file, "nla-cyclegan", {"A2B": network}, {})
    method = impasto.load("nla-cyclegan", device="cpu", weights=file)
    assert isinstance(method, NLACycleGAN)
    return method


@pytest.mark.parametrize("pooling", [1, 2])
def test_the_mean_is_that_of_all_places(pooling: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network, content = nla(pooling=pooling), picture()
    every = torch.tensor([(row, column) for row in range(0, 18, 4) for column in range(0, 29, 4)])
    expected = attention(network, content, every).mean(0)
    monkeypatch.setattr(generator, "LARGEST_MAP", 90)
    torch.testing.assert_close(mean_attention(network, content), expected)


def test_arrays_are_the_generators_own(tmp_path: Path) -> None:
    network = nla(compose=True)
    found = within(picture(), ["50%,50%", (28, 3)], OPTIONS, stylizer=stylizer(tmp_path, network))
    assert found.places == [pytest.approx((14.5, 9.0)), pytest.approx((28, 3))]
    assert found.cell == 4
    assert found.baseline is None
    torch.testing.assert_close(found.content, picture())
    torch.testing.assert_close(found.painted, translate(network, picture()), atol=1e-5, rtol=0)
    expected = attention(network, picture(), torch.tensor([[9, 14], [3, 28]]))
    torch.testing.assert_close(found.weights, expected, atol=1e-5, rtol=1e-3)
    assert found.contrast(1) == pytest.approx(float(expected[1].max()) * expected[1].numel(), rel=1e-2)
    assert found.share is not None
    assert found.share.shape == (1, 1, 18, 29)
    smaller = within(picture(), ["100%,100%"], OPTIONS, stylizer=stylizer(tmp_path, network), size=16)
    assert smaller.content.shape == (1, 3, 10, 16)
    assert smaller.places == [pytest.approx((15.5, 9.5))]


def test_places_asked_one_after_the_other_are_those_asked_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = stylizer(tmp_path, nla())
    places = ["50%,50%", (28, 3)]
    together = within(picture(), places, OPTIONS, stylizer=method)
    sight = see_within(picture(), OPTIONS, stylizer=method)
    # From here on the network sees no picture.
    monkeypatch.setattr(Generator, "seen", None)
    for number, place in enumerate(places):
        found = sight.at([place])
        assert found.places == [pytest.approx(together.places[number])]
        torch.testing.assert_close(found.weights[0], together.weights[number])
        shown = overlay(sight, place)
        expected = figures.marked(lit(picture(), found.weights[0], 4), found.places[0], ring=True)
        assert np.array_equal(np.asarray(shown.seen), np.asarray(expected))
        photo = figures.marked(image.to_pil(image.Picture(picture())), found.places[0])
        assert np.array_equal(np.asarray(shown.content), np.asarray(photo))


def test_figure_6(tmp_path: Path) -> None:
    """Input, CycleGAN, NLA-CycleGAN, attention: each in its column."""
    file = tmp_path / "plain.safetensors"
    network = trained(plain.Generator(plain.GeneratorConfig(width=2, blocks=1)))
    save_generators(file, "cyclegan", {"A2B": network}, {})  # type: ignore[dict-item]
    found = within(picture(40, 60), ["10%,10%"], OPTIONS, stylizer=stylizer(tmp_path, nla()), baseline=file)
    assert found.baseline is not None
    torch.testing.assert_close(found.baseline, translate(network, picture(40, 60)), atol=1e-5, rtol=0)  # type: ignore[arg-type]
    sheet = draw_within(found, overall=True)
    pixels = np.asarray(sheet)
    expected = [found.content, found.baseline, found.painted, None]
    head = sheet.height - 2 * (40 + 20 + 8) - 8
    for column, shown in enumerate(expected):
        left = 8 + column * 68
        cell = pixels[head + 8 : head + 48, left : left + 60]
        whole = lit(found.content, found.mean, 4) if shown is None else image.to_pil(image.Picture(shown))
        assert np.array_equal(cell, np.asarray(whole)), column
    assert draw_within(found).height < sheet.height


@pytest.mark.parametrize(
    ("contrast", "words"),
    [(1225, "1,200 times"), (1000, "1,000 times"), (345.6, "350 times"), (12.34, "12 times"), (3.44, "3.4 times"),
     (1, "1 times"), (0.876, "0.88 times")],
)  # fmt: skip
def test_a_caption_says_how_much_more_without_exponents(
    contrast: float, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions: list[str] = []
    monkeypatch.setattr(figures, "grid", lambda rows, columns, names: captions.extend(names))
    content, weights = torch.zeros(1, 3, 140, 140), torch.zeros(1, 35, 35)
    weights[0, 20, 7] = contrast / weights.numel()
    found = Within(
        content=content, cell=4, places=[(28, 80)], weights=weights, method="nla-cyclegan", painted=content,
        baseline=None, mean=weights[0], share=None,
    )  # fmt: skip
    draw_within(found)
    assert captions == [f"where 20%,57% looks: up to {words} as much as evenly"]


def test_what_is_looked_at_stays_bright() -> None:
    content = torch.full((1, 3, 6, 7), 0.8)
    levels = np.asarray(lit(content, torch.tensor([[0.1, 0.3], [0.2, 0.1]]), 4))[..., 0]
    bright, middle, dark = (round(204 * (DARKEST + (1 - DARKEST) * light)) for light in (1, 0.5, 0))
    assert levels[0, 4:].tolist() == [bright] * 3
    assert levels[4, :4].tolist() == [middle] * 4
    assert {int(levels[0, 0]), int(levels[5, 6])} == {dark}
    assert np.unique(np.asarray(lit(content, torch.ones(2, 2), 4))).tolist() == [204], "even attention changes nothing"


def test_the_page_holds_the_map_of_every_place(tmp_path: Path) -> None:
    method = stylizer(tmp_path, nla())
    found = within(picture(24, 60), [], OPTIONS, stylizer=method)
    places = points(found.content)
    across, down = grid_of(found.content)
    assert (across, down, len(places)) == (24, 10, 240)
    assert places[0] == (1.25, 1.2)
    assert places[-1] == (58.75, 22.8)
    weights = weights_of(method, OPTIONS, found.content, places)
    text = page_within(found, weights, "a < b")
    assert "<title>a &lt; b</title>" in text
    assert "$" not in re.sub(r"\$\{[a-z0-9 *+()./]+|base64,\S+", "", text, flags=re.I).replace("${", "")
    data = re.search(r'background: url\("data:image/png;base64,([^"]+)"\)', text)
    assert data
    with Image.open(io.BytesIO(base64.b64decode(data[1]))) as tiles:
        assert tiles.size == (24 * 15, 10 * 6)
        tile = np.asarray(tiles)[6 * 2 : 6 * 3, 15 * 5 : 15 * 6] / 255
    own = weights[2 * 24 + 5]
    np.testing.assert_allclose(tile, (own - own.min()) / (own.max() - own.min()), atol=0.003)


def test_tiles_of_large_maps_are_averages() -> None:
    maps = torch.rand(3, 64, 128, generator=torch.Generator().manual_seed(0))
    sheet = np.asarray(atlas(maps, 2))
    assert sheet.shape == (32, 64)
    small = torch.nn.functional.avg_pool2d(maps[2][None], 4)[0]
    expected = (small - small.min()) / (small.max() - small.min())
    np.testing.assert_allclose(sheet[16:, :32] / 255, expected, atol=0.003)
    assert not sheet[16:, 32:].any()


def test_another_method_has_no_such_attention(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="method is 'adain', but what looks at the photo itself is nla-cyclegan"):
        within(picture(), [], stylizer=impasto.load("adain", device="cpu"))  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="place '30,1' lies outside the picture of 29 x 18 pixels"):
        within(picture(), ["30,1"], OPTIONS, stylizer=stylizer(tmp_path, nla()))
