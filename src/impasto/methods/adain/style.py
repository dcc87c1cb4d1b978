"""A style that has been encoded: what AdaIN needs of a painting, in memory and in a file of a few kilobytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from impasto import weights
from impasto.engine.architecture import LAYERS
from impasto.errors import WeightsError
from impasto.gallery import STYLE_SUFFIX
from impasto.losses.feature_statistics import Statistics
from impasto.methods.adain.options import AdaINOptions
from impasto.methods.adain.preparation import Colours

Codes = Mapping[str, Statistics]


@dataclass(frozen=True)
class Style:
    """statistics: {layer: (mu, sigma) of (1, C, 1, 1), float32} of the four layers. colours: mean and covariance of the
    painting's RGB.

    encoder: sha256 of the weights that it was encoded with, and their pooling. name: of the painting. scale: the
    style_scale that it was seen at. picture: the painting itself, (1, 3, h, w), for what needs more than statistics; a
    style from a file is without it.
    """

    statistics: Codes
    colours: Colours
    encoder: str
    name: str = ""
    scale: float = 1.0
    picture: Tensor | None = field(default=None, repr=False, compare=False)

    def save(self, path: str | Path) -> None:
        """Write `NAME.style.safetensors`. Raises WeightsError if that cannot be done."""
        path = Path(path)
        if not path.name.endswith(STYLE_SUFFIX):
            raise WeightsError(f"{path}: a style's file must be named NAME{STYLE_SUFFIX}")
        about = {"encoder": self.encoder, "name": self.name, "scale": self.scale}
        weights.save(path, self._tensors(), {"style": about})

    def pixels(self, options: AdaINOptions) -> Tensor:
        """The painting itself. Raises OptionError if it is not there, with what these options need it for."""
        if self.picture is None:
            options.check_encoded(self.name, self.scale)
        assert self.picture is not None
        return self.picture

    def on(self, device: torch.device) -> "Style":
        """The same where it can be painted from."""
        statistics = {layer: (mean.to(device), std.to(device)) for layer, (mean, std) in self.statistics.items()}
        colours = self.colours[0].to(device), self.colours[1].to(device)
        return replace(self, statistics=statistics, colours=colours)

    def _tensors(self) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {}
        for layer, (mean, std) in self.statistics.items():
            tensors |= {f"{layer}.mean": mean.flatten(), f"{layer}.std": std.flatten()}
        return tensors | {"colours.mean": self.colours[0][0], "colours.covariance": self.colours[1][0]}


def save_styles(path: Path, styles: Sequence[Style], about: Sequence[Mapping[str, str]]) -> None:
    """One file of several styles, encoded alike. about: what is told of each, with its `name` that `load_style` takes.

    Raises WeightsError if it cannot be written.
    """
    each = [style._tensors() for style in styles]
    tensors = {key: torch.stack([one[key] for one in each]) for key in each[0]}
    config = {"styles": list(about), "encoder": styles[0].encoder, "scale": styles[0].scale}
    weights.save(path, tensors, config)


def load_style(path: Path, name: str = "") -> Style:
    """name: of a file that holds several, the one that is wanted.

    Raises WeightsError if the file is missing, damaged, or holds no style.
    """
    tensors, config = weights.load(path)
    try:
        if "styles" in config:
            place = [one["name"] for one in config["styles"]].index(name)
            tensors = {key: value[place] for key, value in tensors.items()}
            config = {"style": {**config, "name": name}}
        about = config["style"]
        statistics = {layer: _column(tensors, layer) for layer in LAYERS}
        if "colours.mean" not in tensors:
            raise WeightsError(f"{path}: holds no colours, as older impastos left it; encode the painting anew")
        colours = tensors["colours.mean"].view(1, 3), tensors["colours.covariance"].view(1, 3, 3)
        return Style(statistics, colours, str(about["encoder"]), str(about["name"]), float(about["scale"]))
    except (KeyError, RuntimeError, TypeError, ValueError):
        raise WeightsError(f"{path}: holds no style; impasto writes them with `impasto encode`") from None


def _column(tensors: Mapping[str, Tensor], layer: str) -> Statistics:
    mean, std = (tensors[f"{layer}.{kind}"].view(1, -1, 1, 1) for kind in ("mean", "std"))
    return mean, std


def blended(styles: Sequence[Style], shares: Sequence[float]) -> Style:
    """Several styles as one, in these shares."""
    codes, tones = [style.statistics for style in styles], [style.colours for style in styles]
    return Style(blend(codes, shares), blend_colours(tones, shares), styles[0].encoder)


def blend_colours(tones: Sequence[Colours], shares: Sequence[float]) -> Colours:
    """Means and covariances mixed in these shares, which are 0 or more."""
    pairs = list(zip(tones, shares, strict=True))
    means = sum((share * mean for (mean, _), share in pairs), torch.zeros_like(tones[0][0]))
    return means, sum((share * spread for (_, spread), share in pairs), torch.zeros_like(tones[0][1]))


def blend(statistics: Sequence[Codes], shares: Sequence[float]) -> dict[str, Statistics]:
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
