"""The engine's calls, answered by PyTorch: for networks without graphs, and on GPUs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils import convert_conv2d_weight_memory_format

from impasto.device import precision as precision_of
from impasto.encoders import load_encoder
from impasto.encoders.network import Encoder, Pooling
from impasto.engine import strokes
from impasto.engine.architecture import LAYERS, DecoderConfig, level
from impasto.engine.backend import at_full_length
from impasto.engine.given import Conditioning, Given, grounds, halvings
from impasto.engine.raster import Window
from impasto.engine.statistics import Array, Moments, statistics_of
from impasto.errors import OptionError, WeightsError
from impasto.losses.feature_statistics import mean_variance
from impasto.methods.adain.network import Decoder
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
        if given.of_style:
            given = given.exchanging(statistics_of(self._moments(features, None)))
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
        result: Array = strokes.drawn(Tensors(), *(self._there(value) for value in arguments)).cpu().numpy()
        return result

    @torch.inference_mode()
    def change(self, painting: Array) -> float:
        redrawn = self.draw(*at_full_length(painting))
        return float(strokes.change(Tensors(), self._there(painting), self._there(redrawn)))

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
    code = statistics_of(exact.encode(style))
    given = Given(code, exact.conditioning(code), of_style=True, gain=exact.config.gain)
    whole = Window(0, 0, *noise.shape[2:])
    return torch.from_numpy(networks.paint(content, given, grounds(exact.config, whole)))


class Tensors:
    """See `impasto.engine.strokes.Operations`."""

    def channels(self, x: Tensor) -> list[Tensor]:
        return list(x.split(1, 1))

    def joined(self, planes: list[Tensor]) -> Tensor:
        return torch.cat(planes, 1)

    def lower(self, x: Tensor, *others: Tensor | float) -> Tensor:
        for other in others:
            x = torch.minimum(x, other) if isinstance(other, Tensor) else x.clamp_max(other)
        return x

    def higher(self, x: Tensor, *others: Tensor | float) -> Tensor:
        for other in others:
            x = torch.maximum(x, other) if isinstance(other, Tensor) else x.clamp_min(other)
        return x

    def signed(self, x: Tensor, sign: Tensor) -> Tensor:
        return torch.where(sign < 0, -x, x)

    def slopes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        scharr = torch.from_numpy(strokes.SCHARR).to(x.device)
        right, down = F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), torch.stack([scharr, scharr.T])[:, None]).split(1, 1)
        return right, down

    def halved(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2, ceil_mode=True)

    def enlarged(self, x: Tensor, like: Tensor, times: int = 2) -> Tensor:
        x = F.interpolate(x, scale_factor=times, mode="bilinear", align_corners=False)
        return x[..., : like.shape[2], : like.shape[3]]

    def blurred(self, x: Tensor, deviation: float) -> Tensor:
        kernel = torch.from_numpy(strokes.gaussian(deviation)).to(x.device)
        radius = len(kernel) // 2
        for shape, pads in (((1, -1), (radius, radius, 0, 0)), ((-1, 1), (0, 0, radius, radius))):
            x = F.conv2d(F.pad(x, pads, "replicate"), kernel.view(1, 1, *shape))
        return x

    def direction(self, right: Tensor, down: Tensor) -> Tensor:
        return torch.cat([right, down], 1)

    def step(self, direction: Tensor, length: Tensor) -> Tensor:
        return direction * length

    def sampled(self, x: Tensor, step: Tensor, times: float) -> Tensor:
        height, width = x.shape[-2:]
        rows, columns = (torch.arange(side, device=x.device, dtype=x.dtype) for side in (height, width))
        across, down = columns + times * step[:, 0], rows[:, None] + times * step[:, 1]
        there = torch.stack([2 * across / (width - 1) - 1, 2 * down / (height - 1) - 1], -1)
        return F.grid_sample(x, there, padding_mode="border", align_corners=True)
