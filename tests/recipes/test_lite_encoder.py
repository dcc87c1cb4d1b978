"""The recipe of the embedded encoder, in miniature."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from impasto.encoders.network import LAYERS, Encoder, EncoderConfig
from impasto.encoders.teacher import load_teacher
from impasto.encoders.vgg19 import vgg19
from impasto.errors import DataError
from impasto.recipes.lite_encoder import Config, LiteEncoder, Stage, build, student
from impasto.training.loop import Schedule, fit
from impasto.weights import load

CONFIG = Config(schedule=Schedule(steps=3, log_every=1, save_every=2), batch=2, crop=32, held_out=2)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = torch.Generator().manual_seed(0)
    state = {"conv0.weight": torch.eye(3).view(3, 3, 1, 1) * 4, "conv0.bias": torch.full((3,), -2.0)}
    previous = 3
    for layer in LAYERS:
        key, width = "conv" + layer[4] + layer[6], (16, 32, 64, 128, 128)[int(layer[4]) - 1]
        state[f"{key}.weight"] = (2 / (9 * previous)) ** 0.5 * torch.randn(width, previous, 3, 3, generator=generator)
        state[f"{key}.bias"] = 0.1 * torch.randn(width, generator=generator)
        previous = width
    path = tmp_path_factory.mktemp("teacher") / "encoder.safetensors"
    save_file(state, path)
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for number in range(8):
        coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        coarse.resize((64, 48), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return folder


@pytest.fixture(autouse=True)
def few_normalisation_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe measures on 512 large crops, which takes a minute."""

    def some(self: LiteEncoder) -> Iterator[Tensor]:
        yield torch.stack([self.stream[index] for index in range(4)]).float() / 255

    monkeypatch.setattr(LiteEncoder, "_normalisation_pictures", some)


def run(folder: Path, pictures: Path, teacher: Path, config: Config = CONFIG, *, resume: bool = False) -> LiteEncoder:
    folder.mkdir(exist_ok=True)
    trainable = build(config, Accelerator(cpu=True), [pictures], teacher)
    fit(trainable, config.schedule, folder, trainable.accelerator, resume=resume)
    return trainable


def test_writes_an_encoder_that_loads(tmp_path: Path, pictures: Path, teacher: Path) -> None:
    trained = run(tmp_path, pictures, teacher)
    tensors, config = load(tmp_path / "lite.safetensors")
    assert EncoderConfig.from_json(config["encoder"]) == CONFIG.network
    assert config["recipe"]["batch"] == 2
    assert {tensor.dtype for name, tensor in tensors.items() if name.startswith("convolutions.")} == {torch.float16}
    encoder = Encoder(CONFIG.network)
    encoder.load_state_dict({name: value.float() for name, value in tensors.items() if name.startswith("conv")})

    # It is the trained network, and `teacher_units` leads to the teacher's own units.
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        features, expected = encoder(image, LAYERS), trained.average(image, LAYERS)
        for layer in LAYERS:
            units = tensors[f"teacher_units.{layer}"].view(1, -1, 1, 1)
            theirs = expected[layer] * trained.scales[layer].float().view(1, -1, 1, 1)
            difference = (features[layer] * units - theirs).norm() / theirs.norm()
            assert difference < 0.02, layer  # fp16

    # The general loader of impasto's files takes it too.
    general = vgg19(weights=tmp_path / "lite.safetensors")
    torch.testing.assert_close(general(image, ["relu5_1"])["relu5_1"], features["relu5_1"], rtol=1e-3, atol=1e-4)


def test_learns_and_resumes_bit_by_bit(tmp_path: Path, pictures: Path, teacher: Path) -> None:
    whole = run(tmp_path / "whole", pictures, teacher)
    killed = build(CONFIG, Accelerator(cpu=True), [pictures], teacher)
    before = {key: value.clone() for key, value in killed.modules["network"].state_dict().items()}
    step = killed.step

    def killed_in_the_third(batch: Tensor, number: int) -> dict[str, Tensor]:
        if number == 2:
            raise TimeoutError
        return step(batch, number)

    killed.step = killed_in_the_third  # type: ignore[assignment,method-assign]
    (tmp_path / "killed").mkdir()
    with pytest.raises(TimeoutError):
        fit(killed, CONFIG.schedule, tmp_path / "killed", killed.accelerator)
    torch.manual_seed(5)
    resumed = run(tmp_path / "killed", pictures, teacher, resume=True)
    for name in ("network", "average"):
        state = resumed.modules[name].state_dict()
        for key, value in whole.modules[name].state_dict().items():
            assert torch.equal(value, state[key]), f"{name} {key}"
    for key, value in whole.modules["network"].state_dict().items():
        assert not torch.equal(value, before[key]), f"{key} learns nothing"
    assert (tmp_path / "killed" / "lite.safetensors").read_bytes() == (
        tmp_path / "whole" / "lite.safetensors"
    ).read_bytes()


def test_validation_is_the_relative_error_in_the_teachers_units(tmp_path: Path, pictures: Path, teacher: Path) -> None:
    trainable = build(CONFIG, Accelerator(cpu=True), [pictures], teacher)
    measured = trainable.validate()
    assert set(measured) == {f"error/{layer}" for layer in LAYERS}
    published = load_teacher(teacher)
    images = [trainable.held_out[index][None].float() / 255 for index in range(CONFIG.held_out)]
    with torch.no_grad():
        for layer in LAYERS:
            wrong = right = 0.0
            for image in images:
                target = published(image, [layer])[layer]
                units = trainable.scales[layer].float().view(1, -1, 1, 1)
                wrong += float((trainable.average(image, [layer])[layer] * units - target).square().mean())
                right += float(target.square().mean())
            assert measured[f"error/{layer}"] == pytest.approx(wrong / right, rel=1e-3)
    held_out = {path.name for path in trainable.held_out.pictures}
    assert held_out.isdisjoint(path.name for path in trainable.stream.pictures)


def test_too_few_pictures(pictures: Path, teacher: Path) -> None:
    with pytest.raises(DataError, match="8 pictures are too few to hold 5 of them out"):
        build(replace(CONFIG, held_out=5), Accelerator(cpu=True), [pictures], teacher)


def test_a_folded_stage_is_its_convolution_and_normalisation() -> None:
    torch.manual_seed(0)
    stage, convolution = Stage(4, 6), nn.Conv2d(4, 6, 3)
    with torch.no_grad():
        for _ in range(3):
            stage(3 * torch.randn(2, 4, 9, 9) + 1)  # gives the running statistics something to hold
        stage.norm.weight.uniform_(0.5, 2)
        stage.norm.bias.normal_()
        assert stage.norm.running_var is not None
        stage.norm.running_var[0] = 1e-6  # a filter that hardly varies
        stage.eval().fold(convolution)
        image = torch.randn(1, 4, 7, 5)
        torch.testing.assert_close(convolution(image), stage(image), rtol=1e-4, atol=1e-5)


def test_the_student_is_an_encoder_of_stages() -> None:
    config = EncoderConfig(widths=(2, 3, 4, 5, 6), padding="reflect")
    network = student(config)
    assert all(isinstance(stage, Stage) for stage in network.convolutions.values())
    features = network(torch.rand(2, 3, 33, 18), LAYERS)
    assert features["relu5_1"].shape == (2, 6, 3, 2)
