"""How each frame of a film is painted, given the one before: in one pass, or by optimisation.

Frames are painted in order; `paint` and `settle` may be called from two threads. What the next frame depends on, to be
given back to `resume`, is the memory of `paint` and of `settle` after it together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impasto import image
from impasto.colour import keep_colours
from impasto.device import needed_torch
from impasto.engine.statistics import Following
from impasto.masks import content_with_opacity, match_visible, visible
from impasto.methods import REFINER, Stylizer, TemporalTarget, load_method, painted_by, refinement
from impasto.options import Options
from impasto.video.motion import Floats, Motion, blended, moved_canvas, places, warped
from impasto.video.reading import Pixels

# Time within which a shot's statistics follow the photo, at steady 1.
FOLLOWED_SECONDS = 1.25

Memory = dict[str, NDArray[Any]]
"""What the next frame depends on, to be kept on disk."""


@dataclass(frozen=True)
class ShownFrame:
    """A frame to paint. motion: from the last one; None where a shot begins. seconds: since the last one."""

    pixels: Pixels
    motion: Motion | None = None
    seconds: float = 0.0


def frame_painter(stylizer: Stylizer, styles: Sequence[Any], options: Options, steady: float) -> "OnePass | Optimised":
    """styles: pictures, (1, 3 or 4, h, w), or encoded."""
    painter = Optimised if options.takes_steps else OnePass
    return painter(stylizer, styles, options, steady)


class OnePass:
    """A method that paints in one pass: frames do not depend on painted ones until they are settled."""

    def __init__(self, stylizer: Stylizer, styles: Sequence[Any], options: Options, steady: float) -> None:
        self.stylizer = stylizer
        self.options = options
        self.steady = steady
        self.styles = _pictures(styles, options) if options.colour == "match" else styles
        self.matched = self._encoded(self.styles)
        self.first: Floats | None = None
        self.used: list[Any] = []
        self.canvas: Floats
        self.before: Floats | None = None

    def paint(self, shown: ShownFrame) -> tuple[Floats, Memory]:
        """(H, W, 3) in [0, 1], and its memory."""
        content = as_content(shown.pixels)
        if shown.motion is None:
            self.used, self.canvas = [], places(*content.shape[-2:])
            if self.options.colour == "match" and (self.steady or self.first is None):
                self._match(content)
        else:
            self.canvas = moved_canvas(self.canvas, shown.motion)
        painted = self._painted(content, shown)
        if self.options.colour == "keep":
            painted = keep_colours(painted, visible(content)[0])
        return channels_last(painted), self._memory()

    def _match(self, content: Floats) -> None:
        """The styles take the colours of a shot's first frame."""
        self.first = content
        self.matched = self._encoded([match_visible(style, content) for style in self.styles])

    def _encoded(self, styles: Sequence[Any]) -> Sequence[Any]:
        """Once for all frames, where the method can."""
        if not self.options.encoded:
            return styles
        encode = self.stylizer.encode  # type: ignore[attr-defined]
        return [encode(one, self.options) if isinstance(one, np.ndarray) else one for one in styles]

    def _painted(self, content: Floats, shown: ShownFrame) -> Floats:
        if not self.steady or not hasattr(self.stylizer, "paint_frame"):
            return painted_by(self.stylizer, content, self.matched, self.options)
        share = 1 - math.exp(-shown.seconds / (FOLLOWED_SECONDS * self.steady))
        following = Following(self.used, share)
        painted: Floats = self.stylizer.paint_frame(
            content, self.matched, self.options, following=following, canvas=channels_first(self.canvas)
        )
        self.used = following.used
        return painted

    def settle(self, painted: Floats, shown: ShownFrame) -> tuple[Floats, Memory]:
        """What becomes of it beside the last one, and its memory."""
        if self.steady and shown.motion is not None and self.before is not None:
            painted = blended(painted, self.before, shown.motion, self.steady)
        self.before = painted
        return painted, {"before": painted}

    def _memory(self) -> Memory:
        memory: Memory = {"canvas": self.canvas}
        for number, seen in enumerate(self.used):
            for name, pair in seen.items():
                memory |= {f"used/{number}/{name}/{k}": value for k, value in enumerate(pair)}
        return memory if self.first is None else memory | {"first": self.first}

    def resume(self, memory: Memory) -> None:
        pairs: dict[int, dict[str, list[Floats]]] = {}
        for key in sorted(memory):
            if key.startswith("used/"):
                _, number, name, _ = key.split("/")
                pairs.setdefault(int(number), {}).setdefault(name, []).append(memory[key])
        self.used = [{name: tuple(pair) for name, pair in pairs[number].items()} for number in sorted(pairs)]
        self.canvas = memory["canvas"]
        self.before = memory["before"]
        if "first" in memory:
            self._match(memory["first"])


class Optimised:
    """A method that optimises: each frame begins with the last one, moved, and is held to it (Ruder et al. 2016)."""

    def __init__(self, stylizer: Stylizer, styles: Sequence[Any], options: Options, steady: float) -> None:
        refining = refinement(options)
        self.base = None if refining is None else OnePass(stylizer, styles, options, steady)
        self.options: Any = refining or options
        if refining is not None:
            needed_torch(options.refinement_choice)
        self.optimiser: Any = load_method(REFINER, stylizer.device, weights=stylizer.weights) if refining else stylizer
        self.styles = _pictures(styles, options)
        self.steady = steady
        self.before: Floats | None = None

    def paint(self, shown: ShownFrame) -> tuple[Floats, Memory]:
        content = as_content(shown.pixels)
        plain, _ = visible(content)
        start, held, options = None, None, self.options
        if shown.motion is not None and self.before is not None:
            moved = channels_first(warped(self.before, shown.motion.flow).clip(0, 1))
            seen = shown.motion.seen[None, None]
            start = plain + seen * (moved - plain)
            held = _held(moved, self.steady * seen)
            options = replace(options, scales=1)
        memory: Memory = {}
        if self.base:
            painted, memory = self.base.paint(shown)
            start = channels_first(self.base.settle(painted, shown)[0])
        styles = [match_visible(style, content) for style in self.styles] if options.colour == "match" else self.styles
        result = painted_by(self.optimiser, content, styles, options, start=start, held=held)
        if options.colour == "keep":
            result = keep_colours(result, plain)
        self.before = channels_last(result)
        if self.base:
            # The next pass is blended with what became of this one.
            self.base.before = self.before
        return self.before, memory | {"before": self.before}

    def settle(self, painted: Floats, shown: ShownFrame) -> tuple[Floats, Memory]:
        return painted, {}

    def resume(self, memory: Memory) -> None:
        self.before = memory["before"]
        if self.base:
            self.base.resume(memory)


def _pictures(styles: Sequence[Any], options: Options) -> list[Floats]:
    return [style if isinstance(style, np.ndarray) else style.pixels(options) for style in styles]


def _held(picture: Floats, weights: Floats) -> TemporalTarget:
    import torch

    return TemporalTarget(torch.from_numpy(picture), torch.from_numpy(weights))


def as_content(pixels: Pixels) -> Floats:
    """(1, 3, H, W), or with opacity (1, 4, H, W)."""
    return content_with_opacity(image.from_array(pixels))


def channels_first(picture: Floats) -> Floats:
    """(H, W, C) -> (1, C, H, W)."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None])


def channels_last(picture: Floats) -> Floats:
    """(1, C, H, W) -> (H, W, C)."""
    return np.ascontiguousarray(picture[0].transpose(1, 2, 0))


def to_pixels(picture: Floats, source: Pixels) -> Pixels:
    """(H, W, 3) in [0, 1] with as many bits as the source, and with its opacity."""
    white = np.iinfo(source.dtype).max
    pixels = np.rint(picture.clip(0, 1) * white).astype(source.dtype)
    return np.concatenate([pixels, source[..., 3:]], 2) if source.shape[2] == 4 else pixels
