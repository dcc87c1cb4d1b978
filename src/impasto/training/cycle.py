"""Unpaired translation: two generators, two discriminators, and the step that all methods of CycleGAN's kind share."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from impasto.data.folders import PictureStream, batches
from impasto.data.image_pool import ImagePool
from impasto.errors import OptionError
from impasto.losses.cycle import cycle_loss
from impasto.losses.identity import identity_loss
from impasto.losses.lsgan import discriminator_loss, generator_loss
from impasto.metrics import held_out
from impasto.training.health import translation_vitals
from impasto.training.loop import Schedule
from impasto.training.optimizers import Adam, NAdam
from impasto.training.schedules import LinearDecay, StepDecay, set_learning_rate, update_average
from impasto.translation import GeneratorModule, padded_to, save_generators

PREVIEWS = 2
"""Held-out pictures of each kind that a preview shows."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the training itself needs to know; a recipe's config adds the pictures and the networks.

    batch: pictures of each kind that a process works on at a time.
    accumulate: so many batches make a step: their gradients are those of one batch of all their pictures, in the memory
        of one of them. Batch normalisation, where there is any, still sees them apart.
    cycle_weight, identity_weight: of the L1 losses on pictures in [-1, 1], each absolute.
    discriminator_weight: of a discriminator's loss.
    pool: earlier pictures that each discriminator is shown again; 0 for none.
    average_decay: of the moving average of the generators' weights, which is what the run is for; 0 for the weights
        themselves.
    """

    schedule: Schedule
    rates: LinearDecay | StepDecay
    optimizer: Adam | NAdam
    seed: int = 0
    batch: int = 1
    accumulate: int = 1
    cycle_weight: float = 10.0
    # Half of the cycle's 10, and so 5: CycleGAN's program multiplies its identity weight 0.5 with it.
    identity_weight: float = 5.0
    # "In practice, we divide the objective by 2 while optimizing D" (Zhu et al. 2017, section 7).
    discriminator_weight: float = 0.5
    pool: int = 50
    average_decay: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Networks:
    """One direction: the generator, and the discriminator of what it paints."""

    generator: nn.Module
    discriminator: nn.Module


@dataclass(frozen=True, kw_only=True)
class Domains:
    """Two endless streams of pictures that have nothing to do with each other."""

    A: PictureStream
    B: PictureStream


class CycleTraining:
    """The training as a `Trainable`. The method says by which networks, the recipe with which weights."""

    # In every four rows: A with its translation and its reconstruction, then B.
    preview_columns: Sequence[str] = ("picture", "translated, then back")

    # How much of the pictures is kept. How much they look like the other kind, no training loss can say.
    measure = "held out/cycle"

    def __init__(
        self,
        method: str,
        networks: Mapping[str, Networks],
        accelerator: Accelerator,
        domains: Domains,
        held_out: Domains,
        settings: Settings,
    ) -> None:
        """method: the name that the result is stored under. networks: of the directions 'A2B' and 'B2A'.

        Raises OptionError for crops that the generators cannot give back.
        """
        self.method = method
        self.accelerator = accelerator
        self.settings = settings
        self.domains, self.held_out = domains, held_out
        for one in networks.values():
            for network in (one.generator, one.discriminator):
                network.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.generators = {direction: one.generator for direction, one in networks.items()}
        self.averages = {name: copy.deepcopy(one).eval() for name, one in self.generators.items()}
        # Each judges what its direction paints, and remembers it.
        self.discriminators = {direction: one.discriminator for direction, one in networks.items()}
        side = domains.A.crops.side
        check_side(side, cast(GeneratorModule, self.generators["A2B"]))
        self.pools = {direction: ImagePool(settings.pool, side).to(accelerator.device) for direction in networks}
        both = [parameter for generator in self.generators.values() for parameter in generator.parameters()]
        self.optimizers: Mapping[str, Optimizer] = {"generators": settings.optimizer(both)} | {
            f"discriminator_{direction}": settings.optimizer(discriminator.parameters())
            for direction, discriminator in self.discriminators.items()
        }
        kinds: dict[str, Mapping[str, nn.Module]] = {
            "generator": self.generators, "average": self.averages,
            "discriminator": self.discriminators, "pool": self.pools,
        }  # fmt: skip
        self.modules: Mapping[str, nn.Module] = {
            f"{kind}_{direction}": module for kind, modules in kinds.items() for direction, module in modules.items()
        }
        self.own = [f"pool_{direction}" for direction in self.pools]
        # Begins each process's draws for its pools; a resumed run goes on with the stored ones.
        torch.manual_seed(settings.seed + accelerator.process_index)

    def batches(self, start: int) -> Iterator[tuple[Tensor, Tensor]]:
        rank, world_size = self.accelerator.process_index, self.accelerator.num_processes
        size = self.settings.batch * self.settings.accumulate
        arguments = {"size": size, "start": start, "rank": rank, "world_size": world_size}
        return zip(batches(self.domains.A, **arguments), batches(self.domains.B, **arguments), strict=True)

    def step(self, batch: tuple[Tensor, Tensor], step: int) -> dict[str, Tensor]:
        """Both generators together, then each discriminator, on what the generators painted before they learned."""
        set_learning_rate(self.optimizers.values(), self.settings.rates(step, self.settings.schedule.steps))
        A, B = (self._to_image(pictures).chunk(self.settings.accumulate) for pictures in batch)
        parts = [{"A2B": a, "B2A": b} for a, b in zip(A, B, strict=True)]
        found = [self._paint_and_learn(pictures) for pictures in parts]
        self._update("generators", self.generators.values())
        losses = {name: torch.stack([some[name] for _, some in found]).mean() for name in found[0][1]}
        for direction, other in (("A2B", "B2A"), ("B2A", "A2B")):
            judged = [
                self._learn_to_judge(direction, pictures[other], fakes[direction])
                for pictures, (fakes, _) in zip(parts, found, strict=True)
            ]
            self._update(f"discriminator_{direction}", [self.discriminators[direction]])
            losses[f"{direction}/discriminator"] = torch.stack(judged).mean()
        for direction, average in self.averages.items():
            update_average(average, self.generators[direction], step, self.settings.average_decay)
        return losses

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """How far held-out pictures are from themselves after there and back: the mean of absolute differences, which
        lie in [0, 2], of each kind and of both, and the measures of `metrics.held_out`."""
        measured = {}
        for name, there, back in (("A", "A2B", "B2A"), ("B", "B2A", "A2B")):
            pictures = list(self._held_out(name))
            again = [self.averages[back](self.averages[there](picture)) for picture in pictures]
            errors = [float(cycle_loss(one, picture)) for one, picture in zip(again, pictures, strict=True)]
            measured[f"held out {name}/cycle"] = sum(errors) / len(errors)
            seen = held_out(map(to_unit, pictures), self._in_unit(there), self._in_unit(back))
            measured |= {f"held out {name}/{measure}": value for measure, value in seen.items()}
        both = [value for name, value in measured.items() if name.endswith("/cycle")]
        return measured | {"held out/cycle": sum(both) / len(both)}

    @torch.no_grad()
    def health(self) -> dict[str, float]:
        """`translation_vitals` of both directions on the held-out pictures."""
        vitals = {}
        for direction, name in (("A2B", "A"), ("B2A", "B")):
            pictures = list(self._held_out(name))
            painted = [self.averages[direction](picture) for picture in pictures]
            for vital, value in translation_vitals(torch.cat(pictures), torch.cat(painted)).items():
                vitals[f"{direction}/{vital}"] = value
        return vitals

    def _in_unit(self, direction: str) -> Callable[[Tensor], Tensor]:
        """The averaged generator between pictures in [0, 1]."""
        generator = self.averages[direction]
        return lambda picture: to_unit(generator(picture * 2 - 1))

    @torch.no_grad()
    def preview(self) -> Tensor:
        """(1, 3, H, W) in [0, 1]: held-out pictures of both kinds on the left, each twice; beside them what they become
        and, below that, what this becomes on the way back."""
        rows = []
        shown = min(PREVIEWS, len(self.held_out.A.pictures), len(self.held_out.B.pictures))
        for index in range(shown):
            for name, there, back in (("A", "A2B", "B2A"), ("B", "B2A", "A2B")):
                picture = self._padded(self._to_image(getattr(self.held_out, name)[index][None]))
                painted = self.averages[there](picture)
                rows += [torch.cat([picture, one], 3) for one in (painted, self.averages[back](painted))]
        return (torch.cat(rows, 2) / 2 + 0.5).clamp(0, 1)

    def finish(self, folder: Path) -> None:
        """Write both averaged generators as `generators.safetensors`."""
        generators = cast(Mapping[str, GeneratorModule], self.averages)
        save_generators(folder / "generators.safetensors", self.method, generators, asdict(self.settings))

    def _generator_losses(self, pictures: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """({direction: what it paints}, {direction/name: weighted loss}). pictures: what each direction starts from."""
        fakes, losses = {}, {}
        settings = self.settings
        # One autocast around everything, because it keeps each weight's half-precision copy until it ends. The losses
        # themselves are float32.
        with frozen(self.discriminators.values()), self.accelerator.autocast():
            for direction, other in (("A2B", "B2A"), ("B2A", "A2B")):
                picture, generator = pictures[direction], self.generators[direction]
                fake = fakes[direction] = generator(picture)
                judged, back = self.discriminators[direction](fake), self.generators[other](fake)
                losses[f"{direction}/adversarial"] = generator_loss(judged)
                losses[f"{direction}/cycle"] = settings.cycle_weight * cycle_loss(back, picture)
                if settings.identity_weight:
                    same, target = generator(pictures[other]), pictures[other]
                    losses[f"{direction}/identity"] = settings.identity_weight * identity_loss(same, target)
        return fakes, losses

    def _paint_and_learn(self, pictures: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """As `_generator_losses`, detached; adds their share to the generators' gradients."""
        fakes, losses = self._generator_losses(pictures)
        self._add_gradients(torch.stack(list(losses.values())).sum())
        return _detached(fakes), _detached(losses)

    def _learn_to_judge(self, direction: str, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss; adds its share to the gradients."""
        discriminator = self.discriminators[direction]
        earlier = self.pools[direction](fake.float())
        # Apart, because instance and batch normalisation must not mix what they tell apart.
        with self.accelerator.autocast():
            judged_real, judged_fake = discriminator(real), discriminator(earlier)
        loss = self.settings.discriminator_weight * discriminator_loss(judged_real, judged_fake)
        self._add_gradients(loss)
        return loss.detach()

    def _add_gradients(self, loss: Tensor) -> None:
        self.accelerator.backward(loss / self.settings.accumulate)

    def _update(self, name: str, networks: Iterable[nn.Module]) -> None:
        average_gradients(self.accelerator, networks)
        self.optimizers[name].step()
        self.optimizers[name].zero_grad()

    def _to_image(self, batch: Tensor) -> Tensor:
        return to_image(batch, self.accelerator.device)

    def _held_out(self, name: str) -> Iterator[Tensor]:
        """All pictures of a kind, each (1, 3, H, W)."""
        stream: PictureStream = getattr(self.held_out, name)
        for index in range(len(stream.pictures)):
            yield self._padded(self._to_image(stream[index][None]))

    def _padded(self, picture: Tensor) -> Tensor:
        generator = cast(GeneratorModule, self.averages["A2B"])
        return padded_to(picture, generator.multiple, generator.minimum)


def to_unit(picture: Tensor) -> Tensor:
    """[-1, 1] -> [0, 1]."""
    return (picture.float() / 2 + 0.5).clamp(0, 1)


def to_image(batch: Tensor, device: torch.device) -> Tensor:
    """uint8 -> float32 in [-1, 1], which the published weights of the losses are meant for."""
    return (batch.to(device).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def average_gradients(accelerator: Accelerator, networks: Iterable[nn.Module]) -> None:
    """Make the gradients of every process those of all their pictures together.

    By hand, because a generator works three times per step on graphs that DistributedDataParallel does not follow.
    """
    if accelerator.num_processes == 1:
        return
    found = [p.grad for network in networks for p in network.parameters() if p.grad is not None]
    # All at once, because it is the number of messages that takes time.
    mean: Tensor = accelerator.reduce(torch.cat([gradient.flatten() for gradient in found]), "mean")
    for gradient, part in zip(found, mean.split([gradient.numel() for gradient in found]), strict=True):
        gradient.copy_(part.view_as(gradient))


def _detached(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in tensors.items()}


def check_side(side: int, generator: GeneratorModule) -> None:
    """Raises OptionError for crops that the generator cannot give back."""
    if side % generator.multiple or side < generator.minimum:
        expected = f"a multiple of {generator.multiple} and at least {generator.minimum}"
        raise OptionError(f"crop is {side}, but must be {expected} for this generator")


@contextmanager
def frozen(networks: Iterable[nn.Module]) -> Iterator[None]:
    """No gradients for these networks' weights, only through them."""
    held = list(networks)
    for network in held:
        network.requires_grad_(False)
    try:
        yield
    finally:
        for network in held:
            network.requires_grad_(True)
