"""The style's statistics -> a scale and a shift for every channel of the decoder's hidden convolutions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from impasto.engine.architecture import DecoderConfig
from impasto.engine.statistics import Array, Codes, Statistics


@dataclass(frozen=True)
class Conditioning:
    """weights: those of the decoder's file, by name; of a decoder without conditioning none are needed."""

    config: DecoderConfig
    weights: Mapping[str, Array]

    def __call__(self, style: Codes, detail: float = 1.0) -> dict[str, Statistics]:
        """{layer: statistics} -> {convolution: scale and shift, (N, C, 1, 1) both}; empty without conditioning.

        detail: how much of the photo's detail is wanted, from 0 to 1.
        """
        if not self.config.hidden:
            return {}
        values = np.concatenate([value[:, :, 0, 0] for layer in self.config.layers for value in style[layer]], 1)
        # Means and deviations spread over decades; their logarithms do not.
        values = np.log(np.maximum(values, 0) + np.float32(0.01))
        if self.config.detailed:
            values = np.concatenate([values, np.full((len(values), 1), detail, np.float32)], 1)
        code = self._linear("second", np.maximum(self._linear("first", values), 0))[:, :, None, None]
        modulation, place = {}, 0
        for name, count in self.config.modulated.items():
            modulation[name] = 1 + code[:, place : place + count], code[:, place + count : place + 2 * count]
            place += 2 * count
        return modulation

    def _linear(self, name: str, values: Array) -> Array:
        weight, bias = (self.weights[f"conditioning.{name}.{kind}"] for kind in ("weight", "bias"))
        return values @ weight.T + bias
