"""Networks that turn pictures into features: the embedded `lite`, and the real VGG-19."""

from collections.abc import Callable
from pathlib import Path

from impasto.encoders.filters import normalise_filters
from impasto.encoders.network import LAYERS, Encoder, EncoderConfig
from impasto.errors import OptionError, WeightsError
from impasto.weights import WEIGHTS, fitting, given_or_fetched, load, load_foreign_state, location

ENCODERS = ("lite", "vgg19")

# Position of each layer's convolution in torchvision's `features`; between them lie the ReLUs and the pools.
OFFICIAL_INDEX = dict(zip(LAYERS, (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28), strict=True))


def load_encoder(
    name: str,
    *,
    weights: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    raw: bool = False,
) -> Encoder:
    """The encoder `name`, frozen, float32, in eval mode and channels_last, with average pooling.

    lite: VGG-19's features at a sixteenth of its operations, of 16, 32, 64, 128 and 128 filters, inside the package.
        Its filters are normalised: on photographs and paintings their mean activation is 1. Its weights are made by
        the recipe `lite_encoder`; `assets/lite.md` says how and how well.
    vgg19: the real one (Simonyan and Zisserman 2015) up to relu5_1; it was trained with 'max' pooling.
    weights: for vgg19, instead of torchvision's official file, which is downloaded into the cache at first use: a copy
        of it or any other checkpoint of its layout; or a `.safetensors` of impasto, such as `impasto weights normalise`
        writes: the encoder's state_dict with {"encoder": EncoderConfig.to_json()} as its config.
    progress: as in `impasto.weights.fetch`.
    raw: lite without filter normalisation, in the units of the network that it was learned from, which differ by orders
        of magnitude.

    Raises OptionError for an unknown name, WeightsError if the weights cannot be had, are damaged or do not fit.
    """
    if name not in ENCODERS:
        raise OptionError(f"no encoder '{name}'; there are {', '.join(ENCODERS)}")
    if name == "vgg19":
        if raw:
            raise OptionError("filters is 'raw', which lite can be, but the encoder is vgg19, whose file decides it")
        return _vgg19(given_or_fetched(name, weights, progress)).frozen()
    if weights is not None:
        raise OptionError("a file of weights is for the encoder vgg19; lite carries its own")
    return _lite(raw=raw).frozen()


def weights_file(name: str, weights: Path | None = None) -> Path:
    """The file that `load_encoder` reads."""
    return weights or location(WEIGHTS[name])


def _lite(*, raw: bool) -> Encoder:
    tensors, config = load(location(WEIGHTS["lite"]))
    encoder = Encoder(EncoderConfig.from_json(config["encoder"]))
    encoder.load_state_dict(
        {name: value.float() for name, value in tensors.items() if name.startswith("convolutions.")}
    )
    if raw:
        normalise_filters(encoder, {layer: 1 / tensors[f"teacher_units.{layer}"].double() for layer in LAYERS})
    return encoder


def _vgg19(path: Path) -> Encoder:
    names = {}
    if path.suffix == ".safetensors":
        tensors, stored = load(path)
        try:
            config = EncoderConfig.from_json(stored["encoder"])
        except (KeyError, TypeError, AttributeError):
            raise WeightsError(f"{path}: its config describes no encoder") from None
    else:
        tensors, config = load_foreign_state(path), EncoderConfig()
        # torchvision's classifier and later convolutions have none here.
        names = {
            f"convolutions.{layer}.{kind}": f"features.{index}.{kind}"
            for layer, index in OFFICIAL_INDEX.items()
            for kind in ("weight", "bias")
        }
    encoder = Encoder(config)
    encoder.load_state_dict(fitting(path, "is no VGG-19 for this encoder", tensors, encoder.state_dict(), names))
    return encoder
