"""Where each of several styles goes, and what of a style counts: masks and opacity as shares of every position."""

from collections.abc import Sequence

import torch
from torch import Tensor

from impasto.colour import luma, match_colours
from impasto.errors import OptionError
from impasto.image import Picture, resize


def regions(masks: Sequence[Picture | None], styles: int, height: int, width: int) -> list[Tensor]:
    """One map (1, 1, height, width) in [0, 1] per style, whose sum is nowhere above 1.

    masks: one per style. None, or a missing last one, stands for everything that the other masks leave. Where masks
    overlap, their styles share the position. A mask that is smaller or larger is brought to the size.
    Raises OptionError if there are too few or too many.
    """
    given = [*masks, None] if len(masks) == styles - 1 else list(masks)
    if len(given) != styles or sum(mask is None for mask in given) > 1:
        raise OptionError(f"{len(masks)} masks do not fit {styles} styles: give one for each, or for all but one")
    maps = [None if mask is None else resize(_whiteness(mask), height, width) for mask in given]
    known = [one for one in maps if one is not None]
    if not known:
        raise OptionError("masks are all empty; give at least one")
    total = torch.stack(known).sum(0)
    left = (1 - total).clamp_min(0)
    return [left if one is None else one / total.clamp_min(1) for one in maps]


def with_opacity(style: Picture) -> Tensor:
    """(1, 3, h, w), or (1, 4, h, w) with the opacity of a style that is partly transparent.

    What is transparent takes the mean of the visible colours, so that neither resizing nor the filters of a network
    see anything foreign at the edge. Raises OptionError if nothing of the style can be seen.
    """
    if style.alpha is None or bool((style.alpha == 1).all()):
        return style.pixels
    if not bool((style.alpha > 0).any()):
        raise OptionError("style is transparent everywhere, which leaves nothing to paint from")
    mean = (style.pixels * style.alpha).sum((2, 3), keepdim=True) / style.alpha.sum()
    return torch.cat([mean + style.alpha * (style.pixels - mean), style.alpha], 1)


def visible(style: Tensor) -> tuple[Tensor, Tensor | None]:
    """(1, 3 or 4, h, w) -> its colours, (1, 3, h, w), and its opacity, (1, 1, h, w), if it has any."""
    return (style, None) if style.shape[1] == 3 else (style[:, :3], style[:, 3:])


def match_visible(style: Tensor, content: Tensor) -> Tensor:
    """`match_colours` for a style that may have opacity, which stays as it is."""
    colours, opacity = visible(style)
    matched = match_colours(colours, content)
    return matched if opacity is None else torch.cat([matched, opacity], 1)


def recoloured(content: Tensor, styles: Sequence[Tensor], shares: Sequence[Tensor | float]) -> Tensor:
    """`content`, (1, 3, H, W), with the mean and covariance of the visible colours of each style, in its share.

    shares: masks (1, 1, H, W) or numbers, one per style, that sum to 1 at most; the rest keeps its colours.
    """
    result = content
    for style, share in zip(styles, shares, strict=True):
        result = result + share * (match_colours(content, seen_colours(style)) - content)
    return result


def seen_colours(style: Tensor) -> Tensor:
    """(1, 3 or 4, h, w) -> the colours of the pixels that are more than half as opaque as the most opaque one,
    (1, 3, 1, P)."""
    colours, opacity = visible(style)
    if opacity is None:
        return colours.flatten(2)[:, :, None]
    return colours[:, :, (opacity > opacity.max() / 2)[0, 0]][:, :, None]


def inverted(mask: Picture) -> Picture:
    """White where `mask` is black, and where it is transparent."""
    return Picture(1 - _whiteness(mask).repeat(1, 3, 1, 1))


def _whiteness(mask: Picture) -> Tensor:
    """(1, 1, H, W) in [0, 1]; what is transparent is black."""
    light = luma(mask.pixels).clamp(0, 1)
    return light if mask.alpha is None else light * mask.alpha
