"""The ways of painting. `METHODS` is the whole list; adding one is one line in it."""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from impasto.errors import OptionError
from impasto.options import StylizeOptions
from impasto.progress import ProgressCallback

METHODS = {
    "adain": "impasto.methods.adain.stylizer:AdaIN",
    "gatys": "impasto.methods.gatys.stylizer:Gatys",
    "cyclegan": "impasto.methods.cyclegan.stylizer:CycleGAN",
    "nla-cyclegan": "impasto.methods.nla_cyclegan.stylizer:NLACycleGAN",
    "dncnn-cyclegan": "impasto.methods.dncnn_cyclegan.stylizer:DnCNNCycleGAN",
    "semantic-gan": "impasto.methods.semantic_gan.stylizer:SemanticGAN",
}


class Stylizer(Protocol):
    """A method that is ready to paint any number of pictures."""

    method: str
    device: torch.device
    weights: Path | None

    def __call__(
        self,
        content: Tensor,
        styles: Sequence[Any],
        options: StylizeOptions,
        *,
        start: Tensor | None = None,
        masks: Sequence[Tensor] | None = None,
        progress: ProgressCallback | None = None,
        saving: Any = None,
    ) -> Tensor:
        """(1, 3, H, W) in [0, 1] and styles (1, 3, h, w) -> (1, 3, H, W) in [0, 1], on the CPU.

        content, styles: with a fourth channel, opacity, what is transparent counts for nothing; its colours are those
            around it.
        styles: of adain also encoded ones, `methods.adain.style.Style`; none for a method whose weights are its style.

        masks: one (1, 1, H, W) in [0, 1] per style, how much of each position belongs to it; their sum is at most 1,
            and where it is less the rest belongs to no style. Without them every style is everywhere.
        """

    def bytes_per_pixel(self, options: StylizeOptions, *, regions: int = 0) -> float:
        """Memory of one pixel of the picture at the peak of painting. regions: of a painting with masks; 0 without."""

    def weights_hashes(self, options: StylizeOptions) -> dict[str, str]:
        """{network: sha256 of its weights} of what these options use."""


@runtime_checkable
class FrameStylizer(Stylizer, Protocol):
    """One that paints a film more steadily than its frames alone."""

    def paint_frame(
        self, content: Tensor, styles: Sequence[Any], options: StylizeOptions, *, following: Any, canvas: Tensor | None
    ) -> Tensor:
        """As a call. following: what is taken of the whole of the photo, from frame to frame; canvas: (1, 2, H, W), the
        place of each pixel on the canvas that strokes lie on."""


def load_method(
    name: str,
    device: torch.device,
    *,
    weights: Path | None = None,
    download: Callable[[int, int], None] | None = None,
) -> Stylizer:
    """Raises OptionError for an unknown name."""
    if name not in METHODS:
        raise OptionError(f"no method '{name}'; there are {', '.join(METHODS)}")
    module, _, attribute = METHODS[name].partition(":")
    stylizer: Stylizer = getattr(importlib.import_module(module), attribute)(device, weights=weights, download=download)
    return stylizer
