"""The step that all methods of CycleGAN's kind share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from impasto.losses.cycle import cycle_loss
from impasto.losses.identity import identity_loss
from impasto.losses.lsgan import discriminator_loss, generator_loss
from impasto.training.loop import Schedule
from impasto.training.optimizers import Adam, NAdam
from impasto.training.schedules import LinearDecay, StepDecay, set_learning_rate
from impasto.training.unpaired import WAYS, UnpairedTraining, frozen, to_image


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
    best_by: the measure of held-out pictures by which the best state is known.
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
    # How much of the pictures is kept. How much they look like the other kind, few held-out pictures cannot say.
    best_by: str = "cycle"


class CycleTraining(UnpairedTraining[nn.Module]):
    """The training as a `Trainable`. The method says by which networks, the recipe with which weights."""

    settings: Settings
    errors = ("cycle",)

    def batches(self, start: int) -> Iterator[tuple[Tensor, Tensor]]:
        return self._draw(start, self.settings.batch * self.settings.accumulate)

    def step(self, batch: tuple[Tensor, Tensor], step: int) -> dict[str, Tensor]:
        """Both generators together, then each discriminator, on what the generators painted before they learned."""
        set_learning_rate(self.optimizers.values(), self.settings.rates(step, self.settings.schedule.steps))
        A, B = (to_image(pictures, self.accelerator.device).chunk(self.settings.accumulate) for pictures in batch)
        parts = [{"A2B": a, "B2A": b} for a, b in zip(A, B, strict=True)]
        found = [self._paint_and_learn(pictures) for pictures in parts]
        self._update("generators", self.generators.values())
        losses = {name: torch.stack([some[name] for _, some in found]).mean() for name in found[0][1]}
        for _, direction, other in WAYS:
            judged = [
                self._learn_to_judge(direction, pictures[other], fakes[direction])
                for pictures, (fakes, _) in zip(parts, found, strict=True)
            ]
            self._update(f"discriminator_{direction}", [self.discriminators[direction]])
            losses[f"{direction}/discriminator"] = torch.stack(judged).mean()
        self._update_averages(step)
        return losses

    def _errors(self, pictures: Sequence[Tensor], there: str, back: str) -> dict[str, float]:
        """How far pictures are from themselves after there and back: absolute differences, which lie in [0, 2]."""
        again = [self.averages[back](self.averages[there](picture)) for picture in pictures]
        errors = [float(cycle_loss(one, picture)) for one, picture in zip(again, pictures, strict=True)]
        return {"cycle": sum(errors) / len(errors)}

    def _generator_losses(self, pictures: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """({direction: what it paints}, {direction/name: weighted loss}). pictures: what each direction starts from."""
        fakes, losses = {}, {}
        settings = self.settings
        # One autocast around everything, because it keeps each weight's half-precision copy until it ends. The losses
        # themselves are float32.
        with frozen(self.discriminators.values()), self.accelerator.autocast():
            for _, direction, other in WAYS:
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


def _detached(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in tensors.items()}
