"""How a painting by optimisation fits into memory: at once, or in windows; what is kept from step to step in memory, or
in files; and with as much history as there is room for.

`benchmarks/memory.py` holds the figures to what is measured.
"""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from impasto.device import disk_room, free_memory, resident_memory
from impasto.encoders.network import LAYERS, Encoder, block_of, halvings_of
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.terms import layers_to_encode
from impasto.methods.gatys.windows import HALO
from impasto.sizes import largest_side

# Pixels of the side of a window's own part, the best first: what is around it is encoded with it.
SIDES = (1024, 768, 512, 384, 256, 128)
# Pictures that the optimiser works with while it moves, and only then.
AT_HAND = 10
# With the rest in files: while a window is seen, the picture and its gradient; and what the optimiser works with.
SEEN, MOVED_BY_LBFGS, MOVED_BY_ADAM = 2, 4, 7
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


@dataclass(frozen=True)
class Allowance:
    """Bytes that there are for painting on a device: of memory, and of files in place of it. taken: by the process, of
    what it may have, whatever it paints, as far as is known."""

    memory: float
    disk: float = 0
    taken: float = 0

    @classmethod
    def on(cls, device: torch.device, max_memory: float | None) -> "Allowance":
        """max_memory: GiB that the process may have."""
        on_cpu, free = device.type == "cpu", free_memory(device)
        taken = resident_memory() + LOADED if on_cpu else 0
        allowed = math.inf if max_memory is None else max_memory * 2**30 - taken
        return cls(min(allowed, math.inf if free is None else free), disk_room() if on_cpu else 0, taken)


@dataclass(frozen=True)
class Needs:
    """What a painting with this encoder and these options takes of memory.

    regions: of a painting with masks, or 1 where a part of it is transparent; 0 is without.
    """

    encoder: Encoder
    options: GatysOptions
    regions: int = 0

    def plan(self, height: int, width: int, room: Allowance) -> MemoryPlan:
        """The fastest way of painting height x width pixels in this room; the smallest way if there is none."""
        ways = list(self._ways(height * width, room.disk))
        fitting = (way for way in ways if way.bytes <= room.memory)
        chosen = next(fitting, None) or min(ways, key=lambda way: way.bytes)
        if chosen.history < self.options.history:
            logger.warning(
                "L-BFGS remembers %d steps and not %d, for want of memory", chosen.history, self.options.history
            )
        return chosen

    def warn_of_more(self, chosen: MemoryPlan, height: int, width: int, room: Allowance) -> None:
        """Say that even the smallest way takes more than max_memory, and the size that does not."""
        most = self.options.max_memory
        allowed = math.inf if most is None else max(0.0, most * 2**30 - room.taken)
        if chosen.bytes > allowed:
            per_pixel = self.fitting_bytes_per_pixel(Allowance(allowed, room.disk))
            logger.warning(
                "%d x %d pixels take about %.1f GiB, more than --max-memory %g; --size %d fits",
                *(width, height, (room.taken + chosen.bytes) / 2**30, most),
                largest_side(height, width, allowed / per_pixel),
            )

    def fitting_bytes_per_pixel(self, room: Allowance) -> float:
        """Memory of one pixel of the largest picture that can be painted in this room, with its share of a window."""
        ways = [self._at_once]
        share = 1 - self._window(SIDES[-1]) / room.memory if room.memory else 0.0
        if share > 0:
            ways.append(self._pictures(self._least_history) / share)
            if room.disk:
                seen, moved = self._beside_files
                ways.append(max(seen / share, moved, room.memory * self._filed(self._least_history) / room.disk))
        return min(ways)

    def _ways(self, pixels: int, disk: float) -> Iterator[MemoryPlan]:
        """All of them, the best first."""
        history = self.options.history
        yield MemoryPlan(None, history, pixels * self._at_once)
        for remembered in range(history, self._least_history - 1, -1):
            kept = pixels * self._pictures(remembered)
            for side in SIDES:
                yield MemoryPlan(side, remembered, kept + self._window(side))
            if pixels * self._filed(remembered) <= disk:
                seen, moved = (pixels * count for count in self._beside_files)
                for side in SIDES:
                    yield MemoryPlan(side, remembered, max(seen + self._window(side), moved), in_files=True)

    @property
    def _by_adam(self) -> bool:
        return bool(self.options.chosen("optimizer") == "adam")

    @property
    def _least_history(self) -> int:
        return min(self.options.history, LEAST_HISTORY)

    @property
    def _at_once(self) -> float:
        """Bytes a pixel of a picture that is seen as a whole."""
        # While the layers are there, the optimiser has no pictures at hand but those that it remembers.
        step = self._layers + self._pictures(self.options.history) - 12 * AT_HAND
        # A style that is encoded at once is only looked at, which needs two layers.
        style = 4 * 4 * self.encoder.config.widths[0] * self.options.style_scale**2
        return max(step, style)

    def _pictures(self, history: int) -> float:
        """Bytes a pixel of what is as large as the picture: L-BFGS remembers two pictures a step."""
        pictures = 12 + AT_HAND // 2 if self._by_adam else 2 * history + 8 + AT_HAND
        return 4 * (3.0 * pictures + self._targets)

    @property
    def _targets(self) -> float:
        """Numbers a pixel of what the features of content and style are compared with, and of regions."""
        values = sum(self._values(layer) for layer in self.options.layers("content_layers"))
        # Features of content and style, what is compared of them, and the values, all as wide as the widest.
        values += 6 * sum(self._values(layer) for layer in layers_to_encode(self.options))
        return values + 9 * self.regions

    @property
    def _beside_files(self) -> tuple[float, float]:
        """Bytes of memory a pixel while windows are seen, and while the optimiser moves, with the rest in files."""
        moved = MOVED_BY_ADAM if self._by_adam else MOVED_BY_LBFGS
        return 4 * (self._targets + 3.0 * SEEN), 4 * (self._targets + 3.0 * moved)

    def _filed(self, history: int) -> float:
        """Bytes a pixel of the files."""
        return 4 * 3.0 * (FILED + (0 if self._by_adam else 2 * history))

    @property
    def _layers(self) -> float:
        """Bytes a pixel of what is seen at once: of every layer its padded input, its output and their gradients."""
        values = 4.5 * sum(self._values(layer) for layer in LAYERS)
        if self.regions:
            # The largest layer weighted, and the gradient of that.
            values += 2 * self.encoder.config.widths[0]
        return 4 * values

    def _window(self, side: int) -> float:
        return (side + 2 * HALO) ** 2 * self._layers

    def _values(self, layer: str) -> float:
        """Numbers of a layer for one pixel of the picture."""
        return float(self.encoder.config.widths[block_of(layer) - 1]) / 4.0 ** halvings_of(layer)


def bytes_of_comparing(encoder: Encoder, compared: Mapping[str, Sequence[str]]) -> float:
    """Memory of one pixel of either picture while attention compares at these layers the features of those."""
    widths = encoder.config.widths
    joined = sum(
        widths[block_of(name) - 1] / 4 ** halvings_of(layer) for layer, names in compared.items() for name in names
    )
    # Two layers at the picture's own size; features, normalised, joined, and laid out for the product.
    result: float = 4 * (2 * widths[0] + 4 * joined)
    return result
