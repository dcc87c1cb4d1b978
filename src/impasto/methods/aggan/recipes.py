"""Recipes of attention-guided translation (Mejjati et al. 2018), a baseline of paper 003 by the name AgGAN."""

from dataclasses import replace

from impasto.blocks.patch_discriminator import PatchConfig
from impasto.methods.aggan.network import GeneratorConfig
from impasto.methods.aggan.training import AgGANRecipe
from impasto.training.optimisation import LinearDecay
from impasto.training.unpaired import PUBLISHED, SLIM


def aggan() -> AgGANRecipe:
    """As published: 100 epochs, the rate constant for half of them; from the 31st on, the foreground alone."""
    return AgGANRecipe(schedule=PUBLISHED, rates=LinearDecay(rate=1e-4, epochs=100, constant=50))


def aggan_slim() -> AgGANRecipe:
    """A quarter of the weights on a quarter of the pixels, made for some hours of two CPU cores."""
    generator = GeneratorConfig(width=16, attention_width=16, upsampling="resize")
    return replace(aggan(), **SLIM, generator=generator, discriminator=PatchConfig(width=32))
