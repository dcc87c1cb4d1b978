"""Channel statistics of features, and the losses that compare them: AdaIN's as published, and relative ones.

"L = L_c + lambda L_s" of paper 004 (Huang and Belongie 2017) means different things in different programs:

| convention     | distance of x and y                                    | lambda that goes with it           |
|----------------|--------------------------------------------------------|------------------------------------|
| `norm`         | Euclidean norm of x - y, as the papers write           | 10 (paper 004)                     |
| `mean-squared` | mean of (x - y)^2                                      | 10 (pytorch-AdaIN)                 |
| `channel-sum`  | the same for content; sum of (x - y)^2 for statistics  | 0.01 and 0.1 (the authors' own)    |

A lambda of `channel-sum` is C lambda in `mean-squared` for a layer of C channels: 0.1 is 6.4, 12.8, 25.6 and 51.2 for
VGG-19's four layers, so that deep layers count more. `norm` has no such factor, since it is not quadratic.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from impasto.errors import OptionError

EPSILON = 1e-5

Statistics = tuple[Tensor, Tensor]
Convention = Literal["norm", "mean-squared", "channel-sum"]
CONVENTIONS: tuple[str, ...] = get_args(Convention)


def mean_std(features: Tensor, weights: Tensor | None = None) -> Statistics:
    """mu and sigma of paper 004: (N, C, H, W) -> two of (N, C, 1, 1), over the positions of each channel, in float32.

    weights: (N or 1, 1, H, W), how much each position counts; not all 0. sigma = sqrt(variance + 1e-5) with the biased
    variance: the unbiased one is not a number for a 1 x 1 map, and a root of 0 has no gradient.
    """
    mean, variance = mean_variance(features, weights)
    return mean, (variance + EPSILON).sqrt()


def mean_variance(features: Tensor, weights: Tensor | None = None) -> Statistics:
    """The mean and the biased variance that `mean_std` is made of."""
    wide = features if features.dtype == torch.float64 else features.float()
    if weights is None:
        # Two passes, each five times as fast as torch.var_mean, which updates its mean at every value.
        mean = wide.mean((2, 3), keepdim=True)
        variance = (wide - mean).square().mean((2, 3), keepdim=True)
    else:
        shares = weights / weights.sum((2, 3), keepdim=True)
        mean = (wide * shares).sum((2, 3), keepdim=True)
        variance = ((wide - mean).square() * shares).sum((2, 3), keepdim=True)
    return mean, variance


def adain_content_loss(features: Tensor, target: Tensor, convention: str = "norm") -> Tensor:
    """Paper 004, L_c = ||f(g(t)) - t||: (N, C, H, W) each -> scalar, the mean over the pictures."""
    # A sum of squares over a feature map is a mean times a constant that no published lambda contains.
    return _distance(features, target, "mean-squared" if convention == "channel-sum" else convention)


def adain_style_loss(found: Statistics, target: Statistics, convention: str = "norm") -> Tensor:
    """Paper 004, L_s = sum over layers of ||mu - mu|| + ||sigma - sigma||, for one layer: (N, C, 1, 1) each -> scalar,
    the mean over the pictures."""
    return _distance(found[0], target[0], convention) + _distance(found[1], target[1], convention)


def normalised_content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Half the mean squared difference of the normalised features, for one layer: 0 for equals, 1 for strangers.

    features, target: (N, C, H, W). SANet's content loss up to its factor; unlike that of AdaIN it does not ask the
    picture for the content's own statistics, which the style loss takes away.
    """
    return 0.5 * (normalised(features) - normalised(target)).square().mean()


def normalised(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """Every channel of every picture at mean 0 and standard deviation 1: (N, C, H, W), at least float32.

    weights: those of `mean_std`.
    """
    mean, std = mean_std(features, weights)
    return (features - mean) / std


def relative_statistics_loss(found: Statistics, target: Statistics) -> Tensor:
    """Squared distance of the means and of the deviations, each over the target's own squared norm, for one layer.

    Statistics: (N, C, 1, 1) each. Returns a scalar, the mean over the pictures. Dividing lets one weight suit every
    layer and every painting; the published losses weigh layers of strong features more.
    """
    parts = [
        (value - wanted).square().sum((1, 2, 3)) / wanted.square().sum((1, 2, 3)).clamp_min(EPSILON)
        for value, wanted in zip(found, target, strict=True)
    ]
    return (parts[0] + parts[1]).mean()


def mean_covariance(features: Tensor) -> Statistics:
    """(N, C, H, W) -> (N, C) and (N, C, C), over the positions, at least float32."""
    wide = features if features.dtype == torch.float64 else features.float()
    flat = wide.flatten(2)
    mean = flat.mean(2)
    centred = flat - mean[..., None]
    return mean, centred @ centred.transpose(1, 2) / flat.shape[2]


def relative_covariance_loss(features: Tensor, target: Tensor) -> Tensor:
    """Squared Frobenius distance of the covariances over the target's own squared norm; the mean over the pictures.

    features: (N, C, H, W); target: (N, C, h, w).
    """
    wanted = mean_covariance(target)[1]
    distance = (mean_covariance(features)[1] - wanted).square().sum((1, 2))
    return (distance / wanted.square().sum((1, 2)).clamp_min(EPSILON)).mean()


def _distance(x: Tensor, y: Tensor, convention: str) -> Tensor:
    squares = (x.float() - y.float()).square() if x.dtype != torch.float64 else (x - y).square()
    match convention:
        case "norm":
            # The root of nothing has no gradient.
            return (squares.sum((1, 2, 3)) + torch.finfo(squares.dtype).tiny).sqrt().mean()
        case "mean-squared":
            return squares.mean()
        case "channel-sum":
            return squares.sum((1, 2, 3)).mean()
    raise OptionError(f"no convention '{convention}'; there are {', '.join(CONVENTIONS)}")
