"""The experiments of papers 001 and 002, part I: all are paintings of `gatys` that differ in a few options."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from impasto import image, tensors
from impasto.api import load, paint
from impasto.attention import attention
from impasto.attention.style import StyleAttention
from impasto.encoders.network import POOLED
from impasto.errors import DivergedError
from impasto.methods import StylizeOptions
from impasto.methods.gatys.objective import objective_at
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.stylizer import Gatys
from impasto.progress import Progress
from impasto.report.curves import Curve
from impasto.report.sheets import marked
from impasto.report.variants import Pair
from impasto.studies.study import CHEN, HE, Choices

PAPER_SIZE = 512

PicturePair = Pair[image.Picture]

TERMS = ("content", "style", "attention")
TOTAL = "total loss"

# Places of the content that attention-map asks about unless others are given: the middle of the upper and lower third.
PLACES = ("50%,17%", "50%,83%")


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


def painted(setup: StudySetup, pair: PicturePair, variant: Variant) -> Cell:
    """A painting with its losses, weighted as in its own total loss, and in the study's common measure."""
    (_, content), (_, style) = pair
    options = setup.options(variant)
    curves: dict[str, dict[float, float]] = {}
    clock: dict[float, float] = {}
    best: list[image.Picture] = []
    last = Progress(step=0, total=0)
    began = time.perf_counter()

    def watch(progress: Progress) -> None:
        nonlocal last
        last = progress
        clock[progress.step] = round(time.perf_counter() - began, 3)
        for term, value in progress.losses.items():
            weight = options.chosen(f"{term}_weight")
            if term in TERMS and weight:
                curves.setdefault(term, {})[progress.step] = value / weight
        if options.guard == "off" and progress.preview:
            best[:] = [image.Picture(progress.preview())]

    outcome = "finished"
    try:
        result = paint(content, [style], options, stylizer=setup.gatys, progress=watch).picture
    except DivergedError:
        if not best:
            raise
        # Without guard that is what a study may be about: what was best until then is shown.
        result, outcome = best[0], f"not finite after step {len(clock)}"
    if outcome == "finished" and len(clock) < last.total:
        outcome = f"given up after {len(clock)} steps"
    seconds = time.perf_counter() - began
    numbers: dict[str, float | int | str] = {
        **_losses(setup, pair, variant, result),
        "seconds": round(seconds, 1),
        "steps": len(clock),
        "retreats": last.retreats,
        "outcome": outcome,
    }
    return Cell([[image.to_pil(result)]], numbers, curves, clock)


def _losses(setup: StudySetup, pair: PicturePair, variant: Variant, result: image.Picture) -> dict[str, float]:
    """'weighted ...' as the painting's own total loss has them; the others with the base's options and weights 1, and
    their sum with the base's weights."""
    (_, content), (_, style) = pair
    chosen = setup.options(variant).resolved()
    base = setup.options().resolved()
    common = replace(
        base, content_weight=1.0, style_weight=1.0, attention_weight=1.0 if chosen.attention_weight else 0.0
    )
    numbers: dict[str, float] = {}
    pixels = tensors.resize(tensors.to_tensor(content), result.height, result.width)
    measured = {"": common, "weighted ": chosen}
    if chosen.attention_weight and chosen.attention_layers != base.attention_layers:
        # The base's layers say how alike all variants are, a variant's own whether it got what it was after.
        measured["own layers' "] = replace(common, attention_layers=chosen.attention_layers)
    for prefix, options in measured.items():
        objective = objective_at(setup.gatys.encoder(options), pixels, [tensors.to_tensor(style)], options)
        losses = objective.losses(tensors.to_tensor(result))
        terms = ["attention"] if prefix.startswith("own") else TERMS
        numbers |= {f"{prefix}{term} loss": float(losses[term]) for term in terms if term in losses}
    return numbers | total(numbers, base)


def total(losses: Mapping[str, float], base: GatysOptions) -> dict[str, float]:
    """The sum of all losses with the base's weights, if all were measured that it has."""
    weights = {f"{term} loss": base.chosen(f"{term}_weight") for term in TERMS}
    if any(weight and name not in losses for name, weight in weights.items()):
        return {}
    return {TOTAL: sum(weight * losses[name] for name, weight in weights.items() if weight)}


def looked(setup: StudySetup, pair: PicturePair, variant: Variant) -> Cell:
    """Paper 001's Figure 4: for each place, where the style matches best, and all weights."""
    (_, content), (_, style) = pair
    places = setup.places or PLACES
    shown = attention(image.to_pil(content), image.to_pil(style), places, setup.options(variant), stylizer=setup.gatys)
    assert isinstance(shown, StyleAttention)
    (look,) = shown.looks
    height, width = look.style.shape[-2:]
    numbers: dict[str, float | int | str] = {}
    for number, place in enumerate(places):
        x, y = look.best[number]
        numbers[f"{place}: best match"] = f"{100 * x / width:.0f}%,{100 * y / height:.0f}%"
        numbers[f"{place}: its weight"] = float(look.weights[number].max())
    rows = range(len(places))
    pictures = [[look.marked_style(row), look.heat(row)] for row in rows]
    seen = image.to_pil(tensors.to_picture(shown.content))
    return Cell(pictures, numbers, contents=[marked(seen, place) for place in shown.places])


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
    make: Callable[[StudySetup, PicturePair, Variant], Cell] = painted
    columns: Sequence[str] = ("",)
    of_numbers: Callable[[Sequence[float]], Sequence[Variant]] | None = None
    by_time: bool = False
    pair: tuple[str, str] = ("mountains", "swirls")
    asks: bool = False


def ratios(values: Sequence[float]) -> list[Variant]:
    """Paper 002, Table 1: style over content."""
    return [Variant(f"{value:g}", {"style_weight": value}) for value in values]


def _layers(layers: Sequence[str]) -> list[Variant]:
    return [Variant(layer, {"attention_layers": layer}) for layer in layers]


_ALL = [f"relu{block}_1" for block in range(1, 6)]
_VANILLA: Mapping[str, Any] = {"preset": "paper-001", "attention_weight": 0.0}
# Its mean squares are of features, not of Gram matrices, and want a weight of their own.
_LOCAL: Mapping[str, Any] = {"attention_loss": "local", "attention_weight": 50.0}

STUDIES: Mapping[str, Study] = {
    "ratio-sweep": Study(
        source=f"{HE}, Table 1",
        question="What does the ratio of style to content weight do to both losses and to the picture?",
        # At ratio 1 the gain is smaller than half precision's rounding of the features.
        base={"preset": "paper-002", "precision": "fp32"},
        variants=ratios([1, 1e3, 1e6, 1e9]),
        of_numbers=ratios,
    ),
    "divergence": Study(
        source=f"{HE}, Figure 1",
        question="Why does the style loss of a long run at a large ratio fall and then explode? What does a guard do?",
        # As PyTorch's tutorial, which clamps the picture behind the back of L-BFGS, and VGG's own scale of filters. The
        # pair was searched for: most explode and recover, or not at all; this one explodes at many a size.
        pair=("cubes", "swirls"),
        base={
            "size": 96,
            "precision": "fp32",
            "preset": "paper-002",
            "style_weight": 1e9,
            "steps": 500,
            "history": 100,
            "filters": "raw",
            "pooling": "max",
            "guard": "off",
        },
        variants=[
            Variant("clamped", {"optimizer": "lbfgs-clamped"}),
            Variant("clamped, guard", {"optimizer": "lbfgs-clamped", "guard": "on"}),
            Variant("not clamped"),
        ],
    ),
    "attention-vs-vanilla": Study(
        source=f"{CHEN}, Figure 1",
        question="Does the attention style loss keep detail that plain Gatys loses?",
        base={"preset": "paper-001"},
        variants=[Variant("vanilla", {"attention_weight": 0.0}), Variant("attention")],
    ),
    "attention-layers": Study(
        source=f"{CHEN}, section 2.3 and Figure 2, and the two layers whose matrix it could not hold",
        question="What does the layer of the attention change, at a weight that shows it?",
        base={"preset": "paper-001", "attention_weight": 5e7},
        variants=_layers([*_ALL, POOLED]),
    ),
    "attention-repairs": Study(
        source=f"After {CHEN}, section 4: correspondence without a trained embedding is often wrong",
        question="What do a temperature, features of all layers, and AdaAttN's local loss change?",
        base={"preset": "paper-001"},
        variants=[
            Variant("paper"),
            Variant("temperature 10", {"attention_temperature": 10.0}),
            Variant("all layers", {"attention_features": "all"}),
            Variant("local", _LOCAL),
            Variant("local, all layers", {**_LOCAL, "attention_features": "all"}),
        ],
    ),
    "optimisers": Study(
        source=f"{CHEN}, Figure 3, and impasto's own L-BFGS over spatial frequencies",
        question="Which optimiser gets further, in steps and in seconds?",
        base={"preset": "paper-001", "style_weight": 1e6, "attention_weight": 5e6},
        variants=[
            Variant("L-BFGS", {"optimizer": "lbfgs-pixels"}),
            Variant("Adam", {"optimizer": "adam", "learning_rate": 0.01}),
            Variant("L-BFGS over frequencies", {"optimizer": "lbfgs"}),
        ],
        by_time=True,
    ),
    "attention-map": Study(
        source=f"{CHEN}, Figure 4",
        question="Where do places of the content look, at each layer?",
        base={"preset": "paper-001"},
        variants=_layers(_ALL[2:]),
        make=looked,
        columns=["", "weights"],
        asks=True,
    ),
    "pooling": Study(
        source=f"{CHEN}, and {HE}, after Gatys",
        question="Is average pooling better than the maximum?",
        base=_VANILLA,
        variants=[Variant("average"), Variant("maximum", {"pooling": "max"})],
    ),
    "normalisation": Study(
        source=f"{CHEN}, section 2",
        question="What does filter normalisation change, if every layer's loss is relative to its own target?",
        base={**_VANILLA, "convention": "relative", "style_weight": 40.0},
        variants=[Variant("normalised"), Variant("raw", {"filters": "raw"})],
    ),
    "init": Study(
        source=f"{CHEN} (noise), and {HE} (content)",
        question="What does the picture to start from decide?",
        base=_VANILLA,
        variants=[Variant("content", {"init": "content"}), Variant("noise", {"init": "noise"})],
    ),
}
