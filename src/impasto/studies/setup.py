"""What the paintings of a study are made with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from impasto import image
from impasto.api import load
from impasto.methods import StylizeOptions
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.stylizer import Gatys
from impasto.report.variants import Pair

Choices = Mapping[str, Any]


@dataclass(frozen=True)
class Variant:
    """A column of the figure. choices: options of this column alone."""

    name: str
    choices: Choices = field(default_factory=dict)


PAPER_SIZE = 512

Pictures = Sequence[tuple[str, image.Picture]]
PicturePair = Pair[image.Picture]


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """How a study is run. choices: options that every variant gets, before its own. inputs: files that are read.
    overwrite: whether the outcome may replace one of other pictures or settings. places: of the contents, for a study
    that asks about some.
    """

    choices: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"
    weights: Path | None = None
    inputs: Sequence[Path] = ()
    overwrite: bool = False
    places: Sequence[str] = ()


class StudySetup:
    """What cells are made with: the options, and one method that is loaded once."""

    def __init__(self, base: Choices, settings: StudySettings) -> None:
        """base: options of every variant."""
        self.base = base
        self.settings = settings

    @cached_property
    def gatys(self) -> Gatys:
        method = load("gatys", device=self.settings.device, weights=self.settings.weights)
        assert isinstance(method, Gatys)
        return method

    def options(self, variant: Variant) -> GatysOptions:
        """Raises OptionError for what no method has."""
        chosen = {"size": PAPER_SIZE, **self.base, **self.settings.choices, **variant.choices}
        if chosen.get("encoder", GatysOptions.encoder) != "lite":
            # Another encoder's filters are as its file has them.
            chosen.pop("filters", None)
        options = StylizeOptions("gatys", **chosen)
        assert isinstance(options, GatysOptions)
        return options

    def shown(self, picture: image.Picture) -> Image.Image:
        """A picture as large as what is painted of it."""
        size = image.fit(picture.height, picture.width, self.options(Variant("shown")).size)
        return image.to_pil(image.Picture(image.resize(picture.pixels, *size)))
