"""The encoder that ships inside the package."""

from pathlib import Path

import pytest
import torch

from impasto import image, tensors
from impasto.encoders import ENCODERS, load_encoder, weights_file
from impasto.encoders.filters import FLOOR, mean_activations
from impasto.encoders.network import LAYERS
from impasto.errors import OptionError
from impasto.weights import load

PICTURES = sorted((weights_file("lite").parent / "pictures").glob("*.jpg"))


def test_is_what_the_package_promises() -> None:
    encoder = load_encoder("lite")
    assert tuple(encoder.convolutions) == LAYERS
    assert encoder.config.widths == (16, 32, 64, 128, 128)
    assert encoder.pooling == "average"
    assert not encoder.training
    for parameter in encoder.parameters():
        assert parameter.dtype == torch.float32
        assert not parameter.requires_grad
        assert torch.isfinite(parameter).all()
    assert 0.7e6 < sum(parameter.numel() for parameter in encoder.parameters()) < 0.9e6
    assert weights_file("lite").stat().st_size < 2e6


def test_filters_are_normalised() -> None:
    assert len(PICTURES) >= 2
    # Normalised on many other pictures, so that these few are only near it.
    shown = (tensors.resize(tensors.to_tensor(image.read(path)), 96, 128) for path in PICTURES)
    for layer, means in mean_activations(load_encoder("lite"), shown).items():
        # Up to half of a layer's filters never fire in the teacher, so that a median would be one of theirs.
        assert 1 / 3 < float(means.quantile(0.75)) < 3, layer
        assert float(means.max()) < 1 / FLOOR, layer


def test_raw_is_the_same_network_in_the_units_that_it_was_learned_in() -> None:
    units, _ = load(weights_file("lite"))
    picture = tensors.resize(tensors.to_tensor(image.read(PICTURES[0])), 48, 64)
    normalised, raw = load_encoder("lite")(picture, LAYERS), load_encoder("lite", raw=True)(picture, LAYERS)
    for layer in LAYERS:
        unit = units[f"teacher_units.{layer}"].float().view(1, -1, 1, 1)
        torch.testing.assert_close(raw[layer], normalised[layer] * unit, rtol=1e-3, atol=1e-3)
        assert float(unit.max()) > 3 * float(unit.min())
    with pytest.raises(OptionError, match="filters is 'raw', which lite can be, but the encoder is vgg19"):
        load_encoder("vgg19", raw=True)


def test_by_name(tmp_path: Path) -> None:
    assert ENCODERS == ("lite", "vgg19")
    with pytest.raises(OptionError, match="lite carries its own"):
        load_encoder("lite", weights=tmp_path / "a.safetensors")
    with pytest.raises(OptionError, match="no encoder 'vgg16'; there are lite, vgg19"):
        load_encoder("vgg16")
    assert weights_file("vgg19", tmp_path / "a.pth") == tmp_path / "a.pth"
