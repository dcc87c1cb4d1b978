"""Generators on disk and at work: any size, both directions, and what is said when a file does not fit."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
import torch.nn.functional as F
from random_tensors import picture as random_picture
from tiny_recipes import TINY
from torch import Tensor, nn

import impasto
from impasto.errors import OptionError, OutOfMemoryError, WeightsError
from impasto.methods import METHODS, StylizeOptions, options_of
from impasto.methods.cyclegan.network import Generator, GeneratorConfig
from impasto.translation import load_generator, padded_to, save_generators, translate
from impasto.weights import load, save, sha256_of

CPU = torch.device("cpu")


def picture(height: int = 13, width: int = 18, seed: int = 0) -> Tensor:
    return random_picture(height, width, seed)


def trained(method: str, seed: int) -> Any:
    """A generator that has left its beginning, also in its statistics."""
    generator = torch.Generator().manual_seed(seed)
    network = TINY[method].networks().generator
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            # What half precision can say, so that nothing is lost on disk.
            noise = (torch.randn(value.shape, generator=generator) * 0.2).half().float()
            value.copy_(noise.abs() + 1e-6 if name.endswith("running_var") else noise)
    return network.eval().requires_grad_(False)


@pytest.fixture(params=[name for name in METHODS if options_of(name).needs_weights])
def method(request: pytest.FixtureRequest) -> str:
    return cast(str, request.param)


@pytest.fixture
def path(method: str, tmp_path: Path) -> Path:
    path = tmp_path / "generators.safetensors"
    save_generators(path, method, {"A2B": trained(method, 1), "B2A": trained(method, 2)}, {"seed": 3})
    return path


def test_directions_may_be_built_differently(tmp_path: Path) -> None:
    networks = {
        direction: Generator(GeneratorConfig(width=2, blocks=1, upsampling=upsampling))
        for direction, upsampling in (("A2B", "bilinear"), ("B2A", "resize"))
    }
    path = tmp_path / "generators.safetensors"
    save_generators(path, "cyclegan", networks, {})
    for direction, network in networks.items():
        assert load_generator(path, Generator, direction).config == network.config
    tensors, config = load(path)
    save(path, tensors, {**config, "generators": ["A2B"]})
    with pytest.raises(WeightsError, match="cannot be built"):
        load_generator(path, Generator, "A2B")


def test_the_file_alone_rebuilds_the_network(method: str, path: Path) -> None:
    stylizer = impasto.load(method, device="cpu", weights=path)
    for seed, direction in ((1, "A2B"), (2, "B2A")):
        options = StylizeOptions(method=method, direction=direction, precision="fp32")
        network = trained(method, seed)
        expected = translate(network, picture(), *network.beside([], options))
        assert expected.std() > 0.01
        torch.testing.assert_close(stylizer(picture(), [], options), expected, atol=1e-5, rtol=0)
    assert stylizer.weights_hashes(options) == {method: sha256_of(path)}
    assert stylizer.weights == path


def test_weights_are_half_and_statistics_whole(method: str, path: Path) -> None:
    tensors, config = load(path)
    assert (config["method"], config["recipe"]) == (method, {"seed": 3})
    assert {name.partition(".")[0] for name in tensors} == {"A2B", "B2A"}
    for name, value in tensors.items():
        if "running" in name:
            assert value.dtype == torch.float32
        elif "num_batches" not in name:
            assert value.dtype == torch.float16


def test_what_is_added_is_mirrored_and_cut_off_again() -> None:
    generator = trained("cyclegan", 1)
    content = picture(13, 18)
    padded = F.pad(content, (0, 2, 0, 3), mode="reflect")
    torch.testing.assert_close(translate(generator, content), translate(generator, padded)[..., :13, :18])
    assert torch.equal(padded_to(content, 4, 8), padded)
    assert padded_to(picture(16, 20), 4, 8).shape == (1, 3, 16, 20)
    small = padded_to(picture(3, 2), 4, 8)
    assert small.shape == (1, 3, 8, 8)
    assert torch.equal(small[..., 3:, :2], picture(3, 2)[..., 2:, :].expand(1, 3, 5, 2)), "too little to mirror"


def test_works_in_minus_one_to_one() -> None:
    class Invert(nn.Module):
        multiple, minimum = 1, 1

        def forward(self, x: Tensor) -> Tensor:
            assert float(x.min()) < -0.5
            return -2 * x

    torch.testing.assert_close(translate(cast(Any, Invert()), picture()), ((1 - 2 * picture()) + 0.5).clamp(0, 1))


def test_precision_and_its_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "g.safetensors"
    save_generators(path, "cyclegan", {"A2B": trained("cyclegan", 1)}, {})
    stylizer = Generator.translator(CPU, weights=path)
    options = StylizeOptions(method="cyclegan")
    exact = stylizer(picture(), [], replace(options, precision="fp32"))
    half = stylizer(picture(), [], replace(options, precision="bf16"))
    assert 0 < float((exact - half).abs().max()) < 0.1
    monkeypatch.setattr("impasto.translation.precision", lambda name, device: torch.bfloat16)
    for gate, expected in ((0.0, half), (200.0, exact)):
        monkeypatch.setattr("impasto.tensors.GATE_PSNR", gate)
        chosen = Generator.translator(CPU, weights=path)(picture(), [], replace(options, precision="auto"))
        assert torch.equal(chosen, expected)


def test_a_file_that_does_not_fit_is_named(tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    save_generators(path, "cyclegan", {"A2B": trained("cyclegan", 1)}, {})
    with pytest.raises(
        WeightsError, match=r"g\.safetensors: is of the method cyclegan, but the method is dncnn-cyclegan"
    ):
        impasto.load("dncnn-cyclegan", device="cpu", weights=path)(
            picture(), [], StylizeOptions(method="dncnn-cyclegan")
        )
    with pytest.raises(WeightsError, match=r"g\.safetensors: has no generator for the direction B2A"):
        load_generator(path, Generator, "B2A")
    tensors, config = load(path)
    for change in ({"generator": {"width": 3}}, {"generator": {"wide": 3}}, {"generator": None}):
        save(path, tensors, config | change)
        with pytest.raises(WeightsError, match=r"g\.safetensors: its generator cannot be built"):
            load_generator(path, Generator, "A2B")
    save(path, tensors, {"decoder": {}})
    with pytest.raises(WeightsError, match=r"g\.safetensors: holds no generators, but the method is cyclegan"):
        load_generator(path, Generator, "A2B")
    with pytest.raises(WeightsError, match="there is no such file"):
        load_generator(tmp_path / "none", Generator, "A2B")
    with pytest.raises(OptionError, match="weights is missing: the method cyclegan needs generators"):
        impasto.load("cyclegan", device="cpu")


def test_needs_no_style_and_takes_none(method: str, path: Path) -> None:
    if options_of(method).takes_styles:
        pytest.skip("takes them, but needs none")
    stylizer = impasto.load(method, device="cpu", weights=path)
    painted = impasto.stylize(picture(), stylizer=stylizer)
    assert torch.equal(painted, stylizer(picture(), [], StylizeOptions(method=method)))
    message = f"style cannot be given: the weights of the method {method} are its style"
    with pytest.raises(OptionError, match=message):
        impasto.stylize(picture(), picture(), stylizer=stylizer)
    with pytest.raises(OptionError, match=message):
        stylizer(picture(), [picture()], StylizeOptions(method=method))
    with pytest.raises(OptionError, match=f"masks say where styles go, but the method {method} is shown none"):
        impasto.stylize(picture(), stylizer=stylizer, masks=[picture()])
    with pytest.raises(OptionError, match="at least one style is needed"):
        impasto.stylize(picture())


def test_a_picture_that_is_too_large_is_refused_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "g.safetensors"
    save_generators(path, "cyclegan", {"A2B": trained("cyclegan", 1)}, {})
    stylizer = Generator.translator(CPU, weights=path)
    network, _ = stylizer.network(StylizeOptions(method="cyclegan"))
    needed = 13 * 18 * network.bytes_per_pixel
    monkeypatch.setattr("impasto.device.free_memory", lambda device: needed - 1)
    with pytest.raises(OutOfMemoryError, match="18 x 13 pixels need about"):
        stylizer(picture(), [], StylizeOptions(method="cyclegan"))
    monkeypatch.setattr("impasto.device.free_memory", lambda device: needed)
    stylizer(picture(), [], StylizeOptions(method="cyclegan"))


def test_pictures_of_a_batch_do_not_meet(method: str) -> None:
    generator = trained(method, 1)
    both = torch.cat([picture(seed=1), picture(seed=2)])
    alone = torch.cat([translate(generator, one) for one in both.split(1)])
    torch.testing.assert_close(translate(generator, both), alone, atol=1e-5, rtol=1e-4)
