"""Method `munit`: one kind of pictures made into another in one of many styles, drawn or given (Huang et al. 2018)."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from impasto.masks import visible
from impasto.methods.munit.network import Generator, GeneratorConfig
from impasto.methods.munit.options import MUNITOptions
from impasto.options import TranslationOptions
from impasto.translation import GeneratorModule, Translator, padded_to


class MUNIT(Translator):
    """The method, ready to paint: holds generators, and nothing of the pictures that it painted."""

    options, generator, config = MUNITOptions, Generator, GeneratorConfig

    def styled(
        self, generator: GeneratorModule, styles: Sequence[Tensor], options: TranslationOptions
    ) -> GeneratorModule:
        """The generator with the mean of the styles' codes, or with one that is drawn."""
        network = cast(Generator, generator)
        if not styles:
            random = torch.Generator().manual_seed(options.seed)
            code = torch.randn(1, network.config.style_size, generator=random)
        else:
            code = torch.cat([network.style_of(self._shown(style, network)) for style in styles]).mean(0, keepdim=True)
        return StyledGenerator(network, code.to(self.device))

    def _shown(self, style: Tensor, network: Generator) -> Tensor:
        """The painting as its encoder takes it, of any size: in [-1, 1], and large enough."""
        return padded_to(visible(style)[0].to(self.device), 1, network.minimum) * 2 - 1


class StyledGenerator:
    """A generator and the style that it paints in. code: (1, style_size)."""

    def __init__(self, network: Generator, code: Tensor) -> None:
        self.multiple, self.minimum, self.config = network.multiple, network.minimum, network.config
        self._network, self._code = network, code

    def __call__(self, x: Tensor) -> Tensor:
        return self._network(x, self._code.expand(len(x), -1))  # type: ignore[no-any-return]

    def state_dict(self) -> dict[str, Tensor]:
        return self._network.state_dict()
