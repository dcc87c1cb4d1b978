"""Mirrored borders for 3x3 convolutions, alone and behind nearest upsampling.

`F.pad` and `F.interpolate` give the same numbers. On the CPU, where neither has a fast path for half precision and both
are cast to float32 while training in it, these take a quarter to a half of their time.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def reflect(x: Tensor) -> Tensor:
    """One pixel more on each side, mirrored about the border pixels: (N, C, H, W) -> (N, C, H + 2, W + 2)."""
    if min(x.shape[-2:]) == 1:
        return _alone(x)
    return _Reflected.apply(x)  # type: ignore[no-any-return, no-untyped-call]


def doubled(x: Tensor, height: int, width: int, beside: Tensor | None = None) -> Tensor:
    """Nearest upsampling by 2 and then `reflect`, without the pictures in between.

    x: (N, C, h, w), of whose (2 h, 2 w) the first height x width are kept. beside: (N, D, height, width), joined to the
        upsampled channels. Returns (N, C + D, height + 2, width + 2).
    """
    if min(height, width) == 1:
        x = F.interpolate(x, scale_factor=2, mode="nearest")[..., :height, :width]
        return _alone(x if beside is None else torch.cat([x, beside], 1))
    return _Doubled.apply(x, height, width, beside)  # type: ignore[no-any-return, no-untyped-call]


def _alone(x: Tensor) -> Tensor:
    """Reflection about the border pixel needs a second pixel; a side of one has only itself to repeat."""
    return F.pad(x, (1, 1, 1, 1), mode="replicate")


class _Reflected(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        padded = _room(x, x.shape[1], *x.shape[-2:])
        padded[..., 1:-1, 1:-1] = x
        _fill_border(padded)
        return padded

    @staticmethod
    @once_differentiable
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return _folded(gradient)


class _Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, height: int, width: int, beside: Tensor | None) -> Tensor:
        ctx.shape = x.shape
        count = x.shape[1]
        padded = _room(x, count + (0 if beside is None else beside.shape[1]), height, width)
        within = padded[..., 1:-1, 1:-1]
        for quarter in _quarters(within[:, :count]):
            quarter.copy_(x[..., : quarter.shape[-2], : quarter.shape[-1]])
        if beside is not None:
            within[:, count:] = beside
        _fill_border(padded)
        return padded

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, None, Tensor | None]:
        of_x = of_beside = None
        count = ctx.shape[1]
        if ctx.needs_input_grad[0]:
            first, *others = _quarters(_folded(gradient[:, :count]))
            # The first quarter is never the one that is cut.
            of_x = first.contiguous(memory_format=_order(gradient))
            for quarter in others:
                of_x[..., : quarter.shape[-2], : quarter.shape[-1]] += quarter
        if ctx.needs_input_grad[3]:
            of_beside = _folded(gradient[:, count:])
        return of_x, None, None, of_beside


def _room(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    """Memory of the kind that `x` is in, for height x width and its border."""
    size = (len(x), channels, height + 2, width + 2)
    return torch.empty(size, dtype=x.dtype, device=x.device, memory_format=_order(x))


def _order(x: Tensor) -> torch.memory_format:
    return torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format


def _quarters(x: Tensor) -> list[Tensor]:
    """Views of every second pixel."""
    return [x[..., row::2, column::2] for row in (0, 1) for column in (0, 1)]


def _fill_border(padded: Tensor) -> None:
    padded[..., 0, 1:-1] = padded[..., 2, 1:-1]
    padded[..., -1, 1:-1] = padded[..., -3, 1:-1]
    padded[..., 0] = padded[..., 2]
    padded[..., -1] = padded[..., -3]


def _folded(padded: Tensor) -> Tensor:
    """The adjoint of reflection: what arrived at the border is added to the pixels that it mirrors."""
    order = torch.channels_last if padded.stride(1) == 1 else torch.contiguous_format
    within = padded[..., 1:-1, 1:-1].clone(memory_format=order)
    within[..., 1] += padded[..., 1:-1, 0]
    within[..., -2] += padded[..., 1:-1, -1]
    for row, target in ((0, 1), (-1, -2)):
        line = padded[..., row, 1:-1].clone()
        line[..., 1] += padded[..., row, 0]
        line[..., -2] += padded[..., row, -1]
        within[..., target, :] += line
    return within
