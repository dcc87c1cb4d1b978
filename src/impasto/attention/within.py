"""Where places of a photo look in the photo itself: the attention of a trained generator, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from impasto import api, image
from impasto.attention.generator import LookingGenerator, attention_of, mean_attention, seen_of
from impasto.attention.look import Place, look_size, scaled
from impasto.device import check_memory, memory_guard
from impasto.errors import OptionError
from impasto.masks import visible_colours
from impasto.methods import StylizeOptions, combined
from impasto.methods.nla_cyclegan.network import Generator as NLAGenerator
from impasto.options import Options, TranslationOptions
from impasto.sources import Source, as_picture
from impasto.tensors import resize
from impasto.translation import Translator, bytes_per_pixel, padded_to

METHODS = {"nla-cyclegan": "NLA-CycleGAN", "semantic-gan": "semantic GAN"}
"""Whose generators look at the photo itself, and what they are called above a picture."""

POINTS = 24
"""Places along the longer side that a page can be asked about."""


@dataclass(frozen=True, kw_only=True)
class Glance:
    """Where places of a photo look in itself.

    content: (1, 3, H, W) in [0, 1]. cell: pixels per position of the maps. places: (x, y) in pixels of the content.
    weights: (K, h, w), of each place; the sum of each is 1, less what it looks at where the picture was mirrored beyond
    its border.
    """

    content: Tensor
    cell: int
    places: Sequence[Place]
    weights: Tensor

    def contrast(self, number: int) -> float:
        """The highest weight of a place, over the weight if it looked everywhere alike."""
        return float(self.weights[number].max() * self.weights[number].numel())


@dataclass(frozen=True, kw_only=True)
class Within(Glance):
    """What becomes of the photo besides.

    method: one of METHODS. painted: (1, 3, H, W) in [0, 1]. baseline: what another generator paints, or None. mean:
    (h, w), how much each position is looked at by all. share: (1, 1, H, W) in [0, 1], how much of each pixel is
    painted, of a generator with `compose`.
    """

    method: str
    painted: Tensor
    baseline: Tensor | None
    mean: Tensor
    share: Tensor | None


@dataclass(frozen=True)
class SightWithin:
    """A photo as a generator's attention sees it: all that looking needs, whatever the places are.

    given: (width, height) of the photo as it was given. content: as in `Glance`. seen: what the attention is given.
    """

    given: tuple[int, int]
    content: Tensor
    generator: LookingGenerator = field(repr=False)
    seen: Tensor = field(repr=False)

    def at(self, places: Sequence[str | Place]) -> Glance:
        """Where places look. places: as `within` takes them. Raises OptionError."""
        found = scaled(places, self.given, self.content)
        weights = attention_of(self.generator, self.content, _rows_and_columns(found), self.seen).cpu()
        return Glance(content=self.content, cell=self.generator.cell, places=found, weights=weights)

    @property
    def num_bytes(self) -> int:
        """Of memory, without the generator."""
        return self.content.nbytes + self.seen.nbytes


def within(
    content: Source,
    places: Sequence[str | Place] = (),
    options: Options | None = None,
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
    Raises PictureError, OptionError, WeightsError, OutOfMemoryError.
    """
    options = combined(options or StylizeOptions("nla-cyclegan"), choices)
    assert isinstance(options, TranslationOptions)
    method = stylizer or api.load(options.method, weights=weights)
    sight = see_within(content, options, stylizer=method)  # type: ignore[arg-type]
    assert isinstance(method, Translator)
    glance, generator, pixels = sight.at(places), sight.generator, sight.content
    other = None
    if baseline is not None:
        plain = api.load("cyclegan", device=str(method.device), weights=baseline)
        other = plain(pixels, [], StylizeOptions(**options.to_json() | {"method": "cyclegan"}))
    seen = pixels.to(method.device)
    return Within(
        content=pixels,
        cell=glance.cell,
        places=glance.places,
        weights=glance.weights,
        method=method.method,
        painted=method(pixels, [], options),
        baseline=other,
        mean=mean_attention(generator, seen).cpu(),
        share=_share(generator, seen) if isinstance(generator, NLAGenerator) and generator.config.compose else None,
    )


def see_within(content: Source | image.Picture, options: TranslationOptions, *, stylizer: Translator) -> SightWithin:
    """What `within` does before it knows the places, for many of them one after the other.

    Raises PictureError, OptionError, WeightsError, OutOfMemoryError.
    """
    if not isinstance(stylizer, Translator) or stylizer.method not in METHODS:
        raise OptionError(
            f"method is '{stylizer.method}', but what looks at the photo itself is {' or '.join(METHODS)}"
        )  # fmt: skip
    picture = as_picture(content)
    height, width = look_size(picture, options)
    network, _ = stylizer.network(options)
    check_memory(stylizer.device, height, width, bytes_per_pixel(network))
    pixels = resize(torch.from_numpy(visible_colours(picture)), height, width)
    generator = cast(LookingGenerator, network)
    with memory_guard(stylizer.device, height, width, bytes_per_pixel(network)):
        seen = seen_of(generator, pixels.to(stylizer.device))
    return SightWithin((picture.width, picture.height), pixels, generator, seen)


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


def weights_of(method: Translator, options: TranslationOptions, content: Tensor, places: Sequence[Place]) -> Tensor:
    """(K, h, w): the weights of other places of a photo that is as large as it shall be."""
    generator, _ = method.network(options)
    looking = cast(LookingGenerator, generator)
    return attention_of(looking, content.to(method.device), _rows_and_columns(places)).cpu()


def _rows_and_columns(places: Sequence[Place]) -> Tensor:
    return torch.tensor([(int(y), int(x)) for x, y in places], dtype=torch.long).reshape(-1, 2)


@torch.inference_mode()
def _share(generator: NLAGenerator, picture: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    padded = padded_to(picture, generator.multiple, generator.minimum)
    return generator.share(padded * 2 - 1)[..., :height, :width].cpu()
