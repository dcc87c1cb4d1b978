"""The engine's two calls, answered by PyTorch: for networks without graphs, and on GPUs."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from impasto.encoders.network import Encoder
from impasto.engine.architecture import LAYERS, level
from impasto.engine.backend import Wanted
from impasto.engine.conditioning import Conditioning
from impasto.engine.given import halvings
from impasto.engine.statistics import Array, Moments, Statistics
from impasto.losses.feature_statistics import mean_variance
from impasto.methods.adain.network import Decoder

Features = Mapping[str, Tensor]


class PyTorch:
    """See `engine.backend.Backend`."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        """Of one precision, on one device."""
        self.encoder, self.decoder, self.config = encoder, decoder, decoder.config
        weights = {name: value.float().cpu().numpy() for name, value in decoder.state_dict().items()}
        self.conditioning = Conditioning(decoder.config, weights)

    @torch.inference_mode()
    def encode(
        self, picture: Array, shares: Array | None = None, wanted: Wanted = "both"
    ) -> tuple[Features, dict[str, Moments]]:
        pixels = self._there(picture).contiguous(memory_format=torch.channels_last)
        features: Features = self.encoder(pixels, LAYERS)
        if wanted == "features":
            return features, {}
        counted = [None] * len(LAYERS) if shares is None else halvings(shares)
        return features, {layer: self._moments(value, counted[level(layer)]) for layer, value in features.items()}

    @torch.inference_mode()
    def paint(
        self,
        features: Features,
        exchange: Mapping[str, Statistics],
        modulation: Mapping[str, Statistics],
        grounds: Mapping[str, Array],
        size: tuple[int, int],
    ) -> Array:
        given = {}
        for layer in self.config.layers:
            scale, shift = (self._there(value) for value in exchange[layer])
            wide = features[layer].to(scale.dtype)
            given[layer] = torch.addcmul(shift, wide, scale).to(features[layer].dtype)
        modulated = {name: (self._there(scale), self._there(shift)) for name, (scale, shift) in modulation.items()}
        noise = {name: self._there(value) for name, value in grounds.items()}
        painted: Array = self.decoder.paint(given, modulated, size, noise).float().contiguous().cpu().numpy()
        return painted

    def _there(self, array: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.encoder.mean.device)

    def _moments(self, features: Tensor, shares: Array | None) -> Moments:
        weights = None if shares is None else self._there(shares)
        count = features.shape[2] * features.shape[3] if shares is None else shares.sum((2, 3), dtype=np.float64)
        # Where nothing counts, there is nothing to divide by.
        mean, variance = mean_variance(features, weights if shares is None or shares.any() else None)
        flat = (value.flatten(1).double().cpu().numpy() for value in (mean, variance))
        return Moments(np.broadcast_to(np.float64(count), (len(features), 1)), *flat)
