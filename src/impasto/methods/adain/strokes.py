"""Strokes drawn out, as `engine.strokes` says, in PyTorch."""

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.colour import LUMA
from impasto.engine.strokes import (
    BUSY,
    CALM_DEVIATION,
    CONTOUR_DEVIATION,
    FAINT,
    FALL,
    FINEST_DEVIATION,
    LONG,
    PLAIN,
    ROUNDS,
    UNDECIDED,
    UNDIRECTED,
    WIDE_DEVIATION,
    gaussian,
)


def drawn(painted: Tensor, over: Tensor, reach: Tensor, calm: Tensor) -> Tensor:
    """painted, over: (N, 3, H, W). reach, in pixels, and calm, a share: (N or 1, 1, H or 1, W or 1)."""
    halved = _half(over)
    light, masses = _brightness(halved), _blurred(halved, CALM_DEVIATION)
    x = painted + calm * _plain(light, _brightness(masses), over) * (_enlarged(masses, over) - painted)
    along = _contours(x) * (reach / (1 + _least_change(light, over) / BUSY**2))
    across = torch.stack([along[:, 1], -along[:, 0]], 1)
    first, second = FALL
    for _ in range(ROUNDS):
        near, far = (_sampled(x, step * along) + _sampled(x, -step * along) for step in (1, 2))
        x = (x + first * near + second * far) / (1 + 2 * first + 2 * second)
        left, right = _sampled(x, across), _sampled(x, -across)
        lowest, highest = (pick(pick(left, right), x) for pick in (torch.minimum, torch.maximum))
        contrast = (highest - lowest).mean(1, keepdim=True).square()
        sharpened = x + contrast / (contrast + FAINT**2) * (x - (left + right) / 2)
        x = torch.minimum(torch.maximum(sharpened, lowest), highest)
    return x


def change(painting: Tensor) -> float:
    """Of the finest of a painting, (1, 3, H, W), by drawing it out at full length, over nothing: the mean squared
    difference over the mean square."""
    reach, calm = (painting.new_full((1, 1, 1, 1), value) for value in (LONG, 0.0))
    before, after = _finest(painting), _finest(drawn(painting, torch.zeros_like(painting), reach, calm))
    return float((after - before).square().mean() / (before.square().mean() + 1e-12))


def _plain(light: Tensor, mean: Tensor, like: Tensor) -> Tensor:
    """How plain each place is, from 0 to 1. light: the halved picture's brightness; mean: blurred."""
    share = ((_blurred(light * light, CALM_DEVIATION) - mean * mean).clamp_min(0).sqrt() / PLAIN).clamp_max(1)
    return _enlarged(1 - share * share * (3 - 2 * share), like)


def _least_change(light: Tensor, like: Tensor) -> Tensor:
    """The smaller eigenvalue of the smoothed structure tensor."""
    doubled_angle, energy = _blurred(_tensor(light), CONTOUR_DEVIATION).split([2, 1], 1)
    return _enlarged(((energy - _length(doubled_angle)) / 2).clamp_min(0), like)


def _contours(x: Tensor) -> Tensor:
    """(N, 2, H, W): the direction of the contour that every pixel is on, x before y; of length 1, less where there
    is none."""
    tensor = _tensor(_half(_brightness(x)))
    near, energy = _blurred(tensor, CONTOUR_DEVIATION).split([2, 1], 1)
    wide, wide_energy = _blurred(_half(tensor), WIDE_DEVIATION).split([2, 1], 1)
    anisotropy = _length(near)
    agreed = (anisotropy / (energy + UNDIRECTED)).square()
    wide = _enlarged(wide / (wide_energy + UNDIRECTED), near)
    doubled_angle = _enlarged(agreed * near / (anisotropy + UNDIRECTED) + (1 - agreed) * wide, x)
    length = _length(doubled_angle)
    cosine, sine = (doubled_angle / (length + 1e-12)).split(1, 1)
    half_cosine, half_sine = (((1 + value).clamp_min(0) / 2).sqrt() for value in (cosine, -cosine))
    direction = torch.cat([torch.where(sine < 0, half_sine, -half_sine), half_cosine], 1)
    return direction * (length / (length + UNDECIDED))


def _tensor(light: Tensor) -> Tensor:
    """The structure tensor: twice the cosine and the sine of the doubled angle, and its trace."""
    right, down = _slopes(light)
    return torch.cat([right * right - down * down, 2 * right * down, right * right + down * down], 1)


def _slopes(light: Tensor) -> tuple[Tensor, Tensor]:
    scharr = light.new_tensor([[3, 0, -3], [10, 0, -10], [3, 0, -3]]) / 32
    right, down = F.conv2d(F.pad(light, (1, 1, 1, 1), "reflect"), torch.stack([scharr, scharr.T])[:, None]).split(1, 1)
    return right, down


def _length(x: Tensor) -> Tensor:
    return x.square().sum(1, keepdim=True).sqrt()


def _sampled(x: Tensor, step: Tensor) -> Tensor:
    """x, a step of pixels away, between its pixels."""
    height, width = x.shape[-2:]
    rows, columns = (torch.arange(side, device=x.device, dtype=x.dtype) for side in (height, width))
    right, down = 2 * (columns + step[:, 0]) / (width - 1) - 1, 2 * (rows[:, None] + step[:, 1]) / (height - 1) - 1
    return F.grid_sample(x, torch.stack([right, down], -1), padding_mode="border", align_corners=True)


def _finest(x: Tensor) -> Tensor:
    light = _brightness(x)
    return light - _blurred(light, FINEST_DEVIATION)


def _brightness(x: Tensor) -> Tensor:
    return F.conv2d(x, x.new_tensor(LUMA).view(1, 3, 1, 1))


def _half(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2, ceil_mode=True)


def _blurred(x: Tensor, deviation: float) -> Tensor:
    kernel = torch.from_numpy(gaussian(deviation)).to(x.device)
    radius, count = len(kernel) // 2, x.shape[1]
    for shape, pads in (((1, -1), (radius, radius, 0, 0)), ((-1, 1), (0, 0, radius, radius))):
        x = F.conv2d(F.pad(x, pads, "replicate"), kernel.view(1, 1, *shape).expand(count, 1, -1, -1), groups=count)
    return x


def _enlarged(x: Tensor, like: Tensor) -> Tensor:
    """Twice as high and wide, or a line less."""
    x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return x[..., : like.shape[2], : like.shape[3]]
