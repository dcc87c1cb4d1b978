"""The weights of the attention style loss as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from impasto import api, image
from impasto.device import check_memory, memory_guard
from impasto.encoders.network import LAYERS, Encoder, block_of
from impasto.errors import OptionError
from impasto.losses.attention_style import attention_weights, best_matches
from impasto.masks import content_with_opacity, visible, with_opacity
from impasto.methods import combined
from impasto.methods.gatys.attention import Seen, at_layer, compared, compared_layers
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.stylizer import Gatys, fit_style
from impasto.options import LOOK_SIZE, Options
from impasto.sources import Source, as_picture
from impasto.tensors import resize

Place = tuple[float, float]


@dataclass(frozen=True)
class Compared:
    """What attention compares at one layer, wherever it is asked to look from.

    stride: pixels of a picture per position of the layer. queries: (1, C, H, W) of the content; keys: (1, C, h, w) of
    the style; shares: (1, 1, h, w), how much each position of a style that is partly transparent counts, or None.
    """

    layer: str
    stride: int
    queries: Tensor
    keys: Tensor
    shares: Tensor | None


@dataclass(frozen=True)
class Look:
    """Where a content looks in a style at one layer.

    size: (width, height) of the style in pixels. weights: (K, h, w), of every position of the style for each of K
    places; each (h, w) sums to 1.
    """

    compared: Compared = field(repr=False)
    size: tuple[int, int]
    weights: Tensor

    @property
    def layer(self) -> str:
        return self.compared.layer

    @property
    def stride(self) -> int:
        return self.compared.stride

    @property
    def best(self) -> list[Place]:
        """(x, y) in pixels of the style, for each place: the middle of the position with the highest weight."""
        columns = self.weights.shape[-1]
        top = self.weights.flatten(1).argmax(1).tolist()
        places = (((index % columns + 0.5) * self.stride, (index // columns + 0.5) * self.stride) for index in top)
        # The last position of an odd side reaches beyond the picture.
        return [(min(x, self.size[0] - 0.5), min(y, self.size[1] - 0.5)) for x, y in places]

    @cached_property
    def correspondence(self) -> Tensor:
        """(2, H, W) int64, row and column of the style's position that each of the content's looks at most.

        Computed when it is first asked for, as it takes longer than everything else together.
        """
        with torch.inference_mode():
            one = self.compared
            return best_matches(one.queries, one.keys, key_weights=one.shares).cpu()


@dataclass(frozen=True)
class Attention:
    """content, style: (1, 3, h, w) as the network saw them. places: (x, y) in pixels of that content."""

    content: Tensor
    style: Tensor
    places: Sequence[Place]
    looks: Sequence[Look]


@dataclass(frozen=True)
class Sight:
    """A content and a style as attention compares them: all that looking needs, whatever the places are.

    given: (width, height) of the content as it was given. content, style: as in `Attention`.
    """

    given: tuple[int, int]
    content: Tensor
    style: Tensor
    temperature: float
    layers: Sequence[Compared] = field(repr=False)

    def at(self, places: Sequence[str | Place]) -> Attention:
        """Where places look. places: as `attention` takes them. Raises OptionError."""
        found = scaled(places, self.given, self.content)
        with torch.inference_mode():
            looks = [self._look(one, found) for one in self.layers]
        return Attention(self.content, self.style, found, looks)

    @property
    def num_bytes(self) -> int:
        """Of memory."""
        tensors = [self.content, self.style, *(one for each in self.layers for one in (each.queries, each.keys))]
        return sum(tensor.nbytes for tensor in tensors)

    def _look(self, one: Compared, places: Sequence[Place]) -> Look:
        at = [one.queries[0, :, int(y) // one.stride, int(x) // one.stride] for x, y in places]
        chosen = torch.stack(at) if at else one.queries.new_zeros(0, one.queries.shape[1])
        weights = attention_weights(chosen, one.keys, temperature=self.temperature, key_weights=one.shares)
        return Look(one, (self.style.shape[-1], self.style.shape[-2]), weights.cpu())


def attention(
    content: Source,
    style: Source,
    places: Sequence[str | Place] = (),
    options: Options | None = None,
    *,
    stylizer: Gatys | None = None,
    **choices: Any,
) -> Attention:
    """Where places of the content look in the style, at each of the options' attention_layers.

    places: (x, y) in pixels of the content as it is given, or texts like "120,80" and "50%,20%".
    options, choices: of the method gatys; size, style_fit, encoder, pooling, filters and attention_... matter here.
    stylizer: from `impasto.load("gatys")`. Raises PictureError, OptionError, WeightsError, OutOfMemoryError.
    """
    return see(content, style, options, stylizer=stylizer, **choices).at(places)


def see(
    content: Source | image.Picture,
    style: Source | image.Picture,
    options: Options | None = None,
    *,
    stylizer: Gatys | None = None,
    **choices: Any,
) -> Sight:
    """What `attention` does before it knows the places, for many of them one after the other. Raises the same."""
    options = combined(options or GatysOptions(**GatysOptions.look_usual), choices)
    assert isinstance(options, GatysOptions)
    method = stylizer or api.load("gatys")
    if not isinstance(method, Gatys):
        raise OptionError(f"method is '{method.method}', but attention is shown of gatys")
    picture = as_picture(content)
    height, width = look_size(picture, options)
    needed, encoder = _compared_layers(options), method.encoder(options)
    check_memory(method.device, height, width, _bytes_per_pixel(encoder, needed))
    pixels, shown = visible(resize(torch.from_numpy(content_with_opacity(picture)), height, width))
    painting = torch.from_numpy(with_opacity(as_picture(style)))
    painting, opacity = visible(fit_style(painting, height, width, options))
    per_pixel = _bytes_per_pixel(encoder, needed) * (1 + painting[0, 0].numel() / (height * width))
    with memory_guard(method.device, height, width, per_pixel), torch.inference_mode():
        every = {name for names in needed.values() for name in names}
        of_content, of_style = (
            Seen(
                encoder(colours.to(method.device), every),
                {} if share is None else {name: at_layer(share.to(method.device), name) for name in every},
            )
            for colours, share in ((pixels, shown), (painting, opacity))
        )
        layers = [
            Compared(
                layer,
                2 ** (block_of(layer) - 1),
                compared(of_content, layer, names),
                compared(of_style, layer, names),
                of_style.shares.get(layer),
            )
            for layer, names in needed.items()
        ]
    return Sight((picture.width, picture.height), pixels, painting, options.attention_temperature, layers)


def look_size(picture: image.Picture, options: Options) -> tuple[int, int]:
    """(height, width) at which a content is looked at."""
    longer = options.size or min(LOOK_SIZE, max(picture.pixels.shape[-2:]))
    return image.fit(picture.height, picture.width, longer)


def scaled(places: Sequence[str | Place], given: tuple[int, int], content: Tensor) -> list[Place]:
    """(x, y) in pixels of the content (1, 3, h, w), of places in the picture of the size `given` that it was made from.

    given: (width, height). Raises OptionError.
    """
    height, width = content.shape[-2:]
    found = [parse_place(place, *given) for place in places]
    return [(min(x * width / given[0], width - 0.5), min(y * height / given[1], height - 0.5)) for x, y in found]


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


def _compared_layers(options: GatysOptions) -> dict[str, list[str]]:
    """{layer of the attention: layers whose features it compares}."""
    layers = options.layers("attention_layers")
    for layer in layers:
        if layer not in LAYERS:
            raise OptionError(f"attention_layers names '{layer}'; the layers are {', '.join(LAYERS)}")
    return {layer: compared_layers(layer, options.attention_features) for layer in layers}


def _bytes_per_pixel(encoder: Encoder, needed: Mapping[str, Sequence[str]]) -> float:
    """Memory of one pixel of either picture while its features are compared."""
    widths = encoder.config.widths
    joined = sum(
        widths[block_of(name) - 1] / 4 ** (block_of(layer) - 1) for layer, names in needed.items() for name in names
    )
    # Two layers at the picture's own size; features, normalised, joined, and laid out for the product.
    found: float = 4 * (2 * widths[0] + 4 * joined)
    return found
