"""The settings and losses that all methods of CycleGAN's kind share."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from impasto.data.folders import Folders
from impasto.losses.cycle import cycle_loss, identity_loss
from impasto.losses.lsgan import discriminator_loss, generator_loss
from impasto.training.optimisation import set_learning_rate
from impasto.training.unpaired import EpochRecipe, UnpairedTraining
from impasto.translation import OTHER, GeneratorModule


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


class CycleTraining(UnpairedTraining[GeneratorModule]):
    """The training as a `Trainable`."""

    settings: CycleRecipe

    def _set_rates(self, step: int) -> None:
        super()._set_rates(step)
        if step < self.settings.head_start:
            set_learning_rate([self.optimizers["generators"]], 0.0)

    def _generator_losses(
        self, pictures: Mapping[str, Tensor], kind: str, there: str, back: str
    ) -> tuple[Tensor, dict[str, Tensor]]:
        settings, picture, others = self.settings, pictures[kind], pictures[OTHER[kind]]
        generator = self.generators[there]
        fake = generator(picture)
        judged, again = self.discriminators[there](fake), self.generators[back](self._noisy(fake))
        losses = {
            "adversarial": generator_loss(judged),
            "cycle": settings.cycle_weight * cycle_loss(again, picture),
        }
        if settings.identity_weight:
            losses["identity"] = settings.identity_weight * identity_loss(generator(others), others)
        return fake, losses

    def _noisy(self, painted: Tensor) -> Tensor:
        deviation = self.settings.hiding_noise
        return painted + deviation * torch.randn_like(painted) if deviation else painted

    def _discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.settings.discriminator_weight * discriminator_loss(real, fake)
