"""The published small VGG-19, read from a synthetic file of its key names."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from impasto.encoders.network import LAYERS, Pooling
from impasto.encoders.teacher import load_teacher
from impasto.errors import WeightsError

WIDTHS = {"1": 16, "2": 32, "3": 64, "4": 128, "5": 128}
ORIGINAL = {"1": 64, "2": 128, "3": 256, "4": 512, "5": 512}


def published() -> dict[str, Tensor]:
    """Every key of the published file, with random weights that keep the size of activations."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        scale = (2 / torch.Size(shape[1:]).numel()) ** 0.5 if len(shape) == 4 else 0.2
        return scale * torch.randn(shape, generator=generator)

    state = {"conv0.weight": random(3, 3, 1, 1), "conv0.bias": random(3)}
    previous = 3
    for layer in LAYERS:
        key, block = "conv" + layer[4] + layer[6], layer[4]
        state |= {f"{key}.weight": random(WIDTHS[block], previous, 3, 3), f"{key}.bias": random(WIDTHS[block])}
        previous = WIDTHS[block]
        if layer[6] == "1":
            state |= {f"{key}_aux.weight": random(ORIGINAL[block], previous, 1, 1)}
            state |= {f"{key}_aux.bias": random(ORIGINAL[block])}
    return state


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return published()


@pytest.fixture(scope="module")
def path(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("teacher") / "encoder.safetensors"
    save_file(state, path)
    return path


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_computes_the_published_network(state: dict[str, Tensor], path: Path, pooling: Pooling) -> None:
    image = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    teacher = load_teacher(path).pooled(pooling)
    assert not teacher.training
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    features = teacher(image, LAYERS)
    pool = F.avg_pool2d if pooling == "average" else F.max_pool2d
    x = F.conv2d(image.double(), state["conv0.weight"].double(), state["conv0.bias"].double())
    for layer in LAYERS:
        key = "conv" + layer[4] + layer[6]
        if layer[6] == "1" and layer[4] != "1":
            x = pool(x, 2)
        x = F.pad(x, (1, 1, 1, 1), mode="reflect")
        x = F.relu(F.conv2d(x, state[f"{key}.weight"].double(), state[f"{key}.bias"].double()))
        assert x.std() > 0.05
        torch.testing.assert_close(features[layer].double(), x, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"conv0.weight": None},
        {"conv43.bias": None},
        {"conv31.weight": torch.zeros(64, 31, 3, 3)},
        {"conv11.weight": torch.zeros(16, 4, 3, 3)},
        {"conv0.weight": torch.zeros(3, 3)},
    ],
    ids=["no conv0", "no bias", "wrong shape", "wrong first shape", "flat conv0"],
)
def test_another_file_is_refused(state: dict[str, Tensor], tmp_path: Path, change: dict[str, Tensor | None]) -> None:
    other = tmp_path / "other.safetensors"
    save_file({key: value for key, value in (state | change).items() if value is not None}, other)
    with pytest.raises(WeightsError, match=r"other\.safetensors: is not the 16x smaller VGG-19"):
        load_teacher(other)
