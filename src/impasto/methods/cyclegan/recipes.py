"""Recipes of CycleGAN (Zhu et al. 2017), the baseline of paper 000."""

from dataclasses import dataclass, replace

from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator
from impasto.methods.cyclegan.network import Generator, GeneratorConfig
from impasto.training.cycle import CycleRecipe
from impasto.training.optimisation import LinearDecay
from impasto.training.unpaired import PUBLISHED, SLIM, Networks


@dataclass(frozen=True, kw_only=True)
class CycleGANRecipe(CycleRecipe):
    """Settings of a run."""

    generator: GeneratorConfig = GeneratorConfig()
    discriminator: PatchConfig = PatchConfig()

    def networks(self) -> Networks:
        return Networks(generator=Generator(self.generator), discriminator=PatchDiscriminator(self.discriminator))


def cyclegan() -> CycleGANRecipe:
    """As published: 100 epochs at a constant rate, 100 more while it falls."""
    return CycleGANRecipe(schedule=PUBLISHED, rates=LinearDecay(rate=2e-4, epochs=200, constant=100))


def cyclegan_slim() -> CycleGANRecipe:
    """A sixteenth of the weights on a quarter of the pixels, made for some hours of two CPU cores."""
    generator = GeneratorConfig(width=16, upsampling="resize")
    return replace(cyclegan(), **SLIM, generator=generator, discriminator=PatchConfig(width=32))
