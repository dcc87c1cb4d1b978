"""Where every place of a content looks, in two pictures: in colours that name places of the style, and its pixels."""

import colorsys

import numpy as np
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from impasto.attention.maps import Levels, enlarged, grey


def in_colours(matches: Tensor, cell: int, content: Tensor, style: Tensor) -> Image.Image:
    """The content's size: every place in the colour that `key` gives the style's place that it looks at.

    matches: (2, H, W), row and column of the style's position that each of the content's looks at most.
    """
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
