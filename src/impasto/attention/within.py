"""Where places of a photo look in the photo itself: the attention of a trained generator, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from impasto import api, image
from impasto.attention.generator import LookingGenerator, attention_of, mean_attention
from impasto.attention.look import SIZE, Place, parse_place
from impasto.errors import OptionError
from impasto.methods.nla_cyclegan.network import Generator as NLAGenerator
from impasto.options import StylizeOptions
from impasto.sources import Source, as_picture
from impasto.translation import Translator, padded_to

METHODS = {"nla-cyclegan": "NLA-CycleGAN", "semantic-gan": "semantic GAN"}
"""Whose generators look at the photo itself, and what they are called above a picture."""

POINTS = 24
"""Places along the longer side that a page can be asked about."""


@dataclass(frozen=True)
class Within:
    """A photo, what becomes of it, and where it looks in itself.

    method: one of METHODS. content, painted: (1, 3, H, W) in [0, 1]. baseline: what another generator paints, or None.
    cell: pixels per position of the maps. mean: (h, w), how much each position is looked at by all. places: (x, y) in
    pixels of it. weights: (K, h, w), of each place; the sum of each is 1, less what it looks at where the picture was
    mirrored beyond its border. share: (1, 1, H, W) in [0, 1], how much of each pixel is painted, of a generator with
    `compose`.
    """

    method: str
    content: Tensor
    painted: Tensor
    baseline: Tensor | None
    cell: int
    mean: Tensor
    places: Sequence[Place]
    weights: Tensor
    share: Tensor | None

    def contrast(self, number: int) -> float:
        """The highest weight of a place, over the weight if it looked everywhere alike."""
        return float(self.weights[number].max() * self.weights[number].numel())


def within(
    content: Source,
    places: Sequence[str | Place] = (),
    options: StylizeOptions | None = None,
    *,
    stylizer: Translator | None = None,
    weights: Path | None = None,
    baseline: Path | None = None,
    **choices: Any,
) -> Within:
    """What a method of METHODS makes of a photo, and where chosen places of it look.

    places: (x, y) in pixels of the content as it is given, or texts like "120,80" and "50%,20%".
    options, choices: of the method, which is nla-cyclegan if they name none; size, direction and precision matter
    here. weights: a file of its training, unless there is a stylizer. baseline: a file of the training of cyclegan, to
    paint the same photo.
    Raises PictureError, OptionError, WeightsError.
    """
    options = replace(options or StylizeOptions(method="nla-cyclegan"), **choices)
    method = stylizer or api.load(options.method, weights=weights)
    if not isinstance(method, Translator) or method.method not in METHODS:
        raise OptionError(f"method is '{method.method}', but what looks at the photo itself is {' or '.join(METHODS)}")
    picture = as_picture(content)
    longer = options.size or min(SIZE, max(picture.pixels.shape[-2:]))
    height, width = image.fit(picture.height, picture.width, longer)
    pixels = image.resize(picture.pixels, height, width)
    scale = width / picture.width, height / picture.height
    given = [parse_place(place, picture.width, picture.height) for place in places]
    found = [(min(x * scale[0], width - 0.5), min(y * scale[1], height - 0.5)) for x, y in given]
    generator = _generator(method, options)
    seen = pixels.to(method.device)
    other = None
    if baseline is not None:
        plain = api.load("cyclegan", device=str(method.device), weights=baseline)
        other = plain(pixels, [], replace(options, method="cyclegan"))
    return Within(
        method.method,
        pixels,
        method(pixels, [], options),
        other,
        generator.cell,
        mean_attention(generator, seen).cpu(),
        found,
        attention_of(generator, seen, _rows_and_columns(found)).cpu(),
        _share(generator, seen) if isinstance(generator, NLAGenerator) and generator.config.compose else None,
    )


def points(content: Tensor) -> list[Place]:
    """A grid of places over (1, 3, H, W), at most POINTS along the longer side, row by row."""
    height, width = content.shape[-2:]
    across, down = grid_of(content)
    return [((i + 0.5) * width / across, (j + 0.5) * height / down) for j in range(down) for i in range(across)]


def grid_of(content: Tensor) -> tuple[int, int]:
    """(columns, rows) of `points`."""
    height, width = content.shape[-2:]
    longer = min(POINTS, max(height, width))
    down, across = image.fit(height, width, longer)
    return across, down


def weights_of(method: Translator, options: StylizeOptions, content: Tensor, places: Sequence[Place]) -> Tensor:
    """(K, h, w): the weights of other places of a photo that is as large as it shall be."""
    generator = _generator(method, options)
    return attention_of(generator, content.to(method.device), _rows_and_columns(places)).cpu()


def _generator(method: Translator, options: StylizeOptions) -> LookingGenerator:
    generator, _ = method.network(options)
    return cast(LookingGenerator, generator)


def _rows_and_columns(places: Sequence[Place]) -> Tensor:
    return torch.tensor([(int(y), int(x)) for x, y in places], dtype=torch.long).reshape(-1, 2)


@torch.inference_mode()
def _share(generator: NLAGenerator, picture: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    padded = padded_to(picture, generator.multiple, generator.minimum)
    return generator.share(padded * 2 - 1)[..., :height, :width].cpu()
