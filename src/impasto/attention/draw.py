"""Attention as one picture: paper 001's Figure 4, and the map of where every place looks."""

import colorsys

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from impasto import figures, image, tensors
from impasto.attention.light import dimmed
from impasto.attention.look import Attention, Look

Levels = NDArray[np.uint8]


def draw(found: Attention, *, correspondence: bool = False) -> Image.Image:
    """A row for each place: the content with the place; for each layer the style with the best match, and the weights.

    White is the highest weight of its map, and the half with the lowest is black. correspondence: one more row, in
    which each place of the content has the colour of the place of the style that it looks at, and one with the style's
    own pixels gathered there.
    """
    content, style = (image.to_pil(tensors.to_picture(pixels)) for pixels in (found.content, found.style))
    columns = ["content", *(name for look in found.looks for name in (look.layer, "weights"))]
    rows: list[list[Image.Image]] = []
    for number, place in enumerate(found.places):
        row = [figures.marked(content, place)]
        for look in found.looks:
            best = look.best[number]
            row += [figures.marked(style, best), figures.marked(heat(found, look, number), best, ring=True)]
        rows.append(row)
    if correspondence:
        key = coloured(style)
        rows.append([content, *(p for look in found.looks for p in (key, correspondence_picture(found, look)))])
        rows.append([content, *(p for look in found.looks for p in (style, gathered(found, look)))])
    return figures.grid(rows, columns)


def marked_style(found: Attention, look: Look, number: int) -> Image.Image:
    """The style with the best match of one place."""
    return figures.marked(image.to_pil(tensors.to_picture(found.style)), look.best[number])


def heat(found: Attention, look: Look, number: int) -> Image.Image:
    """Where one place looks in the style, in grey: as `light` says, from black to white."""
    return _enlarged((light(look, number) * 255).round().byte().numpy(), look, found.style)


def lit_style(found: Attention, look: Look, number: int) -> Image.Image:
    """The style, bright where one place looks, and a ring around the best match."""
    return figures.marked(dimmed(found.style, light(look, number), look.stride), look.best[number], ring=True)


def light(look: Look, number: int) -> Tensor:
    """(h, w) in [0, 1]: 1 for the place of the highest weight, 0 for the half with the lowest, by their order between.

    The softmax of many channels spans tens of powers of ten: on a linear scale it is one white place and nothing else,
    and on a logarithmic one nearly so. The order says where else is looked, whatever the layer and the temperature are.
    """
    weights = look.weights[number]
    order = torch.searchsorted(weights.flatten().sort().values, weights.contiguous()).float()
    highest = order.max()
    return (2 * order / highest - 1).clamp_min(0) if highest > 0 else torch.ones_like(order)


def correspondence_picture(found: Attention, look: Look) -> Image.Image:
    """The content's size: every place in the colour that `coloured` gives the style's place that it looks at."""
    rows, columns = (index.numpy() for index in look.correspondence)
    height, width = found.style.shape[-2:]
    # Positions at the end of an odd side reach beyond the picture.
    down, across = ((look.stride * np.arange(n) + look.stride // 2).clip(0, m - 1)
                    for n, m in zip(look.weights.shape[-2:], (height, width), strict=True))  # fmt: skip
    return _enlarged(_wheel(height, width)[down[rows], across[columns]], look, found.content)


def gathered(found: Attention, look: Look) -> Image.Image:
    """The content's size: every place with the style's pixels, averaged over a position, that it looks at."""
    small = F.avg_pool2d(found.style, look.stride, ceil_mode=True, count_include_pad=False)
    rows, columns = look.correspondence
    pixels = small[0][:, rows, columns].permute(1, 2, 0)
    return _enlarged((pixels * 255).round().byte().numpy(), look, found.content)


def coloured(style: Image.Image) -> Image.Image:
    """The key to `correspondence_picture`: the style's lightness in the colours of its places."""
    wheel = _wheel(style.height, style.width).astype(np.float32)
    grey = np.asarray(style.convert("L"), np.float32)[..., None] / 255
    return Image.fromarray((wheel * (0.4 + 0.6 * grey)).astype(np.uint8))


def _wheel(height: int, width: int) -> Levels:
    """(h, w, 3) uint8 colours that name places: the hue runs from left to right, the saturation downwards."""
    hues = [colorsys.hsv_to_rgb(0.85 * (i + 0.5) / width, 1, 1) for i in range(width)]
    across = np.array(hues, np.float32)[None]
    down = np.linspace(0.2, 1, height, dtype=np.float32)[:, None, None]
    return ((1 - down + down * across) * 255).round().astype(np.uint8)


def _enlarged(levels: Levels, look: Look, picture: Tensor) -> Image.Image:
    """One square of `stride` pixels for each position, cut to the picture's size."""
    large = levels.repeat(look.stride, 0).repeat(look.stride, 1)[: picture.shape[-2], : picture.shape[-1]]
    return Image.fromarray(np.ascontiguousarray(large)).convert("RGB")
