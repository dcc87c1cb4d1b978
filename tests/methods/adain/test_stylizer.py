"""Method `adain` with its embedded networks: every control does what it promises."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import impasto
from impasto import image, tensors
from impasto.device import CPU
from impasto.encoders import load_encoder
from impasto.engine.architecture import LAYERS, DecoderConfig
from impasto.engine.preparation import colours
from impasto.engine.statistics import Array
from impasto.engine.styles import Style, load_style
from impasto.errors import OptionError, WeightsError
from impasto.gallery import packaged
from impasto.losses.feature_statistics import mean_std, relative_statistics_loss
from impasto.methods import StylizeOptions
from impasto.methods.adain import stylizer as module
from impasto.methods.adain.backend import load_networks
from impasto.methods.adain.network import Decoder
from impasto.methods.adain.stylizer import AdaIN, decoder_file
from impasto.weights import load, save

EXACT: dict[str, Any] = {"precision": "fp32"}


def picture(height: int, width: int, seed: int) -> Tensor:
    """Smooth shapes with some grain, as a photograph has."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 6, generator=generator)
    smooth = F.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    return (smooth + 0.03 * torch.randn(smooth.shape, generator=generator)).clamp(0, 1)


CONTENT, ONE, TWO = picture(56, 72, 0), picture(60, 80, 1) ** 3, 1 - 0.5 * picture(64, 48, 2)
PHOTO = torch.from_numpy(image.resize(image.read(packaged()["mountains"]).pixels, 96, 144))


@pytest.fixture(scope="module")
def adain() -> AdaIN:
    method = impasto.load("adain", device="cpu")
    assert isinstance(method, AdaIN)
    return method


def paint(method: AdaIN, styles: list[Any], content: Tensor = CONTENT, masks: Any = None, **choices: Any) -> Tensor:
    maps = None if masks is None else [mask.numpy() for mask in masks]
    seen = [style.numpy() if isinstance(style, Tensor) else style for style in styles]
    return torch.from_numpy(method(content.numpy(), seen, StylizeOptions(**(EXACT | choices)), masks=maps))


def encode(method: AdaIN, style: Tensor, name: str = "") -> Style:
    return method.encode(style.numpy(), StylizeOptions(**EXACT), name=name)


def distance(painted: Tensor, method: AdaIN, style: Tensor) -> float:
    """Of the statistics at the four layers, as the method sees the style."""
    wanted = encode(method, style).statistics
    found = load_encoder("lite")(painted, LAYERS)
    return sum(
        float(relative_statistics_loss(mean_std(found[layer]), tuple(map(torch.from_numpy, wanted[layer]))))
        for layer in LAYERS
    )


def test_brings_the_statistics_of_the_style(adain: AdaIN) -> None:
    for name in ("swirls", "still_life"):
        style = tensors.to_tensor(image.read(packaged()[name]))
        painted = paint(adain, [style], PHOTO)
        assert distance(painted, adain, style) < 0.45 * distance(PHOTO, adain, style)
        # And what is where stays: brightness goes up and down as in the content.
        correlation = torch.corrcoef(torch.stack([painted.mean(1).flatten(), PHOTO.mean(1).flatten()]))
        assert correlation[0, 1] > 0.6


def test_strength_leads_from_the_photograph_to_the_style(adain: AdaIN) -> None:
    torch.testing.assert_close(paint(adain, [ONE], strength=0.0), CONTENT, atol=1e-5, rtol=0)
    style = tensors.to_tensor(image.read(packaged()["swirls"]))
    distances = [distance(paint(adain, [style], PHOTO, strength=s), adain, style) for s in (0.0, 0.3, 0.6, 1.0)]
    assert distances == sorted(distances, reverse=True)


def test_more_than_full_strength_is_warned_of(adain: AdaIN, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="impasto"):
        full = paint(adain, [ONE], strength=1.0)
        assert not caplog.records
        assert not torch.equal(paint(adain, [ONE], strength=1.5), full)
    assert "strength is 1.5" in caplog.text


def test_styles_are_blended_in_feature_space(adain: AdaIN) -> None:
    for blend_of, alone in (("1,0", ONE), ("0,1", TWO)):
        painted = paint(adain, [ONE, TWO], style_blend=blend_of)
        torch.testing.assert_close(painted, paint(adain, [alone]), atol=1e-4, rtol=0)
    between = [distance(paint(adain, [ONE, TWO], style_blend=f"{1 - s},{s}"), adain, TWO) for s in (0, 0.5, 1)]
    assert between == sorted(between, reverse=True)
    with pytest.raises(OptionError, match="style_blend has 3 weights for 2 styles"):
        paint(adain, [ONE, TWO], style_blend="1,1,1")


def test_a_style_is_encoded_once_and_for_all(adain: AdaIN, tmp_path: Path) -> None:
    style = encode(adain, ONE, "one.png")
    style.save(tmp_path / "one.style.safetensors")
    assert (tmp_path / "one.style.safetensors").stat().st_size < 10_000
    stored = load_style(tmp_path / "one.style.safetensors")
    assert (stored.name, stored.encoder, stored.picture) == ("one.png", style.encoder, None)
    assert stored.length == style.length != Style.length
    for found, expected in zip(stored.colours, colours([(image.resize(ONE.numpy(), 96, 128), None)]), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert torch.equal(paint(adain, [stored, TWO]), paint(adain, [ONE, TWO]))


def test_a_style_of_another_encoder_is_refused(adain: AdaIN) -> None:
    style = encode(adain, ONE, "one.png")
    with pytest.raises(OptionError, match=r"style 'one\.png' was encoded by another encoder"):
        paint(adain, [replace(style, encoder="0" * 64)])


def test_styles_of_older_impastos_have_usual_strokes_or_are_to_be_encoded_anew(adain: AdaIN, tmp_path: Path) -> None:
    path = tmp_path / "old.style.safetensors"
    encode(adain, ONE).save(path)
    found, config = load(path)
    del config["style"]["length"]
    save(path, found, config)
    assert load_style(path).length == Style.length
    save(path, {name: value for name, value in found.items() if not name.startswith("colours")}, config)
    with pytest.raises(WeightsError, match=r"old\.style\.safetensors: holds no colours.*encode the painting anew"):
        load_style(path)


def test_files_that_hold_no_style(tmp_path: Path) -> None:
    path = tmp_path / "x.style.safetensors"
    with pytest.raises(WeightsError, match="there is no such file"):
        load_style(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match="damaged"):
        load_style(path)
    save(path, {"relu1_1.mean": torch.ones(3)}, {"style": {"encoder": "", "name": ""}})
    with pytest.raises(WeightsError, match="holds no style"):
        load_style(path)
    style = Style({}, colours([(ONE.numpy(), None)]), "")
    with pytest.raises(WeightsError, match=r"NAME\.style\.safetensors"):
        style.save(tmp_path / "x.png")


def test_the_size_of_a_style_does_not_depend_on_the_content(
    adain: AdaIN, whole_styles: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    resize = module.image.resize

    def noted(image: Array, height: int, width: int) -> Array:
        seen.append((height, width))
        return resize(image, height, width)

    monkeypatch.setattr(module.image, "resize", noted)
    adain.encode(np.ones((1, 3, 10, 20), np.float32), StylizeOptions(style_scale=0.1))
    adain.encode(np.ones((1, 3, 1, 1000), np.float32), StylizeOptions(style_scale=0.1))
    assert seen == [(51, 102), (1, 205)]


def test_half_precision_must_pass_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded(precision: str) -> torch.dtype:
        networks = load_networks("lite", None, None, decoder_file("adain"), torch.device("cpu"), precision)
        return networks.encoder.convolution("relu1_1").weight.dtype

    monkeypatch.setattr("impasto.methods.adain.backend.precision_of", lambda name, device: torch.bfloat16)
    for psnr, expected in ((39.9, torch.float32), (40.1, torch.bfloat16)):
        monkeypatch.setattr("impasto.tensors.decibels", lambda exact, other, psnr=psnr: psnr)
        assert loaded("auto") == expected
        # Whoever asks for it gets it.
        assert loaded("bf16") == torch.bfloat16


def test_networks_that_do_not_fit_together(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.safetensors: there is no such file"):
        paint(AdaIN(CPU), [ONE], decoder=str(tmp_path / "none.safetensors"))
    path = tmp_path / "wide.safetensors"
    wide = Decoder(DecoderConfig(widths=(4, 4, 4, 4)))
    save(path, wide.state_dict(), {"decoder": wide.config.to_json()})
    with pytest.raises(OptionError, match=r"paints from \(4, 4, 4, 4\) filters, but the encoder lite gives \(16, 32"):
        paint(AdaIN(CPU), [ONE], decoder=str(path))
    save(path, {"x": torch.ones(1)}, {"decoder": wide.config.to_json()})
    with pytest.raises(WeightsError, match="holds no decoder of impasto's"):
        paint(AdaIN(CPU), [ONE], decoder=str(path))


# --- detail and stroke -----------------------------------------------------------------------------------------------


def test_decoders_that_do_not_know_of_detail_and_stroke_refuse_them(adain: AdaIN, tmp_path: Path) -> None:
    config = DecoderConfig(widths=(16, 32, 64, 128), depths=(1, 1, 1, 1), joined=True, hidden=4, detailed=False)
    path = tmp_path / "plain.safetensors"
    save(path, Decoder(config).state_dict(), {"decoder": config.to_json()})
    for decoder in ("adain_paper", str(path)):
        for choice in ({"detail": 0.2}, {"detail": 1.0}, {"stroke": 0.02}):
            (name,) = choice
            with pytest.raises(OptionError, match=rf"^{name} cannot be chosen: the decoder '.*{Path(decoder).name}'"):
                paint(adain, [ONE], decoder=decoder, **choice)
        # The defaults are no wish.
        assert paint(adain, [ONE], decoder=decoder).shape == CONTENT.shape
