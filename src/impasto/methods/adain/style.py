"""A style that has been encoded: what AdaIN needs of a painting, in memory and in a file of a few kilobytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from impasto import weights
from impasto.errors import WeightsError
from impasto.losses.feature_statistics import Statistics
from impasto.methods.adain.network import LAYERS

SUFFIX = ".style.safetensors"


@dataclass(frozen=True)
class Style:
    """statistics: {layer: (mu, sigma) of (1, C, 1, 1), float32} of the four layers.

    encoder: sha256 of the weights that it was encoded with, and their pooling. name: of the painting. picture: the
    painting itself, (1, 3, h, w), for what needs more than statistics; a style from a file is without it.
    """

    statistics: Mapping[str, Statistics]
    encoder: str
    name: str = ""
    picture: Tensor | None = field(default=None, repr=False, compare=False)

    def save(self, path: str | Path) -> None:
        """Write `NAME.style.safetensors`. Raises WeightsError if that cannot be done."""
        path = Path(path)
        if not path.name.endswith(SUFFIX):
            raise WeightsError(f"{path}: a style's file must be named NAME{SUFFIX}")
        tensors: dict[str, Tensor] = {}
        for layer, (mean, std) in self.statistics.items():
            tensors |= {f"{layer}.mean": mean.flatten(), f"{layer}.std": std.flatten()}
        weights.save(path, tensors, {"style": {"encoder": self.encoder, "name": self.name}})


def load_style(path: Path) -> Style:
    """Raises WeightsError if the file is missing, damaged, or holds no style."""
    tensors, config = weights.load(path)
    try:
        about = config["style"]
        statistics = {layer: _column(tensors, layer) for layer in LAYERS}
        return Style(statistics, str(about["encoder"]), str(about["name"]))
    except (KeyError, TypeError):
        raise WeightsError(f"{path}: holds no style; impasto writes them with `impasto encode`") from None


def _column(tensors: Mapping[str, Tensor], layer: str) -> Statistics:
    mean, std = (tensors[f"{layer}.{kind}"].view(1, -1, 1, 1) for kind in ("mean", "std"))
    return mean, std


def blend(statistics: Sequence[Mapping[str, Statistics]], shares: Sequence[float]) -> dict[str, Statistics]:
    """Statistics of several styles mixed in these shares.

    AdaIN is linear in the statistics that it gives, so this is the paper's blend of features (Huang and Belongie 2017,
    equation 15) without the cost of one AdaIN for each style; with the content's own statistics as one of the styles it
    is their equation 14, the strength. Shares outside [0, 1] extrapolate; deviations stay above 0.
    """
    pairs = list(zip(statistics, shares, strict=True))
    mixed = {}
    for layer, (mean, std) in statistics[0].items():
        means = sum((share * one[layer][0] for one, share in pairs), torch.zeros_like(mean))
        deviations = sum((share * one[layer][1] for one, share in pairs), torch.zeros_like(std))
        mixed[layer] = (means, deviations.clamp_min(0))
    return mixed
