"""How a painting by optimisation fits into memory: at once, or in windows; what is kept from step to step in memory, or
in files; and with as much history as there is room for.

`benchmarks/memory.py` holds the figures to what is measured.
"""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from impasto.device import disk_room, free_memory, resident_memory
from impasto.encoders.network import LAYERS, Encoder, block_of, halvings_of
from impasto.methods.gatys.attention import layers_to_encode
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.windows import HALO
from impasto.sizes import largest_side

# Pixels of the side of a window's own part, the best first: what is around it is encoded with it.
SIDES = (1024, 768, 512, 384, 256, 128)
# Pictures that the optimiser works with while it moves, and only then.
AT_HAND = 10
# With the rest in files: while a window is seen, the picture and its gradient; and what the optimiser works with.
SEEN, MOVED = 2, {"lbfgs": 4, "adam": 7}
# Kept in files besides what L-BFGS remembers: content, its colours changed, start, change, best, direction, gradient
# before, moments, and what takes the place of others.
FILED = 12
# Bytes of what PyTorch loads and sets up once it computes, whatever the picture; measured.
LOADED = 2e8
# Steps that L-BFGS has to remember to be worth its name.
LEAST_HISTORY = 3

logger = logging.getLogger("impasto")


@dataclass(frozen=True)
class MemoryPlan:
    """side: of the windows, in pixels; None is the whole picture at once. bytes: of memory that painting takes at its
    peak. in_files: whether what is kept from step to step lies in files."""

    side: int | None
    history: int
    bytes: float
    in_files: bool = False


def taken_by_process(device: torch.device) -> float:
    """Bytes of the device's memory that the process has whatever it paints, as far as is known."""
    return resident_memory() + LOADED if device.type == "cpu" else 0


def available(device: torch.device, options: GatysOptions, taken: float) -> float:
    """Bytes that painting may take. taken: by the process, of what it may have."""
    free = free_memory(device)
    allowed = math.inf if options.max_memory is None else options.max_memory * 2**30 - taken
    return min(allowed, math.inf if free is None else free)


def room_for_files(device: torch.device) -> float:
    """Bytes that files in place of the device's memory may have."""
    return disk_room() if device.type == "cpu" else 0


def plan(
    encoder: Encoder, options: GatysOptions, height: int, width: int, regions: int, available: float, disk: float = 0
) -> MemoryPlan:
    """The fastest way of painting height x width pixels in so many bytes; the smallest way if there is none.

    regions: of a painting with masks, or 1 where a part of it is transparent; 0 is without. disk: bytes that files may
    have.
    """
    ways = list(_ways(encoder, options, height * width, regions, disk))
    fitting = (way for way in ways if way.bytes <= available)
    chosen = next(fitting, None) or min(ways, key=lambda way: way.bytes)
    if chosen.history < options.history:
        logger.warning("L-BFGS remembers %d steps and not %d, for want of memory", chosen.history, options.history)
    return chosen


def _ways(encoder: Encoder, options: GatysOptions, pixels: int, regions: int, disk: float) -> Iterator[MemoryPlan]:
    """All of them, the best first."""
    yield MemoryPlan(None, options.history, pixels * _at_once(encoder, options, regions))
    for history in range(options.history, _least_history(options) - 1, -1):
        kept = pixels * _pictures(encoder, options, regions, history)
        for side in SIDES:
            yield MemoryPlan(side, history, kept + _window(encoder, regions, side))
        if pixels * _filed(options, history) <= disk:
            seen, moved = (pixels * count for count in _beside_files(encoder, options, regions))
            for side in SIDES:
                yield MemoryPlan(side, history, max(seen + _window(encoder, regions, side), moved), in_files=True)


def warn_of_more(
    chosen: MemoryPlan, encoder: Encoder, options: GatysOptions, height: int, width: int, regions: int,
    taken: float = 0, disk: float = 0,
) -> None:  # fmt: skip
    """Say that even the smallest way takes more than max_memory, and the size that does not. taken: bytes of it
    that the process has besides. disk: as of `plan`."""
    allowed = math.inf if options.max_memory is None else max(0.0, options.max_memory * 2**30 - taken)
    if chosen.bytes > allowed:
        per_pixel = fitting_bytes_per_pixel(encoder, options, regions, allowed, disk)
        logger.warning(
            "%d x %d pixels take about %.1f GiB, more than --max-memory %g; --size %d fits",
            *(width, height, (taken + chosen.bytes) / 2**30, options.max_memory),
            largest_side(height, width, allowed / per_pixel),
        )


def least_bytes_per_pixel(encoder: Encoder, options: GatysOptions, regions: int = 0) -> float:
    """Memory of one pixel of a picture that is large beside a window, without files."""
    return _pictures(encoder, options, regions, _least_history(options))


def fitting_bytes_per_pixel(
    encoder: Encoder, options: GatysOptions, regions: int, available: float, disk: float = 0
) -> float:
    """Memory of one pixel of the largest picture that can be painted in so many bytes, with its share of a window."""
    ways = [_at_once(encoder, options, regions)]
    share = 1 - _window(encoder, regions, SIDES[-1]) / available if available else 0.0
    if share > 0:
        ways.append(least_bytes_per_pixel(encoder, options, regions) / share)
        if disk:
            seen, moved = _beside_files(encoder, options, regions)
            ways.append(max(seen / share, moved, available * _filed(options, _least_history(options)) / disk))
    return min(ways)


def _least_history(options: GatysOptions) -> int:
    return min(options.history, LEAST_HISTORY)


def _at_once(encoder: Encoder, options: GatysOptions, regions: int) -> float:
    """Bytes a pixel of a picture that is seen as a whole."""
    # While the layers are there, the optimiser has no pictures at hand but those that it remembers.
    step = _layers(encoder, regions) + _pictures(encoder, options, regions, options.history) - 12 * AT_HAND
    return max(step, _style(encoder, options))


def _pictures(encoder: Encoder, options: GatysOptions, regions: int, history: int) -> float:
    """Bytes a pixel of what is as large as the picture: L-BFGS remembers two pictures a step."""
    pictures = 2 * history + 8 + AT_HAND if options.chosen("optimizer") != "adam" else 12 + AT_HAND // 2
    return 4 * (3.0 * pictures + 9 * regions + _targets(encoder, options))


def _targets(encoder: Encoder, options: GatysOptions) -> float:
    """Numbers a pixel of what the features of content and style are compared with."""
    values = 0.0
    for layer in options.layers("content_layers"):
        values += _values(encoder, layer)
    for layer in layers_to_encode(options):
        # Features of content and style, what is compared of them, and the values, all as wide as the widest.
        values += 6 * _values(encoder, layer)
    return values


def _beside_files(encoder: Encoder, options: GatysOptions, regions: int) -> tuple[float, float]:
    """Bytes of memory a pixel while windows are seen, and while the optimiser moves, with the rest in files."""
    always = _targets(encoder, options) + 9 * regions
    moved = MOVED["adam" if options.chosen("optimizer") == "adam" else "lbfgs"]
    return 4 * (always + 3.0 * SEEN), 4 * (always + 3.0 * moved)


def _filed(options: GatysOptions, history: int) -> float:
    """Bytes a pixel of the files."""
    remembered = 0 if options.chosen("optimizer") == "adam" else 2 * history
    return 4 * 3.0 * (FILED + remembered)


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
