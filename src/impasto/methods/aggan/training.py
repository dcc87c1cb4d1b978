"""How attention-guided generators learn: as CycleGAN's, until the discriminators are shown the foreground alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from accelerate import Accelerator
from torch import Tensor

from impasto.blocks.patch_discriminator import PatchConfig
from impasto.data.folders import Folders
from impasto.errors import OptionError
from impasto.losses.cycle import cycle_loss
from impasto.losses.lsgan import discriminator_loss, generator_loss
from impasto.methods.aggan.network import Discriminator, Generator, GeneratorConfig, blended
from impasto.training.schedules import LinearDecay, set_learning_rate
from impasto.training.unpaired import EpochRecipe, Networks, UnpairedTraining, frozen, to_image
from impasto.translation import OTHER, WAYS


@dataclass(frozen=True, kw_only=True)
class AgGANRecipe(EpochRecipe):
    """Settings of a run.

    cycle_weight: of the L1 losses on pictures in [-1, 1]. discriminator_weight: of a discriminator's loss.
    foreground_from: epochs of `rates` after which the discriminators see the foreground alone, lose their
        normalisation, and the attention stays as it is.
    threshold: tau; where the attention is less, a picture is black for the discriminators from then on.
    """

    method: ClassVar[str] = "aggan"

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
    errors = ("cycle",)
    pooled_channels = 4  # a picture and where it was painted

    def step(self, batch: tuple[Tensor, Tensor], step: int) -> dict[str, Tensor]:
        """Both generators together, then each discriminator, on what the generators painted before they learned."""
        settings = self.settings
        set_learning_rate(self.optimizers.values(), settings.rates(step, settings.schedule.steps))
        foreground = self._sees_foreground(step)
        for discriminator in self.discriminators.values():
            cast(Discriminator, discriminator).normalises = not foreground
        A, B = (to_image(pictures, self.accelerator.device) for pictures in batch)
        pictures = {"A": A, "B": B}
        # The attention would shrink: the less of a picture is shown, the less can be told from it.
        with frozen([one.attention for one in self.generators.values()] if foreground else []):
            shown, losses = self._generator_losses(pictures, foreground=foreground)
            self.accelerator.backward(torch.stack(list(losses.values())).sum())
        self._update("generators", self.generators.values())
        for kind, direction, back in WAYS:
            real = pictures[OTHER[kind]]
            with torch.no_grad(), self.accelerator.autocast():
                share = self.generators[back].share(real)
            loss = self._learn_to_judge(direction, real, share, shown[direction], foreground=foreground)
            losses[f"{direction}/discriminator"] = loss
        self._update_averages(step)
        return {name: loss.detach() for name, loss in losses.items()}

    def _errors(self, pictures: Sequence[Tensor], there: str, back: str) -> dict[str, float]:
        """How far pictures are from themselves after there and back: absolute differences, which lie in [0, 2]."""
        again = [self.averages[back](self.averages[there](picture)) for picture in pictures]
        errors = [float(cycle_loss(one, picture)) for one, picture in zip(again, pictures, strict=True)]
        return {"cycle": sum(errors) / len(errors)}

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
        self, pictures: Mapping[str, Tensor], *, foreground: bool
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """({direction: what its discriminator is shown and the attention, (N, 4, H, W)}, {direction/name: weighted
        loss}) of the pictures of both kinds."""
        shown, losses = {}, {}
        # One autocast around everything, because it keeps each weight's half-precision copy until it ends. The losses
        # themselves are float32.
        with frozen(self.discriminators.values()), self.accelerator.autocast():
            for kind, there, back in WAYS:
                picture, generator = pictures[kind], self.generators[there]
                painted, share = generator.paint(picture), generator.share(picture)
                fake = blended(picture, painted, share)
                # Of the foreground, F(s) alone and not the blend is judged (equation 5).
                judged_as = painted if foreground else fake
                shown[there] = torch.cat([judged_as, share], 1)
                judged = self._judged(there, judged_as, share, foreground=foreground)
                losses[f"{there}/adversarial"] = generator_loss(judged)
                error = cycle_loss(self.generators[back](fake), picture)
                losses[f"{there}/cycle"] = self.settings.cycle_weight * error
        return shown, losses

    def _learn_to_judge(
        self, direction: str, real: Tensor, real_share: Tensor, shown: Tensor, *, foreground: bool
    ) -> Tensor:
        earlier, share = self.pools[direction](shown.float()).split((3, 1), 1)
        with self.accelerator.autocast():
            judged_real = self._judged(direction, real, real_share, foreground=foreground)
            judged_fake = self._judged(direction, earlier, share, foreground=foreground)
        loss = self.settings.discriminator_weight * discriminator_loss(judged_real, judged_fake)
        self.accelerator.backward(loss)
        self._update(f"discriminator_{direction}", [self.discriminators[direction]])
        return loss

    def _judged(self, direction: str, picture: Tensor, share: Tensor, *, foreground: bool) -> Tensor:
        """What the discriminator says of a picture: of all of it, or of where the attention is tau or more."""
        seen = picture * (share >= self.settings.threshold) if foreground else picture
        judged: Tensor = self.discriminators[direction](seen)
        return judged
