"""What the method `adain` can be asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from impasto.options import EncoderOptions, Options, choosable, option

QUALITIES: Mapping[str, int] = MappingProxyType({"instant": 0, "finer": 20, "finest": 60})
"""Steps of refinement after the one pass."""


@dataclass(frozen=True, kw_only=True)
class AdaINOptions(EncoderOptions):
    """refiner: what was chosen for the refinement, of the options of `methods.REFINER`; None if nothing was."""

    method: str = field(default="adain", init=False)
    about: ClassVar[str] = "any style in one pass"
    needs_torch: ClassVar[bool] = False
    without_torch: ClassVar[Mapping[str, Sequence[Any]]] = MappingProxyType(
        {"encoder": ("lite",), "decoder": ("adain",), "quality": ("instant",), "refine": (0,)}
    )
    stylizer: ClassVar[str] = "impasto.methods.adain.stylizer:AdaIN"
    encoded: ClassVar[str] = "impasto.engine.styles:load_style"
    foreign: ClassVar[str] = "impasto.methods.adain.foreign:import_foreign"
    encoded_by: ClassVar[Sequence[str]] = ("encoder", "decoder", "precision", "style_scale")
    recipes: ClassVar[Sequence[str]] = (
        "adain",
        "adain_more",
        "adain_paper",
        "adain_paper_short",
        "adain_mean_squared",
        "adain_content",
        "adain_style",
    )
    refined_by: ClassVar[Sequence[str]] = ("quality", "refine")

    decoder: str = option(
        "adain",
        "network that paints: adain, adain_paper (relu4_1 alone), or a file that `impasto train` wrote",
        words=("adain", "adain_paper"),
    )
    strength: float = option(
        1.0,
        "how much of the style: 0 is the photo, 1 the painting's own; more exaggerates",
        minimum=0,
        maximum=3,
        plain=True,
        values=(0.5, 0.75, 1.0, 1.25, 1.5),
    )
    detail: float = option(
        0.9, "how much of the photo's fine detail stays; 1 is all of it", minimum=0, maximum=1, plain=True
    )
    stroke: float = option(
        0.01,
        "width of the strokes as a share of the picture's shorter side, if it has the pixels",
        minimum=0.001,
        maximum=0.1,
        plain=True,
    )
    quality: str = option(
        "instant",
        f"how much time to spend: instant, one pass; finer and finest, {QUALITIES['finer']} and {QUALITIES['finest']}"
        " steps of refinement after it",
        choices=tuple(QUALITIES),
        plain=True,
    )
    refine: int = option(
        0,
        "steps of refinement, slower and finer; 0 leaves it to quality",
        minimum=0,
        maximum=1_000_000,
        values=(0, 20, 60),
    )
    refiner: Options | None = None

    def to_json(self) -> dict[str, Any]:
        refiner = self.refiner
        chosen = [] if refiner is None else [i for i in choosable(refiner) if getattr(refiner, i.name) != i.default]
        return super().to_json() | {item.name: getattr(refiner, item.name) for item in chosen}

    @property
    def refinement_steps(self) -> int:
        """`refine` counts more than `quality`."""
        return self.refine or QUALITIES[self.quality]

    @property
    def refinement_choice(self) -> str:
        if self.refine:
            return f"refine {self.refine}"
        return f"quality {self.quality}" if self.refinement_steps else ""

    @property
    def in_parts(self) -> bool:
        return not self.needs_pictures

    @property
    def batches(self) -> bool:
        return not self.needs_pictures
