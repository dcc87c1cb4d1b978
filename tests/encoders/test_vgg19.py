from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from file_server import File, serving
from torch import Tensor, nn

from impasto.encoders import load_encoder
from impasto.encoders.network import LAYERS, EncoderConfig
from impasto.errors import WeightsError
from impasto.weights import WEIGHTS, save, sha256_of

# torchvision's `features` of VGG-19: channels of convolutions, each followed by a ReLU, and 0 for a pool.
PLAN = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512)


def torchvision_features() -> nn.Sequential:
    """The published network up to relu5_1, as torchvision lays it out."""
    modules: list[nn.Module] = []
    channels = 3
    for width in PLAN:
        if width:
            modules += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        else:
            modules.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*modules)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """The official keys and shapes as far as they are used, and small stand-ins for some that are not."""
    random = torch.Generator().manual_seed(0)
    tensors = {f"features.{key}": value for key, value in torchvision_features().state_dict().items()}
    for tensor in tensors.values():
        # Keeps the size of the activations from layer to layer, so that a mistake anywhere shows at the end.
        scale = (2 / tensor[0].numel()) ** 0.5 if tensor.ndim == 4 else 0.1
        tensor.normal_(0, scale, generator=random)
    unused = {
        "features.30.weight": torch.ones(2),
        "classifier.0.weight": torch.ones(3),
        "classifier.6.bias": torch.ones(4),
    }
    return tensors | unused


@pytest.fixture(scope="module")
def checkpoint(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("official") / "synthetic.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def url(checkpoint: Path) -> Iterator[str]:
    with serving() as server:
        server.files[f"/{checkpoint.name}"] = File(checkpoint.read_bytes())
        yield f"{server.url}/{checkpoint.name}"


@pytest.fixture
def synthetic_is_official(checkpoint: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = replace(WEIGHTS["vgg19"], urls=(url,), sha256=sha256_of(checkpoint), num_bytes=checkpoint.stat().st_size)
    monkeypatch.setitem(WEIGHTS, "vgg19", spec)
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("IMPASTO_OFFLINE", raising=False)


def reference_features(state: dict[str, Tensor], image: Tensor) -> dict[str, Tensor]:
    network = torchvision_features().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.load_state_dict({key: state[f"features.{key}"] for key in network.state_dict()})
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    x = (image - mean) / std
    features = []
    with torch.no_grad():
        for module in network:
            x = module(x)
            if isinstance(module, nn.ReLU):
                features.append(x)
    return dict(zip(LAYERS, features, strict=True))


@pytest.mark.parametrize("size", [(16, 48), (32, 32)])
def test_computes_what_torchvision_computes(state: dict[str, Tensor], checkpoint: Path, size: tuple[int, int]) -> None:
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    expected = reference_features(state, image)
    encoder = load_encoder("vgg19", weights=checkpoint)
    features = encoder.pooled("max")(image, LAYERS)
    assert not encoder.training
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    assert features.keys() == set(LAYERS)
    for layer in LAYERS:
        assert features[layer].std() > 0.1
        assert torch.equal(features[layer], expected[layer]), layer


@pytest.mark.usefixtures("synthetic_is_official")
def test_official_weights_are_downloaded_once(
    state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress: list[int] = []
    encoder = load_encoder("vgg19", progress=lambda done, total: progress.append(done))
    assert torch.equal(encoder.state_dict()["convolutions.relu5_1.weight"], state["features.28.weight"])
    cached = tmp_path / "cache" / "vgg19-dcbb9e9d.pth"
    assert progress[-1] == cached.stat().st_size
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    load_encoder("vgg19")
    load_encoder("vgg19", weights=cached)


@pytest.mark.usefixtures("synthetic_is_official")
def test_official_weights_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    with pytest.raises(WeightsError, match="'lite' works without"):
        load_encoder("vgg19")


def test_the_official_name_promises_the_official_file(checkpoint: Path, tmp_path: Path) -> None:
    given = tmp_path / "vgg19-dcbb9e9d.pth"
    given.symlink_to(checkpoint)
    with pytest.raises(WeightsError, match="SHA-256"):
        load_encoder("vgg19", weights=given)
    assert given.exists(), "a file that the user gave is not ours to remove"
    load_encoder("vgg19", weights=checkpoint)


def test_missing_file(tmp_path: Path) -> None:
    for name in ("a.pth", "a.safetensors", "vgg19-dcbb9e9d.pth"):
        with pytest.raises(WeightsError, match=f"{name}: there is no such file"):
            load_encoder("vgg19", weights=tmp_path / name)


def test_first_misfit_is_named(state: dict[str, Tensor], tmp_path: Path) -> None:
    small = {key: torch.zeros(1).expand(value.shape) for key, value in state.items()}  # a shape, but hardly any bytes
    path = tmp_path / "a.pth"
    torch.save({key: value for key, value in small.items() if key != "features.19.bias"}, path)
    with pytest.raises(WeightsError, match=r"'features\.19\.bias' of shape \(512,\) is missing"):
        load_encoder("vgg19", weights=path)
    torch.save(small | {"features.2.weight": torch.zeros(64, 3, 3, 3), "features.5.bias": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match=r"'features\.2\.weight' has shape \(64, 3, 3, 3\), not \(64, 64, 3, 3\)"):
        load_encoder("vgg19", weights=path)


def test_own_weights_are_built_from_their_config(tmp_path: Path) -> None:
    config = EncoderConfig(widths=(4, 4, 8, 8, 8), padding="reflect", mean=(0.1, 0.2, 0.3))
    state = {}
    channels = 3
    for layer in LAYERS:
        width = config.widths[int(layer[4]) - 1]
        state[f"convolutions.{layer}.weight"] = torch.randn(width, channels, 3, 3)
        state[f"convolutions.{layer}.bias"] = torch.randn(width)
        channels = width
    path = tmp_path / "own.safetensors"
    save(path, state, {"encoder": config.to_json(), "pictures": 12})
    encoder = load_encoder("vgg19", weights=path)
    assert encoder.config == config
    assert all(torch.equal(value, state[name]) for name, value in encoder.state_dict().items())

    save(path, state, {"encoder": EncoderConfig().to_json()})
    with pytest.raises(WeightsError, match=r"'convolutions\.relu1_1\.weight' has shape \(4, 3, 3, 3\)"):
        load_encoder("vgg19", weights=path)
    for other in ({}, {"encoder": {"depth": 3}}, {"encoder": "vgg"}):
        save(path, state, other)
        with pytest.raises(WeightsError, match="describes no encoder"):
            load_encoder("vgg19", weights=path)
