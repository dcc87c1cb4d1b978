"""VGG-19 with a sixteenth of its operations, as Collaborative-Distillation publishes it (Wang et al. 2020, MIT).

It is what `lite` learns from and an independent judge of results; it is never shipped.
"""

from pathlib import Path

import torch
from torch import Tensor

from impasto.encoders.network import LAYERS, Encoder, EncoderConfig
from impasto.errors import WeightsError
from impasto.weights import load_foreign_state


def load_teacher(path: Path) -> Encoder:
    """The published encoder as an `Encoder`: features of widths 16, 32, 64, 128 and 128.

    Raises WeightsError if the file is not that encoder.
    """
    state = load_foreign_state(path)
    config = EncoderConfig(widths=(16, 32, 64, 128, 128), padding="reflect", mean=(0, 0, 0), std=(1, 1, 1))
    encoder = Encoder(config)
    try:
        # The published network begins with a 1x1 convolution that turns RGB into normalised BGR.
        first = fold_pointwise(state["conv0.weight"], state["conv0.bias"], state["conv11.weight"], state["conv11.bias"])
        folded = dict(zip(("conv11.weight", "conv11.bias"), first, strict=True))
        with torch.no_grad():
            for layer in LAYERS:
                convolution = encoder.convolution(layer)
                assert convolution.bias is not None
                key = "conv" + layer[4] + layer[6]
                convolution.weight.copy_(folded.get(f"{key}.weight", state[f"{key}.weight"]))
                convolution.bias.copy_(folded.get(f"{key}.bias", state[f"{key}.bias"]))
    except (KeyError, IndexError, RuntimeError) as error:
        raise WeightsError(f"{path}: is not the 16x smaller VGG-19 encoder: {error}") from error
    return encoder.frozen()


def fold_pointwise(mix: Tensor, shift: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """One convolution, weight (O, I, h, w) and bias (O), in place of two: the 1x1 one and the one after it.

    mix, shift: (M, I, 1, 1) and (M), the 1x1 convolution. weight, bias: (O, M, h, w) and (O), the one after it.
    A border reflected between the two is no obstacle, because a 1x1 convolution commutes with reflection; a border of
    zeros would be one.
    """
    folded = torch.einsum("oiyx,ij->ojyx", weight, mix[:, :, 0, 0])
    return folded, bias + torch.einsum("oiyx,i->o", weight, shift)
