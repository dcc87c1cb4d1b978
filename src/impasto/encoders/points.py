"""Whole pictures as points, for distances of sets that need no weights from elsewhere."""

import torch
from torch import Tensor

from impasto import tensors
from impasto.encoders.network import Encoder

LAYER, SIDE = "relu5_1", 256


@torch.inference_mode()
def points(encoder: Encoder, pictures: Tensor) -> Tensor:
    """(N, 3, H, W) in [0, 1], of any size -> (N, D): the mean over all positions of the encoder's deepest features.

    Every picture is brought to 256 x 256 first, as Inception's are to 299 x 299.
    """
    squares = tensors.resize(pictures, SIDE, SIDE)
    means: Tensor = encoder(squares, [LAYER])[LAYER].mean((2, 3)).cpu()
    return means
