"""What the decoder is given at each place of a picture: one style for all of it, or every style in its own region; and
the ground that it makes strokes of where the photo is plain, noise that depends on nothing but its place."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from impasto.engine.architecture import DecoderConfig, halved_side, level
from impasto.engine.raster import Raster, Window
from impasto.engine.statistics import Array, Codes, Statistics, exchange

Affine = Mapping[str, Statistics]
"""{layer or convolution: scale and shift}, each (N or 1, C, 1, 1), or a map of its size."""


@dataclass(frozen=True)
class Given:
    """exchange: of the features of each layer. modulation: of the responses of each convolution.

    of_style: `exchange` holds the statistics that the features are to get instead, and `gain` the most that their
    deviations may be multiplied by; for a picture that is all there, so that its own statistics are those of its
    features.
    """

    exchange: Affine
    modulation: Affine
    of_style: bool = False
    gain: float = 0.0

    def at(self, place: Window) -> "Given":
        """The same at every place."""
        return self

    def exchanging(self, own: Codes) -> "Given":
        """What is meant for features with these statistics, of a `Given` that is `of_style`."""
        found = {layer: exchange(style, own[layer], self.gain) for layer, style in self.exchange.items()}
        return Given(found, self.modulation)


@dataclass(frozen=True)
class InRegions:
    """regions: (its map, what is given in it) of each style. strength: how much of the styles. plain: the modulation
    where no style is; features are left as they are there."""

    regions: Sequence[tuple[Raster, Given]]
    strength: float
    plain: Affine

    def at(self, place: Window) -> Given:
        """Maps: every region's in its own share, and what is plain in the rest."""
        shares = [halvings(np.float32(self.strength) * region.window(place)) for region, _ in self.regions]
        given = [one for _, one in self.regions]
        nothing = (np.ones((1, 1, 1, 1), np.float32), np.zeros((1, 1, 1, 1), np.float32))
        features = _mixed(dict.fromkeys(given[0].exchange, nothing), [one.exchange for one in given], shares)
        return Given(features, _mixed(self.plain, [one.modulation for one in given], shares))

    def rest(self, place: Window) -> Array:
        """(1, 1, h, w): how much of each pixel is no style's."""
        total = sum(region.window(place) for region, _ in self.regions)
        return np.maximum(1 - np.float32(self.strength) * total, 0)


def halvings(mask: Array) -> list[Array]:
    """The mask at the sizes of the encoder's four blocks."""
    levels = [mask]
    for _ in range(3):
        levels.append(halved(levels[-1]))
    return levels


def halved(x: Array) -> Array:
    """(N, C, H, W): means of what there is of two rows and two columns."""
    return _halved(_halved(x, -1), -2)


def _halved(x: Array, axis: int) -> Array:
    x = x.swapaxes(axis, -1)
    if x.shape[-1] % 2:
        x = np.concatenate([x, x[..., -1:]], -1)
    return (np.float32(0.5) * (x[..., ::2] + x[..., 1::2])).swapaxes(axis, -1)


def _mixed(plain: Affine, styles: Sequence[Affine], shares: Sequence[list[Array]]) -> Affine:
    mixed = {}
    for name, (scale, shift) in plain.items():
        parts = [(style[name], share[level(name)]) for style, share in zip(styles, shares, strict=True)]
        scales = sum(part * (style_scale - scale) for (style_scale, _), part in parts)
        shifts = sum(part * (style_shift - shift) for (_, style_shift), part in parts)
        mixed[name] = scale + scales, shift + shifts
    return mixed


@dataclass(frozen=True)
class Conditioning:
    """weights: those of the decoder's file, by name; of a decoder without conditioning none are needed."""

    config: DecoderConfig
    weights: Mapping[str, Array]

    def __call__(self, style: Codes, detail: float = 1.0) -> dict[str, Statistics]:
        """{layer: statistics} -> {convolution: scale and shift, (N, C, 1, 1) both}; empty without conditioning.

        detail: how much of the photo's detail is wanted, from 0 to 1.
        """
        if not self.config.hidden:
            return {}
        values = np.concatenate([value[:, :, 0, 0] for layer in self.config.layers for value in style[layer]], 1)
        # Means and deviations spread over decades; their logarithms do not.
        values = np.log(np.maximum(values, 0) + np.float32(0.01))
        if self.config.detailed:
            values = np.concatenate([values, np.full((len(values), 1), detail, np.float32)], 1)
        code = self._linear("second", np.maximum(self._linear("first", values), 0))[:, :, None, None]
        modulation, place = {}, 0
        for name, count in self.config.modulated.items():
            modulation[name] = 1 + code[:, place : place + count], code[:, place + count : place + 2 * count]
            place += 2 * count
        return modulation

    def _linear(self, name: str, values: Array) -> Array:
        weight, bias = (self.weights[f"conditioning.{name}.{kind}"] for kind in ("weight", "bias"))
        return values @ weight.T + bias


def grounds(
    config: DecoderConfig, place: Window, size: tuple[int, int] = (0, 0), canvas: Array | None = None
) -> dict[str, Array]:
    """{convolution: its ground} at a place of a picture. size, canvas: as `ground_on` has them, where strokes move."""
    if canvas is not None:
        return {name: ground_on(canvas, size, place, block) for name, block in config.grounded.items()}
    found = {}
    for name, block in config.grounded.items():
        height, width = (halved_side(side, block - 1) for side in place.size)
        found[name] = ground(height, width, block, place.top >> block - 1, place.left >> block - 1)
    return found


@lru_cache(maxsize=12)
def ground(height: int, width: int, block: int, top: int = 0, left: int = 0) -> Array:
    """(1, 1, height, width), uniform with deviation 1, of the part of the picture that begins at row `top`, column
    `left`; all counted in positions of the block. So tiles fit together and strokes hold still where nothing moves."""
    return _noise(np.arange(top, top + height)[:, None], np.arange(left, left + width), block)


def ground_on(canvas: Array, size: tuple[int, int], place: Window, block: int) -> Array:
    """The same for a picture whose strokes move.

    canvas: (1, 2, H, W), where each of its pixels lies on what the strokes are on, x before y; where that is its own
    place in the picture, this is `ground`. size: that the picture is painted at, which may be smaller.
    place: the part of it that is wanted.
    """
    height, width = canvas.shape[-2:]
    step, ratio = 2 ** (block - 1), np.array([size[1] / width, size[0] / height], np.float32)
    rows = _nearest(np.arange(place.top, place.bottom, step) + step // 2, size[0], height)
    columns = _nearest(np.arange(place.left, place.right, step) + step // 2, size[1], width)
    middles = (canvas[0][:, rows[:, None], columns] + np.float32(0.5)) * (ratio / np.float32(step))[:, None, None]
    x, y = np.floor(middles).astype(np.int64)
    return _noise(y, x, block)


def _nearest(lines: NDArray[np.int64], count: int, source: int) -> NDArray[np.int64]:
    """The lines of a picture that are nearest to these of the picture resized from `source` to `count` lines."""
    return (2 * lines.clip(max=count - 1) + 1) * source // (2 * count)


def _noise(rows: NDArray[np.int64], columns: NDArray[np.int64], block: int) -> Array:
    """A hash of integers, which begin anew after 2^32."""
    value = rows.astype(np.uint32) * np.uint32(0x9E3779B1) + columns.astype(np.uint32) * np.uint32(0x85EBCA77)
    value += np.uint32(block * 0xC2B2AE3D & 0xFFFFFFFF)
    for factor in (0x7FEB352D, 0x846CA68B):
        value ^= value >> np.uint32(16)
        value *= np.uint32(factor)
    value ^= value >> np.uint32(16)
    noise = (value >> np.uint32(8)).astype(np.float32)
    noise = (noise / np.float32(2**23) - np.float32(1)) * np.float32(math.sqrt(3))
    return noise[None, None]
