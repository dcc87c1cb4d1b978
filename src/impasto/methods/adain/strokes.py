"""Strokes drawn out in PyTorch."""

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.engine import drawing
from impasto.engine.strokes import LONG, SCHARR, gaussian


def drawn(painted: Tensor, over: Tensor, reach: Tensor, share: Tensor, contrast: Tensor) -> Tensor:
    """See `impasto.engine.drawing.drawn`."""
    result: Tensor = drawing.drawn(Tensors(), painted, over, reach, share, contrast)
    return result


def change(painting: Tensor) -> float:
    """Of the finest of a painting, (1, 3, H, W), by drawing it out at full length, over nothing: the mean squared
    difference over the mean square."""
    reach, share, contrast = (painting.new_full((1, 1, 1, 1), value) for value in (LONG, 0.0, 1.0))
    redrawn = drawn(painting, torch.zeros_like(painting), reach, share, contrast)
    return float(drawing.change(Tensors(), painting, redrawn))


class Tensors:
    """See `impasto.engine.drawing.Operations`."""

    def channels(self, x: Tensor) -> list[Tensor]:
        return list(x.split(1, 1))

    def joined(self, planes: list[Tensor]) -> Tensor:
        return torch.cat(planes, 1)

    def sqrt(self, x: Tensor) -> Tensor:
        return x.sqrt()

    def lower(self, x: Tensor, *others: Tensor | float) -> Tensor:
        for other in others:
            x = torch.minimum(x, other) if isinstance(other, Tensor) else x.clamp_max(other)
        return x

    def higher(self, x: Tensor, *others: Tensor | float) -> Tensor:
        for other in others:
            x = torch.maximum(x, other) if isinstance(other, Tensor) else x.clamp_min(other)
        return x

    def signed(self, x: Tensor, sign: Tensor) -> Tensor:
        return torch.where(sign < 0, -x, x)

    def mean(self, x: Tensor) -> Tensor:
        return x.mean((1, 2, 3), keepdim=True)

    def mean_channel(self, x: Tensor) -> Tensor:
        return x.mean(1, keepdim=True)

    def slopes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        scharr = torch.from_numpy(SCHARR).to(x.device)
        right, down = F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), torch.stack([scharr, scharr.T])[:, None]).split(1, 1)
        return right, down

    def halved(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2, ceil_mode=True)

    def enlarged(self, x: Tensor, like: Tensor, times: int = 2) -> Tensor:
        x = F.interpolate(x, scale_factor=times, mode="bilinear", align_corners=False)
        return x[..., : like.shape[2], : like.shape[3]]

    def blurred(self, x: Tensor, deviation: float) -> Tensor:
        kernel = torch.from_numpy(gaussian(deviation)).to(x.device)
        radius = len(kernel) // 2
        for shape, pads in (((1, -1), (radius, radius, 0, 0)), ((-1, 1), (0, 0, radius, radius))):
            x = F.conv2d(F.pad(x, pads, "replicate"), kernel.view(1, 1, *shape))
        return x

    def direction(self, right: Tensor, down: Tensor) -> Tensor:
        return torch.cat([right, down], 1)

    def step(self, direction: Tensor, length: Tensor) -> Tensor:
        return direction * length

    def sampled(self, x: Tensor, step: Tensor, times: float) -> Tensor:
        height, width = x.shape[-2:]
        rows, columns = (torch.arange(side, device=x.device, dtype=x.dtype) for side in (height, width))
        across, down = columns + times * step[:, 0], rows[:, None] + times * step[:, 1]
        there = torch.stack([2 * across / (width - 1) - 1, 2 * down / (height - 1) - 1], -1)
        return F.grid_sample(x, there, padding_mode="border", align_corners=True)
