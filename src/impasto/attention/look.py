"""The weights of the attention style loss as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from impasto import api, image
from impasto.encoders.network import LAYERS, block_of
from impasto.errors import OptionError
from impasto.losses.attention_style import attention_weights, best_matches
from impasto.masks import visible, with_opacity
from impasto.methods.gatys.attention import Seen, at_layer, compared, compared_layers
from impasto.methods.gatys.stylizer import Gatys, fit_style
from impasto.options import FIGURE_LAYERS, StylizeOptions
from impasto.sources import Source, as_picture

# Longer side of the pictures unless the options say otherwise: enough to see, and quick at every layer.
SIZE = 512

Place = tuple[float, float]


@dataclass(frozen=True)
class Look:
    """Where a content looks in a style at one layer.

    stride: pixels of a picture per position of the layer. size: (width, height) of the style in pixels.
    weights: (K, h, w), of every position of the style for each of K places; each (h, w) sums to 1.
    correspondence: (2, H, W) int64, row and column of the style's position that each of the content's looks at most.
    """

    layer: str
    stride: int
    size: tuple[int, int]
    weights: Tensor
    correspondence: Tensor

    @property
    def best(self) -> list[Place]:
        """(x, y) in pixels of the style, for each place: the middle of the position with the highest weight."""
        columns = self.weights.shape[-1]
        top = self.weights.flatten(1).argmax(1).tolist()
        places = (((index % columns + 0.5) * self.stride, (index // columns + 0.5) * self.stride) for index in top)
        # The last position of an odd side reaches beyond the picture.
        return [(min(x, self.size[0] - 0.5), min(y, self.size[1] - 0.5)) for x, y in places]


@dataclass(frozen=True)
class Attention:
    """content, style: (1, 3, h, w) as the network saw them. places: (x, y) in pixels of that content."""

    content: Tensor
    style: Tensor
    places: Sequence[Place]
    looks: Sequence[Look]


def attention(
    content: Source,
    style: Source,
    places: Sequence[str | Place] = (),
    options: StylizeOptions | None = None,
    *,
    stylizer: Gatys | None = None,
    **choices: Any,
) -> Attention:
    """Where places of the content look in the style, at each of the options' attention_layers.

    places: (x, y) in pixels of the content as it is given, or texts like "120,80" and "50%,20%".
    options, choices: of the method gatys; size, style_fit, encoder, pooling, filters and attention_... matter here.
    stylizer: from `impasto.load("gatys")`. Raises PictureError, OptionError, WeightsError.
    """
    base = options or StylizeOptions(method="gatys", attention_layers=FIGURE_LAYERS)
    options = replace(base, **choices)
    method = stylizer or api.load("gatys")
    if not isinstance(method, Gatys):
        raise OptionError(f"method is '{method.method}', but attention is shown of gatys")
    picture = as_picture(content)
    height, width = image.fit(picture.height, picture.width, options.size or min(SIZE, max(picture.pixels.shape[-2:])))
    scale = width / picture.width, height / picture.height
    pixels = image.resize(picture.pixels, height, width)
    painting, opacity = visible(fit_style(with_opacity(as_picture(style)), height, width, options))
    given = [parse_place(place, picture.width, picture.height) for place in places]
    found = [(x * scale[0], y * scale[1]) for x, y in given]
    with torch.inference_mode():
        looks = _look(method, pixels, (painting, opacity), found, options)
    return Attention(pixels, painting, found, looks)


def parse_place(place: str | Place, width: int, height: int) -> Place:
    """(x, y) in pixels from "120,80" or "50%,20%". Raises OptionError if it is none, or outside the picture."""
    parts = place.split(",") if isinstance(place, str) else [str(value) for value in place]
    try:
        x, y = (
            float(part.strip().removesuffix("%")) * (side / 100 if part.strip().endswith("%") else 1)
            for part, side in zip(parts, (width, height), strict=True)
        )
    except ValueError:
        raise OptionError(f"place '{place}' must be x,y in pixels or percent, like 120,80 or 50%,20%") from None
    if not (0 <= x <= width and 0 <= y <= height):
        raise OptionError(f"place '{place}' lies outside the picture of {width} x {height} pixels")
    return min(x, width - 0.5), min(y, height - 0.5)


def _look(
    method: Gatys,
    content: Tensor,
    style: tuple[Tensor, Tensor | None],
    places: Sequence[Place],
    options: StylizeOptions,
) -> list[Look]:
    layers = options.layers("attention_layers")
    for layer in layers:
        if layer not in LAYERS:
            raise OptionError(f"attention_layers names '{layer}'; the layers are {', '.join(LAYERS)}")
    needed = {layer: compared_layers(layer, options.attention_features) for layer in layers}
    every = {name for names in needed.values() for name in names}
    encoder = method.encoder(options)
    painting, opacity = style
    of_content = Seen(encoder(content.to(method.device), every))
    shares = {} if opacity is None else {name: at_layer(opacity.to(method.device), name) for name in every}
    of_style = Seen(encoder(painting.to(method.device), every), shares)
    looks = []
    for layer, names in needed.items():
        stride = 2 ** (block_of(layer) - 1)
        queries, keys = (compared(seen, layer, names) for seen in (of_content, of_style))
        at = [queries[0, :, int(y) // stride, int(x) // stride] for x, y in places]
        chosen = torch.stack(at) if at else queries.new_zeros(0, queries.shape[1])
        closed = shares.get(layer)
        weights = attention_weights(chosen, keys, temperature=options.attention_temperature, key_weights=closed)
        size = painting.shape[-1], painting.shape[-2]
        matches = best_matches(queries, keys, key_weights=closed)
        looks.append(Look(layer, stride, size, weights.cpu(), matches.cpu()))
    return looks
