"""Imported weights compute what the program that they come from computes.

Its two networks are built here as naoto0804/pytorch-AdaIN publishes them, around random weights.
"""

import hashlib
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from impasto.encoders import load_encoder
from impasto.encoders.network import LAYERS, Encoder
from impasto.engine.architecture import DecoderConfig
from impasto.errors import OptionError, WeightsError
from impasto.methods import StylizeOptions
from impasto.methods.adain.backend import load_decoder
from impasto.methods.adain.foreign import LAYOUTS, import_foreign, layout_named
from impasto.methods.adain.network import Decoder
from impasto.methods.adain.stylizer import AdaIN
from impasto.weights import load, save

# Channels of convolutions, each between a reflection and a ReLU; 0 for a pool.
VGG = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512, 512, 512)
# The same, from 512 channels on; 0 for nearest upsampling.
DECODER = (256, 0, 256, 256, 256, 128, 0, 128, 64, 0, 64, 3)
UP_TO_RELU4_1 = 31


def published(channels: int, widths: tuple[int, ...], between: nn.Module) -> list[nn.Module]:
    modules: list[nn.Module] = []
    for width in widths:
        if width:
            modules += [nn.ReflectionPad2d(1), nn.Conv2d(channels, width, 3), nn.ReLU()]
            channels = width
        else:
            modules.append(between)
    return modules


def randomise(network: nn.Sequential, seed: int) -> nn.Sequential:
    """Weights that keep the size of the activations, so that a mistake anywhere shows at the end."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        scale = (2 / parameter[0].numel()) ** 0.5 if parameter.ndim == 4 else 0.1
        parameter.data.normal_(0, scale, generator=generator)
    first = network[0]
    if isinstance(first, nn.Conv2d):
        # RGB in [0, 1] to BGR in [0, 255] without its mean, as in the published file.
        first.weight.data = 255 * torch.eye(3).flip(0).view(3, 3, 1, 1)
        first.bias.data = -torch.tensor([103.939, 116.779, 123.68])
        network[2].weight.data /= 60
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def vgg() -> nn.Sequential:
    pool = nn.MaxPool2d(2, 2, ceil_mode=True)
    return randomise(nn.Sequential(nn.Conv2d(3, 3, 1), *published(3, VGG, pool)), 0)


@pytest.fixture(scope="module")
def decoder() -> nn.Sequential:
    *modules, _ = published(512, DECODER, nn.Upsample(scale_factor=2, mode="nearest"))
    return randomise(nn.Sequential(*modules), 1)


@pytest.fixture(scope="module")
def files(vgg: nn.Sequential, decoder: nn.Sequential, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two files of the other program and what became of them."""
    folder = tmp_path_factory.mktemp("foreign")
    torch.save(vgg.state_dict(), folder / "vgg_normalised.pth")
    torch.save(decoder.state_dict(), folder / "decoder.pth")
    assert import_foreign(folder / "vgg_normalised.pth", folder / "vgg.safetensors").name == "adain-encoder"
    assert import_foreign(folder / "decoder.pth", folder / "decoder.safetensors").name == "adain-decoder"
    return folder


@pytest.fixture(scope="module")
def imported_vgg(files: Path) -> Encoder:
    return load_encoder("vgg19", weights=files / "vgg.safetensors").pooled("max")


@pytest.fixture(scope="module")
def imported_decoder(files: Path) -> Decoder:
    return load_decoder(files / "decoder.safetensors")[0]


def random(*shape: int, seed: int = 2) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def stand_ins(name: str) -> dict[str, Tensor]:
    """Every key and shape of a layout, but hardly any bytes."""
    return {key: torch.zeros(1).expand(shape) for key, shape in layout_named(name).shapes().items()}


def assert_equal_for_float32(found: Tensor, expected: Tensor) -> None:
    assert found.shape == expected.shape
    assert expected.std() > 0.05
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


# --- what is computed ---


@pytest.mark.parametrize("size", [(32, 48), (37, 53), (17, 30), (45, 18)])
def test_the_encoder_is_the_published_one(vgg: nn.Sequential, imported_vgg: Encoder, size: tuple[int, int]) -> None:
    image = random(2, 3, *size)
    features = imported_vgg(image, LAYERS)
    relus = [position for position, module in enumerate(vgg) if isinstance(module, nn.ReLU)]
    expected = {}
    x = image
    for position, module in enumerate(vgg[: relus[len(LAYERS) - 1] + 1]):
        x = module(x)
        if position in relus:
            expected[LAYERS[relus.index(position)]] = x
    for layer in LAYERS:
        assert_equal_for_float32(features[layer], expected[layer])


@pytest.mark.parametrize("size", [(4, 6), (5, 3), (2, 2)])
def test_the_decoder_is_the_published_one(
    decoder: nn.Sequential, imported_decoder: Decoder, size: tuple[int, int]
) -> None:
    features = random(2, 512, *size)
    painted = imported_decoder.paint({"relu4_1": features}, {}, (8 * size[0], 8 * size[1]))
    assert_equal_for_float32(painted, decoder(features))


def test_the_stylizer_pools_as_the_decoder_wants(files: Path) -> None:
    options = StylizeOptions(encoder="vgg19", decoder=str(files / "decoder.safetensors"), precision="fp32")
    networks = AdaIN(torch.device("cpu"), weights=files / "vgg.safetensors").backend(options)
    assert networks.encoder.pooling == "max"
    assert networks.decoder.config == DecoderConfig()


# --- what is written ---


def test_the_files_say_what_they_are(files: Path) -> None:
    for network, name in (("encoder", "vgg_normalised.pth"), ("decoder", "decoder.pth")):
        tensors, config = load(files / {"encoder": "vgg.safetensors", "decoder": "decoder.safetensors"}[network])
        assert config.keys() == {network, "pooling", "imported"}
        assert config["pooling"] == "max"
        assert config["imported"] == {
            "layout": f"adain-{network}",
            "file": name,
            "sha256": hashlib.sha256((files / name).read_bytes()).hexdigest(),
        }
        assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}


def test_the_decoder_is_taken_over_bit_by_bit_in_any_precision_and_from_safetensors(
    decoder: nn.Sequential, tmp_path: Path
) -> None:
    for state in (decoder.state_dict(), {key: value.half() for key, value in decoder.state_dict().items()}):
        save(tmp_path / "copy.safetensors", state, {})
        import_foreign(tmp_path / "copy.safetensors", tmp_path / "a.safetensors", "adain-decoder")
        tensors, _ = load(tmp_path / "a.safetensors")
        assert torch.equal(tensors["convolutions.conv3_1.weight"], state["14.weight"].float())
        assert torch.equal(tensors["convolutions.conv1_1.bias"], state["28.bias"].float())


# --- what is known and what is refused ---


def refusal(state: dict[str, Tensor], folder: Path, name: str | None = None) -> str:
    torch.save(state, folder / "a.pth")
    with pytest.raises(WeightsError) as caught:
        import_foreign(folder / "a.pth", folder / "out.safetensors", name)
    assert not (folder / "out.safetensors").exists()
    message = str(caught.value)
    assert message.startswith(f"{folder / 'a.pth'}: is ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "state",
    [
        {"features.0.weight": torch.zeros(64, 3, 3, 3)},
        {f"{position}.weight": torch.zeros(1) for position in (0, 2, 5, 7, 10, 12, 14)},  # torchvision's `features`
        {"convolutions.conv4_1.weight": torch.zeros(1)},
    ],
    ids=["torchvision", "torchvision's features", "impasto"],
)
def test_another_layout_is_refused_with_the_known_ones(state: dict[str, Tensor], tmp_path: Path) -> None:
    message = refusal(state, tmp_path)
    assert "is of no layout that impasto knows" in message
    assert f"'{next(iter(state))}'" in message
    for layout in LAYOUTS:
        assert f"{layout.name} ({layout.what})" in message


def test_an_encoder_that_ends_early_is_refused_with_what_it_lacks(vgg: nn.Sequential, tmp_path: Path) -> None:
    message = refusal(vgg[:UP_TO_RELU4_1].state_dict(), tmp_path)
    keys = [f"'{position}.{kind}'" for position in (32, 35, 38, 42) for kind in ("weight", "bias")]
    assert f"is no whole adain-encoder ({layout_named('adain-encoder').what}): {', '.join(keys)} missing" in message


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    state = {key: value for key, value in stand_ins("adain-decoder").items() if int(key.split(".")[0]) <= 11}
    message = refusal(state | {"18.bias": torch.zeros(128)}, tmp_path)
    assert message.endswith("'14.weight', '14.bias', '18.weight', '21.weight', '21.bias', '25.weight', '25.bias',"
                            " '28.weight' and 1 more missing")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "key", "shape", "expected"),
    [
        ("adain-encoder", "0.weight", (64, 3, 3, 3), (3, 3, 1, 1)),
        ("adain-encoder", "29.weight", (512, 128, 3, 3), (512, 256, 3, 3)),
        ("adain-decoder", "14.weight", (256, 128, 3, 3), (128, 256, 3, 3)),
        ("adain-decoder", "28.bias", (4,), (3,)),
    ],
)
def test_a_wrong_shape_is_named(
    name: str, key: str, shape: tuple[int, ...], expected: tuple[int, ...], tmp_path: Path
) -> None:
    message = refusal(stand_ins(name) | {key: torch.zeros(1).expand(shape)}, tmp_path)
    assert message.endswith(f"is no {name}: '{key}' has shape {shape}, not {expected}")


def test_more_than_the_layout_has_is_another_network(tmp_path: Path) -> None:
    extra = {"2.running_mean": torch.zeros(64), "45.weight": torch.zeros(1)}
    assert refusal(stand_ins("adain-encoder") | extra, tmp_path).endswith("which has no '2.running_mean'")
    assert "has no '45.weight'" in refusal(stand_ins("adain-decoder") | {"45.weight": torch.zeros(1)}, tmp_path)


def test_a_named_layout_is_not_guessed(tmp_path: Path) -> None:
    assert "no whole adain-encoder" in refusal(stand_ins("adain-decoder"), tmp_path, "adain-encoder")
    with pytest.raises(OptionError, match="no layout 'vgg'; there are adain-encoder, adain-decoder"):
        import_foreign(tmp_path / "a.pth", tmp_path / "out.safetensors", "vgg")
