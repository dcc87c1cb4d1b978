"""The painting's colours for the photo, before the network sees it: global statistics and one linear map."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from impasto.engine.statistics import Array

Colours = tuple[Array, Array]
"""Mean (N, 3) and covariance (N, 3, 3) of RGB in [0, 1], float32."""

# Variance of a colour direction below which it holds nothing to stretch: a photograph in black and white is tinted, and
# not torn apart into its noise.
FLAT = 1e-4

# Values that are closer to black or white than this approach it only.
SHOULDER = 0.15


def colours(parts: Iterable[tuple[Array, Array | None]]) -> Colours:
    """Of all parts of a picture. parts: (N, 3, h, w) in [0, 1] each, and how much each position counts, (N or 1, 1, h,
    w), or None where all of it does; not all 0."""
    total: NDArray[np.float64] | float = 0.0
    sums: NDArray[np.float64] | float = 0.0
    products: NDArray[np.float64] | float = 0.0
    for picture, shares in parts:
        # About the middle, so that little is lost where squares are subtracted.
        pixels = picture.reshape(*picture.shape[:2], -1) - np.float32(0.5)
        part = pixels if shares is None else pixels * shares.reshape(len(shares), 1, -1)
        count = pixels.shape[2] if shares is None else shares.sum((1, 2, 3), dtype=np.float64)[:, None]
        total = total + count
        sums = sums + part.sum(2, dtype=np.float64)
        products = products + (part @ pixels.transpose(0, 2, 1)).astype(np.float64)
    mean = np.asarray(sums / total)
    spread = np.asarray(products / np.asarray(total)[..., None]) - mean[:, :, None] * mean[:, None]
    return (mean + 0.5).astype(np.float32), spread.astype(np.float32)


def blend_colours(tones: Sequence[Colours], shares: Sequence[float]) -> Colours:
    """Means and covariances mixed in these shares, which are 0 or more."""
    pairs = list(zip(tones, shares, strict=True))
    means, spreads = (sum(np.float32(share) * tone[kind] for tone, share in pairs) for kind in (0, 1))
    return np.asarray(means), np.asarray(spreads)


def recolouring(own: Colours, target: Colours) -> tuple[Array, Array]:
    """The linear map A x + b of colours from the statistics `own` to `target`: (N, 3, 3) and (N, 3, 1).

    The one that moves colours least (Monge-Kantorovitch; Pitié and Kokaram 2007): statistics per channel, which are all
    that AdaIN exchanges, cannot turn a blue sky into a painting's yellow one where channels are correlated otherwise,
    and make it pink.
    """
    A = transport(own[1], target[1])
    return A, target[0][..., None] - A @ own[0][..., None]


def recoloured(picture: Array, colour_map: tuple[Array, Array]) -> Array:
    """(N, 3, H, W) -> the same, not clamped."""
    A, shift = colour_map
    pixels = picture.reshape(*picture.shape[:2], -1)
    return (A @ pixels + shift).reshape(picture.shape)


def within(moved: Array, photo: Array) -> Array:
    """`moved`, changed in place so that it is in [0, 1]; both of one shape.

    What a map moves beyond black or white approaches it instead, so that shades stay apart; what is not moved stays.
    """
    for sign, end in ((1, 0), (-1, 1)):
        left = sign * (moved - np.float32(end))
        shoulder = (sign * (photo - np.float32(end))).clip(1e-6, SHOULDER)
        beyond = left < shoulder
        shoulder = shoulder[beyond]
        moved[beyond] = end + sign * shoulder * np.exp(left[beyond] / shoulder - 1)
    return moved


def transport(S: Array, C: Array) -> Array:
    """The symmetric A with A S A = C: S^-1/2 (S^1/2 C S^1/2)^1/2 S^-1/2. (N, 3, 3) each."""
    floor = FLAT * np.eye(3)
    root, inverse = _square_root(S + floor)
    middle, _ = _square_root(root @ (C + floor) @ root)
    return (inverse @ middle @ inverse).astype(np.float32)


def _square_root(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Square root and its inverse of symmetric positive definite matrices."""
    values, vectors = np.linalg.eigh(matrix)
    roots, back = np.sqrt(values)[:, None], vectors.transpose(0, 2, 1)
    return (vectors * roots) @ back, (vectors / roots) @ back
