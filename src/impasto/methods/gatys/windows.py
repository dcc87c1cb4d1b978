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
    """A part of a picture: rows and columns of pixels, of which `core` are its own and `seen` are encoded with them."""

    core: tuple[slice, slice]
    seen: tuple[slice, slice]

    @property
    def inner(self) -> tuple[slice, slice]:
        """Its own pixels, counted within what it sees."""
        rows, columns = (
            slice(core.start - seen.start, core.stop - seen.start)
            for core, seen in zip(self.core, self.seen, strict=True)
        )
        return rows, columns

    def of(self, picture: Tensor) -> Tensor:
        """(N, C, H, W) -> a view of what the window sees."""
        return picture[(..., *self.seen)]

    def place_in(self, features: Tensor, layer: str) -> Tensor:
        """The window's own positions, of what the whole picture has at the layer."""
        rows, columns = (_at(pixels, layer) for pixels in self.core)
        return features[..., rows, columns]


def windows(picture: Tensor, side: int | None) -> list[PaddedWindow]:
    """Windows whose own parts, `side` x `side` pixels, make up (1, 3, H, W); one for all of it if `side` is None.

    side: a multiple of GRID.
    """
    most = max(picture.shape[-2:])
    step = most if side is None else side
    assert step % GRID == 0 or step >= most
    rows, columns = (
        [
            (slice(start, min(start + step, length)), slice(max(0, start - HALO), min(start + step + HALO, length)))
            for start in range(0, length, step)
        ]
        for length in picture.shape[-2:]
    )
    return [PaddedWindow((down, across), (above, beside)) for down, above in rows for across, beside in columns]


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
    return {name: value[(..., *(_at(pixels, name) for pixels in window.inner))] for name, value in wide.items()}


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


class GramSums:
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


def _at(pixels: slice, layer: str) -> slice:
    """Positions of a layer over these pixels; at the end of an odd side the last one is partial."""
    factor = 2 ** halvings_of(layer)
    return slice(pixels.start // factor, -(-pixels.stop // factor))
