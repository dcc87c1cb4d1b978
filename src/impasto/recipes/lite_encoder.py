"""Recipe `lite_encoder`: the embedded encoder, distilled from a small VGG-19 by matching its features at every ReLU.

The student is a VGG-19 of a quarter of the widths, so 16 times fewer operations. It learns from random weights to
answer with the teacher's features after all 13 ReLUs.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from impasto import weights
from impasto.data.folders import Crops, PictureStream, hold_out, list_pictures
from impasto.encoders.filters import filter_scales, mean_activations, normalise_filters
from impasto.encoders.network import LAYERS, Encoder, EncoderConfig, block_of
from impasto.encoders.teacher import load_teacher
from impasto.training.loop import Recipe, Schedule, Trainable
from impasto.training.optimisation import OneCycle, set_learning_rate, update_average
from impasto.training.processes import batches_of_process


@dataclass(frozen=True, kw_only=True)
class LiteEncoderRecipe(Recipe):
    """Settings of the run.

    crop, zoom: pixels of a training crop; range of its pixels per picture pixel, so that it sees sharp and smooth ones.
    noise: highest standard deviation of the noise added to half of the crops. An optimised picture leaves the natural
        ones, and the features must hold there too.
    peak_rate: of Muon for the convolutions, of AdamW for gains and biases.
    freeze_after: share of the steps after which batch statistics are frozen, so that the last steps learn without
        their noise.
    """

    schedule: Schedule = Schedule(steps=12_000, validate_every=1000, save_every=500)
    batch: int = 8
    crop: int = 128
    zoom: tuple[float, float] = (0.7, 2.0)
    noise: float = 0.1
    peak_rate: float = 1e-2
    peak_rate_gains: float = 3e-3
    average_decay: float = 0.998
    freeze_after: float = 0.7
    held_out: int = 200
    network: EncoderConfig = EncoderConfig(widths=(16, 32, 64, 128, 128), padding="reflect")

    def build(self, accelerator: Accelerator, data: Sequence[Path], teacher: Path) -> "LiteEncoder":
        """teacher: file of the network to learn from."""
        return LiteEncoder(self, accelerator, data, teacher)


def lite_encoder() -> LiteEncoderRecipe:
    """As the embedded encoder was made."""
    return LiteEncoderRecipe()


class Stage(nn.Module):
    """Convolution and batch normalisation: how one layer learns; `fold` gives the plain convolution that it becomes.

    The teacher's features differ in scale by orders of magnitude between filters; with normalisation every filter
    learns at its own scale. The weight is a matrix because Muon orthogonalises matrices.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        # Normalisation makes the weight's scale meaningless; one scale for all layers gives them one learning rate.
        self.weight = nn.Parameter(0.04 * torch.randn(outputs, inputs * 9))
        self.norm = nn.BatchNorm2d(outputs, momentum=0.01)

    def kernel(self) -> Tensor:
        return self.weight.view(self.weight.shape[0], -1, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        normalised: Tensor = self.norm(F.conv2d(x, self.kernel()))
        return normalised

    @torch.no_grad()
    def fold(self, convolution: nn.Conv2d) -> None:
        """Put this stage, at its running statistics, into a plain convolution."""
        assert self.norm.running_mean is not None
        assert self.norm.running_var is not None
        assert convolution.bias is not None
        gain = self.norm.weight / (self.norm.running_var + self.norm.eps).sqrt()
        convolution.weight.copy_(self.kernel() * gain.view(-1, 1, 1, 1))
        convolution.bias.copy_(self.norm.bias - gain * self.norm.running_mean)


def student(config: EncoderConfig) -> Encoder:
    """An encoder whose convolutions are stages."""
    encoder = Encoder(config)
    previous = 3
    for layer in LAYERS:
        width = config.widths[block_of(layer) - 1]
        encoder.convolutions[layer] = Stage(previous, width)
        previous = width
    return encoder


class LiteEncoder(Trainable):
    """The distillation as a `Trainable`."""

    def __init__(
        self, config: LiteEncoderRecipe, accelerator: Accelerator, data: Sequence[Path], teacher: Path
    ) -> None:
        self.config = config
        self.accelerator = accelerator
        training, held_out = hold_out(list_pictures(data, shards=True), config.held_out, config.seed)
        self.stream = PictureStream(training, Crops(side=config.crop, zoom=config.zoom), config.seed)
        self.held_out = PictureStream(held_out, Crops(side=192, flip=False), config.seed)
        self.teacher = load_teacher(teacher)
        self.scales = filter_scales(mean_activations(self.teacher, self._normalisation_pictures()))
        normalise_filters(self.teacher, self.scales)
        self.teacher.to(accelerator.device)
        torch.manual_seed(config.seed)
        network = student(config.network)
        self.network: Encoder = accelerator.prepare_model(network)
        self.average = copy.deepcopy(network).eval().to(accelerator.device)
        matrices = [p for p in network.parameters() if p.ndim == 2]
        vectors = [p for p in network.parameters() if p.ndim == 1]
        self.muon = torch.optim.Muon(matrices, weight_decay=0, adjust_lr_fn="match_rms_adamw")
        self.adam = torch.optim.AdamW(vectors, weight_decay=0, betas=(0.9, 0.99), fused=True)
        self.modules: Mapping[str, nn.Module] = {"network": network, "average": self.average}
        self.optimizers: Mapping[str, Optimizer] = {"muon": self.muon, "adam": self.adam}

    def batches(self, start: int) -> Iterator[Tensor]:
        for (batch,) in batches_of_process(self.accelerator, [self.stream], self.config.batch, start):
            yield batch

    def step(self, batch: Tensor, step: int) -> dict[str, Tensor]:
        steps = self.config.schedule.steps
        progress = step / steps
        set_learning_rate([self.muon], OneCycle(peak=self.config.peak_rate)(step, steps))
        set_learning_rate([self.adam], OneCycle(peak=self.config.peak_rate_gains)(step, steps))
        self.network.train(progress < self.config.freeze_after)
        image = self._roughen(self._to_image(batch), step)
        with self.accelerator.autocast():
            with torch.no_grad():
                targets = self.teacher(image, LAYERS)
            features = self.network(image, LAYERS)
        errors = torch.stack([self._error(features[layer], targets[layer], layer) for layer in LAYERS])
        loss = errors.mean()
        self.accelerator.backward(loss)
        for optimizer in (self.muon, self.adam):
            optimizer.step()  # type: ignore[no-untyped-call]
            optimizer.zero_grad()
        update_average(self.average, self.modules["network"], step, self.config.average_decay)
        return {"loss": loss.detach()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Relative error of every layer on the held-out pictures, in the teacher's own units."""
        wrong = torch.zeros(len(LAYERS), dtype=torch.float64)
        total = torch.zeros(len(LAYERS), dtype=torch.float64)
        for index in range(self.config.held_out):
            image = self._to_image(self.held_out[index][None])
            features, targets = self.average(image, LAYERS), self.teacher(image, LAYERS)
            for i, layer in enumerate(LAYERS):
                scale = self._scale(layer)
                wrong[i] += float(((features[layer] - targets[layer]) * scale).square().mean())
                total[i] += float((targets[layer] * scale).square().mean())
        return {f"error/{layer}": float(error) for layer, error in zip(LAYERS, wrong / total, strict=True)}

    def finish(self, folder: Path) -> None:
        """Fold the averaged student into a plain encoder and save it as `lite.safetensors`.

        Its filters are normalised already: it learned the features of a teacher whose filters are. To normalise it once
        more by its own means would blow up the faint responses that it has where the teacher never fires.
        """
        encoder = Encoder(self.config.network)
        for layer in LAYERS:
            cast(Stage, self.average.convolutions[layer]).fold(encoder.convolution(layer))
        # What a response must be multiplied with to be the teacher's, for checks against it.
        units = {f"teacher_units.{layer}": self.scales[layer].float() for layer in LAYERS}
        tensors = {name: tensor.half().cpu() for name, tensor in encoder.state_dict().items()}
        config = {"encoder": self.config.network.to_json(), "recipe": asdict(self.config)}
        weights.save(folder / "lite.safetensors", tensors | units, config)

    def _normalisation_pictures(self) -> Iterator[Tensor]:
        plain = PictureStream(self.stream.pictures, Crops(side=192, flip=False), self.config.seed)
        for first in range(0, 512, 16):
            yield torch.stack([plain[index] for index in range(first, first + 16)]).float() / 255

    def _to_image(self, batch: Tensor) -> Tensor:
        image = batch.to(self.accelerator.device, non_blocking=True).float() / 255
        return image.contiguous(memory_format=torch.channels_last)

    def _roughen(self, image: Tensor, step: int) -> Tensor:
        position = step * self.accelerator.num_processes + self.accelerator.process_index
        generator = torch.Generator().manual_seed((self.config.seed << 32) + position)
        half = len(image) // 2
        strength = self.config.noise * torch.rand(half, 1, 1, 1, generator=generator)
        noise = strength * torch.randn(half, *image.shape[1:], generator=generator)
        return torch.cat([(image[:half] + noise.to(image.device)).clamp(0, 1), image[half:]])

    def _scale(self, layer: str) -> Tensor:
        return self.scales[layer].float().to(self.accelerator.device).view(1, -1, 1, 1)

    def _error(self, features: Tensor, target: Tensor, layer: str) -> Tensor:
        """Mean squared error over mean square: half with every filter at mean activation 1, as the encoder is used,
        half in the teacher's units, as it is measured."""
        wrong, right = (features.float() - target.float()).square(), target.float().square()
        wrong, right = wrong.mean((0, 2, 3)), right.mean((0, 2, 3))
        units = self._scale(layer).flatten().square()
        return 0.5 * (wrong.sum() / right.sum() + (wrong * units).sum() / (right * units).sum())
