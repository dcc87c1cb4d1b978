"""A picture's features, window by window: what they are for the whole picture, in the memory of one window.

A window is encoded with as much around it as its features see. Its positions then have the features that they have in
the whole picture, because windows begin where all poolings do, and because the network has no statistics of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.encoders.network import Encoder, halvings_of
from impasto.losses.covariance import mean_of
from impasto.losses.gram import gram

# relu5_1 sees 85 pixels to each side; a multiple of GRID.
HALO = 96
# Four poolings halve; for the fifth of pool5_1, sides are multiples of 32, as those of memory.SIDES are.
GRID = 16


@dataclass(frozen=True)
class PaddedWindow:
    """A part of a picture, in pixels: `rows` and `columns`, of which `core_rows` and `core_columns` are its own."""

    rows: slice
    columns: slice
    core_rows: slice
    core_columns: slice

    def of(self, picture: Tensor) -> Tensor:
        """(N, C, H, W) -> a view of what the window sees."""
        return picture[..., self.rows, self.columns]

    def core_of(self, features: Tensor, layer: str) -> Tensor:
        """The window's own positions, of its features at the layer."""
        rows, columns = self.core_rows, self.core_columns
        within = (
            slice(rows.start - self.rows.start, rows.stop - self.rows.start),
            slice(columns.start - self.columns.start, columns.stop - self.columns.start),
        )
        return features[..., _at(within[0], layer), _at(within[1], layer)]

    def place_in(self, features: Tensor, layer: str) -> Tensor:
        """The window's own positions, of what the whole picture has at the layer."""
        return features[..., _at(self.core_rows, layer), _at(self.core_columns, layer)]


def windows(picture: Tensor, side: int | None) -> list[PaddedWindow]:
    """Windows whose own parts, `side` x `side` pixels, make up (1, 3, H, W); one for all of it if `side` is None.

    side: a multiple of GRID.
    """
    height, width = picture.shape[-2:]
    if side is None or side >= max(height, width):
        return [PaddedWindow(slice(0, height), slice(0, width), slice(0, height), slice(0, width))]
    assert side % GRID == 0
    return [
        PaddedWindow(
            _seen(top, side, height), _seen(left, side, width), _own(top, side, height), _own(left, side, width)
        )
        for top in range(0, height, side)
        for left in range(0, width, side)
    ]


def encoded(
    encoder: Encoder, picture: Tensor, layers: Iterable[str], side: int | None = None
) -> Iterator[tuple[PaddedWindow, dict[str, Tensor]]]:
    """Windows of (1, 3, H, W) with the features of their own positions, in at least single precision: their sums over a
    picture need it, whatever the network computes in."""
    names = list(layers)
    for window in windows(picture, side):
        yield window, encode(encoder, window, window.of(picture), names)


def encode(encoder: Encoder, window: PaddedWindow, seen: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
    """Features of the window's own positions. seen: `window.of` the picture, or a copy of that."""
    features = encoder(seen, layers)
    wide = {name: value.float() if value.dtype == torch.bfloat16 else value for name, value in features.items()}
    return {name: window.core_of(value, name) for name, value in wide.items()}


def whole(encoder: Encoder, picture: Tensor, layers: Iterable[str], side: int | None = None) -> dict[str, Tensor]:
    """The features of (1, 3, H, W), put together from windows."""
    names = list(layers)
    height, width = picture.shape[-2:]
    assembled: dict[str, Tensor] = {}
    for window, features in encoded(encoder, picture, names, side):
        for name, value in features.items():
            size = _at(slice(0, height), name).stop, _at(slice(0, width), name).stop
            if value.shape[-2:] == size:
                assembled[name] = value
                continue
            if name not in assembled:
                assembled[name] = value.new_empty(*value.shape[:2], *size)
            window.place_in(assembled[name], name).copy_(value)
    return assembled


class Moments:
    """`gram` and `mean_of` of the features of one layer, added up over windows in double precision.

    region: (1, 1, h, w) of the whole picture at the layer, how much each position counts; None is all alike.
    """

    def __init__(self, layer: str, region: Tensor | None = None) -> None:
        self.layer = layer
        self.region = region
        self.weight = 0.0
        self.sums: list[Tensor] = []

    def of(self, window: PaddedWindow, features: Mapping[str, Tensor]) -> tuple[tuple[Tensor, Tensor], float]:
        """Those of the window's own positions, and what these weigh together."""
        own = features[self.layer]
        inside = None if self.region is None else window.place_in(self.region, self.layer)
        weight = float(own[0, 0].numel()) if inside is None else inside.double().sum().item()
        return (gram(own, inside), mean_of(own, inside)), weight

    def add(self, window: PaddedWindow, features: Mapping[str, Tensor]) -> None:
        moments, weight = self.of(window, features)
        parts = [weight * value.double() for value in moments]
        self.sums = [total + part for total, part in zip(self.sums, parts, strict=True)] if self.sums else parts
        self.weight += weight

    def means(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """(1, N, N) and (1, N), of all windows."""
        moments, mean = ((total / (self.weight or 1.0)).to(dtype) for total in self.sums)
        return moments, mean

    def pull(self, window: PaddedWindow, features: Mapping[str, Tensor], gradients: Sequence[Tensor | None]) -> Tensor:
        """A scalar that has a loss's gradient with respect to the window's features. gradients: the loss's, with
        respect to `means`; None for one that it does not depend on."""
        moments, weight = self.of(window, features)
        parts = [(by * value).sum() for by, value in zip(gradients, moments, strict=True) if by is not None]
        return torch.stack(parts).sum() * (weight / (self.weight or 1.0))


def _own(start: int, side: int, length: int) -> slice:
    return slice(start, min(start + side, length))


def _seen(start: int, side: int, length: int) -> slice:
    return slice(max(0, start - HALO), min(start + side + HALO, length))


def _at(pixels: slice, layer: str) -> slice:
    """Positions of a layer over these pixels; at the end of an odd side the last one is partial."""
    factor = 2 ** halvings_of(layer)
    return slice(pixels.start // factor, -(-pixels.stop // factor))
