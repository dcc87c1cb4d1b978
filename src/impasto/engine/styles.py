"""A style that has been encoded: what AdaIN needs of a painting, in memory and in a file of a few kilobytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from impasto import weights
from impasto.engine.architecture import LAYERS
from impasto.engine.preparation import Colours, blend_colours
from impasto.engine.statistics import Array, Codes, Statistics, blend
from impasto.errors import WeightsError
from impasto.gallery import STYLE_SUFFIX
from impasto.options import Options


@dataclass(frozen=True)
class Style:
    """statistics: of the four layers. colours: mean and covariance of the painting's RGB.

    encoder: sha256 of the weights that it was encoded with, and their pooling. name: of the painting. scale: the
    style_scale that it was seen at. length: of its strokes, from 0 to 1. picture: the painting itself, (1, 3 or 4, h,
    w), for what needs more than statistics; a style from a file is without it.
    """

    statistics: Codes
    colours: Colours
    encoder: str
    name: str = ""
    scale: float = 1.0
    length: float = 0.5
    picture: Array | None = field(default=None, repr=False, compare=False)

    def save(self, path: str | Path) -> None:
        """Write `NAME.style.safetensors`. Raises WeightsError if that cannot be done."""
        path = Path(path)
        if not path.name.endswith(STYLE_SUFFIX):
            raise WeightsError(f"{path}: a style's file must be named NAME{STYLE_SUFFIX}")
        about = {"encoder": self.encoder, "name": self.name, "scale": self.scale, "length": self.length}
        weights.save_arrays(path, self.arrays(), {"style": about})

    def pixels(self, options: Options) -> Array:
        """The painting itself. Raises OptionError if it is not there, with what these options need it for."""
        if self.picture is None:
            options.check_encoded(self.name, self.scale)
        assert self.picture is not None
        return self.picture

    def arrays(self) -> dict[str, Array]:
        """The numbers of the statistics and the colours, by their names in a file."""
        arrays: dict[str, Array] = {}
        for layer, (mean, std) in self.statistics.items():
            arrays |= {f"{layer}.mean": mean.ravel(), f"{layer}.std": std.ravel()}
        return arrays | {"colours.mean": self.colours[0][0], "colours.covariance": self.colours[1][0]}


def load_style(path: Path, name: str = "") -> Style:
    """name: of a file that holds several, the one that is wanted.

    Raises WeightsError if the file is missing, damaged, or holds no style.
    """
    arrays, config = weights.load_arrays(path)
    try:
        if "styles" in config:
            place = [one["name"] for one in config["styles"]].index(name)
            arrays = {key: value[place] for key, value in arrays.items()}
            config = {"style": {**config, "name": name, "length": config["lengths"][place]}}
        about = config["style"]
        statistics = {layer: _column(arrays, layer) for layer in LAYERS}
        if "colours.mean" not in arrays:
            raise WeightsError(f"{path}: holds no colours, as older impastos left it; encode the painting anew")
        colours = arrays["colours.mean"].reshape(1, 3), arrays["colours.covariance"].reshape(1, 3, 3)
        # Files of before strokes were measured are without their length.
        length = float(about.get("length", Style.length))
        return Style(statistics, colours, str(about["encoder"]), str(about["name"]), float(about["scale"]), length)
    except (KeyError, TypeError, ValueError):
        raise WeightsError(f"{path}: holds no style; impasto writes them with `impasto encode`") from None


def _column(arrays: Mapping[str, Array], layer: str) -> Statistics:
    mean, std = (arrays[f"{layer}.{kind}"].reshape(1, -1, 1, 1) for kind in ("mean", "std"))
    return mean, std


def blended(styles: Sequence[Style], shares: Sequence[float]) -> Style:
    """Several styles as one, in these shares."""
    codes, tones = [style.statistics for style in styles], [style.colours for style in styles]
    length = sum(style.length * share for style, share in zip(styles, shares, strict=True))
    return Style(blend(codes, shares), blend_colours(tones, shares), styles[0].encoder, length=length)
