"""Where each of several styles goes, and what of a picture counts: masks and opacity as shares of every position."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.colour import luma, match_colours
from impasto.errors import OptionError
from impasto.image import Picture, resize

# Times the largest opacity: what a pixel needs for its colour to be its own.
FAINT = 8.0


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

    What is transparent takes the colours of the nearest that is not, so that neither resizing nor the filters of a
    network see anything foreign at the edge. Raises OptionError if nothing of the style can be seen.
    """
    if style.alpha is None or bool((style.alpha == 1).all()):
        return style.pixels
    if not bool((style.alpha > 0).any()):
        raise OptionError("style is transparent everywhere, which leaves nothing to paint from")
    # Faint colours are rounded, but still colours; of a picture that is faint everywhere they are all that there is.
    known = (style.alpha / style.alpha.max() * FAINT).clamp(max=1)
    return torch.cat([_filled(style.pixels * known, known), style.alpha], 1)


def content_with_opacity(content: Picture) -> Tensor:
    """`with_opacity` of a content; one of which nothing can be seen is taken as if it were opaque."""
    is_hidden = content.alpha is not None and not bool((content.alpha > 0).any())
    return content.pixels if is_hidden else with_opacity(content)


def visible_colours(picture: Picture) -> Tensor:
    """(1, 3, H, W): the colours of `content_with_opacity`."""
    return visible(content_with_opacity(picture))[0]


def together(pictures: Sequence[Tensor]) -> Tensor:
    """(N, 3, H, W) of N contents of one size; (N, 4, H, W) if one has opacity, next to which the others are opaque."""
    channels = max(picture.shape[1] for picture in pictures)
    return torch.cat([F.pad(one, (0, 0, 0, 0, 0, channels - one.shape[1]), value=1.0) for one in pictures])


def visible(picture: Tensor) -> tuple[Tensor, Tensor | None]:
    """(N, 3 or 4, h, w) -> its colours, (N, 3, h, w), and its opacity, (N, 1, h, w), if it has any."""
    return (picture, None) if picture.shape[1] == 3 else (picture[:, :3], picture[:, 3:])


def match_visible(style: Tensor, content: Tensor) -> Tensor:
    """`match_colours` of a style and a content that may have opacity, by what is visible of them; the style's stays."""
    colours, opacity = visible(style)
    matched = match_colours(colours, visible(content)[0], opacity, visible(content)[1])
    return matched if opacity is None else torch.cat([matched, opacity], 1)


def _filled(sums: Tensor, known: Tensor) -> Tensor:
    """Colours for every position, (1, 3, h, w): a position's own as far as it is known, else the mean of the smallest
    square around it in which there are any. sums: colours times `known`; known: (1, 1, h, w) in [0, 1], not all 0."""
    height, width = known.shape[-2:]
    if max(height, width) == 1 or bool((known == 1).all()):
        return sums / known
    share = F.avg_pool2d(known, 2, ceil_mode=True)
    # A square of which a quarter is known is known: its colours are those next to what is not.
    weight = (4 * share).clamp(max=1)
    means = F.avg_pool2d(sums, 2, ceil_mode=True) / share.clamp_min(torch.finfo(share.dtype).tiny)
    coarse = _filled(means * weight, weight)
    around = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    return sums + (1 - known) * around


def inverted(mask: Picture) -> Picture:
    """White where `mask` is black, and where it is transparent."""
    return Picture(1 - _whiteness(mask).repeat(1, 3, 1, 1))


def _whiteness(mask: Picture) -> Tensor:
    """(1, 1, H, W) in [0, 1]; what is transparent is black."""
    light = luma(mask.pixels).clamp(0, 1)
    return light if mask.alpha is None else light * mask.alpha
