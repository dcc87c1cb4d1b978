"""Recipes of MUNIT (Huang et al. 2018), a baseline of paper 003."""

from dataclasses import replace

from impasto.methods.munit.network import DiscriminatorConfig, GeneratorConfig
from impasto.methods.munit.training import MUNITRecipe
from impasto.training.optimisation import Adam, StepDecay
from impasto.training.unpaired import PUBLISHED, SLIM


def munit() -> MUNITRecipe:
    """As published: a million steps of one picture, with a rate that halves every 100,000."""
    return MUNITRecipe(
        schedule=replace(PUBLISHED, steps=1_000_000),
        rates=StepDecay(rate=1e-4, epochs=10, every=1, factor=0.5),
        optimizer=Adam(weight_decay=1e-4),
    )


def munit_slim() -> MUNITRecipe:
    """A sixteenth of the weights on a quarter of the pixels, made for some hours of two CPU cores."""
    return replace(
        munit(),
        **SLIM,
        # Of so few steps none is left to a falling rate.
        rates=StepDecay(rate=1e-4, epochs=1),
        generator=GeneratorConfig(width=16, mlp_width=64),
        discriminator=DiscriminatorConfig(width=16),
    )
