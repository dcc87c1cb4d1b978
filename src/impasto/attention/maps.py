"""Maps of weights as pictures. A map is (h, w), and each of its values stands for a square of `cell` pixels."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from impasto import image, tensors
from impasto.sizes import fit_within

Levels = NDArray[np.uint8]

DARKEST = 0.15
"""Share of the light that is left where nothing is looked at, so that the picture can still be made out."""


def by_order(weights: Tensor) -> Tensor:
    """In [0, 1]: 1 for the place of the highest weight, 0 for the half with the lowest, by their order between.

    The softmax of many channels spans tens of powers of ten: on a linear scale it is one white place and nothing else,
    and on a logarithmic one nearly so. The order says where else is looked, whatever the layer and the temperature are.
    """
    order = torch.searchsorted(weights.flatten().sort().values, weights.contiguous()).float()
    highest = order.max()
    return (2 * order / highest - 1).clamp_min(0) if highest > 0 else torch.ones_like(order)


def by_level(weights: Tensor) -> Tensor:
    """From 0 at the lowest weight to 1 at the highest; 1 where all are the same.

    The weights of a non-local block are often close to each other, so that the scale is the map's own.
    """
    low, high = weights.min(), weights.max()
    return (weights - low) / (high - low) if high > low else torch.ones_like(weights)


def dimmed(picture: Tensor, light: Tensor, cell: int) -> Image.Image:
    """The picture (1, 3, H, W) in [0, 1] as it is where the light, a map in [0, 1], is 1, and dark where it is 0."""
    # Smooth between the middles of the squares, whose edges would be seen before the picture is.
    large = interpolate(light[None, None], scale_factor=cell, mode="bilinear")
    large = large[..., : picture.shape[-2], : picture.shape[-1]]
    return image.to_pil(tensors.to_picture(picture * (DARKEST + (1 - DARKEST) * large)))


def enlarged(levels: Levels, cell: int, picture: Tensor) -> Image.Image:
    """One square for each value of (h, w) or (h, w, 3), cut to the size of the picture (1, 3, H, W)."""
    large = levels.repeat(cell, 0).repeat(cell, 1)[: picture.shape[-2], : picture.shape[-1]]
    return Image.fromarray(np.ascontiguousarray(large)).convert("RGB")


def grey(light: Tensor) -> Levels:
    """A map in [0, 1] from black to white."""
    return (light * 255).round().byte().numpy()


def atlas(weights: Tensor, columns: int, side: int = 32) -> Image.Image:
    """Maps (K, h, w) as tiles of one grey picture, row by row, each on its own scale. side: of a tile, at most."""
    down, across = fit_within(weights.shape[-2], weights.shape[-1], side)
    small = torch.nn.functional.adaptive_avg_pool2d(weights[:, None], (down, across))[:, 0]
    tiles = np.stack([grey(by_level(one)) for one in small])
    rows = -(-len(tiles) // columns)
    sheet = np.zeros((rows * columns, down, across), np.uint8)
    sheet[: len(tiles)] = tiles
    return Image.fromarray(sheet.reshape(rows, columns, down, across).swapaxes(1, 2).reshape(rows * down, -1))
