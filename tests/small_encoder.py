"""An encoder small enough for arithmetic in double precision, and pictures to show it."""

import torch
from random_tensors import uniform
from torch import Tensor

from impasto.encoders.network import Encoder, EncoderConfig


def encoder() -> Encoder:
    torch.manual_seed(0)
    network = Encoder(EncoderConfig(widths=(3, 4, 5, 6, 7), padding="reflect"))
    for parameter in network.parameters():
        scale = (2 / parameter[0].numel()) ** 0.5 if parameter.ndim == 4 else 0.3
        torch.nn.init.normal_(parameter, 0, scale)
    return network.double().requires_grad_(False)


def picture(height: int, width: int, seed: int) -> Tensor:
    return uniform(1, 3, height, width, seed=seed)
