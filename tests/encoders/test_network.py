"""The network that both encoders are, against plain functions."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.encoders.network import LAYERS, Encoder, EncoderConfig, Padding, Pooling, block_of
from impasto.errors import OptionError

SIZES = [(16, 32), (33, 47), (1, 1), (1, 40), (2, 19), (17, 3)]


def small(padding: Padding = "reflect", pooling: Pooling = "average") -> Encoder:
    config = EncoderConfig(widths=(3, 4, 5, 6, 7), padding=padding)
    encoder = Encoder(config).pooled(pooling).double()
    generator = torch.Generator().manual_seed(0)
    for parameter in encoder.parameters():
        scale = (2 / parameter[0].numel()) ** 0.5 if parameter.ndim == 4 else 0.3
        nn.init.normal_(parameter, 0, scale, generator=generator)
    return encoder.requires_grad_(False)


def picture(height: int, width: int) -> Tensor:
    return torch.rand(2, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def padded(x: Tensor, padding: Padding) -> Tensor:
    """One more pixel on each side, written with indices: a mirror at the border pixel, or zeros."""
    height, width = x.shape[-2:]

    def index(size: int) -> list[int]:
        return [1, *range(size), size - 2]

    if padding == "zeros":
        larger = x.new_zeros(*x.shape[:2], height + 2, width + 2)
        larger[..., 1:-1, 1:-1] = x
        return larger
    if min(height, width) == 1:  # nothing to mirror in one direction: the border is repeated
        rows, columns = ([0, *range(size), size - 1] for size in (height, width))
    else:
        rows, columns = index(height), index(width)
    return x[..., rows, :][..., columns]


def pooled(x: Tensor, pooling: Pooling) -> Tensor:
    """2x2 windows; those at the end of an odd side hold what is there."""
    height, width = (math.ceil(size / 2) for size in x.shape[-2:])
    result = x.new_zeros(*x.shape[:2], height, width)
    for row in range(height):
        for column in range(width):
            window = x[..., 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].flatten(2)
            result[..., row, column] = window.mean(2) if pooling == "average" else window.amax(2)
    return result


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("padding", ["reflect", "zeros"])
def test_computes_the_plain_network(padding: Padding, pooling: Pooling, size: tuple[int, int]) -> None:
    encoder = small(padding, pooling)
    features = encoder(picture(*size), LAYERS)
    assert set(features) == set(LAYERS)
    x = (picture(*size) - torch.tensor([0.485, 0.456, 0.406]).double().view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).double().view(3, 1, 1)
    state = encoder.state_dict()
    block = 1
    for layer in LAYERS:
        if block_of(layer) > block:
            x, block = pooled(x, pooling), block + 1
        weight, bias = state[f"convolutions.{layer}.weight"], state[f"convolutions.{layer}.bias"]
        x = F.conv2d(padded(x, padding), weight, bias).clamp_min(0)
        assert features[layer].shape == x.shape
        torch.testing.assert_close(features[layer], x, rtol=1e-5, atol=1e-7)  # mean and std are float32


def test_pooled_shares_the_weights_and_leaves_the_original_alone() -> None:
    encoder = small()
    other = encoder.pooled("max")
    assert (encoder.pooling, other.pooling) == ("average", "max")
    for mine, theirs in zip(encoder.parameters(), other.parameters(), strict=True):
        assert mine is theirs
    image = picture(16, 16)
    assert torch.equal(other(image, ["relu3_1"])["relu3_1"], small(pooling="max")(image, ["relu3_1"])["relu3_1"])


def test_only_what_is_needed_is_computed() -> None:
    encoder = small()
    computed: list[str] = []
    for layer, convolution in encoder.convolutions.items():
        convolution.register_forward_hook(lambda *_, layer=layer: computed.append(layer))
    features = encoder(picture(16, 16), ["relu1_1", "relu3_2"])
    assert set(features) == {"relu1_1", "relu3_2"}
    assert computed == list(LAYERS[: LAYERS.index("relu3_2") + 1])
    computed.clear()
    assert encoder(picture(16, 16), []) == {}
    assert computed == []


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(OptionError, match=r"no layer 'conv4_2'; the layers are relu1_1, .*relu5_1"):
        small()(picture(4, 4), ["relu1_1", "conv4_2"])
