"""The step that all methods of CycleGAN's kind share."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from impasto.data.folders import Folders
from impasto.losses.cycle import cycle_loss, identity_loss
from impasto.losses.lsgan import discriminator_loss, generator_loss
from impasto.training.optimisation import set_learning_rate
from impasto.training.unpaired import EpochRecipe, UnpairedTraining, frozen, to_image
from impasto.translation import OTHER, WAYS


@dataclass(frozen=True, kw_only=True)
class CycleRecipe(EpochRecipe):
    """Settings of a run of CycleGAN's kind; a method adds its networks.

    accumulate: so many batches make a step: their gradients are those of one batch of all their pictures, in the memory
        of one of them. Batch normalisation, where there is any, still sees them apart.
    cycle_weight, identity_weight: of the L1 losses on pictures in [-1, 1], each absolute.
    discriminator_weight: of a discriminator's loss.
    hiding_noise: deviation of normal noise on what is painted, in [-1, 1], before it goes back (Bashkirova et al.
        2019). It drowns the faint grain by which generators hide what the way back needs (Chu et al. 2017).
    head_start: so many steps in which the discriminators alone learn; for generators that have learned before.
    """

    accumulate: int = 1
    cycle_weight: float = 10.0
    # Half of the cycle's 10, and so 5: CycleGAN's program multiplies its identity weight 0.5 with it.
    identity_weight: float = 5.0
    # "In practice, we divide the objective by 2 while optimizing D" (Zhu et al. 2017, section 7).
    discriminator_weight: float = 0.5
    hiding_noise: float = 0.0
    head_start: int = 0

    @property
    def step_pictures(self) -> int:
        return self.batch * self.accumulate

    def build(
        self, accelerator: Accelerator, data: Mapping[str, Folders], *, start: Path | None = None
    ) -> "CycleTraining":
        """start: a file of generators, with whose weights the run begins."""
        return CycleTraining.of(self, accelerator, data, start=start)


class CycleTraining(UnpairedTraining[nn.Module]):
    """The training as a `Trainable`."""

    settings: CycleRecipe

    def step(self, batch: tuple[Tensor, Tensor], step: int) -> dict[str, Tensor]:
        """Both generators together, then each discriminator, on what the generators painted before they learned."""
        settings, accelerator = self.settings, self.accelerator
        self._set_rates(step)
        if step < settings.head_start:
            set_learning_rate([self.optimizers["generators"]], 0.0)
        A, B = (to_image(pictures, accelerator.device) for pictures in batch)
        parts = zip(A.chunk(settings.accumulate), B.chunk(settings.accumulate), strict=True)
        reals = [{"A": a, "B": b} for a, b in parts]
        values: dict[str, list[Tensor]] = defaultdict(list)

        fakes = []
        for real in reals:
            fake, losses = self._generator_losses(real)
            accelerator.backward(torch.stack(list(losses.values())).sum() / settings.accumulate)
            fakes.append({direction: painted.detach() for direction, painted in fake.items()})
            for name, loss in losses.items():
                values[name].append(loss.detach())
        self._update("generators", self.generators.values())

        for kind, direction, _ in WAYS:
            for real, fake in zip(reals, fakes, strict=True):
                loss = self._discriminator_loss(direction, real[OTHER[kind]], fake[direction])
                accelerator.backward(loss / settings.accumulate)
                values[f"{direction}/discriminator"].append(loss.detach())
            self._update(f"discriminator_{direction}", [self.discriminators[direction]])

        self._update_averages(step)
        return {name: torch.stack(losses_of_parts).mean() for name, losses_of_parts in values.items()}

    def _generator_losses(self, pictures: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        settings = self.settings
        fake, losses = {}, {}
        # One autocast around everything, because it keeps each weight's half-precision copy until it ends. The losses
        # themselves are float32.
        with frozen(self.discriminators.values()), self.accelerator.autocast():
            for kind, direction, other in WAYS:
                picture, others = pictures[kind], pictures[OTHER[kind]]
                generator, back = self.generators[direction], self.generators[other]
                fake[direction] = generator(picture)
                judged, again = self.discriminators[direction](fake[direction]), back(self._noisy(fake[direction]))
                losses[f"{direction}/adversarial"] = generator_loss(judged)
                losses[f"{direction}/cycle"] = settings.cycle_weight * cycle_loss(again, picture)
                if settings.identity_weight:
                    same = generator(others)
                    losses[f"{direction}/identity"] = settings.identity_weight * identity_loss(same, others)
        return fake, losses

    def _noisy(self, painted: Tensor) -> Tensor:
        deviation = self.settings.hiding_noise
        return painted + deviation * torch.randn_like(painted) if deviation else painted

    def _discriminator_loss(self, direction: str, real: Tensor, fake: Tensor) -> Tensor:
        discriminator, earlier = self.discriminators[direction], self.pools[direction](fake.float())
        # Apart, because instance and batch normalisation must not mix what they tell apart.
        with self.accelerator.autocast():
            judged_real, judged_fake = discriminator(real), discriminator(earlier)
        return self.settings.discriminator_weight * discriminator_loss(judged_real, judged_fake)
