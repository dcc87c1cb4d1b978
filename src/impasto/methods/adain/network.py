"""Adaptive instance normalisation (paper 004; Huang and Belongie 2017) and the decoder that paints from its result."""

import copy
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.engine.architecture import DecoderConfig, halved_side, level
from impasto.losses.feature_statistics import EPSILON, Statistics, mean_std
from impasto.reflection import doubled, doubled_smoothly, reflect


def adain(features: Tensor, style: Statistics, own: Statistics | None = None, gain: float = math.inf) -> Tensor:
    """Paper 004, AdaIN(x, y) = sigma(y) (x - mu(x)) / sigma(x) + mu(y).

    features: x, (N, C, H, W). style: mu(y) and sigma(y), (N or 1, C, 1, 1). own: mu(x) and sigma(x) if they are not
    those of the whole of x. gain: the most that sigma(y) / sigma(x) may be; the paper has no such bound.
    """
    if own is None and len(features) == 1 and style[0].numel() == features.shape[1]:
        # Over one picture it is batch normalisation with the style's statistics as gain and bias: one kernel.
        weight, bias = style[1].flatten(), style[0].flatten()
        result, _, inverse = torch.native_batch_norm(features, weight, bias, None, None, True, 0.0, EPSILON)
        if math.isinf(gain):
            return result
        # Whether any channel needs it is not asked, for which a GPU would have to be waited for.
        share = (gain / (style[1] * inverse.view_as(style[1]))).clamp_max(1).to(result.dtype)
        return torch.lerp(style[0].to(result.dtype), result, share)
    mean, std = mean_std(features) if own is None else own
    scale = (style[1] / std).clamp_max(gain)
    return torch.addcmul(style[0] - mean * scale, features.to(scale.dtype), scale).to(features.dtype)


class Decoder(nn.Module):
    """Features -> picture: the encoder in reverse, with nearest upsampling for its pools and no normalisation layers,
    which would tie all pictures to one style (paper 004, "Architecture")."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.convolutions = nn.ModuleDict(
            {name: nn.Conv2d(inputs, outputs, 3) for name, (inputs, outputs) in config.convolutions.items()}
        )
        channels = {name: config.convolutions[name][1] for name in config.grounded}
        self.grounds = nn.ParameterDict({name: 0.1 * torch.randn(count) for name, count in channels.items()})
        self.conditioning = Conditioning(config) if config.hidden else None
        self._initialise()

    def forward(
        self,
        features: Mapping[str, Tensor],
        style: Mapping[str, Statistics],
        detail: float | Tensor = 1.0,
        grounds: Mapping[str, Tensor] = MappingProxyType({}),
    ) -> Tensor:
        """The picture whose features have been given the statistics `style`; as `paint`."""
        modulation = self.conditioning(style, detail) if self.conditioning else {}
        return self.paint(features, modulation, grounds=grounds)

    def given(self, features: Tensor, style: Statistics, own: Statistics | None = None) -> Tensor:
        """What `paint` expects of a layer's features: `adain` of them, with no more than the gain of the config, as
        `engine.statistics.exchange` says why."""
        return adain(features, style, own, self.config.gain or math.inf)

    def paint(
        self,
        features: Mapping[str, Tensor],
        modulation: Mapping[str, Statistics],
        size: tuple[int, int] | None = None,
        grounds: Mapping[str, Tensor] = MappingProxyType({}),
    ) -> Tensor:
        """features: {layer: (N, C, ceil(H / 2^k), ceil(W / 2^k))} after AdaIN, for each layer of the config.
        modulation: (N or 1, C, 1, 1) each, or maps of the convolution's size. size: (H, W), only needed if they are not
        divisible by 8. grounds: (N or 1, 1, h, w) each, of those that the config has. Returns (N, 3, H, W), which
        nothing keeps within [0, 1].
        """
        x = features["relu4_1"]
        for name in self.convolutions:
            block = int(name[4])
            if block < 4 and name == f"conv{block}_{self.config.depths[block - 1]}":
                # The encoder's last pooling window of an odd side is partial.
                height, width = (
                    (halved_side(side, block - 1) for side in size) if size else (2 * s for s in x.shape[-2:])
                )
                beside = features[f"relu{block}_1"] if self.config.joined else None
                x = (doubled if self.config.upsampling == "nearest" else doubled_smoothly)(x, height, width, beside)
            else:
                x = reflect(x)
            x = self._convolved(name, x, modulation.get(name), grounds)
            if name != "conv1_1":
                x = F.relu(x, inplace=True)
        return x

    def _convolved(self, name: str, x: Tensor, modulation: Statistics | None, grounds: Mapping[str, Tensor]) -> Tensor:
        """The convolution `name` of padded x, on its ground if it has one, scaled and shifted."""
        convolution = cast(nn.Conv2d, self.convolutions[name])
        x = _modulated(convolution, x, modulation)
        if name not in self.grounds:
            return x
        weight = self.grounds[name].view(1, -1, 1, 1)
        if modulation is not None:
            weight = weight * modulation[0]
        return torch.addcmul(x, grounds[name].to(x.dtype), weight.to(x.dtype))

    def in_precision(self, dtype: torch.dtype) -> "Decoder":
        """A copy whose convolutions compute in `dtype`; the few numbers of the conditioning stay as they are."""
        other = copy.deepcopy(self)
        other.convolutions.to(dtype)
        return other

    def _initialise(self) -> None:
        """He et al. (2015); the last layer small around grey, so that learning begins with a picture."""
        for name, module in self.convolutions.items():
            convolution = cast(nn.Conv2d, module)
            assert convolution.bias is not None
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            nn.init.zeros_(convolution.bias)
            if name == "conv1_1":
                nn.init.normal_(convolution.weight, std=0.01)
                nn.init.constant_(convolution.bias, 0.45)


def _modulated(convolution: nn.Conv2d, x: Tensor, modulation: Statistics | None) -> Tensor:
    """convolution(x), scaled and shifted."""
    if modulation is None:
        return convolution(x)  # type: ignore[no-any-return]
    scale, shift = modulation
    if scale.numel() > scale.shape[1]:
        x = convolution(x)
        return torch.addcmul(shift.to(x.dtype), x, scale.to(x.dtype))
    # One style for all of the picture: cheaper in the weights than at every pixel.
    assert convolution.bias is not None
    weight = (convolution.weight * scale.view(-1, 1, 1, 1)).to(x.dtype)
    bias = (convolution.bias * scale.flatten() + shift.flatten()).to(x.dtype)
    return F.conv2d(x, weight, bias)


class Conditioning(nn.Module):
    """The style's statistics -> a scale and a shift for every channel of the decoder's hidden convolutions."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        inputs = 2 * sum(config.widths[level(layer)] for layer in config.layers) + config.detailed
        self.first = nn.Linear(inputs, config.hidden)
        self.second = nn.Linear(config.hidden, 2 * sum(config.modulated.values()))
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, style: Mapping[str, Statistics], detail: float | Tensor = 1.0) -> dict[str, Statistics]:
        """{layer: (mu, sigma) of (N, C, 1, 1)} -> {convolution: (scale, shift) of (N, C, 1, 1)}.

        detail: how much of the photo's detail is wanted, from 0 to 1; (N, 1), or one for all.
        """
        values = torch.cat([value.flatten(1) for layer in self.config.layers for value in style[layer]], 1)
        # Means and deviations spread over decades; their logarithms do not.
        values = torch.log(values.clamp_min(0) + 0.01)
        if self.config.detailed:
            wanted = torch.as_tensor(detail, dtype=values.dtype, device=values.device).expand(len(values), 1)
            values = torch.cat([values, wanted], 1)
        code = self.second(F.relu(self.first(values)))[..., None, None]
        modulation, place = {}, 0
        for name, count in self.config.modulated.items():
            modulation[name] = (1 + code[:, place : place + count], code[:, place + count : place + 2 * count])
            place += 2 * count
        return modulation
