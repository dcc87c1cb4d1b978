"""The attention style loss of paper 001: the style that each place of the content finds in the painting.

Attention here is the paper's: embedding-free, softmax over all positions of the style of e^(c . a), with channels
normalised in mean and variance (equations 4 to 6). Its result, FA, depends on content and style alone, so that it is
computed once and L-BFGS keeps a fixed objective. The matrix of all weights, which the paper could not hold below the
third layer, is never formed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto import dot_product_attention
from impasto.losses.feature_statistics import mean_std, normalised
from impasto.losses.gram import gram

# Products of pairs that exist at once at most: a quarter of a gigabyte.
ENTRIES = 2**26


def attend(
    queries: Tensor, keys: Tensor, values: Tensor, *, temperature: float = 1.0, key_weights: Tensor | None = None
) -> Tensor:
    """FA_i = sum_j softmax_j(q_i . k_j / temperature) v_j: paper 001, equations 4 to 6, at temperature 1.

    queries: (1, C, H, W), keys: (1, C, h, w), both normalised; values: (1, D, h, w). key_weights: (1, 1, h, w), 0 or
    more and not all 0: how much each position of the style may be looked at; it multiplies the exponentials.
    Returns (1, D, H, W), in at least single precision.
    """
    rows, columns, contents = _flat(queries), _flat(keys), _flat(values)
    if key_weights is not None:
        shares = key_weights.flatten().to(columns)
        # One more channel carries the logarithm, where a mask would be a matrix of all pairs.
        open_to = shares > 0
        bias = temperature * shares[open_to].log()
        columns, contents = torch.cat([columns[open_to], bias[:, None]], 1), contents[open_to]
        rows = torch.cat([rows, rows.new_ones(len(rows), 1)], 1)
    attended = dot_product_attention.attend(rows[None], columns[None], contents[None], scale=1 / temperature)
    return attended[0].T.reshape(1, -1, *queries.shape[-2:])


def attention_weights(
    queries: Tensor, keys: Tensor, *, temperature: float = 1.0, key_weights: Tensor | None = None
) -> Tensor:
    """The weights themselves, of a few positions: (K, C) normalised queries, (1, C, h, w) keys -> (K, h, w), sums 1."""
    logits = queries @ _flat(keys).T / temperature
    if key_weights is not None:
        logits = logits + key_weights.flatten().to(logits).log()
    return logits.softmax(1).reshape(-1, *keys.shape[-2:])


def best_matches(queries: Tensor, keys: Tensor, *, key_weights: Tensor | None = None) -> Tensor:
    """Where every position of (1, C, H, W) looks most in (1, C, h, w): (2, H, W), row and column, int64.

    Positions whose key_weights are 0 are not looked at; others count alike.
    """
    columns = _flat(keys)
    closed = columns.new_zeros(len(columns))
    if key_weights is not None:
        closed[key_weights.flatten() <= 0] = -torch.inf
    rows = _flat(queries).split(max(1, ENTRIES // len(columns)))
    index = torch.cat([(part @ columns.T + closed).argmax(1) for part in rows]).reshape(queries.shape[-2:])
    width = keys.shape[-1]
    return torch.stack([index // width, index % width])


@dataclass(frozen=True)
class Compared:
    """What attention compares at one layer, wherever it looks from.

    cell: pixels of a picture per position of the layer. queries: (1, C, H, W) of the content; keys: (1, C, h, w) of
    the style; shares: (1, 1, h, w), how much each position of a style that is partly transparent counts, or None.
    """

    layer: str
    cell: int
    queries: Tensor
    keys: Tensor
    shares: Tensor | None


def attention_features(
    features: Sequence[Tensor], size: tuple[int, int], weights: Sequence[Tensor | None] | None = None
) -> Tensor:
    """What attention compares, from the features (1, C_l, h_l, w_l) of one or more layers: (1, sum of C_l, *size).

    Every channel has mean 0 and deviation 1. One layer is paper 001; several are AdaAttN's (Liu et al. 2021, 3.2).
    weights: (1, 1, h_l, w_l) for each, how much each position counts for mean and deviation.
    """
    shares = weights or [None] * len(features)
    return torch.cat([_resized(normalised(one, share), size) for one, share in zip(features, shares, strict=True)], 1)


def centred_gram(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """The `gram` of features less each channel's mean, paper 001's "mean normalized version": (1, N, N)."""
    return gram(features - mean_std(features, weights)[0], weights)


def attention_gram_loss(features: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Paper 001, equation 7, for one layer: 1 / (4 N^2 (H W)^2) * sum (G - SA)^2.

    features: (1, N, H, W) of the picture. target: SA, the `centred_gram` of FA. weights: of each position. Scalar.
    The paper's "G is that using F" can mean the same centred matrix, as here, or equation 2's, which `gram_loss` has:
    features after a ReLU are nowhere negative, and asking their raw moments to be FA's covariances drives their means
    to 0.
    """
    return 0.25 * (centred_gram(features, weights) - target).square().mean()


def local_target(
    queries: Tensor,
    keys: Tensor,
    style: Tensor,
    content: Tensor,
    *,
    temperature: float = 1.0,
    key_weights: Tensor | None = None,
    content_weights: Tensor | None = None,
) -> Tensor:
    """AdaAttN's S * normalised(F_c) + M (Liu et al. 2021, equations 3 to 7), with M and S^2 the mean and the variance
    that each place of the content sees of the style's features: (1, N, H, W). content_weights: (1, 1, H, W), how much
    each place of the content counts for the statistics that are taken from it."""
    wide = style if style.dtype == torch.float64 else style.float()
    mean = attend(queries, keys, wide, temperature=temperature, key_weights=key_weights)
    square = attend(queries, keys, wide.square(), temperature=temperature, key_weights=key_weights)
    return (square - mean.square()).clamp_min(0).sqrt() * normalised(content, content_weights) + mean


def local_loss(features: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """1 / (2 N H W) * sum (F - target)^2, as the content loss of paper 001, equation 1. weights: of each position."""
    squares = (features - target).square()
    if weights is None:
        return 0.5 * squares.mean()
    shares = weights / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)
    return 0.5 * (squares * shares).sum() / squares.shape[1]


def _flat(features: Tensor) -> Tensor:
    """(1, C, H, W) -> (H W, C), in at least single precision."""
    wide = features if features.dtype == torch.float64 else features.float()
    return wide[0].flatten(1).T.contiguous()


def _resized(features: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(features.shape[-2:]) == size:
        return features
    # Normalised again: averaging takes variance away, and every layer shall have its say.
    return normalised(F.interpolate(features, size, mode="bilinear", antialias=True, align_corners=False))
