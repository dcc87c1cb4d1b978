"""What is done to a photo in training before the network sees it: dirt, abstraction, the painting's colours.

What happens to photographs before anybody paints them, JPEG blocks, resampling and noise, is for training alone: the
network sees the dirty photograph and is asked for the clean one, so that it learns to paint neither blocks nor noise.
The rest is that of `engine.preparation`, for tensors on any device.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.colour import LUMA
from impasto.engine.preparation import EDGE, FLAT, ROUNDS, SHOULDER
from impasto.losses.feature_statistics import Statistics
from impasto.reflection import memory_order

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


def recoloured(picture: Tensor, own: Statistics, target: Statistics) -> Tensor:
    """(N, 3, H, W) with the mean and covariance `target` instead of `own`, as `engine.preparation.recolouring` has it;
    not clamped."""
    A = transport(own[1], target[1]).to(picture.dtype)
    shift = target[0].to(picture.dtype) - (A @ own[0].to(picture.dtype)[..., None])[..., 0]
    moved = torch.einsum("nij,njhw->nihw", A.expand(len(picture), 3, 3), picture)
    return moved + shift[..., None, None]


def within(moved: Tensor, photo: Tensor) -> Tensor:
    """As `engine.preparation.within`, as a new tensor."""
    for sign, end in ((1, 0), (-1, 1)):
        left = sign * (moved - end)
        shoulder = (sign * (photo - end)).clamp(1e-6, SHOULDER)
        moved = torch.where(left < shoulder, end + sign * shoulder * torch.exp(left / shoulder - 1), moved)
    return moved


def transport(S: Tensor, C: Tensor) -> Tensor:
    """The symmetric A with A S A = C: S^-1/2 (S^1/2 C S^1/2)^1/2 S^-1/2. (N, 3, 3) each, float32."""
    # Single precision is not enough for black and white, and Apple's GPUs have no other.
    place = torch.device("cpu") if S.device.type == "mps" else S.device
    floor = FLAT * torch.eye(3, dtype=torch.float64, device=place)
    root, inverse = _square_root(S.to(place).double() + floor)
    middle, _ = _square_root(root @ (C.to(place).double() + floor) @ root)
    return (inverse @ middle @ inverse).float().to(S.device)


def _square_root(matrix: Tensor, steps: int = 8) -> tuple[Tensor, Tensor]:
    """Square root and its inverse of symmetric positive definite matrices (Denman and Beavers 1976), scaled by
    determinants (Byers 1987): without, eigenvalues that are decades apart, as those of black and white, take twice the
    steps.

    An eigenvalue decomposition would make a GPU wait for its answer at every step of a training.
    """
    scale = matrix.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
    root, inverse = matrix / scale, torch.eye(3, dtype=matrix.dtype, device=matrix.device).expand_as(matrix)
    for _ in range(steps):
        (of_root, one), (of_inverse, other) = _inverse(root), _inverse(inverse)
        factor = (one * other).abs() ** (-1 / 6)
        root, inverse = (factor * root + of_inverse / factor) / 2, (factor * inverse + of_root / factor) / 2
    return root * scale.sqrt(), inverse / scale.sqrt()


def _inverse(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Of 3 x 3 matrices, by their adjugates; and their determinants, (N, 1, 1)."""
    a, b, c = matrix.unbind(-1)
    rows = torch.stack([torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)], -2)
    determinant = (a * rows[..., 0, :]).sum(-1)[..., None, None]
    return rows / determinant, determinant


def smoothed(picture: Tensor, radius: float) -> Tensor:
    """(N, 3, H, W) without what is fainter than an edge and smaller than the radius, in pixels; 0 leaves all of it.

    A self-guided filter (He et al. 2013) in three rounds: masses remain, with their edges.
    """
    if radius <= 0:
        return picture
    order = memory_order(picture)
    picture = picture.contiguous()
    for _ in range(ROUNDS):
        mean = _box(picture, radius)
        variance = (_box(picture.square(), radius) - mean.square()).clamp_min_(0)
        kept = variance / (variance + EDGE)
        picture = torch.addcmul(_box((1 - kept).mul_(mean), radius), _box(kept, radius), picture)
    return picture.contiguous(memory_format=order)


def _box(x: Tensor, radius: float) -> Tensor:
    """Mean over a square of 2 radius + 1 pixels; the outermost ones count by their share if the radius is broken.

    Sums of shifted copies: for so few pixels faster than a convolution or sums over the whole picture.
    """
    reach = math.ceil(radius)
    outermost = 1 - (reach - radius)
    x = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    for dimension in (-1, -2):
        length = x.shape[dimension] - 2 * reach
        total = (x.narrow(dimension, 0, length) + x.narrow(dimension, 2 * reach, length)).mul_(outermost)
        for shift in range(1, 2 * reach):
            total += x.narrow(dimension, shift, length)
        x = total
    return x.div_((2 * radius + 1) ** 2)
