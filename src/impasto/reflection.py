"""Mirrored borders for convolutions, alone and behind upsampling.

`F.pad` and `F.interpolate` give the same numbers. On the CPU, where neither has a fast path for half precision and both
are cast to float32 while training in it, these take a quarter to a half of their time.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def reflect(x: Tensor, border: int = 1) -> Tensor:
    """Pixels more on each side, mirrored about the border pixels: (N, C, H, W) -> (N, C, H + 2 border, W + 2 border).

    H and W are more than border; only for a border of 1 may they be 1.
    """
    assert border == 1 or min(x.shape[-2:]) > border
    return _joined(x, x.shape[2], x.shape[3], border=border)


def doubled(x: Tensor, height: int, width: int, beside: Tensor | None = None) -> Tensor:
    """Nearest upsampling by 2 and then `reflect`, without the pictures in between.

    x: (N, C, h, w), of whose (2 h, 2 w) the first height x width are kept. beside: (N, D, height, width), joined to the
        upsampled channels. Returns (N, C + D, height + 2, width + 2).
    """
    if min(height, width) == 1:
        return _joined(F.interpolate(x, scale_factor=2, mode="nearest"), height, width, beside)
    return _Doubled.apply(x, height, width, beside)  # type: ignore[no-any-return, no-untyped-call]


def doubled_smoothly(x: Tensor, height: int, width: int, beside: Tensor | None = None) -> Tensor:
    """As `doubled`, with bilinear upsampling."""
    x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return _joined(x, height, width, beside)


def memory_order(x: Tensor) -> torch.memory_format:
    """channels_last, or the usual order."""
    return torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format


def _joined(x: Tensor, height: int, width: int, beside: Tensor | None = None, border: int = 1) -> Tensor:
    """The first height x width of x, with what is beside it, and a border."""
    if min(height, width) == 1:
        # Reflection about the border pixel needs a second pixel; a side of one has only itself to repeat.
        x = x[..., :height, :width]
        return F.pad(x if beside is None else torch.cat([x, beside], 1), (1, 1, 1, 1), mode="replicate")
    return _Joined.apply(x, height, width, beside, border)  # type: ignore[no-any-return, no-untyped-call]


class _Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, height: int, width: int, beside: Tensor | None) -> Tensor:
        ctx.count = x.shape[1]
        padded, upsampled = _room(x, height, width, beside, 1)
        for quarter in _quarters(upsampled):
            quarter.copy_(x[..., : quarter.shape[-2], : quarter.shape[-1]])
        _fill_border(padded, 1)
        return padded

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, None, Tensor | None]:
        of_x = of_beside = None
        if ctx.needs_input_grad[0]:
            first, *others = _quarters(_folded(gradient[:, : ctx.count], 1))
            # The first quarter is never the one that is cut.
            of_x = first.contiguous(memory_format=memory_order(gradient))
            for quarter in others:
                of_x[..., : quarter.shape[-2], : quarter.shape[-1]] += quarter
        if ctx.needs_input_grad[3]:
            of_beside = _folded(gradient[:, ctx.count :], 1)
        return of_x, None, None, of_beside


class _Joined(torch.autograd.Function):
    """The first height x width of x, with what is beside it, and a border: one picture instead of three."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, height: int, width: int, beside: Tensor | None, border: int) -> Tensor:
        ctx.shape, ctx.border = x.shape, border
        padded, inside = _room(x, height, width, beside, border)
        inside.copy_(x[..., :height, :width])
        _fill_border(padded, border)
        return padded

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, Tensor | None, None]:
        count, height, width = ctx.shape[1:]
        folded = _folded(gradient, ctx.border)
        of_x = folded[:, :count]
        if of_x.shape != ctx.shape:
            of_x = F.pad(of_x, (0, width - of_x.shape[3], 0, height - of_x.shape[2]))
        return of_x, None, None, folded[:, count:] if ctx.needs_input_grad[3] else None, None


def _room(x: Tensor, height: int, width: int, beside: Tensor | None, border: int) -> tuple[Tensor, Tensor]:
    """(memory of the kind that `x` is in, for height x width and a border, with what is beside it in its place; the
    part of it that is for `x`)."""
    channels = x.shape[1] if beside is None else x.shape[1] + beside.shape[1]
    size = (len(x), channels, height + 2 * border, width + 2 * border)
    padded = torch.empty(size, dtype=x.dtype, device=x.device, memory_format=memory_order(x))
    within = padded[..., border:-border, border:-border]
    if beside is not None:
        within[:, x.shape[1] :] = beside
    return padded, within[:, : x.shape[1]]


def _quarters(x: Tensor) -> list[Tensor]:
    """Views of every second pixel."""
    return [x[..., row::2, column::2] for row in (0, 1) for column in (0, 1)]


def _fill_border(padded: Tensor, border: int) -> None:
    inside = slice(border, -border)
    for place, source in _mirrored(border):
        padded[..., place, inside] = padded[..., inside, inside][..., source, :]
    for place, source in _mirrored(border):
        padded[..., place] = padded[..., inside][..., source]


def _folded(padded: Tensor, border: int) -> Tensor:
    """The adjoint of reflection: what arrived at the border is added to the pixels that it mirrors."""
    order = torch.channels_last if padded.stride(1) == 1 else torch.contiguous_format
    inside = slice(border, -border)
    within = padded[..., inside, inside].clone(memory_format=order)
    for column, source in _mirrored(border):
        within[..., source] += padded[..., inside, column]
    for row, target in _mirrored(border):
        line = padded[..., row, inside].clone()
        for column, source in _mirrored(border):
            line[..., source] += padded[..., row, column]
        within[..., target, :] += line
    return within


def _mirrored(border: int) -> list[tuple[int, int]]:
    """Each line of the border and, counted without the border, the line that it mirrors."""
    first = [(border - 1 - step, 1 + step) for step in range(border)]
    return first + [(step - border, -2 - step) for step in range(border)]
