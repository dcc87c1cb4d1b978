"""What happens to photographs before anybody paints them: JPEG blocks, resampling, noise. For training alone.

The network sees the dirty photograph and is asked for the clean one, so that it learns to paint neither blocks nor
noise.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.colour import LUMA

# ITU-T T.81, Annex K: the tables that quality 50 uses; by rows.
_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
    99, 99, 99, *([99] * 32),
)  # fmt: skip
# RGB to luma and chroma (JFIF), and back.
_YCC = (LUMA, (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def soiled(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """(N, 3, H, W) in [0, 1], H and W divisible by 16 -> the same, each with dirt of its own.

    Six in ten are compressed at a quality of 15 to 90, a third of all after they were enlarged by 1.5 or 2; three in
    ten get noise of a deviation of up to 6 levels.
    """
    draw = torch.rand(4, len(pictures), 1, 1, 1, device=pictures.device, generator=generator)
    noise = torch.randn(pictures.shape, device=pictures.device, generator=generator)
    noisy = pictures + noise * (6 / 255) * draw[0] * (draw[1] < 0.3)
    soft = torch.where(draw[2] < 0.17, _resampled(noisy, 2.0), _resampled(noisy, 1.5))
    mixed = torch.where(draw[2] < 0.33, soft, noisy)
    return torch.where(draw[3] < 0.6, compressed(mixed, 15 + 75 * draw[3] / 0.6), mixed).clamp(0, 1)


def compressed(pictures: Tensor, quality: Tensor) -> Tensor:
    """As JPEG with halved chroma leaves them. quality: (N, 1, 1, 1), 1 to 100; H and W divisible by 16."""
    matrix = pictures.new_tensor(_YCC)
    ycc = torch.einsum("ij,njhw->nihw", matrix, pictures * 255)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    luma = _quantised(ycc[:, :1] - 128, _LUMA, scale) + 128
    chroma = _quantised(F.avg_pool2d(ycc[:, 1:], 2), _CHROMA, scale)
    chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear")
    both = torch.cat([luma, chroma], 1)
    return torch.einsum("ij,njhw->nihw", pictures.new_tensor(_RGB), both) / 255


def _quantised(planes: Tensor, table: tuple[int, ...], scale: Tensor) -> Tensor:
    """Blocks of 8 x 8 to multiples of their steps, and back."""
    n, c, height, width = planes.shape
    cosines = _cosines(planes)
    blocks = planes.reshape(n, c, height // 8, 8, width // 8, 8).transpose(3, 4)
    steps = (planes.new_tensor(table).view(8, 8) * scale[..., None, None]).clamp_min(1).view(n, 1, 1, 1, 8, 8)
    values = ((cosines @ blocks @ cosines.T) / steps).round() * steps
    return (cosines.T @ values @ cosines).transpose(3, 4).reshape(n, c, height, width)


def _cosines(like: Tensor) -> Tensor:
    """The orthogonal discrete cosine transform of 8 values."""
    steps = torch.arange(8, device=like.device, dtype=like.dtype)
    matrix = torch.cos(math.pi / 8 * steps[:, None] * (steps + 0.5)) / 2
    matrix[0] /= math.sqrt(2)
    return matrix


def _resampled(pictures: Tensor, factor: float) -> Tensor:
    """As soft as if they had been enlarged by this factor."""
    size = pictures.shape[-2:]
    small = F.interpolate(pictures, scale_factor=1 / factor, mode="bilinear", antialias=True)
    return F.interpolate(small, size, mode="bicubic")
