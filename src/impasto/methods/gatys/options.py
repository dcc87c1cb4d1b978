"""What the method `gatys` can be asked for, and what its presets make of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, Self

from impasto.errors import OptionError
from impasto.options import EncoderOptions, Options, choosable, option

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
    # Paper 001, Figure 1. By its equations 1 and 3 these weights leave nothing of the content; in the normalisation of
    # PyTorch's tutorial, from which such numbers come, and started from the content, they give what its figures show.
    "paper-attention": {**_PAPERS, "steps": 500, "style_weight": 1e7, "attention_weight": 6e6},
    # Its text: equations 1 and 3, "a white noise image", total variation. It gives no weight for this; with a tenth of
    # ours the grain of the noise stays.
    "paper-attention-letter": {
        **_PAPERS, "steps": 500, "style_weight": 1e7, "attention_weight": 6e6, "convention": "half-mean",
        "init": "noise", "tv_weight": 1e5,
    },
    # Paper 002, Table 1, whose losses have the size of the tutorial's means, not of its text's sums.
    "paper-gatys": {**_PAPERS, "steps": 100, "style_weight": 1e6, "attention_weight": 0.0},
})  # fmt: skip

OF_PAPERS = ("paper-attention", "paper-attention-letter", "paper-gatys")
"""Presets whose pictures are compared with a paper's, and so computed in full precision unless told otherwise."""

STARTS = ("content", "noise", "grey")
"""What `init` may be, besides a picture file."""


@dataclass(frozen=True, kw_only=True)
class GatysOptions(EncoderOptions):
    """What is None is decided by the preset: `chosen` says how, `resolved` fills it in."""

    method: str = field(default="gatys", init=False)
    about: ClassVar[str] = "slow and fine: the picture itself is optimised"
    stylizer: ClassVar[str] = "impasto.methods.gatys.stylizer:Gatys"
    set_by_refining: ClassVar[Sequence[str]] = ("preset", "init", "scales", "steps", "coarse_steps", "seed")
    looks_in: ClassVar[str] = "style"
    look_options: ClassVar[Sequence[str]] = (
        "preset", "size", "encoder", "style_scale", "style_fit", "attention_layers", "attention_features",
        "pooling", "filters", "precision",
    )  # fmt: skip
    # The layers that paper 001's Figure 4 compares.
    look_usual: ClassVar[Mapping[str, Any]] = MappingProxyType({"attention_layers": "relu3_1,relu4_1,relu5_1"})

    preset: str = option(
        "default",
        "how much time to spend; or what a paper did: paper-attention (Chen, Figure 1, or its text to the letter),"
        " paper-gatys (He, Liu and Zhao, Table 1)",
        choices=tuple(PRESETS),
        plain=True,
        values=("draft", "default"),
        aliases={
            "paper-001": "paper-attention",
            "paper-001-letter": "paper-attention-letter",
            "paper-002": "paper-gatys",
        },
    )
    style_fit: str | None = option(
        None,
        "size of the style picture before style_scale: area, the content's area with its own proportions; content, the"
        " content's height and width; own, its own",
        choices=("area", "content", "own"),
    )
    content_weight: float | None = option(None, "how much the content counts", minimum=0)
    style_weight: float | None = option(None, "how much the style counts", minimum=0, plain=True)
    attention_weight: float | None = option(
        None, "how much the style counts that attention finds for every place of the content", minimum=0
    )
    tv_weight: float | None = option(None, "how much smoothness (total variation) counts", minimum=0)
    range_weight: float | None = option(
        None, "how much values outside the picture's range count; 0 only clamps the finished picture", minimum=0
    )
    content_colours: str | None = option(
        None,
        "the colours that the content begins with: own; or style, moved to mean and covariance of the style's colours",
        choices=("own", "style"),
    )
    style_loss: str | None = option(
        None,
        "what the picture shares with the style: covariance, means and covariances of the filters in units of the"
        " style's own; gram, the Gram matrices of the papers",
        choices=("covariance", "gram"),
    )
    convention: str | None = option(
        None,
        "whose normalisation the weights are meant in, but for covariances, which have their own",
        choices=("relative", "half-mean", "half-sum", "gatys-notebook", "jcjohnson"),
        aliases={"paper-001": "half-mean", "paper-002": "half-sum"},
    )
    content_layers: str = option(
        "relu4_2", "layers that hold the content, each with an optional weight: relu4_2:1", words=()
    )
    style_layers: str | None = option(
        None, "layers that hold the style, each with an optional weight: relu1_1:3,relu3_1", words=()
    )
    attention_layers: str = option("relu4_1", "layers of the attention, each with an optional weight", words=())
    attention_loss: str = option(
        "gram",
        "what the picture shares with the style that attention finds: gram, the covariances of the filters; raw-gram,"
        " these without taking the picture's own mean away; local, mean and deviation at every place",
        choices=("gram", "raw-gram", "local"),
    )
    attention_features: str = option(
        "layer",
        "what attention compares: the features of its layer, with those of shallower ones, or of all five",
        choices=("layer", "shallower", "all"),
    )
    attention_temperature: float = option(
        1.0, "how widely attention looks; less is closer to the best match alone", minimum=1e-3, maximum=1e6
    )
    init: str | None = option(None, "what to start from: content, noise, grey, or a picture file", words=STARTS)
    optimizer: str | None = option(
        None,
        "how the picture is optimised: lbfgs over spatial frequencies, lbfgs-pixels as usual, lbfgs-clamped to the"
        " picture's range after every step (PyTorch's tutorial), or adam",
        choices=("lbfgs", "lbfgs-pixels", "lbfgs-clamped", "adam"),
    )
    guard: str = option(
        "on", "on: when the loss explodes, go back to the best picture; off: go on regardless", choices=("on", "off")
    )
    learning_rate: float = option(0.02, "step size of adam, in units of the pixel range", minimum=1e-6, maximum=10)
    history: int = option(20, "steps that lbfgs remembers", minimum=1, maximum=1000)
    scales: int | None = option(None, "sizes to work on, each half as large as the next", minimum=1, maximum=16)
    steps: int | None = option(None, "optimisation steps at full size", minimum=0, maximum=1_000_000, plain=True)
    coarse_steps: int | None = option(None, "optimisation steps at each smaller size", minimum=0, maximum=1_000_000)
    max_memory: float | None = option(
        None,
        "GiB that the process may have in memory, larger pictures being seen in windows and kept in files; by itself,"
        " what is free",
        minimum=0.01,
    )
    pooling: str = option("average", "pooling inside the network", choices=("average", "max"))
    filters: str = option(
        "own", "own: normalised filters, as lite has them; raw: lite without normalisation", choices=("own", "raw")
    )
    seed: int = option(0, "of the noise to start from", minimum=0, maximum=2**63 - 1, plain=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("content_layers", "style_layers", "attention_layers"):
            self.layers(name)

    @property
    def takes_steps(self) -> bool:
        return True

    @property
    def steps_at_full_size(self) -> float:
        coarse: float = sum(self.chosen("coarse_steps") / 4**level for level in range(1, self.chosen("scales")))
        return float(self.chosen("steps")) + coarse

    @property
    def start(self) -> str | None:
        init: str = self.chosen("init")
        return None if init in STARTS else init

    def chosen(self, name: str) -> Any:
        """The value of the option `name`, or what the preset decides if it is not given."""
        value = getattr(self, name)
        return PRESETS[self.preset].get(name) if value is None else value

    def resolved(self) -> Self:
        return replace(self, **{name: self.chosen(name) for name in PRESETS[self.preset]})

    def by_preset(self) -> dict[str, Any]:
        return {name: self.chosen(name) for name in PRESETS[self.preset] if getattr(self, name) is None}

    def layers(self, name: str) -> dict[str, float]:
        """{layer: weight} of the option `name`, content_layers, style_layers or attention_layers."""
        return _parse_layers(self.chosen(name), name)

    def check_look(self) -> None:
        if len(layers := self.layers("attention_layers")) > 1:
            raise OptionError(f"attention_layers are {', '.join(layers)}, but one layer is shown at a time")

    @classmethod
    def refining(cls, options: Options) -> Self:
        """For going on, at full size, from what another method painted by its options."""
        names = {item.name for item in choosable(cls)} - {*cls.set_by_refining}
        shared = {item.name: getattr(options, item.name) for item in choosable(options) if item.name in names}
        chosen = options.refiner if isinstance(options.refiner, cls) else cls()
        return replace(chosen, **shared, scales=1, steps=options.refinement_steps)


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
