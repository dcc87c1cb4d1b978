"""Means and deviations of features: of one tile after the other, of styles in shares, of frames that follow those
before, and what AdaIN makes of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

EPSILON = 1e-5

Array = NDArray[np.float32]
Statistics = tuple[Array, Array]
"""Mean and deviation of each channel, (N, C, 1, 1) float32 both."""

Codes = Mapping[str, Statistics]
"""{layer: statistics}."""


@dataclass(frozen=True)
class Moments:
    """Of the positions of a part of a picture, each counted by its share.

    total: sum of the shares, (N, 1). mean, variance: (N, C), the biased variance. All float64.
    """

    total: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]

    def __add__(self, other: "Moments") -> "Moments":
        """Of both parts (Chan, Golub and LeVeque 1983)."""
        total = self.total + other.total
        # Two parts of which nothing counts have nothing to tell.
        share = np.divide(other.total, total, out=np.zeros_like(total), where=total > 0)
        difference = other.mean - self.mean
        spread = self.variance + share * (other.variance - self.variance) + share * (1 - share) * difference**2
        return Moments(total, self.mean + share * difference, spread)

    def __getitem__(self, number: int) -> "Moments":
        """Of one of several pictures."""
        return Moments(*(value[number : number + 1] for value in (self.total, self.mean, self.variance)))

    @property
    def statistics(self) -> Statistics:
        """sigma = sqrt(variance + 1e-5), as paper 004's authors have it."""
        deviation = np.sqrt(np.maximum(self.variance, 0) + EPSILON)
        mean, std = (value.astype(np.float32)[:, :, None, None] for value in (self.mean, deviation))
        return mean, std


def statistics_of(moments: Mapping[str, Moments]) -> dict[str, Statistics]:
    """Of each layer."""
    return {layer: value.statistics for layer, value in moments.items()}


def merged(parts: Sequence[Mapping[str, Moments]]) -> dict[str, Moments]:
    """{layer: of all parts}."""
    first, *others = parts
    total = dict(first)
    for part in others:
        total = {layer: total[layer] + part[layer] for layer in total}
    return total


def exchange(style: Statistics, own: Statistics, gain: float = 0.0) -> Statistics:
    """AdaIN as a scale and a shift of features (paper 004): sigma(y) / sigma(x) and mu(y) - mu(x) sigma(y) / sigma(x).

    gain: the most that the scale may be; 0 for any. The channel of what a photograph has next to nothing of, one hue
    for instance, is nearly constant. Multiplied by up to 367, as with some paintings, its remains become colours that
    neither picture has.
    """
    scale = np.minimum(style[1] / own[1], gain or math.inf)
    return scale, style[0] - own[0] * scale


def blend(codes: Sequence[Codes], shares: Sequence[float]) -> dict[str, Statistics]:
    """Statistics of several styles mixed in these shares.

    AdaIN is linear in the statistics that it gives, so this is the paper's blend of features (Huang and Belongie 2017,
    equation 15) without the cost of one AdaIN for each style; with the content's own statistics as one of the styles it
    is their equation 14, the strength. Shares outside [0, 1] extrapolate; deviations stay above 0.
    """
    mixed = {}
    for layer in codes[0]:
        mean, std = (
            sum(np.float32(share) * code[layer][kind] for code, share in zip(codes, shares, strict=True))
            for kind in (0, 1)
        )
        mixed[layer] = (np.asarray(mean), np.maximum(std, 0))
    return mixed


Seen = Mapping[str, tuple[Array, Array]]
"""Of a photo as a whole: the mean and the spread of its colours, or of its features by layer."""


@dataclass
class Following:
    """All that a painting takes of the whole of its photo, in the order of use; of a film, it follows slowly.

    before: what the last frame was painted with; empty where a shot begins. share: how much of a frame's own counts.
    used: what this frame is painted with.
    """

    before: Sequence[Seen] = ()
    share: float = 1.0
    used: list[Seen] = field(default_factory=list)

    def __call__(self, measured: Seen) -> Seen:
        if len(self.used) < len(self.before):
            last = self.before[len(self.used)]
            measured = {name: self._between(last[name], own) for name, own in measured.items()}
        self.used.append(measured)
        return measured

    def _between(self, last: tuple[Array, Array], own: tuple[Array, Array]) -> tuple[Array, Array]:
        share = np.float32(self.share)
        return last[0] + share * (own[0] - last[0]), last[1] + share * (own[1] - last[1])
