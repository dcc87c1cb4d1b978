"""Masks as shares of every position."""

import pytest
import torch
from torch import Tensor

from impasto.colour import match_colours
from impasto.errors import OptionError
from impasto.image import Picture
from impasto.masks import inverted, match_visible, recoloured, regions, seen_colours, visible, with_opacity


def mask(values: list[list[float]], alpha: Tensor | None = None) -> Picture:
    return Picture(torch.tensor(values)[None, None].repeat(1, 3, 1, 1), alpha)


LEFT = mask([[1.0, 0.0], [1.0, 0.0]])


def test_white_is_where_the_style_goes() -> None:
    (only,) = regions([LEFT], 1, 2, 2)
    torch.testing.assert_close(only, torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]]]))


@pytest.mark.parametrize("masks", [[LEFT, None], [LEFT]])
def test_none_or_a_missing_last_one_takes_the_rest(masks: list[Picture | None]) -> None:
    first, rest = regions(masks, 2, 2, 2)
    torch.testing.assert_close(first + rest, torch.ones(1, 1, 2, 2))
    torch.testing.assert_close(rest, regions([inverted(LEFT)], 1, 2, 2)[0])


def test_none_may_stand_anywhere() -> None:
    rest, first = regions([None, LEFT], 2, 2, 2)
    torch.testing.assert_close(rest, 1 - first)


def test_soft_edges_stay_soft_and_overlaps_are_shared() -> None:
    grey, white = mask([[0.5]]), mask([[1.0]])
    assert float(regions([grey], 1, 1, 1)[0]) == pytest.approx(0.5)
    both = regions([white, grey], 2, 1, 1)
    assert [float(one) for one in both] == pytest.approx([2 / 3, 1 / 3])
    rest = regions([grey, None], 2, 1, 1)
    assert [float(one) for one in rest] == pytest.approx([0.5, 0.5])


def test_any_size_is_brought_to_the_contents() -> None:
    (large,) = regions([LEFT], 1, 20, 30)
    assert large.shape == (1, 1, 20, 30)
    assert float(large[..., :5].mean()) > 0.99
    assert float(large[..., -5:].mean()) < 0.01


def test_transparent_is_black() -> None:
    alpha = torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]])
    (only,) = regions([mask([[1.0, 1.0], [1.0, 1.0]], alpha)], 1, 2, 2)
    torch.testing.assert_close(only, alpha)


def test_colours_count_by_their_lightness() -> None:
    red = torch.zeros(1, 3, 1, 1)
    red[:, 0] = 1
    assert float(regions([Picture(red)], 1, 1, 1)[0]) == pytest.approx(0.299)


@pytest.mark.parametrize(("masks", "styles"), [([LEFT, LEFT], 1), ([LEFT], 3), ([None, None], 2)])
def test_numbers_that_do_not_fit(masks: list[Picture | None], styles: int) -> None:
    with pytest.raises(OptionError, match=r"masks"):
        regions(masks, styles, 2, 2)


def test_no_mask_at_all_says_nothing() -> None:
    with pytest.raises(OptionError, match="empty"):
        regions([None], 1, 2, 2)


def test_opacity_of_a_style() -> None:
    pixels = torch.rand(1, 3, 4, 6, generator=torch.Generator().manual_seed(0))
    alpha = torch.ones(1, 1, 4, 6)
    assert with_opacity(Picture(pixels)) is pixels
    assert with_opacity(Picture(pixels, alpha=alpha)) is pixels
    assert visible(pixels)[1] is None
    alpha[..., 3:] = 0
    alpha[..., 2] = 0.5
    style = with_opacity(Picture(pixels, alpha=alpha))
    colours, opacity = visible(style)
    assert opacity is not None
    assert torch.equal(opacity, alpha)
    torch.testing.assert_close(colours[..., :2], pixels[..., :2])
    mean = (pixels * alpha).sum((2, 3)) / alpha.sum()
    torch.testing.assert_close(colours[..., 4], mean[..., None].expand(1, 3, 4))
    torch.testing.assert_close(colours[..., 2], (pixels[..., 2] + mean[..., None]) / 2)
    matched = match_visible(style, pixels.flip(1))
    assert torch.equal(matched[:, 3:], alpha)
    torch.testing.assert_close(matched[:, :3], match_colours(colours, pixels.flip(1)))
    with pytest.raises(OptionError, match="style is transparent everywhere"):
        with_opacity(Picture(pixels, alpha=torch.zeros(1, 1, 4, 6)))


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


def test_transparent_colours_are_not_taken() -> None:
    style = torch.rand(1, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    style[:, 3] = 0
    style[:, 3, :2] = 0.3
    assert torch.equal(seen_colours(style), style[:, :3, :2].flatten(2)[:, :, None])
    assert torch.equal(seen_colours(style[:, :3]), style[:, :3].flatten(2)[:, :, None])
