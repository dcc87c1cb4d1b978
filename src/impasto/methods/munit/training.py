"""How the networks of MUNIT learn: codes and pictures that can be had back, and an adversary at three scales.

The step is not CycleGAN's: it draws styles, and what is given back are codes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor

from impasto.data.folders import Folders
from impasto.errors import OptionError
from impasto.losses import lsgan
from impasto.losses.cycle import cycle_loss
from impasto.methods.munit.network import DiscriminatorConfig, Generator, GeneratorConfig, MultiScaleDiscriminator
from impasto.training.optimisation import LinearDecay, StepDecay
from impasto.training.unpaired import Networks, UnpairedRecipe, UnpairedTraining


@dataclass(frozen=True, kw_only=True)
class MUNITRecipe(UnpairedRecipe):
    """Settings of a run.

    reconstruction_weight: lambda_x, of the L1 distance between a picture in [-1, 1] and what its own codes give back.
    content_weight, style_weight: lambda_c and lambda_s, of the L1 distance between a code and what is found of it in
        the picture that was made with it.
    cycle_weight: of the style-augmented cycle: a picture, and what the translation's content and the picture's own
        style give back.
    """

    rates: LinearDecay | StepDecay
    generator: GeneratorConfig = GeneratorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    # Its pictures are made 256 pixels at their shorter side.
    shorter: int = 256
    reconstruction_weight: float = 10.0
    content_weight: float = 1.0
    style_weight: float = 1.0
    # The other three imply it, says the paper, which adds it for some data only; 0 in its program's settings.
    cycle_weight: float = 0.0
    # The paper has none.
    pool: int = 0
    best_by: str = "reconstruction"

    def networks(self) -> Networks:
        judge = self.discriminator
        if self.crop < judge.minimum:
            raise OptionError(
                f"crop is {self.crop}, but must be {judge.minimum} or more for discriminators at {judge.scales} scales"
            )
        return Networks(generator=Generator(self.generator), discriminator=MultiScaleDiscriminator(judge))

    def build(self, accelerator: Accelerator, data: Mapping[str, Folders]) -> "MUNITTraining":
        return MUNITTraining.of(self, accelerator, data)


class MUNITTraining(UnpairedTraining[Generator]):
    """The training as a `Trainable`.

    The paper's encoder E_A^c is in the generator of A2B, its E_A^s and G_A in that of B2A, which paints pictures of A.
    """

    settings: MUNITRecipe
    errors = ("reconstruction", "content", "style")

    def _errors(self, pictures: Sequence[Tensor], there: str, back: str) -> Iterator[dict[str, Tensor]]:
        """How far pictures and codes are from what is given back of them; the styles are drawn alike at every call."""
        translator, other = self.averages[there], self.averages[back]
        random = torch.Generator().manual_seed(self.settings.seed)
        for picture in pictures:
            content = translator.encode(picture)
            style = torch.randn(1, translator.config.style_size, generator=random).to(picture.device)
            fake = translator.decode(content, style)
            yield {
                "reconstruction": cycle_loss(other.decode(content, other.style_of(picture)), picture),
                "content": _apart(other.encode(fake), content),
                "style": _apart(translator.style_of(fake), style),
            }

    def _generator_losses(
        self, pictures: Mapping[str, Tensor], kind: str, there: str, back: str
    ) -> tuple[Tensor, dict[str, Tensor]]:
        settings, picture = self.settings, pictures[kind]
        translator, other = self.generators[there], self.generators[back]
        content, own_style = translator.encode(picture), other.style_of(picture)
        # Drawn on the CPU, whose random state every checkpoint holds.
        style = torch.randn(len(picture), translator.config.style_size).to(picture.device)
        fake = translator.decode(content, style)
        content_again = other.encode(fake)
        judgements = [lsgan.generator_loss(judged) for judged in self.discriminators[there](fake)]
        losses = {"adversarial": torch.stack(judgements).sum()}
        # Equation 1.
        error = cycle_loss(other.decode(content, own_style), picture)
        losses["reconstruction"] = settings.reconstruction_weight * error
        # Equations 2 and 3.
        losses["content"] = settings.content_weight * _apart(content_again, content)
        losses["style"] = settings.style_weight * _apart(translator.style_of(fake), style)
        if settings.cycle_weight:
            error = cycle_loss(other.decode(content_again, own_style), picture)
            losses["cycle"] = settings.cycle_weight * error
        return fake, losses

    def _discriminator_loss(self, real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
        return torch.stack([lsgan.discriminator_loss(*judged) for judged in zip(real, fake, strict=True)]).sum()


def _apart(again: Tensor, code: Tensor) -> Tensor:
    """||c' - c||_1: mean over values, float32."""
    return (again.float() - code.float()).abs().mean()
