"""The recipe of the embedded encoder, in miniature."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from trainings import check_resuming, draw, run, write_teacher

from impasto.encoders import load_encoder
from impasto.encoders.network import LAYERS, Encoder, EncoderConfig
from impasto.encoders.teacher import load_teacher
from impasto.errors import DataError
from impasto.recipes.lite_encoder import LiteEncoder, LiteEncoderRecipe, Stage, student
from impasto.training.loop import Schedule
from impasto.weights import load

RECIPE = LiteEncoderRecipe(schedule=Schedule(steps=3, log_every=1, save_every=2), batch=2, crop=32, held_out=2)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_teacher(tmp_path_factory.mktemp("teacher") / "encoder.safetensors")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("pictures"), 8, np.random.default_rng(0), (64, 48))[0]


@pytest.fixture(autouse=True)
def few_normalisation_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe measures on 512 large crops, which takes a minute."""

    def some(self: LiteEncoder) -> Iterator[Tensor]:
        yield torch.stack([self.stream[index] for index in range(4)]).float() / 255

    monkeypatch.setattr(LiteEncoder, "_normalisation_pictures", some)


def make(pictures: Path, teacher: Path, recipe: LiteEncoderRecipe = RECIPE) -> LiteEncoder:
    return recipe.build(Accelerator(cpu=True), [pictures], teacher)


def test_writes_an_encoder_that_loads(tmp_path: Path, pictures: Path, teacher: Path) -> None:
    trained = run(tmp_path, make(pictures, teacher), RECIPE.schedule)
    tensors, config = load(tmp_path / "lite.safetensors")
    assert EncoderConfig.from_json(config["encoder"]) == RECIPE.network
    assert config["recipe"]["batch"] == 2
    assert {tensor.dtype for name, tensor in tensors.items() if name.startswith("convolutions.")} == {torch.float16}
    encoder = Encoder(RECIPE.network)
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
    general = load_encoder("vgg19", weights=tmp_path / "lite.safetensors")
    torch.testing.assert_close(general(image, ["relu5_1"])["relu5_1"], features["relu5_1"], rtol=1e-3, atol=1e-4)


def test_learns_and_resumes_bit_by_bit(tmp_path: Path, pictures: Path, teacher: Path) -> None:
    files = ("lite.safetensors",)
    check_resuming(tmp_path, lambda: make(pictures, teacher), RECIPE.schedule, files, stop_at=2)


def test_validation_is_the_relative_error_in_the_teachers_units(tmp_path: Path, pictures: Path, teacher: Path) -> None:
    trainable = RECIPE.build(Accelerator(cpu=True), [pictures], teacher)
    measured = trainable.validate()
    assert set(measured) == {f"error/{layer}" for layer in LAYERS}
    published = load_teacher(teacher)
    images = [trainable.held_out[index][None].float() / 255 for index in range(RECIPE.held_out)]
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
        replace(RECIPE, held_out=5).build(Accelerator(cpu=True), [pictures], teacher)


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
