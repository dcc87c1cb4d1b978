"""The VGG-16 that LPIPS looks through (Simonyan and Zisserman 2015), and the published weights of its channels.

Not VGG-19: LPIPS (Zhang et al. 2018) was fitted to VGG-16's features, and has no meaning with other ones.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.weights import fitting, given_or_fetched, load_foreign_state

# Layers that LPIPS compares, with the position of each convolution of their blocks in torchvision's `features`.
BLOCKS = {
    "relu1_2": (0, 2), "relu2_2": (5, 7), "relu3_3": (10, 12, 14), "relu4_3": (17, 19, 21), "relu5_3": (24, 26, 28),
}  # fmt: skip
WIDTHS = (64, 128, 256, 512, 512)

SMALLEST = 16
"""Side of a picture that has features in the last block."""

# LPIPS' own statistics of pictures in [-1, 1], which are ImageNet's with three digits.
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


class PerceptualNetwork(nn.Module):
    """(N, 3, H, W) in [0, 1] -> {layer: (N, C, h, w)}; with `heads`, all that `metrics.lpips` needs."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleDict()
        previous = 3
        for places, width in zip(BLOCKS.values(), WIDTHS, strict=True):
            for place in places:
                self.features[str(place)] = nn.Conv2d(previous, width, 3, padding=1)
                previous = width
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1), persistent=False)
        self.heads: dict[str, Tensor] = {}

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        x = (2 * image - 1 - self.shift) / self.scale
        outputs = {}
        for number, (layer, places) in enumerate(BLOCKS.items()):
            if number:
                x = F.max_pool2d(x, 2)
            for place in places:
                x = F.relu(self.features[str(place)](x))
            outputs[layer] = x
        return outputs


def load_perceptual(
    weights: Path | None = None, heads: Path | None = None, *, progress: Callable[[int, int], None] | None = None
) -> PerceptualNetwork:
    """Frozen, in eval mode, with its heads.

    weights, heads: files of torchvision's VGG-16 and of LPIPS' `vgg.pth`; the official ones, downloaded into the cache
    at first use, if None. Raises WeightsError if they cannot be had, are damaged or do not fit.
    """
    network = PerceptualNetwork()
    path = given_or_fetched("vgg16", weights, progress)
    what = "is not a file of LPIPS with VGG-16"
    network.load_state_dict(fitting(path, what, load_foreign_state(path), network.state_dict()))
    path = given_or_fetched("lpips", heads, progress)
    expected = {f"lin{number}.model.1.weight": torch.empty(1, width, 1, 1) for number, width in enumerate(WIDTHS)}
    tensors = fitting(path, what, load_foreign_state(path), expected)
    for layer, head in zip(BLOCKS, tensors.values(), strict=True):
        network.heads[layer] = head.float().flatten()
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
