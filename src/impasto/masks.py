"""Where each of several styles goes, and what of a picture counts: masks and opacity as shares of every position."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impasto.colour import luma, match_colours
from impasto.engine.given import halved
from impasto.engine.raster import Held, Resized, Window
from impasto.errors import OptionError
from impasto.image import Picture, resize

# Times the largest opacity: what a pixel needs for its colour to be its own.
FAINT = 8.0

# Between the darkest and the lightest of a picture that counts as one colour: what a JPEG makes of it.
ONE_COLOUR = 1.5 / 255

Floats = NDArray[np.float32]

logger = logging.getLogger("impasto")


def regions(masks: Sequence[Picture | None], styles: int, height: int, width: int) -> list[Floats]:
    """One map (1, 1, height, width) in [0, 1] per style, whose sum is nowhere above 1.

    masks: one per style. None, or a missing last one, stands for everything that the other masks leave. Where masks
    overlap, their styles share the position. A mask that is smaller or larger is brought to the size.
    Raises OptionError if there are too few or too many, or two styles would get the rest.
    """
    given = [*masks, None] if len(masks) == styles - 1 else list(masks)
    if len(given) != styles:
        raise OptionError(f"masks are {len(masks)} and styles {styles}: give a mask for each style, or for all but one")
    if sum(mask is None for mask in given) > 1:
        raise OptionError("masks leave the rest to several styles: only one style can be without a mask of its own")
    maps = [None if mask is None else resize(_whiteness(mask), height, width) for mask in given]
    known = [one for one in maps if one is not None]
    if not known:
        raise OptionError("masks are all empty; give at least one")
    total = np.sum(known, 0)
    if len(known) == len(maps) and not total.any():
        logger.warning("the masks are black everywhere, so that no style is seen anywhere")
    left = np.maximum(1 - total, 0)
    return [left if one is None else one / np.maximum(total, 1) for one in maps]


def with_opacity(style: Picture) -> Floats:
    """(1, 3, h, w), or (1, 4, h, w) with the opacity of a style that is partly transparent.

    What is transparent takes the colours of the nearest that is not, so that neither resizing nor the filters of a
    network see anything foreign at the edge. Raises OptionError if nothing of the style can be seen.
    """
    if style.alpha is None or (style.alpha == 1).all():
        return style.pixels
    if not (style.alpha > 0).any():
        raise OptionError("style is transparent everywhere, which leaves nothing to paint from")
    # Faint colours are rounded, but still colours; of a picture that is faint everywhere they are all that there is.
    known = np.minimum(style.alpha / style.alpha.max() * np.float32(FAINT), 1)
    return np.concatenate([_filled(style.pixels * known, known), style.alpha], 1)


def style_pixels(style: Picture) -> Floats:
    """`with_opacity` of a style; a line in the log tells of one that has nothing to paint with but a colour."""
    pixels = with_opacity(style)
    colours = pixels[:, :3]
    if (np.ptp(colours, (2, 3)) < ONE_COLOUR).all():
        logger.warning("a style is of one colour, so that it has no strokes to paint with")
    return pixels


def content_with_opacity(content: Picture) -> Floats:
    """`with_opacity` of a content; one of which nothing can be seen is taken as if it were opaque."""
    is_hidden = content.alpha is not None and not (content.alpha > 0).any()
    return content.pixels if is_hidden else with_opacity(content)


def visible_colours(picture: Picture) -> Floats:
    """(1, 3, H, W): the colours of `content_with_opacity`."""
    return content_with_opacity(picture)[:, :3]


def together(pictures: Sequence[Floats]) -> Floats:
    """(N, 3, H, W) of N contents of one size; (N, 4, H, W) if one has opacity, next to which the others are opaque."""
    channels = max(picture.shape[1] for picture in pictures)
    joined: Floats = np.concatenate(
        [np.pad(one, ((0, 0), (0, channels - one.shape[1]), (0, 0), (0, 0)), constant_values=1) for one in pictures]
    )
    return joined


def visible(picture: Any) -> tuple[Any, Any]:
    """(N, 3 or 4, h, w) -> its colours, (N, 3, h, w), and its opacity, (N, 1, h, w), or None: arrays or tensors."""
    return (picture, None) if picture.shape[1] == 3 else (picture[:, :3], picture[:, 3:])


def match_visible(style: Floats, content: Floats) -> Floats:
    """`match_colours` of a style and a content that may have opacity, by what is visible of them; the style's stays."""
    colours, opacity = visible(style)
    matched = match_colours(colours, visible(content)[0], opacity, visible(content)[1])
    return matched if opacity is None else np.concatenate([matched, opacity], 1)


def _filled(sums: Floats, known: Floats) -> Floats:
    """Colours for every position, (1, 3, h, w): a position's own as far as it is known, else the mean of the smallest
    square around it in which there are any. sums: colours times `known`; known: (1, 1, h, w) in [0, 1], not all 0."""
    height, width = known.shape[-2:]
    if max(height, width) == 1 or (known == 1).all():
        return sums / known
    share = halved(known)
    # A square of which a quarter is known is known: its colours are those next to what is not.
    weight = (4 * share).clip(max=1)
    means = halved(sums) / np.maximum(share, np.finfo(np.float32).tiny)
    coarse = _filled(means * weight, weight)
    around = Resized(Held(coarse), (2 * coarse.shape[2], 2 * coarse.shape[3]), clamped=False, kernel="linear")
    return sums + (1 - known) * around.window(Window(0, 0, height, width))


def recoloured(content: Floats, styles: Sequence[Floats], shares: Sequence[Floats | float]) -> Floats:
    """`content` with the mean and covariance of the visible colours of each style, in its share; its opacity stays.

    content, styles: (1, 3 or 4, h, w), opacity last. shares: masks (1, 1, H, W) or numbers, one per style, that sum
    to 1 at most; the rest keeps its colours.
    """
    result = content
    for style, share in zip(styles, shares, strict=True):
        change = match_visible(content, style)
        change -= content
        change *= share
        change += result
        result = change
    return result


def inverted(mask: Picture) -> Picture:
    """White where `mask` is black, and where it is transparent."""
    return Picture((1 - _whiteness(mask)).repeat(3, 1))


def _whiteness(mask: Picture) -> Floats:
    """(1, 1, H, W) in [0, 1]; what is transparent is black.

    A mask whose lightest level is the first above black has 1 for white, as programs that find objects write them.
    """
    light = luma(mask.pixels).clip(0, 1)
    lightest = float(light.max()) * (2**mask.bits - 1)
    if 0.5 < lightest < 1.5:
        light = (light * np.float32(2**mask.bits - 1)).clip(0, 1)
    return light if mask.alpha is None else light * mask.alpha
