"""How a decoder for AdaIN is learned: pairs of photographs and paintings, judged by the encoder's own features."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from impasto import weights
from impasto.data.folders import PictureStream, batches
from impasto.encoders.network import Encoder
from impasto.losses.feature_statistics import Statistics, mean_std
from impasto.methods.adain.network import Decoder, DecoderConfig
from impasto.methods.adain.objective import PaperObjective, RelativeObjective
from impasto.training.loop import Schedule
from impasto.training.schedules import InverseDecay, OneCycle, set_learning_rate, update_average


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Two endless streams of pictures; sample i of one goes with sample i of the other."""

    content: PictureStream
    style: PictureStream


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the training itself needs to know; a recipe's config adds the pictures and the networks.

    batch: pictures of each kind that a process works on at a time.
    accumulate: so many batches make a step: their gradients are those of one batch of all their pictures, in the memory
        of one of them.
    clip: largest norm of the gradient.
    average_decay: of the moving average of the weights, which is what the run is for.
    """

    schedule: Schedule
    objective: PaperObjective | RelativeObjective
    rates: OneCycle | InverseDecay
    seed: int = 0
    batch: int = 8
    accumulate: int = 1
    clip: float = 1e9
    average_decay: float = 0.999


class AdaINTraining:
    """A decoder's training as a `Trainable`; the recipe says by which losses and at which rates."""

    preview_columns: Sequence[str] = ("content", "style", "result")
    measure = "held out/loss"

    def __init__(
        self,
        decoder: DecoderConfig,
        encoder: Encoder,
        accelerator: Accelerator,
        pairs: Pairs,
        held_out: Pairs,
        settings: Settings,
        start: Decoder | None = None,
    ) -> None:
        """start: a decoder whose weights the new one begins with."""
        self.accelerator = accelerator
        self.settings = settings
        self.pairs, self.held_out = pairs, held_out
        self.encoder = encoder.to(accelerator.device)
        torch.manual_seed(settings.seed)
        network = Decoder(decoder).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if start:
            network.load_state_dict(start.state_dict())
        self.network: Decoder = accelerator.prepare_model(network)
        self.average = copy.deepcopy(network).eval().to(accelerator.device)
        self.adam = torch.optim.Adam(network.parameters(), lr=0.0)
        self.modules: Mapping[str, nn.Module] = {"network": network, "average": self.average}
        self.optimizers: Mapping[str, Optimizer] = {"adam": self.adam}

    def batches(self, start: int) -> Iterator[tuple[Tensor, Tensor]]:
        rank, world_size = self.accelerator.process_index, self.accelerator.num_processes
        size = self.settings.batch * self.settings.accumulate
        arguments = {"size": size, "start": start, "rank": rank, "world_size": world_size}
        return zip(batches(self.pairs.content, **arguments), batches(self.pairs.style, **arguments), strict=True)

    def step(self, batch: tuple[Tensor, Tensor], step: int) -> dict[str, Tensor]:
        count = self.settings.accumulate
        set_learning_rate([self.adam], self.settings.rates(step, self.settings.schedule.steps))
        found = []
        parts = zip(*(self._to_image(pictures).chunk(count) for pictures in batch), strict=True)
        for number, (content, style) in enumerate(parts, 1):
            # The processes exchange their gradients with the last part.
            with nullcontext() if number == count else self.accelerator.no_sync(self.network):
                losses = self._losses(content, style)
                self.accelerator.backward(losses["loss"] / count)
            found.append({name: loss.detach() for name, loss in losses.items()})
        nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        self.adam.step()
        self.adam.zero_grad()
        update_average(self.average, self.modules["network"], step, self.settings.average_decay)
        return {name: torch.stack([losses[name] for losses in found]).mean() for name in found[0]}

    def _losses(self, content: Tensor, style: Tensor) -> dict[str, Tensor]:
        """{'loss': the sum, 'loss/...': each weighted loss} of pictures (N, 3, H, W) in [0, 1]."""
        objective = self.settings.objective
        layers = self.average.config.layers
        # Every second picture, so that two processes or parts of a step together take those that one would.
        own = content[: len(content) // 2 * 2 : 2] if objective.identity_weight else content[:0]
        with self.accelerator.autocast():
            with torch.no_grad():
                of_content = self.encoder(content, {*layers, *objective.content_layers})
                of_style = self.encoder(style, {*layers, *objective.style_layers})
                target = {layer: mean_std(value) for layer, value in of_style.items()}
                given = {layer: self.average.given(of_content[layer], target[layer]) for layer in layers}
                inputs, statistics = given, target
                if len(own):
                    # These pictures once more with their own statistics, for the identity term.
                    repeated = {layer: of_content[layer][: 2 * len(own) : 2] for layer in layers}
                    inputs = {layer: torch.cat([given[layer], repeated[layer]]) for layer in layers}
                    statistics = {layer: joined(target[layer], mean_std(repeated[layer])) for layer in layers}
            pictures = self.network(inputs, statistics)
            found = self.encoder(pictures[: len(content)], {*objective.content_layers, *objective.style_layers})
        losses = objective.losses(given, found, of_content, target)
        if len(own):
            error = (pictures[len(content) :].float() - own).square().mean()
            losses["identity"] = objective.identity_weight * error
        total = torch.stack(list(losses.values())).sum()
        return {"loss": total} | {f"loss/{name}": value for name, value in losses.items()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The recipe's own losses on the held-out pairs, by the averaged decoder."""
        objective, painted = self.settings.objective, self.average.config.layers
        total: dict[str, float] = {}
        count = len(self.held_out.content.pictures)
        for index in range(count):
            content, style = self._held_out(index)
            layers = {*painted, *objective.content_layers, *objective.style_layers}
            of_content, of_style = self.encoder(content, layers), self.encoder(style, layers)
            target = {layer: mean_std(value) for layer, value in of_style.items()}
            given = {layer: self.average.given(of_content[layer], target[layer]) for layer in painted}
            found = self.encoder(self.average(given, target).clamp(0, 1), layers)
            for name, value in objective.losses(given, found, of_content, target).items():
                total[name] = total.get(name, 0.0) + float(value) / count
        return {f"held out/{name}": value for name, value in (total | {"loss": sum(total.values())}).items()}

    @torch.no_grad()
    def preview(self) -> Tensor:
        """(1, 3, H, W): a row for each of four held-out pairs, of content, style and what is painted now."""
        rows = []
        layers = self.average.config.layers
        for index in range(min(4, len(self.held_out.content.pictures))):
            content, style = self._held_out(index)
            of_content, of_style = self.encoder(content, layers), self.encoder(style, layers)
            target = {layer: mean_std(of_style[layer]) for layer in layers}
            given = {layer: self.average.given(of_content[layer], target[layer]) for layer in layers}
            rows.append(torch.cat([content, style, self.average(given, target)], 3))
        return torch.cat(rows, 2)

    def finish(self, folder: Path) -> None:
        """Write the averaged decoder as `decoder.safetensors`."""
        tensors = {name: tensor.half().cpu() for name, tensor in self.average.state_dict().items()}
        config = {"decoder": self.average.config.to_json(), "recipe": asdict(self.settings)}
        weights.save(folder / "decoder.safetensors", tensors, config)

    def _held_out(self, index: int) -> tuple[Tensor, Tensor]:
        content, style = self.held_out.content[index], self.held_out.style[index]
        return self._to_image(content[None]), self._to_image(style[None])

    def _to_image(self, batch: Tensor) -> Tensor:
        image = batch.to(self.accelerator.device).float() / 255
        return image.contiguous(memory_format=torch.channels_last)


def joined(some: Statistics, more: Statistics) -> Statistics:
    """Statistics of two batches as those of one."""
    return torch.cat([some[0], more[0]]), torch.cat([some[1], more[1]])
