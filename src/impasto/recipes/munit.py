"""Recipes of MUNIT (Huang et al. 2018), a baseline of paper 003."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate import Accelerator

from impasto.methods.munit.network import DiscriminatorConfig, Generator, GeneratorConfig, MultiScaleDiscriminator
from impasto.methods.munit.training import MunitTraining, Settings
from impasto.recipes.unpaired import DATA, Pictures, domains
from impasto.training.loop import Schedule
from impasto.training.optimizers import Adam
from impasto.training.schedules import StepDecay
from impasto.training.unpaired import Networks
from impasto.translation import DIRECTIONS

__all__ = ["DATA", "Config", "build", "munit", "munit_slim"]


@dataclass(frozen=True, kw_only=True)
class Config(Pictures, Settings):
    """A whole recipe."""

    generator: GeneratorConfig = GeneratorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    # Its pictures are made 256 pixels at their shorter side.
    shorter: int = 256


def munit() -> Config:
    """As published: a million steps of one picture, with a rate that halves every 100,000."""
    return Config(
        schedule=Schedule(steps=1_000_000, log_every=100, preview_every=5000, validate_every=5000, save_every=250),
        rates=StepDecay(rate=1e-4, epochs=10, every=1, factor=0.5),
        optimizer=Adam(weight_decay=1e-4),
    )


def munit_slim() -> Config:
    """A sixteenth of the work at a quarter of the pixels, made for a few hours of two CPU cores in bf16."""
    return replace(
        munit(),
        schedule=Schedule(steps=20_000, log_every=50, preview_every=1000, validate_every=1000, save_every=250),
        # Of so few steps none is left to a falling rate.
        rates=StepDecay(rate=1e-4, epochs=1),
        average_decay=0.999,
        crop=128,
        shorter=143,
        generator=GeneratorConfig(width=16, mlp_width=64),
        discriminator=DiscriminatorConfig(width=16),
    )


def build(config: Config, accelerator: Accelerator, data: Mapping[str, Sequence[Path]]) -> MunitTraining:
    """The run of the method munit. data: folders and shards of pictures of the kinds 'A' and 'B'."""
    torch.manual_seed(config.seed)
    networks = {
        direction: Networks(
            generator=Generator(config.generator), discriminator=MultiScaleDiscriminator(config.discriminator)
        )
        for direction in DIRECTIONS
    }
    return MunitTraining(networks, accelerator, *domains(config, config.seed, data), config)
