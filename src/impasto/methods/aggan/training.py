"""How attention-guided generators learn: as CycleGAN's, until the discriminators are shown the foreground alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from accelerate import Accelerator
from torch import Tensor

from impasto.blocks.patch_discriminator import PatchConfig
from impasto.data.folders import Folders
from impasto.errors import OptionError
from impasto.losses.cycle import cycle_loss
from impasto.losses.lsgan import discriminator_loss, generator_loss
from impasto.methods.aggan.network import Discriminator, Generator, GeneratorConfig, blended
from impasto.training.optimisation import LinearDecay, frozen
from impasto.training.unpaired import EpochRecipe, Networks, UnpairedTraining
from impasto.translation import BACK, WAYS


@dataclass(frozen=True, kw_only=True)
class AgGANRecipe(EpochRecipe):
    """Settings of a run.

    cycle_weight: of the L1 losses on pictures in [-1, 1]. discriminator_weight: of a discriminator's loss.
    foreground_from: epochs of `rates` after which the discriminators see the foreground alone, lose their
        normalisation, and the attention stays as it is.
    threshold: tau; where the attention is less, a picture is black for the discriminators from then on.
    """

    rates: LinearDecay
    generator: GeneratorConfig = GeneratorConfig()
    discriminator: PatchConfig = PatchConfig()
    cycle_weight: float = 10.0
    # As CycleGAN's.
    discriminator_weight: float = 0.5
    foreground_from: int = 30
    threshold: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.threshold <= 1:
            raise OptionError(f"threshold is {self.threshold}, but must be from 0 to 1")

    def networks(self) -> Networks:
        return Networks(generator=Generator(self.generator), discriminator=Discriminator(self.discriminator))

    def build(self, accelerator: Accelerator, data: Mapping[str, Folders]) -> "AttentionGuidedTraining":
        return AttentionGuidedTraining.of(self, accelerator, data)


class AttentionGuidedTraining(UnpairedTraining[Generator]):
    """The training as a `Trainable`."""

    settings: AgGANRecipe
    foreground: bool
    """Whether the discriminators see it alone."""
    pooled_channels = 4  # a picture and where it was painted

    def step(self, batch: tuple[Tensor, ...], step: int) -> dict[str, Tensor]:
        self.foreground = self._sees_foreground(step)
        for discriminator in self.discriminators.values():
            cast(Discriminator, discriminator).normalises = not self.foreground
        # The attention would shrink: the less of a picture is shown, the less can be told from it.
        with frozen([one.attention for one in self.generators.values()] if self.foreground else []):
            return super().step(batch, step)

    @torch.no_grad()
    def health(self) -> dict[str, float]:
        """As of every translation, and `painted share`: the mean of each direction's attention."""
        vitals = super().health()
        for kind, there, _ in WAYS:
            shares = [float(self.averages[there].share(picture).mean()) for picture in self._held_out(kind)]
            vitals[f"{there}/painted share"] = sum(shares) / len(shares)
        return vitals

    def _sees_foreground(self, step: int) -> bool:
        settings = self.settings
        return step * settings.rates.epochs // settings.schedule.steps >= settings.foreground_from

    def _generator_losses(
        self, pictures: Mapping[str, Tensor], kind: str, there: str, back: str
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """A discriminator is shown a picture and the attention, (N, 4, H, W)."""
        picture, generator = pictures[kind], self.generators[there]
        painted, share = generator.paint(picture), generator.share(picture)
        fake = blended(picture, painted, share)
        # Of the foreground, F(s) alone and not the blend is judged (equation 5).
        judged_as = painted if self.foreground else fake
        losses = {
            "adversarial": generator_loss(self._judgement(there, judged_as, share)),
            "cycle": self.settings.cycle_weight * cycle_loss(self.generators[back](fake), picture),
        }
        return torch.cat([judged_as, share], 1), losses

    def _judged(self, direction: str, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        earlier, share = self.pools[direction](fake.float()).split((3, 1), 1)
        with torch.no_grad(), self.accelerator.autocast():
            real_share = self.generators[BACK[direction]].share(real)
        with self.accelerator.autocast():
            return self._judgement(direction, real, real_share), self._judgement(direction, earlier, share)

    def _discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.settings.discriminator_weight * discriminator_loss(real, fake)

    def _judgement(self, direction: str, picture: Tensor, share: Tensor) -> Tensor:
        """What the discriminator says of a picture: of all of it, or of where the attention is tau or more."""
        seen = picture * (share >= self.settings.threshold) if self.foreground else picture
        judged: Tensor = self.discriminators[direction](seen)
        return judged
