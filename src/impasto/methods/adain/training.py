"""How a decoder is learned, and how paper 004's is: by pairs of photographs and paintings, judged by the encoder's own
features."""

import copy
import itertools
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from impasto.data.folders import Crops, PictureStream, hold_out, list_pictures
from impasto.encoders import load_encoder
from impasto.encoders.network import Encoder
from impasto.engine.architecture import DecoderConfig
from impasto.losses.feature_statistics import (
    Convention,
    Statistics,
    adain_content_loss,
    adain_style_loss,
    mean_std,
)
from impasto.methods.adain.backend import save_decoder
from impasto.methods.adain.network import Decoder
from impasto.training.loop import Recipe, Trainable
from impasto.training.optimisation import InverseDecay, OneCycle, set_learning_rate, update_average
from impasto.training.processes import batches_of_process

KINDS = ("content", "style")

Features = Mapping[str, Tensor]

Pairs = tuple[PictureStream, PictureStream]
"""Endless photographs and paintings; sample i of one goes with sample i of the other."""


@dataclass(frozen=True, kw_only=True)
class PaperObjective:
    """Paper 004, L = L_c + lambda L_s: features at relu4_1 against t, statistics at four layers."""

    style_weight: float = 10.0
    convention: Convention = "norm"
    content_layers: tuple[str, ...] = ("relu4_1",)
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")

    @property
    def layers(self) -> set[str]:
        return {*self.content_layers, *self.style_layers}

    def losses(self, given: Features, found: Features, style: Mapping[str, Statistics]) -> dict[str, Tensor]:
        """Weighted scalars. given: t, what the decoder was given; found: features of its picture; style: statistics of
        the painting."""
        close = [adain_content_loss(found[layer], given[layer], self.convention) for layer in self.content_layers]
        alike = [adain_style_loss(mean_std(found[layer]), style[layer], self.convention) for layer in self.style_layers]
        return {"content": torch.stack(close).sum(), "style": self.style_weight * torch.stack(alike).sum()}


@dataclass(frozen=True, kw_only=True)
class PaperRecipe(Recipe):
    """Settings of a run of paper 004's method.

    batch: pictures of each kind that a process works on at a time.
    accumulate: so many batches make a step: their gradients are those of one batch of all their pictures, in the memory
        of one of them.
    clip: largest norm of the gradient.
    average_decay: of the moving average of the weights, which is what the run is for.
    crop, shorter: pixels of a training crop; range of the picture's shorter side that it is cut from.
    held_out: pictures of each kind that are never trained on, for previews and validation.
    """

    kinds = KINDS

    objective: PaperObjective
    rates: OneCycle | InverseDecay
    batch: int = 8
    accumulate: int = 1
    clip: float = 1e9
    average_decay: float = 0.999
    encoder: str = "lite"
    crop: int = 256
    shorter: tuple[int, int] = (512, 512)
    held_out: int = 8

    def build(
        self, accelerator: Accelerator, data: Mapping[str, Sequence[Path]], *, weights: Path | None = None
    ) -> "AdaINTraining":
        """weights: a local file for the encoder vgg19. Raises DataError, WeightsError, OptionError."""
        encoder = load_encoder(self.encoder, weights=weights)
        decoder = DecoderConfig(widths=encoder.config.widths[:4])
        training, held_out = [], []
        for number, kind in enumerate(KINDS):
            learned_from, kept_back = hold_out(list_pictures(data[kind], shards=True), self.held_out, self.seed)
            # Seeds apart, so that the two orders have nothing to do with each other.
            seed = 2 * self.seed + number
            training.append(PictureStream(learned_from, Crops(side=self.crop, shorter=self.shorter), seed))
            held_out.append(PictureStream(kept_back, Crops(side=256, shorter=(256, 256), flip=False), seed))
        return AdaINTraining(decoder, encoder, accelerator, tuple(training), tuple(held_out), self)


class DecoderTraining(Trainable):
    """What the trainings of a decoder have in common, as a `Trainable`."""

    preview_columns: Sequence[str] = ("content", "style", "result")
    measure = "held out/loss"

    bare = False
    """Whether a single process calls the network as it is, so that its step can be recorded as a CUDA graph."""

    def __init__(
        self,
        decoder: DecoderConfig,
        encoder: Encoder,
        accelerator: Accelerator,
        pictures: Any,
        held_out: Any,
        settings: Any,
        start: Decoder | None = None,
    ) -> None:
        """pictures, held_out: photographs and paintings. start: a decoder whose weights the new one begins with."""
        self.accelerator, self.settings = accelerator, settings
        self.pictures, self.held_out = pictures, held_out
        self.device = accelerator.device
        self.encoder = encoder.to(self.device)
        torch.manual_seed(settings.seed)
        network = Decoder(decoder).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if start:
            network.load_state_dict(start.state_dict())
        network = network.to(self.device)
        is_bare = self.bare and accelerator.num_processes == 1
        self.network: Decoder = network if is_bare else accelerator.prepare_model(network)
        self.average = copy.deepcopy(network).eval()
        self.records = is_bare and self.device.type == "cuda"
        self.adam = Adam(network.parameters(), lr=0.0, fused=True, capturable=self.records)
        self.modules: Mapping[str, nn.Module] = {"network": network, "average": self.average}
        self.optimizers: Mapping[str, Optimizer] = {"adam": self.adam}

    def step(self, batch: Any, step: int) -> dict[str, Tensor]:
        set_learning_rate([self.adam], self.settings.rates(step, self.settings.schedule.steps))
        losses = self._learn(batch)
        update_average(self.average, self.modules["network"], step, self.settings.average_decay)
        return losses

    @abstractmethod
    def _learn(self, batch: Any) -> dict[str, Tensor]:
        """From a batch; returns named losses (scalars, detached)."""

    def descend(self) -> None:
        """A step along the gradients that there are."""
        nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        self.adam.step()
        self.adam.zero_grad()

    def finish(self, folder: Path) -> None:
        """Write the averaged decoder as `decoder.safetensors`."""
        save_decoder(folder / "decoder.safetensors", self.average, asdict(self.settings))


class AdaINTraining(DecoderTraining):
    """A decoder's training; the recipe says by which losses and at which rates."""

    settings: PaperRecipe
    pictures: Pairs
    held_out: Pairs

    def batches(self, start: int) -> Iterator[tuple[Tensor, ...]]:
        size = self.settings.batch * self.settings.accumulate
        return batches_of_process(self.accelerator, self.pictures, size, start)

    def _learn(self, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        count = self.settings.accumulate
        of_parts = []
        parts = zip(*(self._to_image(pictures).chunk(count) for pictures in batch), strict=True)
        for number, (content, style) in enumerate(parts, 1):
            # The processes exchange their gradients with the last part.
            with nullcontext() if number == count else self.accelerator.no_sync(self.network):
                losses = self._losses(content, style)
                self.accelerator.backward(losses["loss"] / count)
            of_parts.append({name: loss.detach() for name, loss in losses.items()})
        self.descend()
        return {name: torch.stack([losses[name] for losses in of_parts]).mean() for name in of_parts[0]}

    def _losses(self, content: Tensor, style: Tensor) -> dict[str, Tensor]:
        """{'loss': the sum, 'loss/...': each weighted loss} of pictures (N, 3, H, W) in [0, 1]."""
        objective = self.settings.objective
        with self.accelerator.autocast():
            with torch.no_grad():
                given, target = self._exchanged(content, style)
            painted = self.encoder(self.network(given, target), objective.layers)
        losses = objective.losses(given, painted, target)
        total = torch.stack(list(losses.values())).sum()
        return {"loss": total} | {f"loss/{name}": value for name, value in losses.items()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The recipe's own losses on the held-out pairs, by the averaged decoder."""
        objective, total = self.settings.objective, dict[str, float]()
        for content, style in self._held_out():
            given, target = self._exchanged(content, style)
            painted = self.encoder(self.average(given, target).clamp(0, 1), objective.layers)
            for name, value in objective.losses(given, painted, target).items():
                total[name] = total.get(name, 0.0) + float(value) / len(self.held_out[0].pictures)
        return {f"held out/{name}": value for name, value in (total | {"loss": sum(total.values())}).items()}

    @torch.no_grad()
    def preview(self) -> Tensor:
        """(1, 3, H, W): a row for each of four held-out pairs, of content, style and what is painted now."""
        rows = []
        for content, style in itertools.islice(self._held_out(), 4):
            rows.append(torch.cat([content, style, self.average(*self._exchanged(content, style))], 3))
        return torch.cat(rows, 2)

    def _exchanged(self, content: Tensor, style: Tensor) -> tuple[dict[str, Tensor], dict[str, Statistics]]:
        """What the decoder is given, t, and the statistics of the paintings, at every layer that counts."""
        layers = {*self.average.config.layers, *self.settings.objective.content_layers}
        of_content = self.encoder(content, layers)
        of_style = self.encoder(style, layers | self.settings.objective.layers)
        target = {layer: mean_std(value) for layer, value in of_style.items()}
        given = {layer: self.average.given(value, target[layer]) for layer, value in of_content.items()}
        return given, target

    def _held_out(self) -> Iterator[tuple[Tensor, Tensor]]:
        for index in range(len(self.held_out[0].pictures)):
            content, style = (self._to_image(stream[index][None]) for stream in self.held_out)
            yield content, style

    def _to_image(self, batch: Tensor) -> Tensor:
        image = batch.to(self.device, non_blocking=True).float() / 255
        return image.contiguous(memory_format=torch.channels_last)
