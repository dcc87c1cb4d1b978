"""What a caller can choose, each default written once: command line, library and every later door read it from here."""

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from difflib import get_close_matches
from functools import partial
from types import MappingProxyType
from typing import Any

from impasto.errors import OptionError

# impasto's own way: from coarse to fine, beginning at one size whatever the picture's, so that its look does not depend
# on its pixels; weights that suit most pairs, nothing outside the range.
_OWN: Mapping[str, Any] = MappingProxyType({
    "scales": 8, "steps": 66, "coarse_steps": 100, "style_fit": "area", "init": "content", "optimizer": "lbfgs",
    "convention": "relative", "content_colours": "style", "style_loss": "covariance", "content_weight": 1.0,
    "style_weight": 1.5, "attention_weight": 0.0, "tv_weight": 2.0, "range_weight": 400.0,
    # The shallow ones, which have the fewest filters, keep fringes and grain away.
    "style_layers": "relu1_1:3,relu2_1:2,relu3_1,relu4_1,relu5_1",
})  # fmt: skip

# The papers' way: one size, the style picture brought to the content's size, pixels free until the end.
_PAPERS: Mapping[str, Any] = MappingProxyType({
    "scales": 1, "coarse_steps": 0, "style_fit": "content", "init": "content", "optimizer": "lbfgs-pixels",
    "convention": "jcjohnson", "content_colours": "own", "style_loss": "gram", "content_weight": 1.0, "tv_weight": 0.0,
    "range_weight": 0.0, "style_layers": "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1",
})  # fmt: skip

# What a preset decides, unless the option is given itself.
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "draft": {**_OWN, "scales": 2, "steps": 40, "coarse_steps": 60},
    "default": _OWN,
    "best": {**_OWN, "steps": 500, "coarse_steps": 300},
    # Its Figure 1. By its equations 1 and 3 these weights leave nothing of the content; in the normalisation of
    # PyTorch's tutorial, from which such numbers come, and started from the content, they give what its figures show.
    # It speaks of total variation without a weight, and of a white noise image: see `--tv-weight` and `--init noise`.
    "paper-001": {**_PAPERS, "steps": 500, "style_weight": 1e7, "attention_weight": 6e6},
    # Its Table 1, whose losses have the size of the tutorial's means, not of its text's sums.
    "paper-002": {**_PAPERS, "steps": 100, "style_weight": 1e6, "attention_weight": 0.0},
})  # fmt: skip


# Layers that paper 001's Figure 4 compares.
FIGURE_LAYERS = "relu3_1,relu4_1,relu5_1"

# Longer side of the pictures whose attention is shown, unless something else is asked for: enough to see, and quick at
# every layer.
LOOK_SIZE = 512

# Methods whose attention can be shown, the usual one first, and the options that change which places it prefers.
LOOK_OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "gatys": (
        "preset", "size", "encoder", "style_scale", "style_fit", "attention_layers", "attention_features",
        "pooling", "filters", "precision",
    ),
    "nla-cyclegan": ("size", "direction"),
    "semantic-gan": ("size", "direction"),
})  # fmt: skip

PRECISIONS = ("auto", "fp32", "bf16")

# Methods whose trained weights are the style; the others are shown a painting.
TRANSLATIONS = ("cyclegan", "nla-cyclegan", "dncnn-cyclegan", "semantic-gan")

# What `init` may be, besides a picture file.
STARTS = ("content", "noise", "grey")


# Steps of gatys after adain's one pass.
QUALITIES: Mapping[str, int] = MappingProxyType({"instant": 0, "finer": 20, "finest": 60})

# What `refine` decides itself: it goes on from a finished picture, at its size.
SET_BY_REFINE = ("preset", "init", "scales", "steps", "coarse_steps", "seed")


def option(
    default: Any,
    help: str,  # noqa: A002  (the word that dataclass metadata and every door use)
    *,
    choices: Sequence[str] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    unit: str = "",
    methods: Sequence[str] = (),
) -> Any:
    """A field of an options dataclass with everything that a door shows of it. methods: the only ones that have it."""
    metadata = {
        "help": help, "choices": tuple(choices), "minimum": minimum, "maximum": maximum, "unit": unit,
        "methods": tuple(methods),
    }  # fmt: skip
    return field(default=default, metadata=metadata)


# Options of the method gatys, and of adain's refinement, which is gatys.
_gatys = partial(option, methods=("gatys",))
_adain = partial(option, methods=("adain",))
_painting = partial(option, methods=("adain", "gatys"))
_translation = partial(option, methods=TRANSLATIONS)


@dataclass(frozen=True, kw_only=True)
class StylizeOptions:
    """How to paint. Every value is checked when the options are made; OptionError names the one that is wrong."""

    method: str = option("adain", "how the picture is painted", choices=("adain", "gatys", *TRANSLATIONS))
    preset: str = _gatys("default", "how much time to spend", choices=tuple(PRESETS))
    size: int | None = option(
        None, "longer side of the result; the input's own size if not given", minimum=1, unit="px"
    )
    encoder: str = _painting("lite", "network that sees content and style", choices=("lite", "vgg19"))
    decoder: str = _adain(
        "adain", "network that paints: adain, adain_paper (relu4_1 alone), or a file that `impasto train` wrote"
    )
    strength: float = _adain(
        1.0, "how much of the style: 0 is the photo, 1 the painting's own; more exaggerates", minimum=0, maximum=3
    )
    colour: str = option(
        "style",
        "whose colours: the style's; keep: the content's, only its lightness is painted; match: the style's strokes"
        " after its colours were made the content's",
        choices=("style", "keep", "match"),
    )
    style_blend: str = _painting("", "weights of several styles, separated by commas; equal if not given")
    style_scale: float = _painting(
        1.0, "size of the brush strokes: the style picture's scale", minimum=0.05, maximum=10
    )
    detail: float = _adain(0.85, "how much of the photo's fine detail stays; 1 is all of it", minimum=0, maximum=1)
    stroke: float = _adain(
        0.01,
        "width of the strokes as a share of the picture's shorter side, if it has the pixels",
        minimum=0.001,
        maximum=0.1,
    )
    quality: str = _adain(
        "instant",
        f"how much time to spend: instant, one pass; finer and finest, {QUALITIES['finer']} and {QUALITIES['finest']}"
        " steps of refinement after it",
        choices=tuple(QUALITIES),
    )
    refine: int = _adain(
        0,
        "steps of gatys that go on from the result, slower and finer; 0 leaves it to quality",
        minimum=0,
        maximum=1_000_000,
    )
    style_fit: str | None = _gatys(
        None,
        "size of the style picture before style_scale: area, the content's area with its own proportions; content, the"
        " content's height and width; own, its own",
        choices=("area", "content", "own"),
    )
    content_weight: float | None = _gatys(None, "how much the content counts", minimum=0)
    style_weight: float | None = _gatys(None, "how much the style counts", minimum=0)
    attention_weight: float | None = _gatys(
        None, "how much the style counts that attention finds for every place of the content", minimum=0
    )
    tv_weight: float | None = _gatys(None, "how much smoothness (total variation) counts", minimum=0)
    range_weight: float | None = _gatys(
        None, "how much values outside the picture's range count; 0 only clamps the finished picture", minimum=0
    )
    content_colours: str | None = _gatys(
        None,
        "the colours that the content begins with: own; or style, moved to mean and covariance of the style's colours",
        choices=("own", "style"),
    )
    style_loss: str | None = _gatys(
        None,
        "what the picture shares with the style: covariance, means and covariances of the filters in units of the"
        " style's own; gram, the Gram matrices of the papers",
        choices=("covariance", "gram"),
    )
    convention: str | None = _gatys(
        None,
        "whose normalisation the weights are meant in, but for covariances, which have their own",
        choices=("relative", "paper-001", "paper-002", "gatys-notebook", "jcjohnson"),
    )
    content_layers: str = _gatys("relu4_2", "layers that hold the content, each with an optional weight: relu4_2:1")
    style_layers: str | None = _gatys(
        None, "layers that hold the style, each with an optional weight: relu1_1:3,relu3_1"
    )
    attention_layers: str = _gatys("relu4_1", "layers of the attention, each with an optional weight")
    attention_loss: str = _gatys(
        "gram",
        "what the picture shares with the style that attention finds: gram, the covariances of the filters; raw-gram,"
        " these without taking the picture's own mean away; local, mean and deviation at every place",
        choices=("gram", "raw-gram", "local"),
    )
    attention_features: str = _gatys(
        "layer",
        "what attention compares: the features of its layer, with those of shallower ones, or of all five",
        choices=("layer", "shallower", "all"),
    )
    attention_temperature: float = _gatys(
        1.0, "how widely attention looks; less is closer to the best match alone", minimum=1e-3, maximum=1e6
    )
    init: str | None = _gatys(None, "what to start from: content, noise, grey, or a picture file")
    optimizer: str | None = _gatys(
        None,
        "how the picture is optimised: lbfgs over spatial frequencies, lbfgs-pixels as usual, lbfgs-clamped to the"
        " picture's range after every step (PyTorch's tutorial), or adam",
        choices=("lbfgs", "lbfgs-pixels", "lbfgs-clamped", "adam"),
    )
    guard: str = _gatys(
        "on", "on: when the loss explodes, go back to the best picture; off: go on regardless", choices=("on", "off")
    )
    learning_rate: float = _gatys(0.02, "step size of adam, in units of the pixel range", minimum=1e-6, maximum=10)
    history: int = _gatys(20, "steps that lbfgs remembers", minimum=1, maximum=1000)
    scales: int | None = _gatys(None, "sizes to work on, each half as large as the next", minimum=1, maximum=16)
    steps: int | None = _gatys(None, "optimisation steps at full size", minimum=0, maximum=1_000_000)
    coarse_steps: int | None = _gatys(None, "optimisation steps at each smaller size", minimum=0, maximum=1_000_000)
    max_memory: float | None = _gatys(
        None,
        "GiB that painting may take, larger pictures being seen in windows; by itself, what is free",
        minimum=0.01,
    )
    pooling: str = _gatys("average", "pooling inside the network", choices=("average", "max"))
    filters: str = _gatys(
        "own", "own: normalised filters, as lite has them; raw: lite without normalisation", choices=("own", "raw")
    )
    direction: str = _translation("A2B", "which of the two kinds of pictures becomes the other", choices=("A2B", "B2A"))
    precision: str = option(
        "auto", "number format inside the network; auto is bf16 where the device is faster with it", choices=PRECISIONS
    )
    seed: int = _gatys(0, "of the noise to start from", minimum=0, maximum=2**63 - 1)

    def __post_init__(self) -> None:
        for item in fields(self):
            value = plain(getattr(self, item.name))
            # Also what a record holds, which is JSON.
            object.__setattr__(self, item.name, value)
            check(item, value)
        self.layers("content_layers")
        self.layers("style_layers")
        self.layers("attention_layers")
        self.blend_weights(None)
        self._refuse_what_does_nothing()

    def _refuse_what_does_nothing(self) -> None:
        """An option of another method, or one that refining decides, would be ignored silently."""
        for item in fields(self):
            owners, value = item.metadata["methods"], getattr(self, item.name)
            if value == item.default or is_for(item, self.method, refines=bool(self.refinement_steps)):
                continue
            if self.method == "adain" and self.refinement_steps and "gatys" in owners:
                raise OptionError(f"{item.name} cannot be chosen when refining, which starts from what adain painted")
            hint = " and for refine" if owners == ("gatys",) and item.name not in SET_BY_REFINE else ""
            whose = f"the method{'s' if len(owners) > 1 else ''} {', '.join(owners)}{hint}"
            raise OptionError(f"{item.name} is for {whose}, but the method is {self.method}")

        if self.colour == "match" and not self.takes_style:
            raise OptionError(f"colour 'match' changes the style's colours, but {self.method} is shown no style")

    @property
    def takes_style(self) -> bool:
        """Whether the method is shown paintings; to another, its weights are the style."""
        return self.method not in TRANSLATIONS

    @property
    def files(self) -> dict[str, str]:
        """The values that may name files, which are read and never overwritten, by their options."""
        return {"decoder": self.decoder} | ({"init": self.init} if self.init else {})

    def check_styles(self, count: int, *, masks: int = 0) -> None:
        """Raises OptionError unless so many styles, and masks if any, make sense with this method."""
        if masks and not self.takes_style:
            raise OptionError(f"masks say where styles go, but the method {self.method} is shown none")
        if not count and self.takes_style:
            raise OptionError("at least one style is needed")
        if count and not self.takes_style:
            raise OptionError(f"style cannot be given: the weights of the method {self.method} are its style")

    def check_encoded(self, name: str) -> None:
        """Raises OptionError for what needs more of a painting than the encoded style of this name."""
        needs = "the method gatys" if self.method == "gatys" else "refining" if self.refinement_steps else ""
        if needs := "colour 'match'" if self.colour == "match" else needs:
            raise OptionError(f"style is the encoded '{name}', but {needs} needs the painting itself")

    def check_scale(self, name: str, scale: float) -> None:
        """Raises OptionError if a style that was encoded at a style_scale is asked for at another one."""
        if self.style_scale not in (StylizeOptions.style_scale, scale):
            raise OptionError(
                f"style_scale is {self.style_scale:g}, but the style '{name}' was encoded at {scale:g}; another scale"
                " needs the painting itself"
            )

    def chosen(self, name: str) -> Any:
        """The value of the option `name`, or what the preset decides if it is not given."""
        value = getattr(self, name)
        return PRESETS[self.preset].get(name) if value is None else value

    def resolved(self) -> "StylizeOptions":
        """The same with everything that the preset decides filled in; only the method gatys has presets."""
        if self.method != "gatys":
            return self
        return replace(self, **{name: self.chosen(name) for name in PRESETS[self.preset]})

    @property
    def refinement_steps(self) -> int:
        """Steps of gatys that go on from what adain painted; `refine` counts more than `quality`."""
        return self.refine or QUALITIES[self.quality]

    @property
    def takes_steps(self) -> bool:
        """Whether the picture is optimised, from the start or from what adain painted."""
        return self.method == "gatys" or bool(self.refinement_steps)

    def by_preset(self) -> dict[str, Any]:
        """What the preset decides of a painting with these options, of adain's refinement too; nothing of others."""
        if not self.takes_steps:
            return {}
        painted = self if self.method == "gatys" else self.refinement()
        return {name: painted.chosen(name) for name in PRESETS[painted.preset] if getattr(painted, name) is None}

    def refinement(self) -> "StylizeOptions":
        """What refining means: the method gatys at full size, started from what adain painted."""
        own: dict[str, Any] = {
            item.name: item.default for item in fields(self) if item.metadata["methods"] == ("adain",)
        }
        return replace(self, method="gatys", init="adain", scales=1, steps=self.refinement_steps, **own)

    def layers(self, name: str) -> dict[str, float]:
        """{layer: weight} of the option `name`, content_layers, style_layers or attention_layers."""
        return _parse_layers(self.chosen(name), name)

    def blend_weights(self, count: int | None) -> tuple[float, ...]:
        """Weights of `count` styles, summing to 1. count=None only checks the text."""
        if not self.style_blend.strip():
            return tuple(1 / count for _ in range(count)) if count else ()
        try:
            weights = tuple(float(text) for text in self.style_blend.split(","))
        except ValueError:
            raise OptionError(f"style_blend is '{self.style_blend}', but must be numbers like 0.7,0.3") from None
        if not all(0 <= weight < float("inf") for weight in weights) or sum(weights) <= 0:
            raise OptionError(f"style_blend is '{self.style_blend}', but its weights must be 0 or more and not all 0")
        if count is not None and len(weights) != count:
            raise OptionError(f"style_blend has {len(weights)} weights for {count} styles")
        return tuple(weight / sum(weights) for weight in weights)


def combined(options: StylizeOptions | None, choices: Mapping[str, Any], *, method: str | None) -> StylizeOptions:
    """The options with the choices, by name. method: what counts if nothing else was said. Raises OptionError."""
    names = [item.name for item in fields(StylizeOptions)]
    for name in choices:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            raise OptionError(f"no option '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""))
    if options is None:
        return StylizeOptions(**({"method": method} if method else {}) | dict(choices))
    if not isinstance(options, StylizeOptions):
        raise OptionError(f"options are impasto.StylizeOptions, not {type(options).__name__}")
    return replace(options, **choices)


def _parse_layers(text: str, name: str) -> dict[str, float]:
    """'relu4_1:2,relu5_1' -> {'relu4_1': 2.0, 'relu5_1': 1.0}. Raises OptionError, naming the option `name`."""
    layers: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        layer, _, weight = part.partition(":")
        try:
            layers[layer.strip()] = float(weight or 1)
        except ValueError:
            raise OptionError(f"{name}: '{part}' is not of the form layer:weight") from None
        if not 0 <= layers[layer.strip()] < float("inf"):
            raise OptionError(f"{name}: the weight in '{part}' must be 0 or more")
    if not layers:
        raise OptionError(f"{name} names no layer")
    return layers


def is_for(item: "Field[Any]", method: str, *, refines: bool) -> bool:
    """Whether an option has an effect with this method. refines: whether steps of gatys follow."""
    owners = item.metadata["methods"]
    refined = refines and method == "adain" and "gatys" in owners and item.name not in SET_BY_REFINE
    return not owners or method in owners or refined


def plain(value: Any) -> Any:
    """A number of NumPy or PyTorch, also an array of one without a shape, as Python's own; anything else as it is."""
    return value.item() if getattr(value, "shape", None) == () else value


def check(item: "Field[Any]", value: Any) -> None:
    """Raises OptionError, which names the field, if the value is not of its kind or outside its range."""
    if value is None:
        if item.default is None:
            return
        raise OptionError(f"{item.name} must have a value")
    kinds, expected = kinds_of(item)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise OptionError(f"{item.name} is {value!r}, but must be {expected}")
    limits = item.metadata
    if limits["choices"] and value not in limits["choices"]:
        raise OptionError(f"{item.name} is '{value}', but must be one of {', '.join(limits['choices'])}")
    low: float = limits["minimum"] if limits["minimum"] is not None else float("-inf")
    high: float = limits["maximum"] if limits["maximum"] is not None else float("inf")
    if isinstance(value, int | float) and not (low <= value <= high and abs(value) < float("inf")):
        raise OptionError(f"{item.name} is {value}, but must be a finite number from {low:g} to {high:g}")


def kinds_of(item: "Field[Any]") -> tuple[tuple[type, ...], str]:
    """Python types that a field takes, and what they are called."""
    annotation = str(item.type)
    if "float" in annotation:
        return (int, float), "a number"
    return ((int,), "a whole number") if "int" in annotation else ((str,), "text")
