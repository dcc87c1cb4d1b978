"""How the generators of paper 003 learn: an adversarial loss, codes that survive the translation, and an anchor.

The step is not CycleGAN's: it needs the codes inside the generators, has two rates (TTUR), and may judge several times.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from accelerate import Accelerator
from torch import Tensor

from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator, spectrally_normalised
from impasto.data.folders import Folders
from impasto.errors import OptionError
from impasto.losses import hinge, lsgan
from impasto.losses.cycle import code_deviation, cycle_loss, semantic_loss
from impasto.methods.semantic_gan.network import Generator, GeneratorConfig
from impasto.training.optimisation import Adam, LinearDecay, NAdam, StepDecay, set_learning_rate
from impasto.training.unpaired import Networks, UnpairedRecipe, UnpairedTraining
from impasto.translation import WAYS

Adversarial = Literal["lsgan", "hinge"]


def _lsgan_generator(judged: Tensor) -> Tensor:
    """Equation 12: 1/2 E[(D(G(z)) - c)^2], c = 1."""
    return 0.5 * lsgan.generator_loss(judged)


def _lsgan_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Equation 11: 1/2 E[(D(x) - b)^2] + 1/2 E[(D(G(z)) - a)^2]."""
    # Deviates: the paper prints a = c = 1 and b = 0. With them the generator's target c would be the label a of what is
    # generated, so that both would minimise the same term, and nobody would be anybody's adversary. The letters of Mao
    # et al. 2017, its source, have b = c = 1 and a = 0.
    return 0.5 * lsgan.discriminator_loss(real, fake)


# {name: (the generator's loss, the discriminator's)}.
ADVERSARIES: Mapping[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "lsgan": (_lsgan_generator, _lsgan_discriminator),
    "hinge": (hinge.generator_loss, hinge.discriminator_loss),
}


@dataclass(frozen=True, kw_only=True)
class SemanticGANRecipe(UnpairedRecipe):
    """Settings of a run.

    generator_rates, discriminator_rates: apart, which is TTUR.
    spectral_norm: in the discriminators, in place of instance normalisation.
    batch: pictures of each kind per process, for the generators and for each of the discriminators' steps.
    adversarial: 'lsgan' or 'hinge'.
    semantic_weight: of the L1 distance between the codes of a picture and of its translation.
    normalised_codes: compare codes whose channels have mean 0 and deviation 1.
    reconstruction_weight: of the L1 distance between a picture in [-1, 1] and what the decoder of its own kind makes of
        its code. cycle_weight: the same of the translation's code.
    discriminator_steps: of each discriminator for one of the generators, each on pictures of its own.
    """

    generator_rates: LinearDecay | StepDecay
    discriminator_rates: LinearDecay | StepDecay
    generator: GeneratorConfig = GeneratorConfig()
    discriminator: PatchConfig = PatchConfig()
    spectral_norm: bool = False
    # The paper names Adam without its betas; these are those of CycleGAN, its baseline.
    optimizer: Adam | NAdam = Adam()
    batch: int = 8
    # "LSGAN and PatchGAN are combined", and equations 11 and 12; the one sentence about a "hinge version" comes without
    # a formula.
    adversarial: Adversarial = "lsgan"
    # Equation 13 adds both losses without a factor.
    semantic_weight: float = 1.0
    # Deviates: see `semantic_loss`. What encoders make small they could enlarge again in the decoder.
    normalised_codes: bool = True
    # Deviates: equation 13 has no such term. But two encoders whose codes say the same of every picture satisfy the
    # semantic loss best of all, and the discriminator asks for any picture of the other kind, not for this one's. A
    # code that gives its own picture back cannot be empty. The recipe `semantic_gan`, the paper's letter, has 0.
    reconstruction_weight: float = 10.0
    # Equation 10 is cited from CycleGAN as what others do. The anchor above needs one decoder less deep a chain.
    cycle_weight: float = 0.0
    # TTUR is there to update both equally often: "we can perform discriminator and generator updates in a rating of
    # 5:1, and only the learning rate needs to be modified". 5 is the other reading.
    discriminator_steps: int = 1
    # The paper has none.
    pool: int = 0
    best_by: str = "reconstruction"

    @property
    def rates(self) -> LinearDecay | StepDecay:
        """The generators', under the name that other trainings of translation give to theirs."""
        return self.generator_rates

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.adversarial not in ADVERSARIES:
            raise OptionError(f"adversarial is '{self.adversarial}', but must be one of {', '.join(ADVERSARIES)}")
        if self.discriminator_steps < 1:
            raise OptionError(f"discriminator_steps is {self.discriminator_steps}, but must be 1 or more")

    def networks(self) -> Networks:
        judge = PatchDiscriminator(self.discriminator)
        return Networks(
            generator=Generator(self.generator),
            discriminator=spectrally_normalised(judge) if self.spectral_norm else judge,
        )

    @property
    def step_pictures(self) -> int:
        return self.batch * self.discriminator_steps

    def build(self, accelerator: Accelerator, data: Mapping[str, Folders]) -> "SemanticTraining":
        return SemanticTraining.of(self, accelerator, data)


class SemanticTraining(UnpairedTraining[Generator]):
    """The training as a `Trainable`: generators A2B and B2A, and the discriminators of what they paint.

    The encoder of A2B is the paper's encoder A and its decoder that of B, so that pictures of A are given back by the
    encoder of A2B and the decoder of B2A.
    """

    settings: SemanticGANRecipe
    errors = ("reconstruction", "cycle", "semantic")

    def _learn(self, parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """From one part for each of `discriminator_steps`.

        The generators learn from the first, and the discriminators on what was painted of it before; in the later steps
        they see what is painted of the others now.
        """
        fakes, losses = self._generators_learn(parts[:1])
        losses |= self._discriminators_learn(parts[:1], fakes)
        for part in parts[1:]:
            with torch.no_grad(), self.accelerator.autocast():
                fake = {there: self.generators[there](part[kind]) for kind, there, _ in WAYS}
            losses |= self._discriminators_learn([part], [fake])
        return losses

    def _errors(self, pictures: Sequence[Tensor], there: str, back: str) -> Iterator[dict[str, Tensor]]:
        """How far pictures are from what is given back of their own code and of their translation's, and how far these
        codes are apart."""
        for picture in pictures:
            code = self.averages[there].encode(picture)
            again = self.averages[back].encode(self.averages[there].decode(code))
            yield {
                "reconstruction": cycle_loss(self.averages[back].decode(code), picture),
                "cycle": cycle_loss(self.averages[back].decode(again), picture),
                "semantic": semantic_loss(code, again, normalised=self.settings.normalised_codes),
            }

    @torch.no_grad()
    def health(self) -> dict[str, float]:
        """As of every translation, and `code_deviation` over the held-out pictures of each kind of which there are
        several."""
        vitals = super().health()
        for kind, there, _ in WAYS:
            codes = [self.averages[there].encode(picture) for picture in self._held_out(kind)]
            if len(codes) > 1:
                vitals[f"{kind}/code deviation"] = float(code_deviation(torch.cat(codes)))
        return vitals

    def _set_rates(self, step: int) -> None:
        steps = self.settings.schedule.steps
        for name, optimizer in self.optimizers.items():
            rates = self.settings.generator_rates if name == "generators" else self.settings.discriminator_rates
            set_learning_rate([optimizer], rates(step, steps))

    def _generator_losses(
        self, pictures: Mapping[str, Tensor], kind: str, there: str, back: str
    ) -> tuple[Tensor, dict[str, Tensor]]:
        settings, picture = self.settings, pictures[kind]
        generator, other = self.generators[there], self.generators[back]
        adversarial_loss, _ = ADVERSARIES[settings.adversarial]
        code = generator.encode(picture)
        fake = generator.decode(code)
        losses = {"adversarial": adversarial_loss(self.discriminators[there](fake))}
        # What no loss asks for is not computed.
        if settings.semantic_weight or settings.cycle_weight:
            again = other.encode(fake)
        if settings.semantic_weight:
            apart = semantic_loss(code, again, normalised=settings.normalised_codes)
            losses["semantic"] = settings.semantic_weight * apart
        if settings.reconstruction_weight:
            losses["reconstruction"] = settings.reconstruction_weight * cycle_loss(other.decode(code), picture)
        if settings.cycle_weight:
            losses["cycle"] = settings.cycle_weight * cycle_loss(other.decode(again), picture)
        return fake, losses

    def _discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        _, discriminator_loss = ADVERSARIES[self.settings.adversarial]
        return discriminator_loss(real, fake)
