"""AdaIN itself and the decoder: formulas written down again, shapes at any size, and what the config says."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from impasto.engine.architecture import LAYERS, DecoderConfig
from impasto.engine.given import grounds
from impasto.engine.raster import Window
from impasto.losses.feature_statistics import mean_std
from impasto.methods.adain.network import Decoder, adain

SMALL = DecoderConfig(widths=(4, 6, 8, 10), depths=(2, 2, 2, 2), joined=True, hidden=5)
DETAILED = replace(SMALL, grounds=(4, 2), detailed=True, upsampling="bilinear")


def features(widths: tuple[int, ...], height: int, width: int, seed: int = 0, dtype: torch.dtype = torch.float32):  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(seed)
    sides = [(-(-height >> k), -(-width >> k)) for k in range(4)]
    return {
        layer: torch.rand(1, count, *side, generator=generator, dtype=dtype)
        for layer, count, side in zip(LAYERS, widths, sides, strict=True)
    }


def given_and_style(config: DecoderConfig, count: int = 1):  # type: ignore[no-untyped-def]
    given = {layer: value.repeat(count, 1, 1, 1) for layer, value in features(config.widths, 16, 16).items()}
    return given, {layer: mean_std(value) for layer, value in given.items()}


@pytest.fixture
def decoder() -> Decoder:
    torch.manual_seed(0)
    return Decoder(SMALL)


def noise(config: DecoderConfig, height: int, width: int) -> dict[str, Tensor]:
    return {name: torch.from_numpy(x) for name, x in grounds(config, Window(0, 0, height, width)).items()}


def test_adain_is_the_papers_equation() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, 3, 5, 4, dtype=torch.float64, generator=generator)
    y = 3 * torch.rand(2, 3, 7, 6, dtype=torch.float64, generator=generator) - 1
    result = adain(x, mean_std(y))
    for n in range(2):
        for c in range(3):
            a, b = x[n, c], y[n, c]
            sigma_x = ((a - a.mean()).square().sum() / a.numel() + 1e-5).sqrt()
            sigma_y = ((b - b.mean()).square().sum() / b.numel() + 1e-5).sqrt()
            torch.testing.assert_close(result[n, c], sigma_y * (a - a.mean()) / sigma_x + b.mean())
    # What it is for: the result has the style's statistics.
    torch.testing.assert_close(mean_std(result)[0], mean_std(y)[0])
    torch.testing.assert_close(mean_std(result)[1], mean_std(y)[1], rtol=1e-3, atol=1e-4)


def test_no_channel_is_multiplied_by_more_than_the_gain() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, 30, 40, generator=generator)
    x[:, 1] *= 0.01  # next to nothing, which the style has much of
    style = torch.rand(1, 3, 1, 1, generator=generator), torch.tensor([0.5, 0.9, 0.7]).view(1, 3, 1, 1)
    free, bounded = (Decoder(replace(SMALL, gain=gain)) for gain in (0.0, 4.0))
    plain, given = free.given(x, style), bounded.given(x, style)
    assert torch.equal(plain, adain(x, style))
    torch.testing.assert_close(given[:, ::2], plain[:, ::2])
    mean, std = mean_std(x)
    torch.testing.assert_close(given[:, 1], style[0][:, 1] + 4 * (x - mean)[:, 1], rtol=1e-4, atol=1e-5)
    assert style[1][0, 1] / std[0, 1] > 50
    # The same by way of given statistics, as in a region, and of several pictures at once.
    torch.testing.assert_close(bounded.given(x, style, (mean, std)), given, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(bounded.given(torch.cat([x, x]), style)[1:], given, rtol=1e-4, atol=1e-5)
    half = bounded.given(x.bfloat16(), style)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), given, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (8, 8), (17, 30), (33, 26)])
@pytest.mark.parametrize("config", [replace(SMALL, joined=False), SMALL, DETAILED], ids=["paper", "joined", "detailed"])
def test_any_size(size: tuple[int, int], config: DecoderConfig) -> None:
    decoder = Decoder(config)
    picture = decoder.paint(features(config.widths, *size), {}, size, noise(config, *size))
    assert picture.shape == (1, 3, *size)
    assert bool(picture.isfinite().all())


def test_every_joined_layer_and_its_statistics_reach_the_picture(decoder: Decoder) -> None:
    assert decoder.conditioning is not None
    nn.init.normal_(decoder.conditioning.second.weight, std=0.1)
    given = {layer: value.requires_grad_() for layer, value in features(SMALL.widths, 16, 16).items()}
    style = {
        layer: tuple(s.detach().clone().requires_grad_() for s in mean_std(value)) for layer, value in given.items()
    }
    decoder(given, style).square().sum().backward()
    for layer in LAYERS:
        for tensor in (given[layer], *style[layer]):
            assert tensor.grad is not None
            assert float(tensor.grad.abs().sum()) > 0, layer


def test_a_new_conditioning_changes_nothing(decoder: Decoder) -> None:
    given, style = given_and_style(SMALL)
    assert torch.equal(decoder(given, style), decoder.paint(given, {}))


def test_modulation_scales_and_shifts_before_the_relu(decoder: Decoder) -> None:
    given = features(SMALL.widths, 16, 16)
    neutral = {name: (torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)) for name in ("conv4_2", "conv1_2")}
    torch.testing.assert_close(decoder.paint(given, neutral), decoder.paint(given, {}))
    # Nothing passes a ReLU whose input was shifted far below 0: only the last bias is left.
    closed = {"conv1_2": (torch.ones(1, 1, 1, 1), torch.full((1, 1, 1, 1), -1e6))}
    torch.testing.assert_close(decoder.paint(given, closed), torch.full((1, 3, 16, 16), 0.45))


def test_a_map_of_one_value_is_that_value(decoder: Decoder) -> None:
    given = features(SMALL.widths, 17, 14)
    single = {"conv2_2": (torch.rand(1, 6, 1, 1), torch.rand(1, 6, 1, 1))}
    scale, shift = single["conv2_2"]
    maps = {"conv2_2": (scale.expand(1, 6, 9, 7).clone(), shift.expand(1, 6, 9, 7).clone())}
    torch.testing.assert_close(decoder.paint(given, maps, (17, 14)), decoder.paint(given, single, (17, 14)))


def test_config_goes_through_json() -> None:
    assert DecoderConfig.from_json({**SMALL.to_json(), "widths": [4, 6, 8, 10], "depths": [2, 2, 2, 2]}) == SMALL
    with pytest.raises(TypeError):
        DecoderConfig.from_json({"wide": 3})


def test_in_precision_keeps_the_conditioning_exact() -> None:
    half = Decoder(SMALL).in_precision(torch.bfloat16)
    types = {name: value.dtype for name, value in half.state_dict().items()}
    assert types["convolutions.conv4_2.weight"] == torch.bfloat16
    assert types["conditioning.first.weight"] == torch.float32
    given = {layer: value.bfloat16() for layer, value in features(SMALL.widths, 16, 16).items()}
    style = {layer: mean_std(value) for layer, value in given.items()}
    painted: Tensor = half(given, style)
    assert painted.dtype == torch.bfloat16


# --- grounds and detail ----------------------------------------------------------------------------------------------


def test_grounds_are_what_strokes_are_made_of() -> None:
    torch.manual_seed(0)
    decoder = Decoder(DETAILED)
    given, style = given_and_style(DETAILED)
    fixed = noise(DETAILED, 16, 16)
    assert fixed.keys() == {"conv4_2", "conv2_2"}
    painted = decoder(given, style, grounds=fixed)
    for name, value in fixed.items():
        others = fixed | {name: value.flip(2)}
        assert not torch.equal(decoder(given, style, grounds=others), painted), name


def test_every_detail_is_another_picture() -> None:
    torch.manual_seed(0)
    decoder = Decoder(DETAILED)
    assert decoder.conditioning is not None
    nn.init.normal_(decoder.conditioning.second.weight, std=0.3)
    given, style = given_and_style(DETAILED, count=3)
    wanted, fixed = torch.tensor([[0.0], [0.5], [1.0]]), noise(DETAILED, 16, 16)
    together = decoder(given, style, wanted, fixed)
    assert len({one.detach().numpy().tobytes() for one in together}) == 3
    for number, detail in enumerate((0.0, 0.5, 1.0)):
        alone = decoder(*given_and_style(DETAILED), detail, fixed)
        torch.testing.assert_close(together[number : number + 1], alone, rtol=1e-4, atol=1e-5)
    other = Decoder(SMALL)
    assert torch.equal(other(given, style, 0.0), other(given, style, 1.0)), "one that does not know of it"
