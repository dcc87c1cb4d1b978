"""The real VGG-19 (Simonyan and Zisserman 2015), with torchvision's weights for ImageNet."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils import convert_conv2d_weight_memory_format

from impasto.encoders.network import LAYERS, Encoder, EncoderConfig
from impasto.errors import WeightsError
from impasto.weights import fitting, given_or_fetched, load, load_foreign_state

# Position of each layer's convolution in torchvision's `features`; between them lie the ReLUs and the pools.
OFFICIAL_INDEX = dict(zip(LAYERS, (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28), strict=True))


def vgg19(
    *,
    weights: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Encoder:
    """VGG-19 up to relu5_1, frozen, in eval mode and channels_last, with average pooling; it was trained with 'max'.

    weights: None for the official file, downloaded into the cache at first use; a copy of it or any other checkpoint
        of torchvision's layout; or a `.safetensors` of impasto, such as `impasto weights normalise` writes: the
        encoder's state_dict with {"encoder": EncoderConfig.to_json()} as its config.
    progress: as in `impasto.weights.fetch`.

    Raises WeightsError if the weights cannot be had, are damaged or do not fit.
    """
    path = given_or_fetched("vgg19", weights, progress)
    names: Mapping[str, str] = {}
    if path.suffix == ".safetensors":
        config, tensors = _read_own(path)
    else:
        config, tensors = EncoderConfig(), load_foreign_state(path)
        names = _official_names()
    encoder = Encoder(config)
    encoder.load_state_dict(fitting(path, "is no VGG-19 for this encoder", tensors, encoder.state_dict(), names))
    encoder = encoder.eval().requires_grad_(False)
    # Module.to does the same, but its type annotations know no memory format.
    return convert_conv2d_weight_memory_format(encoder, torch.channels_last)


def _read_own(path: Path) -> tuple[EncoderConfig, dict[str, Tensor]]:
    tensors, config = load(path)
    try:
        return EncoderConfig.from_json(config["encoder"]), tensors
    except (KeyError, TypeError, AttributeError):
        raise WeightsError(f"{path}: its config describes no encoder") from None


def _official_names() -> dict[str, str]:
    """The encoder's names of its parameters -> torchvision's; its classifier and later convolutions have none."""
    return {
        f"convolutions.{layer}.{kind}": f"features.{index}.{kind}"
        for layer, index in OFFICIAL_INDEX.items()
        for kind in ("weight", "bias")
    }
