"""The embedded encoder: VGG-19's features at a sixteenth of its operations, inside the package.

Its weights are made by the recipe `lite_encoder`; `assets/lite.md` says how and how well.
"""

import torch
from torch.nn.utils import convert_conv2d_weight_memory_format

from impasto.encoders.filters import normalise_filters
from impasto.encoders.network import LAYERS, Encoder, EncoderConfig
from impasto.weights import WEIGHTS, load, location


def lite(*, raw: bool = False) -> Encoder:
    """Frozen, float32, in eval mode and channels_last; features of 16, 32, 64, 128 and 128 filters.

    The filters are normalised: on photographs and paintings their mean activation is 1. raw: in the units of the
    network that they were learned from instead, which differ by orders of magnitude.
    """
    tensors, config = load(location(WEIGHTS["lite"]))
    encoder = Encoder(EncoderConfig.from_json(config["encoder"]))
    encoder.load_state_dict(
        {name: value.float() for name, value in tensors.items() if name.startswith("convolutions.")}
    )
    if raw:
        normalise_filters(encoder, {layer: 1 / tensors[f"teacher_units.{layer}"].double() for layer in LAYERS})
    return convert_conv2d_weight_memory_format(encoder.eval().requires_grad_(False), torch.channels_last)
