"""Strokes drawn out, as `engine.strokes` says, in PyTorch."""

from collections.abc import Sequence

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
    FLOW_DEVIATION,
    LONG,
    LONGER,
    NEAR,
    PLAIN,
    PLAIN_CLOSE,
    SLIGHT,
    SOFT,
    SWEEP,
    UNDECIDED,
    UNDIRECTED,
    WIDE_DEVIATION,
    gaussian,
)


def drawn(painted: Tensor, over: Tensor, reach: Tensor, calm: Tensor, contrast: Tensor) -> Tensor:
    """painted, over: (N, 3, H, W). reach, in pixels, and calm, a share: (N or 1, 1, H or 1, W or 1). contrast: of
    `over`, (1, 1, 1, 1)."""
    halved = _half(over)
    light = _brightness(halved) / contrast
    masses, close = (_blurred(halved, deviation) for deviation in (CALM_DEVIATION, CLOSE_DEVIATION))
    plain, plain_close = _plain(light, CALM_DEVIATION, PLAIN), _plain(light, CLOSE_DEVIATION, PLAIN_CLOSE)
    share = calm * _enlarged(plain + (1 - plain) * plain_close, over)
    x = painted + share * (_enlarged(close + plain * (masses - close), over) - painted)
    flow = _flow(light)
    certainty = _length(flow)
    swept = plain * certainty / (certainty + UNDECIDED)
    edges, share, stretch = _edges(light)
    along = _contours(x, [(edges, share), (flow / (certainty + UNDIRECTED), swept)])
    across = torch.stack([along[:, 1], -along[:, 0]], 1)
    swept, short = _enlarged(swept, over), _enlarged((1 - swept) * stretch, over)
    faint = contrast * FAINT * (1 - (1 - SOFT) * swept)
    first, second = FALL
    for far_share, near_share in zip(SWEEP, NEAR, strict=True):
        step = along * (reach * (far_share * swept + near_share * short))
        near, far = (_sampled(x, times * step) + _sampled(x, -times * step) for times in (1, 2))
        x = (x + first * near + second * far) / (1 + 2 * first + 2 * second)
        if near_share:
            step = across * (reach * (swept + short))
            left, right = _sampled(x, step), _sampled(x, -step)
            lowest, highest = (pick(pick(left, right), x) for pick in (torch.minimum, torch.maximum))
            difference = (highest - lowest).mean(1, keepdim=True).square()
            sharpened = x + difference / (difference + faint**2) * (x - (left + right) / 2)
            x = torch.minimum(torch.maximum(sharpened, lowest), highest)
    return x


def change(painting: Tensor) -> float:
    """Of the finest of a painting, (1, 3, H, W), by drawing it out at full length, over nothing: the mean squared
    difference over the mean square."""
    reach, calm, contrast = (painting.new_full((1, 1, 1, 1), value) for value in (LONG, 0.0, 1.0))
    before, after = _finest(painting), _finest(drawn(painting, torch.zeros_like(painting), reach, calm, contrast))
    return float((after - before).square().mean() / (before.square().mean() + 1e-12))


def _plain(light: Tensor, deviation: float, limit: float) -> Tensor:
    """How plain each place of the halved picture is, from 0 to 1. light: its brightness."""
    variance = (_blurred(light * light, deviation) - _blurred(light, deviation).square()).clamp_min(0)
    share = (variance.sqrt() / limit).clamp_max(1)
    return 1 - share * share * (3 - 2 * share)


def _edges(light: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of the halved picture, whose brightness is light: the doubled angle at its edges, (N, 2, h, w), of a length of 1;
    how clear an edge of one direction there is, from 0 to 1; and how much longer strokes are there than their reach."""
    doubled_angle, energy = _blurred(_tensor(light), CONTOUR_DEVIATION).split([2, 1], 1)
    edge = _length(doubled_angle)
    least_change = ((energy - edge) / 2).clamp_min(0)
    clear = edge / (edge + EDGE**2)
    return doubled_angle / (edge + UNDIRECTED), clear, (1 + LONGER * clear) / (1 + least_change / BUSY**2)


def _flow(light: Tensor) -> Tensor:
    """(N, 2, h, w): the doubled angle that wide surroundings have, of a length of 1 where they agree. light: the halved
    picture's brightness, of (h, w)."""
    doubled_angle, energy = _tensor(_half(_half(light))).split([2, 1], 1)
    slope = (energy + SLIGHT**2).sqrt()
    flow = _blurred(doubled_angle / slope, FLOW_DEVIATION) / _blurred(slope, FLOW_DEVIATION)
    return _enlarged(flow, light, 4)


def _contours(x: Tensor, others: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """(N, 2, H, W): the direction of the contour that every pixel is on, x before y; of length 1, less where there
    is none. others: doubled angles that take the place of the painting's own, and their shares."""
    tensor = _tensor(_half(_brightness(x)))
    near, energy = _blurred(tensor, CONTOUR_DEVIATION).split([2, 1], 1)
    wide, wide_energy = _blurred(_half(tensor), WIDE_DEVIATION).split([2, 1], 1)
    anisotropy = _length(near)
    agreed = (anisotropy / (energy + UNDIRECTED)).square()
    wide = _enlarged(wide / (wide_energy + UNDIRECTED), near)
    doubled_angle = agreed * near / (anisotropy + UNDIRECTED) + (1 - agreed) * wide
    for other, share in others:
        doubled_angle = doubled_angle + share * (other - doubled_angle)
    doubled_angle = _enlarged(doubled_angle, x)
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


def _enlarged(x: Tensor, like: Tensor, times: int = 2) -> Tensor:
    """So many times as high and wide, or some lines less."""
    x = F.interpolate(x, scale_factor=times, mode="bilinear", align_corners=False)
    return x[..., : like.shape[2], : like.shape[3]]
