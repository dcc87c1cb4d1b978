"""The engine's calls, answered by PyTorch: for networks without graphs, and on GPUs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import convert_conv2d_weight_memory_format

from impasto.device import precision as precision_of
from impasto.encoders import load_encoder
from impasto.encoders.network import Encoder, Pooling
from impasto.engine.architecture import LAYERS, DecoderConfig, halved, level
from impasto.engine.conditioning import Conditioning
from impasto.engine.given import Given, halvings
from impasto.engine.ground import ground
from impasto.engine.statistics import Array, Moments
from impasto.errors import OptionError, WeightsError
from impasto.losses.feature_statistics import mean_variance
from impasto.methods.adain.network import Decoder
from impasto.methods.adain.strokes import change, drawn
from impasto.tensors import gated
from impasto.weights import load, save


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

    @torch.inference_mode()
    def draw(self, painted: Array, over: Array, reach: Array, share: Array, contrast: Array) -> Array:
        arguments = painted, over, reach, share, contrast
        result: Array = drawn(*(self._there(value) for value in arguments)).cpu().numpy()
        return result

    @torch.inference_mode()
    def change(self, painting: Array) -> float:
        return change(self._there(painting))

    def expect(self, call: str, *arguments: Any) -> None:
        """It is ready."""

    def release(self) -> None:
        """There is none."""

    def _features(self, picture: Array) -> dict[str, Tensor]:
        pixels = self._there(picture).contiguous(memory_format=torch.channels_last)
        features: dict[str, Tensor] = self.encoder(pixels, LAYERS)
        return features

    def _there(self, array: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.encoder.mean.device)

    def _moments(self, features: Mapping[str, Tensor], shares: Array | None) -> dict[str, Moments]:
        """Where nothing counts, of all positions, none of which does."""
        moments = {}
        if shares is not None:
            counts = np.any(shares != 0, (1, 2, 3), keepdims=True)
            counted = [self._there(one) for one in halvings(np.where(counts, shares, np.float32(1)))]
        for layer, value in features.items():
            if shares is None:
                weights, total = None, np.float64(value.shape[2] * value.shape[3])
            else:
                weights = counted[level(layer)]
                total = weights.double().sum((2, 3)).cpu().numpy() * counts[:, :, 0, 0]
            mean, variance = (x.flatten(1).double().cpu().numpy() for x in mean_variance(value, weights))
            moments[layer] = Moments(np.broadcast_to(total, (len(mean), 1)), mean, variance)
        return moments


@torch.random.fork_rng(devices=[])  # a caller's random numbers are not ours to draw
def load_networks(
    encoder: str,
    weights: Path | None,
    download: Callable[[int, int], None] | None,
    decoder: Path,
    device: torch.device,
    precision: str,
) -> PyTorch:
    """An encoder by its name and a decoder from its file. Half precision is given up, if it is not asked for, where it
    changes the picture visibly. Raises OptionError, WeightsError."""
    network, config = load_decoder(decoder)
    eye = load_encoder(encoder, weights=weights, progress=download)
    expected = eye.config.widths[:4]
    if network.config.widths != expected:
        raise OptionError(
            f"decoder is '{decoder.stem}', which paints from {network.config.widths} filters, but the encoder"
            f" {encoder} gives {expected}"
        )
    eye = eye.pooled(cast(Pooling, config.get("pooling", eye.pooling))).to(device)
    network = convert_conv2d_weight_memory_format(network.to(device), torch.channels_last)
    exact, dtype = PyTorch(eye, network), precision_of(precision, device)
    if dtype == torch.float32:
        return exact
    half = PyTorch(eye.in_precision(dtype), network.in_precision(dtype))
    # What sees the style is the same for both.
    return gated(precision, exact, half, lambda one, noise: _painted_noise(one, exact, noise.numpy()), pictures=2)


def save_decoder(path: Path, decoder: Decoder, recipe: Any) -> None:
    """Write it with half-precision weights, and how it was made."""
    tensors = {name: tensor.half().cpu() for name, tensor in decoder.state_dict().items()}
    save(path, tensors, {"decoder": decoder.config.to_json(), "recipe": recipe})


def load_decoder(path: Path) -> tuple[Decoder, dict[str, Any]]:
    """The decoder, float32 and frozen, and its file's config. Raises WeightsError if the file holds none."""
    tensors, config = load(path)
    try:
        decoder = Decoder(DecoderConfig.from_json(config["decoder"]))
        decoder.load_state_dict({name: value.float() for name, value in tensors.items()})
    except (KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(f"{path}: holds no decoder of impasto's: {str(error).splitlines()[0]}") from None
    return decoder.eval().requires_grad_(False), config


def _painted_noise(networks: PyTorch, exact: PyTorch, noise: Array) -> Tensor:
    """The first of two pictures in the style of the second."""
    content, style = noise[:1], noise[1:]
    code = {layer: value.statistics for layer, value in exact.encode(style).items()}
    given = Given(code, exact.conditioning(code), of_style=True, gain=exact.config.gain)
    sides = {name: halved(noise.shape[2], block - 1) for name, block in exact.config.grounded.items()}
    grounds = {name: ground(side, side, exact.config.grounded[name]) for name, side in sides.items()}
    return torch.from_numpy(networks.paint(content, given, grounds))
