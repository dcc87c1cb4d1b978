"""Recipes of NLA-CycleGAN (paper 000): CycleGAN with a non-local block in both generators, learned with NAdam."""

from dataclasses import dataclass, replace

from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator
from impasto.methods.nla_cyclegan.network import Generator, GeneratorConfig
from impasto.training.cycle import CycleRecipe
from impasto.training.loop import Schedule
from impasto.training.optimisation import LinearDecay, NAdam
from impasto.training.unpaired import PUBLISHED, SLIM, Networks


@dataclass(frozen=True, kw_only=True)
class NLACycleGANRecipe(CycleRecipe):
    """Settings of a run."""

    generator: GeneratorConfig = GeneratorConfig()
    discriminator: PatchConfig = PatchConfig()

    def networks(self) -> Networks:
        return Networks(generator=Generator(self.generator), discriminator=PatchDiscriminator(self.discriminator))


def nla_cyclegan() -> NLACycleGANRecipe:
    """As in paper 000, section 2.3: 150 epochs, whose rate falls after the first 100."""
    return NLACycleGANRecipe(
        schedule=PUBLISHED,
        rates=LinearDecay(rate=2e-4, epochs=150, constant=100),
        # The paper gives NAdam and its rate alone. Betas of CycleGAN, because with PyTorch's 0.9 the momentum would
        # outlast the discriminator that it was gathered against; so Adam and NAdam differ in Nesterov's part only.
        optimizer=NAdam(),
    )


def nla_cyclegan_compose() -> NLACycleGANRecipe:
    """The other reading of paper 000: what is painted is blended with the input (section 3.2 and conclusion)."""
    return replace(nla_cyclegan(), generator=GeneratorConfig(compose=True))


def nla_cyclegan_slim() -> NLACycleGANRecipe:
    """A sixteenth of the weights on a quarter of the pixels, made for some hours of two CPU cores."""
    generator = GeneratorConfig(width=16, upsampling="resize")
    return replace(nla_cyclegan(), **SLIM, generator=generator, discriminator=PatchConfig(width=32))


def nla_cyclegan_more() -> NLACycleGANRecipe:
    """Further steps for generators of `nla_cyclegan_slim` (`--start`), against the grain that these leave in skies."""
    return replace(
        nla_cyclegan_slim(),
        schedule=Schedule(steps=3000, log_every=50, preview_every=500, validate_every=1500, save_every=100),
        rates=LinearDecay(rate=1.5e-4, epochs=150, constant=100),
        average_decay=0.998,
        generator=GeneratorConfig(width=16, upsampling="bilinear"),
        # Paintings of 224 pixels are enlarged as well: their strokes, not the canvas between pixels, are what to learn.
        crop=128,
        shorter=160,
        zoom=1.8,
        hiding_noise=0.05,
        head_start=150,
    )
