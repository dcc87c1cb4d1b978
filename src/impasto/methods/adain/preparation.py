"""What is done to a photo before the network sees it: the painting's colours first, then abstraction.

Both need nothing of the photo but global statistics and a small neighbourhood of each pixel, so that a picture can be
prepared tile by tile.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.engine.colours import FLAT, SHOULDER
from impasto.losses.feature_statistics import mean_covariance
from impasto.reflection import memory_order

Colours = tuple[Tensor, Tensor]
"""Mean (N, 3) and covariance (N, 3, 3) of RGB in [0, 1]."""

# The self-guided filter: contrasts with a variance above this stay, those below are smoothed; so many rounds.
EDGE, ROUNDS = 0.004, 3


def colours(picture: Tensor, shares: Tensor | None = None) -> Colours:
    """Of (N, 3, H, W) in [0, 1]. shares: (N or 1, 1, H, W), how much each position counts; not all 0."""
    return mean_covariance(picture.float(), shares)


def recoloured(picture: Tensor, own: Colours, target: Colours) -> Tensor:
    """(N, 3, H, W) with the mean and covariance `target` instead of `own`, not clamped.

    The linear map that moves colours least (Monge-Kantorovitch; Pitié and Kokaram 2007): statistics per channel, which
    are all that AdaIN exchanges, cannot turn a blue sky into a painting's yellow one where channels are correlated
    otherwise, and make it pink.
    """
    A = transport(own[1], target[1]).to(picture.dtype)
    shift = target[0].to(picture.dtype) - (A @ own[0].to(picture.dtype)[..., None])[..., 0]
    moved = torch.einsum("nij,njhw->nihw", A.expand(len(picture), 3, 3), picture)
    return moved + shift[..., None, None]


def within(moved: Tensor, photo: Tensor) -> Tensor:
    """As `engine.colours.within`, as a new tensor."""
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
