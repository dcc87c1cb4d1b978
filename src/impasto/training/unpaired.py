"""What every training of unpaired translation has: two generators, two discriminators, and what they are shown by."""

import copy
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Generic, Literal, Self, TypeVar, cast

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from impasto import metrics
from impasto.data.domains import KINDS, DomainCrops, Domains
from impasto.data.folders import Folders
from impasto.data.image_pool import ImagePool
from impasto.encoders import load_encoder
from impasto.encoders.points import points
from impasto.errors import OptionError
from impasto.losses.cycle import cycle_loss
from impasto.metrics.held_out import MEASURES, rounded
from impasto.training.health import translation_vitals
from impasto.training.loop import Recipe, Schedule, Trainable
from impasto.training.optimisation import (
    Adam,
    LinearDecay,
    NAdam,
    StepDecay,
    frozen,
    set_learning_rate,
    update_average,
)
from impasto.training.processes import average_gradients, batches_of_process
from impasto.translation import DIRECTIONS, OTHER, WAYS, GeneratorModule, load_weights, padded_to, save_generators

PREVIEWS = 2
"""Held-out pictures of each kind that a preview shows."""

SMALLEST_SET = 16
"""Held-out pictures of each kind from which on their distribution is measured; of fewer, the measure says nothing."""

OF_SETS = "KID-lite"

AnyGenerator = TypeVar("AnyGenerator", bound=GeneratorModule)


@dataclass(frozen=True, kw_only=True)
class Networks:
    """One direction: the generator, and the discriminator of what it paints."""

    generator: GeneratorModule
    discriminator: nn.Module


# Saved often enough that a kill costs minutes on a CPU as well, where a step takes seconds. 0 steps stand for epochs.
PUBLISHED = Schedule(steps=0, log_every=100, preview_every=5000, validate_every=5000, save_every=250)
"""Of the recipes at their published size."""

SLIM: Mapping[str, Any] = {
    "schedule": Schedule(steps=20_000, log_every=50, preview_every=1000, validate_every=1000, save_every=250),
    "average_decay": 0.999,
    "crop": 128,
    "shorter": 143,
}
"""Of the recipes at a quarter of the pixels, made for some hours of two CPU cores in bf16."""


@dataclass(frozen=True, kw_only=True)
class UnpairedRecipe(Recipe, DomainCrops):
    """Settings that every training of unpaired translation has.

    batch: pictures of each kind that a process works on at a time.
    pool: earlier pictures that each discriminator is shown again; 0 for none.
    average_decay: of the moving average of the generators' weights, which is what the run is for; 0 for the weights
        themselves.
    best_by: the measure of held-out pictures by which the best state is known.
    """

    kinds = KINDS

    optimizer: Adam | NAdam = Adam()
    batch: int = 1
    pool: int = 50
    average_decay: float = 0.0
    # How much of the pictures is kept. How much they look like the other kind, few held-out pictures cannot say.
    best_by: str = "cycle"

    @abstractmethod
    def networks(self) -> Networks:
        """Of one direction, new at every call. Raises OptionError for what fits no such networks."""

    @property
    def step_pictures(self) -> int:
        """Pictures of each kind that a process takes for a step."""
        return self.batch


@dataclass(frozen=True, kw_only=True)
class EpochRecipe(UnpairedRecipe):
    """One whose length may be given in epochs.

    epoch: samples of each kind that make an epoch: 'max' or 'min' of the two counts, that of 'A' or 'B', or a number.
        Only counts while `schedule.steps` is 0, which stands for all epochs of `rates`.
    """

    rates: LinearDecay | StepDecay
    # CycleGAN's own rule. Paper 000 does not say: by it, 150 epochs of monet2photo are 943,050 steps; with 'A', that
    # is with the 1072 paintings, they are 160,800.
    epoch: Literal["max", "min", "A", "B"] | int = "max"

    def settled(self, data: Mapping[str, Folders], processes: int = 1) -> Self:
        """With the number of steps that its epochs take with these pictures, unless it has one.

        processes: that learn together, each from a batch of its own in every step.
        """
        if self.schedule.steps:
            return self
        counts = {kind: len(self.split(data, kind, self.seed)[0]) for kind in KINDS}
        rules = {"max": max(counts.values()), "min": min(counts.values()), **counts}
        samples = self.epoch if isinstance(self.epoch, int) else rules[self.epoch]
        alone = self.rates.epochs * -(-samples // self.step_pictures)
        return replace(self, schedule=replace(self.schedule, steps=-(-alone // processes)))


class UnpairedTraining(Trainable, Generic[AnyGenerator]):
    """Everything of a `Trainable` but its losses and its errors on held-out pictures."""

    settings: Any  # an `UnpairedRecipe`; each training says which

    # The names of what `_errors` gives.
    errors: Sequence[str] = ("cycle",)

    # Of what the pools keep.
    pooled_channels = 3

    # In every four rows: A with its translation and with what comes back of it, then B.
    preview_columns: Sequence[str] = ("picture", "translated, then back")

    @classmethod
    def of(
        cls,
        recipe: UnpairedRecipe,
        accelerator: Accelerator,
        data: Mapping[str, Folders],
        *,
        start: Path | None = None,
    ) -> Self:
        """The run that a recipe describes. data: folders and shards of pictures of the kinds 'A' and 'B'. start: a file
        of generators of the same shapes, with whose weights the recipe's begin."""
        torch.manual_seed(recipe.seed)
        networks = {direction: recipe.networks() for direction in DIRECTIONS}
        if start is not None:
            for direction, pair in networks.items():
                load_weights(start, direction, pair.generator)
        return cls(networks, accelerator, *recipe.domains(data, recipe.seed), recipe)

    def __init__(
        self,
        networks: Mapping[str, Networks],
        accelerator: Accelerator,
        domains: Domains,
        held_out: Domains,
        settings: UnpairedRecipe,
    ) -> None:
        """networks: of the directions 'A2B' and 'B2A'.

        Raises OptionError for crops that the generators cannot give back, and a `best_by` that is never measured.
        """
        self.accelerator = accelerator
        self.settings = settings
        self.domains, self.held_out = domains, held_out
        self.measure = f"held out/{settings.best_by}"
        for pair in networks.values():
            for network in (pair.generator, pair.discriminator):
                network.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.generators = {direction: cast(AnyGenerator, pair.generator) for direction, pair in networks.items()}
        self.averages = {name: copy.deepcopy(generator).eval() for name, generator in self.generators.items()}
        # Each judges what its direction paints, and remembers it.
        self.discriminators = {direction: pair.discriminator for direction, pair in networks.items()}
        self._check()
        side = domains["A"].crops.side
        self.pools = {
            direction: ImagePool(settings.pool, side, self.pooled_channels).to(accelerator.device)
            for direction in networks
        }
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
        self.per_process = [f"pool_{direction}" for direction in self.pools]
        # Begins each process's draws for its pools; a resumed run goes on with the stored ones.
        torch.manual_seed(settings.seed + accelerator.process_index)

    def step(self, batch: tuple[Tensor, ...], step: int) -> dict[str, Tensor]:
        """Both generators together, then each discriminator, on what the generators painted before they learned."""
        self._set_rates(step)
        A, B = (to_image(pictures, self.accelerator.device).split(self.settings.batch) for pictures in batch)
        losses = self._learn([{"A": a, "B": b} for a, b in zip(A, B, strict=True)])
        for direction, average in self.averages.items():
            update_average(average, self.generators[direction], step, self.settings.average_decay)
        return losses

    @abstractmethod
    def _generator_losses(
        self, pictures: Mapping[str, Tensor], kind: str, there: str, back: str
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """(what a direction paints, as its discriminator is shown it; {name: weighted loss}).

        pictures: of both kinds, (N, 3, H, W) in [-1, 1]. kind: of those that are painted from. there, back: the
        directions from it and to it. Called with autocast on, discriminators frozen.
        """

    @abstractmethod
    def _discriminator_loss(self, real: Any, fake: Any) -> Tensor:
        """Of what a discriminator says of pictures of its kind, and of painted ones."""

    def _judged(self, direction: str, real: Tensor, fake: Tensor) -> tuple[Any, Any]:
        """What a discriminator says of pictures of its kind, and of the pool of earlier painted ones."""
        discriminator, earlier = self.discriminators[direction], self.pools[direction](fake.float())
        # Apart, because instance and batch normalisation must not mix what they tell apart.
        with self.accelerator.autocast():
            return discriminator(real), discriminator(earlier)

    def _errors(self, pictures: Sequence[Tensor], there: str, back: str) -> Iterator[dict[str, Tensor]]:
        """Of each of the pictures (1, 3, H, W) in [-1, 1] of one kind. there, back: the directions from it and to it.

        How far they are from themselves after there and back: absolute differences, which lie in [0, 2]."""
        for picture in pictures:
            yield {"cycle": cycle_loss(self.averages[back](self.averages[there](picture)), picture)}

    def batches(self, start: int) -> Iterator[tuple[Tensor, ...]]:
        """Pictures of A and of B for this process, from step `start` on."""
        return batches_of_process(self.accelerator, self.domains.values(), self.settings.step_pictures, start)

    @torch.no_grad()
    def preview(self) -> Tensor:
        """(1, 3, H, W) in [0, 1]: held-out pictures of both kinds on the left, each twice; beside them what they become
        and, below that, what this becomes on the way back."""
        rows = []
        for pictures in zip(*(self._held_out(kind, PREVIEWS) for kind, _, _ in WAYS), strict=False):
            for picture, (_, there, back) in zip(pictures, WAYS, strict=True):
                painted = self.averages[there](picture)
                rows += [torch.cat([picture, shown], 3) for shown in (painted, self.averages[back](painted))]
        return to_unit(torch.cat(rows, 2))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Means over the held-out pictures of each kind, and of both: the errors of this training's losses, without
        their weights, and the measures of `metrics.held_out`; where there are SMALLEST_SET of each, also how far the
        distribution of translations is from that of the other kind's pictures."""
        pictures = {kind: list(self._held_out(kind)) for kind, _, _ in WAYS}
        measured: dict[str, dict[str, float]] = {}
        for kind, there, back in WAYS:
            errors = list(self._errors(pictures[kind], there, back))
            measured[kind] = {name: sum(float(one[name]) for one in errors) / len(errors) for name in self.errors}
            paint = self._in_unit(there)
            measured[kind] |= metrics.held_out(map(to_unit, pictures[kind]), paint, self._in_unit(back))
            if self._fewest >= SMALLEST_SET:
                painted = (paint(to_unit(picture)) for picture in pictures[kind])
                measured[kind][OF_SETS] = self._distance(painted, map(to_unit, pictures[OTHER[kind]]))
        both = {name: sum(measured[kind][name] for kind, _, _ in WAYS) / len(WAYS) for name in measured["A"]}
        places = {f"held out {kind}": measures for kind, measures in measured.items()} | {"held out": both}
        return {f"{place}/{name}": value for place, measures in places.items() for name, value in measures.items()}

    @torch.no_grad()
    def health(self) -> dict[str, float]:
        """`translation_vitals` of both directions on the held-out pictures."""
        vitals = {}
        for kind, direction, _ in WAYS:
            pictures = list(self._held_out(kind))
            painted = [self.averages[direction](picture) for picture in pictures]
            for vital, value in translation_vitals(torch.cat(pictures), torch.cat(painted)).items():
                vitals[f"{direction}/{vital}"] = value
        return vitals

    def finish(self, folder: Path) -> None:
        """Write both averaged generators as `generators.safetensors`."""
        method = self.averages["A2B"].options.method
        save_generators(folder / "generators.safetensors", method, self.averages, asdict(self.settings))

    def _distance(self, painted: Iterable[Tensor], others: Iterable[Tensor]) -> float:
        """Of two sets of pictures in [0, 1], as `impasto evaluate` measures it."""
        encoder = load_encoder("lite").to(self.accelerator.device)
        sets = [
            torch.cat([points(encoder, rounded(picture)) for picture in pictures]) for pictures in (painted, others)
        ]
        return metrics.kernel_distance(sets[0], sets[1])[0]

    @property
    def _fewest(self) -> int:
        """Held-out pictures of the kind that has fewer."""
        return min(len(stream.pictures) for stream in self.held_out.values())

    def _check(self) -> None:
        side, generator = self.domains["A"].crops.side, self.generators["A2B"]
        if side % generator.multiple or side < generator.minimum:
            expected = f"a multiple of {generator.multiple} and at least {generator.minimum}"
            raise OptionError(f"crop is {side}, but must be {expected} for this generator")
        chosen, known = self.settings.best_by, (*self.errors, *MEASURES, OF_SETS)
        if chosen not in known:
            raise OptionError(f"best_by is '{chosen}', but must be one of {', '.join(known)}")
        if chosen == OF_SETS and self._fewest < SMALLEST_SET:
            counts = " and ".join(str(len(stream.pictures)) for stream in self.held_out.values())
            raise OptionError(
                f"best_by is {OF_SETS}, which takes {SMALLEST_SET} held-out pictures of each kind, such as those of"
                f" testA and testB; there are {counts}"
            )

    def _in_unit(self, direction: str) -> Callable[[Tensor], Tensor]:
        """The averaged generator between pictures in [0, 1]."""
        generator = self.averages[direction]
        return lambda picture: to_unit(generator(picture * 2 - 1))

    def _set_rates(self, step: int) -> None:
        set_learning_rate(self.optimizers.values(), self.settings.rates(step, self.settings.schedule.steps))

    def _learn(self, parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """From the parts of a batch, each of both kinds, by the gradients of all together. Returns each loss's mean."""
        fakes, losses = self._generators_learn(parts)
        return losses | self._discriminators_learn(parts, fakes)

    def _generators_learn(
        self, parts: Sequence[Mapping[str, Tensor]]
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """(of each part, {direction: what it paints}; losses)."""
        fakes: list[dict[str, Tensor]] = []
        values: dict[str, list[Tensor]] = defaultdict(list)
        for pictures in parts:
            fake: dict[str, Tensor] = {}
            losses: dict[str, Tensor] = {}
            # One autocast around everything, because it keeps each weight's half-precision copy until it ends. The
            # losses themselves are float32.
            with frozen(self.discriminators.values()), self.accelerator.autocast():
                for kind, there, back in WAYS:
                    fake[there], named = self._generator_losses(pictures, kind, there, back)
                    losses |= {f"{there}/{name}": loss for name, loss in named.items()}
            self.accelerator.backward(torch.stack(list(losses.values())).sum() / len(parts))
            fakes.append({direction: painted.detach() for direction, painted in fake.items()})
            for name, loss in losses.items():
                values[name].append(loss.detach())
        self._update("generators", self.generators.values())
        return fakes, _means(values)

    def _discriminators_learn(
        self, parts: Sequence[Mapping[str, Tensor]], fakes: Sequence[Mapping[str, Tensor]]
    ) -> dict[str, Tensor]:
        values: dict[str, list[Tensor]] = defaultdict(list)
        for kind, direction, _ in WAYS:
            for pictures, fake in zip(parts, fakes, strict=True):
                judged = self._judged(direction, pictures[OTHER[kind]], fake[direction])
                loss = self._discriminator_loss(*judged)
                self.accelerator.backward(loss / len(parts))
                values[f"{direction}/discriminator"].append(loss.detach())
            self._update(f"discriminator_{direction}", [self.discriminators[direction]])
        return _means(values)

    def _update(self, name: str, networks: Iterable[nn.Module]) -> None:
        average_gradients(self.accelerator, networks)
        self.optimizers[name].step()
        self.optimizers[name].zero_grad()

    def _held_out(self, kind: str, most: int | None = None) -> Iterator[Tensor]:
        """Pictures of a kind, all or the first ones, each (1, 3, H, W) in [-1, 1], with sides that generators take."""
        stream = self.held_out[kind]
        generator = self.averages["A2B"]
        for index in range(len(stream.pictures))[:most]:
            picture = to_image(stream[index][None], self.accelerator.device)
            yield padded_to(picture, generator.multiple, generator.minimum)


def _means(values: Mapping[str, Sequence[Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack(list(parts)).mean() for name, parts in values.items()}


def to_unit(picture: Tensor) -> Tensor:
    """[-1, 1] -> [0, 1]."""
    return (picture.float() / 2 + 0.5).clamp(0, 1)


def to_image(batch: Tensor, device: torch.device) -> Tensor:
    """uint8 -> float32 in [-1, 1], which the published weights of the losses are meant for."""
    return (batch.to(device, non_blocking=True).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
