"""What a study is: variants of one painting or of one training, what is asked of them, and the folder it leaves."""

from collections.abc import Callable, Mapping, Sequence
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
from impasto.report import folder as folders
from impasto.report.curves import Curve
from impasto.report.variants import Pair

# The papers as reports call them: their readers have no list with numbers.
CHEN = "Chen, 'Neural Style Transfer with Self-Attention Module'"
HE = "He, Liu and Zhao, 'ECE 285 MLIP, Project B: Style Transfer'"
SUN = "Sun, 'Unpaired image neural style transfer based on Non-Local-Attention-Cycle-Consistent adversarial network'"
ZHANG = "Zhang, Xue and Fu, 'Unsupervised image-to-image translation by semantics consistency and self-attention'"

PAPER_SIZE = 512

FILES = (
    "figure.png", "curves.png", "curves-time.png", "held-out.png", "failures.png", "numbers.csv", "numbers.json",
    "index.html", "report.md",
)  # fmt: skip

Choices = Mapping[str, Any]
Pictures = Sequence[tuple[str, image.Picture]]
PicturePair = Pair[image.Picture]


def claim(folder: Path, name: str, inputs: Sequence[Path] = (), *, asked: Mapping[str, Any] | None = None) -> None:
    """`folders.claim` for a study of this name."""
    folders.claim(folder, FILES, "numbers.json", ("study", name), f"the study {name}", inputs=inputs, asked=asked)


# --- of paintings -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Variant:
    """A column of the figure. choices: options of this column alone."""

    name: str
    choices: Choices = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StudySetup:
    """How the paintings of a study are made. base: options of every variant; choices: those that were asked for, which
    count more. inputs: files that are read. overwrite: whether the outcome may replace one of other pictures or
    settings. places: of the contents, for a study that asks about some.
    """

    base: Choices
    choices: Choices = field(default_factory=dict)
    device: str = "auto"
    weights: Path | None = None
    inputs: Sequence[Path] = ()
    overwrite: bool = False
    places: Sequence[str] = ()

    @cached_property
    def gatys(self) -> Gatys:
        """Loaded once."""
        method = load("gatys", device=self.device, weights=self.weights)
        assert isinstance(method, Gatys)
        return method

    def options(self, variant: Variant | None = None) -> GatysOptions:
        """Those of the variant, or that all share. Raises OptionError for what no method has."""
        own = variant.choices if variant else {}
        chosen = {"size": PAPER_SIZE, **self.base, **self.choices, **own}
        if chosen.get("encoder", GatysOptions.encoder) != "lite":
            # Another encoder's filters are as its file has them.
            chosen.pop("filters", None)
        options = StylizeOptions("gatys", **chosen)
        assert isinstance(options, GatysOptions)
        return options

    def shown(self, picture: image.Picture) -> Image.Image:
        """A picture as large as what is painted of it."""
        size = image.fit(picture.height, picture.width, self.options().size)
        return image.to_pil(image.Picture(image.resize(picture.pixels, *size)))


@dataclass(frozen=True)
class Cell:
    """What one variant made of one pair.

    pictures: rows of the figure, each as long as the study's `columns`. contents: what the content's column shows in
    each row, if it is not the content itself. curves: {what: {step: value}}; clock: seconds at each step.
    """

    pictures: Sequence[Sequence[Image.Image]]
    numbers: Mapping[str, float | int | str]
    curves: Mapping[str, Curve] = field(default_factory=dict)
    clock: Curve = field(default_factory=dict)
    contents: Sequence[Image.Image] = ()


@dataclass(frozen=True, kw_only=True)
class Study:
    """One experiment.

    source: where the paper has it. question: what it asks. base: options of every variant. variants: the columns.
    make: (setup, pair, variant) -> Cell. columns: titles of the pictures of one cell, after the variant's name.
    of_numbers: how `--values` makes variants, for a study of one number. by_time: curves against seconds, too. pair:
    names of impasto's own content and painting that it takes if none are given. asks: about places of the contents.
    """

    source: str
    question: str
    base: Choices
    variants: Sequence[Variant]
    make: Callable[[StudySetup, PicturePair, Variant], Cell]
    columns: Sequence[str] = ("",)
    of_numbers: Callable[[Sequence[float]], Sequence[Variant]] | None = None
    by_time: bool = False
    pair: tuple[str, str] = ("mountains", "swirls")
    asks: bool = False


# --- of trainings -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Training:
    """A column of the figure: a run of a recipe, and another recipe of the same for those with little time.

    changes: settings of the recipe's config that this run has otherwise. generator: of its generator's config.
    attention: a column for what it looks at. published: its name in the tables of paper 003.
    """

    name: str
    recipe: str
    slim: str
    changes: Choices = field(default_factory=dict)
    attention: bool = False
    generator: Choices = field(default_factory=dict)
    published: str = ""


@dataclass(frozen=True, kw_only=True)
class TrainingStudy:
    """One experiment whose variants are trainings on the same pictures, from the same seed.

    worst_of: a variant whose worst translations are drawn; then all variants are measured as well. trend: the budget
    that shows the trend, {'steps', 'size'}: about ten minutes of two CPU cores for all variants together. full: what
    the paper compares all variants by at their full size, {'steps', 'batch'}; without it each has its own recipe's.
    """

    source: str
    question: str
    variants: Sequence[Training]
    worst_of: str = ""
    trend: Mapping[str, int]
    full: Mapping[str, int] = field(default_factory=dict)
