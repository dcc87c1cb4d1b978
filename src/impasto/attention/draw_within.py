"""Attention of a photo to itself as one picture: paper 000's Figure 6, a row for each place."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from impasto import figures, image, tensors
from impasto.attention.light import dimmed
from impasto.attention.within import METHODS, Glance, Within


def draw_within(found: Within, *, overall: bool = False) -> Image.Image:
    """Photo, what CycleGAN makes of it (if there is a baseline), what the method does, attention, and the mask of
    `compose`, where there is one.

    A row for each place; overall: and, before them, one for the mean of all places. Without places there is only that.
    """
    titles = ["photo", *(["CycleGAN"] if found.baseline is not None else []), METHODS[found.method], "attention"]
    titles += ["painted share"] if found.share is not None else []
    rows, names = [], []
    if overall or not found.places:
        rows.append(_row(found, lit(found.content, found.mean, found.cell), None))
        names.append("what all places look at")
    for number, (x, y) in enumerate(found.places):
        rows.append(_row(found, lit_place(found, number), number))
        height, width = found.content.shape[-2:]
        at = f"{100 * x / width:.0f}%,{100 * y / height:.0f}%"
        names.append(f"where {at} looks: up to {figures.plain(found.contrast(number), 2)} times as much as evenly")
    return figures.grid(rows, titles, names)


def lit_place(found: Glance, number: int) -> Image.Image:
    """The photo, bright where one place looks, which has a ring."""
    light = lit(found.content, found.weights[number], found.cell)
    return figures.marked(light, found.places[number], ring=True)


def lit(content: Tensor, weights: Tensor, cell: int) -> Image.Image:
    """The photo, dark where a map is lowest and as it is where the map is highest.

    content: (1, 3, H, W) in [0, 1]. weights: (h, w). cell: pixels of the photo per position. The weights of a non-local
    block are often close to each other, so that the scale is the map's own; how far apart they are, numbers say.
    """
    return dimmed(content, _level(weights), cell)


def share_picture(share: Tensor) -> Image.Image:
    """(1, 1, H, W) in [0, 1]: white where all is painted, black where the photo is left alone."""
    return Image.fromarray((share[0, 0] * 255).round().byte().numpy()).convert("RGB")


def atlas(weights: Tensor, columns: int, side: int = 32) -> Image.Image:
    """Maps (K, h, w) as tiles of one grey picture, row by row, each on its own scale. side: of a tile, at most."""
    h, w = weights.shape[-2:]
    down, across = image.fit(h, w, min(side, max(h, w)))
    small = torch.nn.functional.adaptive_avg_pool2d(weights[:, None], (down, across))[:, 0]
    tiles = np.stack([(_level(one) * 255).round().byte().numpy() for one in small])
    rows = -(-len(tiles) // columns)
    sheet = np.zeros((rows * columns, down, across), np.uint8)
    sheet[: len(tiles)] = tiles
    return Image.fromarray(sheet.reshape(rows, columns, down, across).swapaxes(1, 2).reshape(rows * down, -1))


def _row(found: Within, attention: Image.Image, number: int | None) -> list[Image.Image]:
    photo = image.to_pil(tensors.to_picture(found.content))
    cells = [photo if number is None else figures.marked(photo, found.places[number])]
    cells += [image.to_pil(tensors.to_picture(one)) for one in (found.baseline, found.painted) if one is not None]
    return [*cells, attention, *([share_picture(found.share)] if found.share is not None else [])]


def _level(weights: Tensor) -> Tensor:
    """A map from 0 at its lowest to 1 at its highest; 1 where all are the same."""
    low, high = weights.min(), weights.max()
    return (weights - low) / (high - low) if high > low else torch.ones_like(weights)
