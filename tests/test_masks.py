"""Masks as shares of every position."""

import numpy as np
import pytest
import torch
from in_tensors import in_tensors
from in_tensors import picture as as_picture
from torch import Tensor

from impasto import colour, masks
from impasto.errors import OptionError
from impasto.image import Picture
from impasto.masks import inverted, visible

names = ("content_with_opacity", "match_visible", "recoloured", "regions", "together", "with_opacity")
content_with_opacity, match_visible, recoloured, regions, together, with_opacity = (
    in_tensors(getattr(masks, name)) for name in names
)
match_colours = in_tensors(colour.match_colours)


def mask(values: list[list[float]], alpha: Tensor | None = None) -> Picture:
    return as_picture(torch.tensor(values)[None, None].repeat(1, 3, 1, 1), alpha)


LEFT, WHITE, GREY = mask([[1.0, 0.0], [1.0, 0.0]]), mask([[1.0]]), mask([[0.5]])
ON_THE_LEFT, ON_THE_RIGHT = [[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("masks", "shares"),
    [
        ([LEFT], [ON_THE_LEFT]),
        ([inverted(LEFT)], [ON_THE_RIGHT]),
        # None, or a missing last one, takes the rest.
        ([LEFT, None], [ON_THE_LEFT, ON_THE_RIGHT]),
        ([LEFT], [ON_THE_LEFT, ON_THE_RIGHT]),
        ([None, LEFT], [ON_THE_RIGHT, ON_THE_LEFT]),
        # Soft edges stay soft, and overlaps are shared.
        ([GREY], [[[0.5]]]),
        ([WHITE, GREY], [[[2 / 3]], [[1 / 3]]]),
        ([GREY, None], [[[0.5]], [[0.5]]]),
        # Transparent is black.
        ([mask([[1.0, 1.0], [1.0, 1.0]], torch.tensor([[ON_THE_RIGHT]]))], [ON_THE_RIGHT]),
        # Colours count by their lightness.
        ([as_picture(torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1))], [[[0.299]]]),
        # A mask of 0 and 1 has 1 for white; one of more levels means them.
        ([Picture(LEFT.pixels / np.float32(255))], [ON_THE_LEFT]),
        ([Picture(LEFT.pixels / np.float32(65535), bits=16)], [ON_THE_LEFT]),
        ([mask([[2 / 255, 1 / 255]])], [[[2 / 255, 1 / 255]]]),
    ],
)
def test_shares_of_every_position(masks: list[Picture | None], shares: list[list[list[float]]]) -> None:
    maps = regions(masks, len(shares), len(shares[0]), len(shares[0][0]))
    torch.testing.assert_close(torch.cat(maps, 1)[0], torch.tensor(shares), atol=1e-4, rtol=0)


def test_any_size_is_brought_to_the_contents() -> None:
    (large,) = regions([LEFT], 1, 20, 30)
    assert large.shape == (1, 1, 20, 30)
    assert float(large[..., :5].mean()) > 0.99
    assert float(large[..., -5:].mean()) < 0.01


@pytest.mark.parametrize(("masks", "styles"), [([LEFT, LEFT], 1), ([LEFT], 3), ([None, None], 2), ([None], 1)])
def test_numbers_that_do_not_fit(masks: list[Picture | None], styles: int) -> None:
    with pytest.raises(OptionError, match=r"masks"):
        regions(masks, styles, 2, 2)


def test_opacity_of_a_style() -> None:
    pixels = torch.rand(1, 3, 4, 6, generator=torch.Generator().manual_seed(0))
    alpha = torch.ones(1, 1, 4, 6)
    assert (with_opacity(as_picture(pixels)) == pixels).all()
    assert (with_opacity(as_picture(pixels, alpha=alpha)) == pixels).all()
    assert visible(pixels)[1] is None
    alpha[..., 3:] = 0
    alpha[..., 2] = 0.5
    style = with_opacity(as_picture(pixels, alpha=alpha))
    colours, opacity = visible(style)
    assert opacity is not None
    assert torch.equal(opacity, alpha)
    torch.testing.assert_close(colours[..., :3], pixels[..., :3])
    with pytest.raises(OptionError, match="style is transparent everywhere"):
        with_opacity(as_picture(pixels, alpha=torch.zeros(1, 1, 4, 6)))


@pytest.mark.parametrize("size", [(16, 24), (7, 33), (1, 9)])
def test_what_is_hidden_takes_the_colours_beside_it(size: tuple[int, int]) -> None:
    height, width = size
    third = width // 3
    pixels, alpha = torch.rand(1, 3, height, width), torch.zeros(1, 1, height, width)
    pixels[..., :third], pixels[..., -third:] = 0.2, 0.8
    alpha[..., :third] = alpha[..., -third:] = 1
    filled = content_with_opacity(as_picture(pixels, alpha=alpha))[:, :3]
    assert torch.equal(filled[..., :third], pixels[..., :third])
    hidden = filled[..., third:-third]
    assert float(hidden.min()) > 0.199
    assert float(hidden.max()) < 0.801
    assert float(hidden[..., 0].max()) < 0.4, "beside dark it is dark"
    assert float(hidden[..., -1].min()) > 0.6, "beside bright it is bright"
    other = content_with_opacity(as_picture(torch.where(alpha > 0, pixels, 1 - pixels), alpha=alpha))
    assert torch.equal(other[:, :3], filled)


@pytest.mark.parametrize("alpha", [0.02, 0.0])
def test_a_content_that_is_faint_or_hidden_everywhere_is_taken_as_it_is(alpha: float) -> None:
    pixels = torch.rand(1, 3, 9, 12, generator=torch.Generator().manual_seed(0))
    content = as_picture(pixels, alpha=torch.full((1, 1, 9, 12), alpha))
    torch.testing.assert_close(content_with_opacity(content)[:, :3], pixels)


def test_colours_are_matched_by_what_is_visible() -> None:
    style, content = (torch.rand(1, 3, 8, 12, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    alpha = torch.ones(1, 1, 8, 12)
    alpha[..., 6:] = 0
    half = [with_opacity(as_picture(one, alpha=alpha)) for one in (style, content * 0.5)]
    matched = match_visible(*half)
    assert torch.equal(matched[:, 3:], alpha)
    expected = match_colours(style[..., :6].contiguous(), content[..., :6].contiguous() * 0.5)
    torch.testing.assert_close(matched[:, :3, :, :6], expected, atol=1e-5, rtol=0)


def test_contents_with_and_without_opacity_together() -> None:
    one, other = torch.rand(1, 3, 4, 6), torch.rand(1, 4, 4, 6)
    assert together([one, one]).shape == (2, 3, 4, 6)
    both = together([one, other])
    assert torch.equal(both[1:], other)
    assert torch.equal(both[:1, :3], one)
    assert bool((both[0, 3] == 1).all())


def test_masks_that_are_black_everywhere_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    regions([mask([[0.0]]), None], 2, 1, 1)
    assert caplog.text == ""
    regions([mask([[0.0]])], 1, 1, 1)
    assert "black everywhere" in caplog.text


def test_content_takes_each_styles_colours_in_its_share() -> None:
    generator = torch.Generator().manual_seed(0)
    content, warm, cold = (torch.rand(1, 3, 8, 8, generator=generator) * level for level in (1.0, 0.5, 0.2))
    left = torch.zeros(1, 1, 8, 8)
    left[..., :3] = 1
    torch.testing.assert_close(recoloured(content, [warm], [1.0]), match_colours(content, warm))
    half = recoloured(content, [warm, cold], [left, torch.zeros_like(left)])
    torch.testing.assert_close(half[..., :3], match_colours(content, warm)[..., :3])
    assert torch.equal(half[..., 3:], content[..., 3:])
    mean = (match_colours(content, warm) + 3 * match_colours(content, cold)) / 4
    torch.testing.assert_close(recoloured(content, [warm, cold], [0.25, 0.75]), mean)


def test_hidden_colours_are_neither_taken_nor_counted() -> None:
    content, style = (torch.rand(1, 4, 6, 6, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    for picture in (content, style):
        picture[:, 3] = 0
        picture[:, 3, :3] = 0.5
    result = recoloured(content, [style], [1.0])
    assert torch.equal(result[:, 3:], content[:, 3:])
    expected = match_colours(content[:, :3, :3].contiguous(), style[:, :3, :3].contiguous())
    torch.testing.assert_close(result[:, :3, :3], expected)
