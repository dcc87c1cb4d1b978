"""The convolution with mirrored borders is PyTorch's own, whole and in strips, forwards and backwards."""

import pytest
import torch
from torch import Tensor, nn

from impasto.blocks import reflecting_conv
from impasto.blocks.reflecting_conv import ReflectingConv2d


def pair(size: int) -> tuple[ReflectingConv2d, nn.Conv2d]:
    mine = ReflectingConv2d(3, 4, size).double()
    plain = nn.Conv2d(3, 4, size, padding=size // 2, padding_mode="reflect").double()
    plain.load_state_dict(mine.state_dict())
    return mine, plain


def picture(count: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(height)
    return torch.rand(count, 3, height, width, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("size", [3, 7])
def test_learns_as_pytorchs_does(size: int) -> None:
    mine, plain = pair(size)
    x = picture(2, 9, 8).requires_grad_()
    torch.testing.assert_close(mine(x), plain(x))
    for found, right in zip(
        torch.autograd.grad(mine(x).square().sum(), (x, *mine.parameters())),
        torch.autograd.grad(plain(x).square().sum(), (x, *plain.parameters())),
        strict=True,
    ):
        torch.testing.assert_close(found, right)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("height", [4, 5, 8, 13])
@pytest.mark.parametrize("size", [3, 7])
@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_strips_make_the_whole(rows: int, size: int, height: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, plain = pair(size)
    x = picture(count, height, 6).contiguous(memory_format=torch.channels_last)
    monkeypatch.setattr(reflecting_conv, "STRIP", rows * count * 3 * 6)
    heights: list[int] = []
    applied = mine._applied
    mine._applied = lambda seen: heights.append(seen.shape[2]) or applied(seen)  # type: ignore[method-assign, func-returns-value]
    with torch.no_grad():
        found = mine(x)
        torch.testing.assert_close(found, plain(x))
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert max(heights) <= min(rows, height) + size - 1
    assert len(heights) == -(-height // rows)


def test_a_side_of_one_is_repeated() -> None:
    mine, _ = pair(3)
    same = mine(picture(1, 1, 1).expand(1, 3, 5, 5))
    torch.testing.assert_close(mine(picture(1, 1, 1)), same[..., 2:3, 2:3])
