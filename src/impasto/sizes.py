"""Sizes of one picture, which keep its aspect ratio."""

import math

from impasto.errors import OptionError


def fit(height: int, width: int, longer_side: int | None) -> tuple[int, int]:
    """The (height, width) in pixels whose longer side is longer_side, aspect kept, at least 1; None changes nothing."""
    if longer_side is None:
        return height, width
    if longer_side < 1:
        raise OptionError(f"the longer side of a picture is at least 1 pixel, not {longer_side}")
    longer = max(height, width)
    tall, wide = ((2 * side * longer_side + longer) // (2 * longer) for side in (height, width))
    return max(1, tall), max(1, wide)


def fit_within(height: int, width: int, longer_side: int) -> tuple[int, int]:
    """The (height, width) that `fit` gives, of a picture that is larger; its own, if it is not."""
    return fit(height, width, min(longer_side, max(height, width)))


def largest_side(height: int, width: int, pixels: float) -> int:
    """The longer side of the largest size of at most so many pixels, at least 1; of a size that `fit` gives."""
    side = max(1, int(max(height, width) * (pixels / (height * width)) ** 0.5))
    # The shorter side is rounded, which can be a row of pixels too many.
    while side > 1 and math.prod(fit(height, width, side)) > pixels:
        side -= 1
    return side
