"""Places of a content, how they are written and where they lie in what a network sees of it; and maps of weights as
pictures. A map is (h, w), and each of its values stands for a square of `cell` pixels.

Matches, (2, H, W), are row and column of the style's position that each of the content's looks at most.
"""

import colorsys
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from impasto import image, tensors
from impasto.errors import OptionError
from impasto.options import LOOK_SIZE, Options
from impasto.sizes import fit_within

Levels = NDArray[np.uint8]
Place = tuple[float, float]
"""(x, y) in pixels."""

DARKEST = 0.15
"""Share of the light that is left where nothing is looked at, so that the picture can still be made out."""


def seen_size(picture: image.Picture, options: Options) -> tuple[int, int]:
    """(height, width) at which a network sees a content."""
    height, width = picture.height, picture.width
    return image.fit(height, width, options.size) if options.size else fit_within(height, width, LOOK_SIZE)


def scaled(places: Sequence[str | Place], given: tuple[int, int], content: Tensor) -> list[Place]:
    """Places in the content (1, 3, h, w), of those in the picture of the size `given` that it was made from.

    given: (width, height). Raises OptionError.
    """
    height, width = content.shape[-2:]
    parsed = [parse_place(place, *given) for place in places]
    return [(min(x * width / given[0], width - 0.5), min(y * height / given[1], height - 0.5)) for x, y in parsed]


def parse_place(place: str | Place, width: int, height: int) -> Place:
    """From "120,80" or "50%,20%". Raises OptionError if it is none, or outside the picture."""
    parts = place.split(",") if isinstance(place, str) else [str(value) for value in place]
    try:
        x, y = (
            float(part.strip().removesuffix("%")) * (side / 100 if part.strip().endswith("%") else 1)
            for part, side in zip(parts, (width, height), strict=True)
        )
    except ValueError:
        raise OptionError(f"place '{place}' must be x,y in pixels or percent, like 120,80 or 50%,20%") from None
    if not (0 <= x <= width and 0 <= y <= height):
        raise OptionError(f"place '{place}' lies outside the picture of {width} x {height} pixels")
    return min(x, width - 0.5), min(y, height - 0.5)


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
    large = F.interpolate(light[None, None], scale_factor=cell, mode="bilinear")
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
    small = F.adaptive_avg_pool2d(weights[:, None], (down, across))[:, 0]
    tiles = np.stack([grey(by_level(one)) for one in small])
    rows = -(-len(tiles) // columns)
    sheet = np.zeros((rows * columns, down, across), np.uint8)
    sheet[: len(tiles)] = tiles
    return Image.fromarray(sheet.reshape(rows, columns, down, across).swapaxes(1, 2).reshape(rows * down, -1))


def in_colours(matches: Tensor, cell: int, content: Tensor, style: Tensor) -> Image.Image:
    """The content's size: every place in the colour that `key` gives the style's place that it looks at."""
    rows, columns = (index.numpy() for index in matches)
    height, width = style.shape[-2:]
    # Positions at the end of an odd side reach beyond the picture.
    down, across = ((cell * np.arange(-(-n // cell)) + cell // 2).clip(0, n - 1) for n in (height, width))
    return enlarged(_wheel(height, width)[down[rows], across[columns]], cell, content)


def gathered(matches: Tensor, cell: int, content: Tensor, style: Tensor) -> Image.Image:
    """The content's size: every place with the style's pixels, averaged over a position, that it looks at."""
    small = F.avg_pool2d(style, cell, ceil_mode=True, count_include_pad=False)
    rows, columns = matches
    return enlarged(grey(small[0][:, rows, columns].permute(1, 2, 0)), cell, content)


def key(style: Image.Image) -> Image.Image:
    """The style's lightness in the colours of its places."""
    wheel = _wheel(style.height, style.width).astype(np.float32)
    lightness = np.asarray(style.convert("L"), np.float32)[..., None] / 255
    return Image.fromarray((wheel * (0.4 + 0.6 * lightness)).astype(np.uint8))


def _wheel(height: int, width: int) -> Levels:
    """(h, w, 3) colours that name places: the hue runs from left to right, the saturation downwards."""
    hues = [colorsys.hsv_to_rgb(0.85 * (i + 0.5) / width, 1, 1) for i in range(width)]
    across = np.array(hues, np.float32)[None]
    down = np.linspace(0.2, 1, height, dtype=np.float32)[:, None, None]
    return ((1 - down + down * across) * 255).round().astype(np.uint8)
