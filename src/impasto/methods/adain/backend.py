"""The engine's two calls, answered by PyTorch: for networks without graphs, and on GPUs."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from impasto.encoders.network import Encoder
from impasto.engine.architecture import LAYERS, level
from impasto.engine.conditioning import Conditioning
from impasto.engine.given import Given, halvings
from impasto.engine.statistics import Array, Moments
from impasto.losses.feature_statistics import mean_variance
from impasto.methods.adain.network import Decoder


class PyTorch:
    """See `engine.backend.Backend`."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        """Of one precision, on one device."""
        self.encoder, self.decoder, self.config = encoder, decoder, decoder.config
        weights = {name: value.float().cpu().numpy() for name, value in decoder.state_dict().items()}
        self.conditioning = Conditioning(decoder.config, weights)

    @torch.inference_mode()
    def encode(self, picture: Array, shares: Array | None = None) -> dict[str, Moments]:
        return self._moments(self._features(picture), shares)

    @torch.inference_mode()
    def paint(self, picture: Array, given: Given, grounds: Mapping[str, Array]) -> Array:
        features = self._features(picture)
        given = given.exchanging(self._moments(features, None) if given.of_style else {})
        changed = {}
        for layer in self.config.layers:
            scale, shift = (self._there(value) for value in given.exchange[layer])
            wide = features[layer].to(scale.dtype)
            changed[layer] = torch.addcmul(shift, wide, scale).to(features[layer].dtype)
        modulation = {name: (self._there(pair[0]), self._there(pair[1])) for name, pair in given.modulation.items()}
        noise = {name: self._there(value) for name, value in grounds.items()}
        painted = self.decoder.paint(changed, modulation, (picture.shape[2], picture.shape[3]), noise)
        result: Array = painted.float().contiguous().cpu().numpy()
        return result

    def _features(self, picture: Array) -> dict[str, Tensor]:
        pixels = self._there(picture).contiguous(memory_format=torch.channels_last)
        features: dict[str, Tensor] = self.encoder(pixels, LAYERS)
        return features

    def _there(self, array: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.encoder.mean.device)

    def _moments(self, features: Mapping[str, Tensor], shares: Array | None) -> dict[str, Moments]:
        """Where nothing counts, of all positions, none of which does."""
        counted = None if shares is None or not shares.any() else [self._there(one) for one in halvings(shares)]
        found = {}
        for layer, value in features.items():
            weights = None if counted is None else counted[level(layer)]
            total = (
                float(shares is None) * value.shape[2] * value.shape[3]
                if weights is None
                else weights.double().sum((2, 3)).cpu()
            )
            numbers = (x.flatten(1).double().cpu().numpy() for x in mean_variance(value, weights))
            totals = np.broadcast_to(np.asarray(total, np.float64), (len(value), 1))
            found[layer] = Moments(totals, *numbers)
        return found
