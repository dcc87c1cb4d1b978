"""How a painting by optimisation fits into memory: at once, or in windows, with as much history as there is room for.

`benchmarks/memory.py` holds the figures to what is measured.
"""

import logging
import math
from dataclasses import dataclass

from impasto.encoders.network import LAYERS, Encoder, block_of, halvings_of
from impasto.methods.gatys.attention import layers_to_encode
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.windows import HALO
from impasto.sizes import largest_side

# Pixels of the side of a window's own part, the best first: what is around it is encoded with it.
SIDES = (1024, 768, 512, 384, 256, 128)
# Pictures that the optimiser works with while it moves, and only then.
AT_HAND = 10
# Steps that L-BFGS has to remember to be worth its name.
LEAST_HISTORY = 3

logger = logging.getLogger("impasto")


@dataclass(frozen=True)
class MemoryPlan:
    """side: of the windows, in pixels; None is the whole picture at once. bytes: that painting takes at its peak."""

    side: int | None
    history: int
    bytes: float


def plan(
    encoder: Encoder, options: GatysOptions, height: int, width: int, regions: int, available: float
) -> MemoryPlan:
    """The fastest way of painting height x width pixels in so many bytes; the smallest way if there is none.

    regions: of a painting with masks, or 1 where a part of it is transparent; 0 is without.
    """
    pixels, history = height * width, options.history
    at_once = MemoryPlan(None, history, pixels * _at_once(encoder, options, regions))
    if at_once.bytes <= available:
        return at_once
    for remembered in range(history, min(history, LEAST_HISTORY) - 1, -1):
        whole = pixels * _pictures(encoder, options, regions, remembered)
        for side in SIDES:
            needed = whole + _window(encoder, regions, side)
            smallest = side == SIDES[-1] and remembered == min(history, LEAST_HISTORY)
            if smallest and at_once.bytes <= needed:
                return at_once
            if needed <= available or smallest:
                if remembered < history:
                    logger.warning("L-BFGS remembers %d steps and not %d, for want of memory", remembered, history)
                return MemoryPlan(side, remembered, needed)
    raise AssertionError("unreachable: the smallest way is always returned")


def warn_of_more(
    chosen: MemoryPlan, encoder: Encoder, options: GatysOptions, height: int, width: int, regions: int
) -> None:
    """Say that even the smallest way takes more than max_memory, and the size that does not."""
    allowed = math.inf if options.max_memory is None else options.max_memory * 2**30
    if chosen.bytes > allowed:
        fits = largest_side(height, width, allowed / fitting_bytes_per_pixel(encoder, options, regions, allowed))
        logger.warning(
            "%d x %d pixels take about %.1f GiB, more than --max-memory %g; --size %d fits",
            *(width, height, chosen.bytes / 2**30, options.max_memory, fits),
        )


def least_bytes_per_pixel(encoder: Encoder, options: GatysOptions, regions: int = 0) -> float:
    """Memory of one pixel of a picture that is large beside a window."""
    return _pictures(encoder, options, regions, min(options.history, LEAST_HISTORY))


def fitting_bytes_per_pixel(encoder: Encoder, options: GatysOptions, regions: int, available: float) -> float:
    """Memory of one pixel of the largest picture that can be painted in so many bytes, with its share of a window."""
    at_once, least = _at_once(encoder, options, regions), least_bytes_per_pixel(encoder, options, regions)
    share = 1 - _window(encoder, regions, SIDES[-1]) / available if available else 0.0
    return min(at_once, least / share) if share > 0 else at_once


def _at_once(encoder: Encoder, options: GatysOptions, regions: int) -> float:
    """Bytes a pixel of a picture that is seen as a whole."""
    # While the layers are there, the optimiser has no pictures at hand but those that it remembers.
    step = _layers(encoder, regions) + _pictures(encoder, options, regions, options.history) - 12 * AT_HAND
    return max(step, _style(encoder, options))


def _pictures(encoder: Encoder, options: GatysOptions, regions: int, history: int) -> float:
    """Bytes a pixel of what is as large as the picture: L-BFGS remembers two pictures a step."""
    pictures = 2 * history + 8 + AT_HAND if options.chosen("optimizer") != "adam" else 12 + AT_HAND // 2
    values = 3.0 * pictures + 9 * regions
    for layer in options.layers("content_layers"):
        values += _values(encoder, layer)
    for layer in layers_to_encode(options):
        # Features of content and style, what is compared of them, and the values, all as wide as the widest.
        values += 6 * _values(encoder, layer)
    return 4 * values


def _layers(encoder: Encoder, regions: int) -> float:
    """Bytes a pixel of what is seen at once: of every layer its padded input, its output and their gradients."""
    values = 4.5 * sum(_values(encoder, layer) for layer in LAYERS)
    if regions:
        # The largest layer weighted, and the gradient of that.
        values += 2 * encoder.config.widths[0]
    return 4 * values


def _style(encoder: Encoder, options: GatysOptions) -> float:
    """Bytes a pixel of a style that is encoded at once: it is only looked at, which needs two layers."""
    return 4 * 4 * encoder.config.widths[0] * options.style_scale**2


def _window(encoder: Encoder, regions: int, side: int) -> float:
    return (side + 2 * HALO) ** 2 * _layers(encoder, regions)


def _values(encoder: Encoder, layer: str) -> float:
    """Numbers of a layer for one pixel of the picture."""
    return float(encoder.config.widths[block_of(layer) - 1]) / 4.0 ** halvings_of(layer)
