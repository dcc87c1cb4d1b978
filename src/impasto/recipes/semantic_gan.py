"""Recipes of the semantic-consistency GAN (paper 003): as published, and what it takes to get there more safely."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate import Accelerator

from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator
from impasto.blocks.spectral_norm import spectrally_normalised
from impasto.methods.semantic_gan.network import Generator, GeneratorConfig
from impasto.methods.semantic_gan.training import SemanticTraining, Settings
from impasto.recipes.unpaired import DATA, Pictures, domains
from impasto.training.loop import Schedule
from impasto.training.schedules import LinearDecay, StepDecay
from impasto.training.unpaired import Networks
from impasto.translation import DIRECTIONS

__all__ = [
    "DATA", "Config", "build", "semantic_gan", "semantic_gan_20k", "semantic_gan_100k", "semantic_gan_anchored",
    "semantic_gan_slim", "semantic_gan_stable",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Config(Pictures, Settings):
    """A whole recipe.

    spectral_norm: in the discriminators, in place of instance normalisation.
    """

    generator: GeneratorConfig = GeneratorConfig()
    discriminator: PatchConfig = PatchConfig()
    spectral_norm: bool = False


def semantic_gan() -> Config:
    """Paper 003 to the letter: equations 11 to 13 and nothing besides, Adam, 1e-3 for the generators and 2e-3 for the
    discriminators, 8 pictures, 400,000 steps."""
    return Config(
        schedule=Schedule(steps=400_000, log_every=100, preview_every=5000, validate_every=5000, save_every=1000),
        # It speaks of no decay.
        generator_rates=StepDecay(rate=1e-3, epochs=1),
        discriminator_rates=StepDecay(rate=2e-3, epochs=1),
        reconstruction_weight=0.0,
        normalised_codes=False,
        # No decoder learns to give back what its own encoder made.
        best_by="structure SSIM",
    )


def semantic_gan_anchored() -> Config:
    """The same with two things that the paper has not: codes give their own pictures back, and are compared after they
    were normalised."""
    own = Settings.reconstruction_weight, Settings.normalised_codes, Settings.best_by
    return replace(semantic_gan(), reconstruction_weight=own[0], normalised_codes=own[1], best_by=own[2])


def semantic_gan_stable() -> Config:
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


def semantic_gan_100k() -> Config:
    """`semantic_gan_stable` in a quarter of the steps."""
    return _shortened(100_000)


def semantic_gan_20k() -> Config:
    """`semantic_gan_stable` in a twentieth of the steps."""
    return _shortened(20_000)


def semantic_gan_slim() -> Config:
    """`semantic_gan_20k` with a ninth of the weights, at a quarter of the pixels, two pictures at a time: made for a
    few hours of two CPU cores in bf16."""
    return replace(
        semantic_gan_20k(),
        schedule=Schedule(steps=20_000, log_every=50, preview_every=1000, validate_every=1000, save_every=250),
        batch=2,
        crop=128,
        shorter=143,
        generator=GeneratorConfig(width=8, upsampling="resize"),
        discriminator=PatchConfig(width=32),
    )


def _shortened(steps: int) -> Config:
    stable = semantic_gan_stable()
    return replace(stable, schedule=replace(stable.schedule, steps=steps, preview_every=1000, validate_every=1000))


def build(config: Config, accelerator: Accelerator, data: Mapping[str, Sequence[Path]]) -> SemanticTraining:
    """The run of the method semantic-gan. data: folders and shards of pictures of the kinds 'A' and 'B'."""
    torch.manual_seed(config.seed)
    networks = {direction: _networks(config) for direction in DIRECTIONS}
    return SemanticTraining(networks, accelerator, *domains(config, config.seed, data), config)


def _networks(config: Config) -> Networks:
    judge = PatchDiscriminator(config.discriminator)
    return Networks(
        generator=Generator(config.generator),
        discriminator=spectrally_normalised(judge) if config.spectral_norm else judge,
    )
