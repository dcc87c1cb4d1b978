"""The ways of painting. `METHODS` is the whole list; adding one is one line in it."""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from impasto.errors import OptionError
from impasto.options import StylizeOptions
from impasto.progress import ProgressCallback

METHODS = {
    "gatys": "impasto.methods.gatys.stylizer:Gatys",
}


class Stylizer(Protocol):
    """A method that is ready to paint any number of pictures."""

    device: torch.device

    def __call__(
        self,
        content: Tensor,
        styles: Sequence[Tensor],
        options: StylizeOptions,
        *,
        start: Tensor | None = None,
        progress: ProgressCallback | None = None,
        saving: Any = None,
    ) -> Tensor:
        """(1, 3, H, W) in [0, 1] and styles (1, 3, h, w) -> (1, 3, H, W) in [0, 1], on the CPU."""

    def weights_hashes(self, options: StylizeOptions) -> dict[str, str]:
        """{network: sha256 of its weights} of what these options use."""


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
