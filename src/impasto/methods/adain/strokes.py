"""Strokes drawn out, as `engine.strokes` says, in PyTorch."""

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.colour import LUMA
from impasto.engine.strokes import (
    BUSY,
    CALM_DEVIATION,
    CLOSE_DEVIATION,
    CONTOUR_DEVIATION,
    EDGE,
    FAINT,
    FALL,
    FINEST_DEVIATION,
    LONG,
    LONGER,
    PLAIN,
    PLAIN_CLOSE,
    ROUNDS,
    UNDECIDED,
    UNDIRECTED,
    WIDE_DEVIATION,
    gaussian,
)


def drawn(painted: Tensor, over: Tensor, reach: Tensor, calm: Tensor) -> Tensor:
    """painted, over: (N, 3, H, W). reach, in pixels, and calm, a share: (N or 1, 1, H or 1, W or 1)."""
    halved = _half(over)
    light = _brightness(halved)
    masses, plain = _masses(halved, light, CALM_DEVIATION, PLAIN)
    close, plain_close = _masses(halved, light, CLOSE_DEVIATION, PLAIN_CLOSE)
    share = calm * _enlarged(plain + (1 - plain) * plain_close, over)
    x = painted + share * (_enlarged(close + plain * (masses - close), over) - painted)
    along = _contours(x) * (reach * _stretch(light, over))
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


def _masses(halved: Tensor, light: Tensor, deviation: float, limit: float) -> tuple[Tensor, Tensor]:
    """The halved picture, blurred, and how plain each of its places is, from 0 to 1. light: its brightness."""
    masses = _blurred(halved, deviation)
    variance = (_blurred(light * light, deviation) - _brightness(masses).square()).clamp_min(0)
    share = (variance.sqrt() / limit).clamp_max(1)
    return masses, 1 - share * share * (3 - 2 * share)


def _stretch(light: Tensor, like: Tensor) -> Tensor:
    """How much longer strokes are than their reach. light: the halved picture's brightness."""
    doubled_angle, energy = _blurred(_tensor(light), CONTOUR_DEVIATION).split([2, 1], 1)
    edge = _length(doubled_angle)
    least_change = ((energy - edge) / 2).clamp_min(0)
    return _enlarged((1 + LONGER * edge / (edge + EDGE**2)) / (1 + least_change / BUSY**2), like)


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
