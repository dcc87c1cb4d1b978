"""Filter normalisation changes the scale of every filter and nothing else."""

import pytest
import torch
from torch import Tensor, nn

from impasto.encoders.filters import FLOOR, filter_scales, mean_activations, normalise_filters
from impasto.encoders.network import LAYERS, Encoder, EncoderConfig, Pooling
from impasto.errors import DataError

DEAD = 2  # a filter that never fires, in every layer


def network(pooling: Pooling = "average") -> Encoder:
    encoder = Encoder(EncoderConfig(widths=(6, 6, 8, 8, 8), padding="reflect")).pooled(pooling).double()
    generator = torch.Generator().manual_seed(0)
    for convolution in encoder.convolutions.values():
        assert isinstance(convolution, nn.Conv2d)
        assert convolution.bias is not None
        nn.init.normal_(convolution.weight, 0, convolution.weight[0].numel() ** -0.5, generator=generator)
        nn.init.uniform_(convolution.bias, 0, 1, generator=generator)
        nn.init.constant_(convolution.bias[DEAD], -1e6)
    return encoder.requires_grad_(False)


def pictures() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(size, dtype=torch.float64, generator=generator) for size in ((2, 3, 24, 20), (1, 3, 9, 31))]


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_the_function_is_unchanged_up_to_the_scale_of_each_filter(pooling: Pooling) -> None:
    encoder = network(pooling)
    unseen = torch.rand(1, 3, 21, 18, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    before = encoder(unseen, LAYERS)
    scales = filter_scales(mean_activations(encoder, pictures()))
    normalise_filters(encoder, scales)
    after = encoder(unseen, LAYERS)
    for layer in LAYERS:
        assert before[layer].std() > 0
        torch.testing.assert_close(after[layer] * scales[layer].view(1, -1, 1, 1), before[layer], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_mean_activations_become_one(pooling: Pooling) -> None:
    encoder = network(pooling)
    means = mean_activations(encoder, pictures())
    normalise_filters(encoder, filter_scales(means))
    for layer, mean in mean_activations(encoder, pictures()).items():
        above = means[layer] >= FLOOR * means[layer].mean()
        assert above.sum() >= 2
        torch.testing.assert_close(mean[above], torch.ones_like(mean[above]))
        assert (mean[~above] < 1).all(), "a filter that hardly fires is not blown up"
        assert mean[DEAD] == 0, "a dead filter stays dead"


def test_every_position_of_every_picture_counts_the_same() -> None:
    encoder = network()
    means = mean_activations(encoder, pictures())
    for layer in ("relu1_1", "relu3_4", "relu5_1"):
        responses = [encoder(batch, [layer])[layer].transpose(0, 1).flatten(1) for batch in pictures()]
        torch.testing.assert_close(means[layer], torch.cat(responses, 1).mean(1))
        assert means[layer].dtype == torch.float64


def test_no_pictures() -> None:
    with pytest.raises(DataError, match="at least one picture"):
        mean_activations(network(), [])
