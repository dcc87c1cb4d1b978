"""Recipes of the semantic-consistency GAN (paper 003): as published, and what it takes to get there more safely."""

from dataclasses import replace

from impasto.blocks.patch_discriminator import PatchConfig
from impasto.methods.semantic_gan.network import GeneratorConfig
from impasto.methods.semantic_gan.training import SemanticGANRecipe
from impasto.training.optimisation import LinearDecay, StepDecay
from impasto.training.unpaired import PUBLISHED, SLIM


def semantic_gan() -> SemanticGANRecipe:
    """Paper 003 to the letter: equations 11 to 13 and nothing besides, Adam, 1e-3 for the generators and 2e-3 for the
    discriminators, 8 pictures, 400,000 steps."""
    return SemanticGANRecipe(
        schedule=replace(PUBLISHED, steps=400_000, save_every=1000),
        # Equation 1 sums over all positions.
        generator=GeneratorConfig(pooling=1),
        # It speaks of no decay.
        generator_rates=StepDecay(rate=1e-3, epochs=1),
        discriminator_rates=StepDecay(rate=2e-3, epochs=1),
        reconstruction_weight=0.0,
        normalised_codes=False,
        # No decoder learns to give back what its own encoder made.
        best_by="structure SSIM",
    )


def semantic_gan_anchored() -> SemanticGANRecipe:
    """The same with three things that the paper has not: codes give their own pictures back, and are compared after
    they were normalised; and the attention looks at maxima of 4 x 4 positions, a thirteenth of the time."""
    changed = ("reconstruction_weight", "normalised_codes", "best_by", "generator")
    return replace(semantic_gan(), **{name: getattr(SemanticGANRecipe, name) for name in changed})


def semantic_gan_stable() -> SemanticGANRecipe:
    """`semantic_gan_anchored` with what keeps such a training together: a fifth of its rates, which fall in the second
    half, spectral normalisation, and averaged weights."""
    return replace(
        semantic_gan_anchored(),
        # 2e-4 is CycleGAN's; the discriminator's is twice that, as in the paper.
        generator_rates=LinearDecay(rate=2e-4, epochs=200, constant=100),
        discriminator_rates=LinearDecay(rate=4e-4, epochs=200, constant=100),
        spectral_norm=True,
        average_decay=0.999,
    )


def semantic_gan_100k() -> SemanticGANRecipe:
    """`semantic_gan_stable` in a quarter of the steps."""
    return _shortened(100_000)


def semantic_gan_20k() -> SemanticGANRecipe:
    """`semantic_gan_stable` in a twentieth of the steps."""
    return _shortened(20_000)


def semantic_gan_slim() -> SemanticGANRecipe:
    """`semantic_gan_20k` with a ninth of the weights, two pictures at a time, made for a few hours."""
    generator = GeneratorConfig(width=8, upsampling="resize")
    return replace(semantic_gan_20k(), **SLIM, batch=2, generator=generator, discriminator=PatchConfig(width=32))


def _shortened(steps: int) -> SemanticGANRecipe:
    stable = semantic_gan_stable()
    return replace(stable, schedule=replace(stable.schedule, steps=steps, preview_every=1000, validate_every=1000))
