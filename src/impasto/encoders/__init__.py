"""Networks that turn pictures into features."""

from collections.abc import Callable
from pathlib import Path

from impasto.encoders.lite import lite
from impasto.encoders.network import Encoder
from impasto.encoders.vgg19 import vgg19
from impasto.errors import OptionError
from impasto.weights import WEIGHTS, location

ENCODERS = ("lite", "vgg19")


def load_encoder(
    name: str,
    *,
    weights: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    raw: bool = False,
) -> Encoder:
    """The encoder `name`, with average pooling.

    weights: a local file for vgg19 instead of the official one. raw: lite without filter normalisation.

    Raises OptionError for an unknown name, WeightsError if the weights cannot be had.
    """
    if name == "lite":
        if weights is not None:
            raise OptionError("a file of weights is for the encoder vgg19; lite carries its own")
        return lite(raw=raw)
    if raw:
        raise OptionError(f"filters is 'raw', which lite can be, but the encoder is {name}, whose file decides it")
    if name == "vgg19":
        return vgg19(weights=weights, progress=progress)
    raise OptionError(f"no encoder '{name}'; there are {', '.join(ENCODERS)}")


def weights_file(name: str, weights: Path | None = None) -> Path:
    """The file that `load_encoder` reads."""
    return weights or location(WEIGHTS[name])
