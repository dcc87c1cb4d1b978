"""Where places of a photo look in the photo itself: the attention of a trained generator (paper 000, Figure 6)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from PIL import Image
from torch import Tensor

from impasto import api, image, tensors
from impasto.attention.maps import Place, atlas, by_level, dimmed, grey, scaled, seen_size
from impasto.device import memory_guard
from impasto.dot_product_attention import LARGEST_MAP
from impasto.masks import visible_colours
from impasto.methods import combined
from impasto.options import TranslationOptions
from impasto.report.sheets import data_url, marked, png
from impasto.report.tables import plain
from impasto.sizes import fit_within
from impasto.translation import LookingGenerator, Translator, method_of, padded_to

POINTS = 24
"""Places along the longer side that a page can be asked about."""


@dataclass(frozen=True)
class PhotoAttention:
    """Where places of a photo look in itself, and all that is needed to ask about others.

    given: (width, height) of the photo as it was given. content: (1, 3, H, W) in [0, 1], as the generator sees it.
    generator: the method's. seen: what its attention is given. baseline: generators of another method, whose picture
    stands beside. places: in pixels of the content.
    """

    hint: ClassVar[str] = (
        "Point at the photo, or move with the arrow keys: beside it, what the place looks at stays bright. Each map has"
        " a scale of its own, from its lowest to its highest weight."
    )
    given: tuple[int, int]
    content: Tensor
    method: Translator = field(repr=False)
    options: TranslationOptions
    generator: LookingGenerator = field(repr=False)
    seen: Tensor = field(repr=False)
    baseline: Path | None = None
    places: Sequence[Place] = ()

    def at(self, places: Sequence[str | Place]) -> "PhotoAttention":
        """Where other places look. Raises OptionError."""
        return replace(self, places=scaled(places, self.given, self.content))

    @cached_property
    def weights(self) -> Tensor:
        """(K, h, w), of each place; the sum of each is 1, less what it looks at where the picture was mirrored beyond
        its border."""
        asked = torch.tensor([(int(y), int(x)) for x, y in self.places], dtype=torch.long).reshape(-1, 2)
        return attention_of(self.generator, self.content, asked, self.seen).cpu()

    def contrast(self, number: int) -> float:
        """The highest weight of a place, over the weight if it looked everywhere alike."""
        return float(self.weights[number].max() * self.weights[number].numel())

    @property
    def columns(self) -> list[str]:
        """Photo, what the baseline makes of it (if there is one), what the method does, attention, and the share of
        each pixel that is painted, of a generator that blends that with the photo."""
        share = ["painted share"] if self.share is not None else []
        return ["photo", *self.painted, "attention", *share]

    def rows(self, *, overall: bool) -> list[tuple[str, list[Image.Image]]]:
        """overall: before those of the places, one for the mean of all. Without places there is only that."""
        rows = []
        if overall or not self.places:
            whole = lit(self.content, self.mean, self.generator.cell)
            rows.append(("what all places look at", self._row(whole, None)))
        height, width = self.content.shape[-2:]
        for number, (x, y) in enumerate(self.places):
            at = f"{100 * x / width:.0f}%,{100 * y / height:.0f}%"
            name = f"where {at} looks: up to {plain(self.contrast(number), 2)} times as much as evenly"
            rows.append((name, self._row(self.lit(number), number)))
        return rows

    def lit(self, number: int) -> Image.Image:
        """The photo, bright where one place looks, which has a ring."""
        light = lit(self.content, self.weights[number], self.generator.cell)
        return marked(light, self.places[number], ring=True)

    def panels(self) -> list[dict[str, Any]]:
        """The photo below the maps of a grid of places, and what the method makes of it."""
        across, down = grid_of(self.content)
        tiles = atlas(replace(self, places=points(self.content)).weights, across)
        light = {"across": across, "down": down, "tiles": data_url(png(tiles))}
        return [
            {"name": "attention", "alt": "attention", "picture": self._photo(), "data": light},
            {"name": "painted", "alt": "painted", "picture": list(self.painted.values())[-1], "data": None},
        ]

    def _row(self, light: Image.Image, number: int | None) -> list[Image.Image]:
        photo, share = self._photo(), self.share
        cells = [
            photo if number is None else marked(photo, self.places[number]),
            *self.painted.values(),
            light,
        ]
        return cells if share is None else [*cells, Image.fromarray(grey(share[0, 0])).convert("RGB")]

    def _photo(self) -> Image.Image:
        return image.to_pil(tensors.to_picture(self.content))

    @property
    def num_bytes(self) -> int:
        """Of memory, without the generator."""
        return self.content.nbytes + self.seen.nbytes

    @cached_property
    def painted(self) -> dict[str, Image.Image]:
        """{what a column is called: what the baseline, if there is one, and the method make of the photo}."""
        painted = {}
        if self.baseline is not None:
            name = method_of(self.baseline)
            other = api.load(name, device=str(self.method.device), weights=self.baseline)
            options = combined(self.options, {"method": name})
            painted[options.title] = other(self.content, [], options)
        painted[self.options.title] = self.method(self.content, [], self.options)
        return {name: image.to_pil(tensors.to_picture(pixels)) for name, pixels in painted.items()}

    @cached_property
    def mean(self) -> Tensor:
        """(h, w): how much each position is looked at by all."""
        return mean_attention(self.generator, self.content.to(self.method.device)).cpu()

    @cached_property
    @torch.inference_mode()
    def share(self) -> Tensor | None:
        """(1, 1, H, W) in [0, 1], how much of each pixel is painted, of a generator that blends that with the photo."""
        generator, (height, width) = self.generator, self.content.shape[-2:]
        if not generator.blends:
            return None
        padded = padded_to(self.content.to(self.method.device), generator.multiple, generator.minimum)
        share: Tensor = generator.share(padded * 2 - 1)[..., :height, :width].cpu()
        return share


def prepare(
    content: image.Picture, options: TranslationOptions, method: Translator, baseline: Path | None = None
) -> PhotoAttention:
    """What is needed before the places are known, for many of them one after the other.

    options: size, direction and precision matter here. baseline: generators of another method.
    """
    height, width = seen_size(content, options)
    generator = cast(LookingGenerator, method.network(options)[0])
    with memory_guard(method.device, height, width, generator.bytes_per_pixel):
        pixels = tensors.resize(torch.from_numpy(visible_colours(content)), height, width)
        seen = seen_of(generator, pixels.to(method.device))
    return PhotoAttention((content.width, content.height), pixels, method, options, generator, seen, baseline)


def lit(content: Tensor, weights: Tensor, cell: int) -> Image.Image:
    """The photo (1, 3, H, W) in [0, 1], dark where a map (h, w) is lowest and as it is where the map is highest."""
    return dimmed(content, by_level(weights), cell)


def points(content: Tensor) -> list[Place]:
    """A grid of places over (1, 3, H, W), at most POINTS along the longer side, row by row."""
    height, width = content.shape[-2:]
    across, down = grid_of(content)
    return [((i + 0.5) * width / across, (j + 0.5) * height / down) for j in range(down) for i in range(across)]


def grid_of(content: Tensor) -> tuple[int, int]:
    """(columns, rows) of `points`."""
    down, across = fit_within(content.shape[-2], content.shape[-1], POINTS)
    return across, down


@torch.no_grad()
def seen_of(generator: LookingGenerator, picture: Tensor) -> Tensor:
    """What the attention is given, (1, C, h, w), of a picture (1, 3, H, W) in [0, 1], of any size.

    Raises OptionError for a generator without attention.
    """
    return generator.seen(padded_to(picture, generator.multiple, generator.minimum) * 2 - 1)


@torch.no_grad()
def attention_of(generator: LookingGenerator, picture: Tensor, places: Tensor, seen: Tensor | None = None) -> Tensor:
    """Where chosen places of a picture look: (Q, h, w) weights of at least 0, over cells of `generator.cell` pixels.

    picture: (1, 3, H, W) in [0, 1], of any size. places: (Q, 2) rows and columns, in pixels within it. seen: `seen_of`
    the picture, if it is there already.
    The weights of a place have sum 1, less what it looks at beyond the picture's border, where the picture is mirrored
    for the network's sake. Raises OptionError for a generator without attention.
    """
    height, width = picture.shape[-2:]
    looks = generator.looks(seen_of(generator, picture) if seen is None else seen, places)
    return looks[:, : -(-height // generator.cell), : -(-width // generator.cell)]


@torch.no_grad()
def mean_attention(generator: LookingGenerator, picture: Tensor) -> Tensor:
    """How much is looked at: the mean of `attention_of` over all positions of a picture, (h, w), of at least 0.

    picture: (1, 3, H, W) in [0, 1], of any size. The sum is 1, less what is looked at beyond the picture's border.
    """
    height, width = picture.shape[-2:]
    seen = seen_of(generator, picture)
    rows, columns = (-(-side // generator.stride) for side in (height, width))
    asked = (torch.arange(rows)[:, None] * seen.shape[3] + torch.arange(columns)).flatten().to(seen.device)
    # Not all at once, which would be the matrix of all pairs.
    groups = asked.split(max(1, LARGEST_MAP // seen[0, 0].numel()))
    total = torch.stack([generator.weights(seen, group).sum(0) for group in groups]).sum(0)
    return total[: -(-height // generator.cell), : -(-width // generator.cell)] / len(asked)
