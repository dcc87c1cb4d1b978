"""Recipes of attention-guided translation (Mejjati et al. 2018), a baseline of paper 003 by the name AgGAN."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate import Accelerator

from impasto.blocks.patch_discriminator import PatchConfig
from impasto.methods.aggan.network import Discriminator, Generator, GeneratorConfig
from impasto.methods.aggan.training import AttentionGuidedTraining, Settings
from impasto.recipes.unpaired import DATA, Epochs, domains, settle
from impasto.training.loop import Schedule
from impasto.training.optimizers import Adam
from impasto.training.schedules import LinearDecay
from impasto.training.unpaired import Networks
from impasto.translation import DIRECTIONS

__all__ = ["DATA", "Config", "aggan", "aggan_slim", "build", "settle"]


@dataclass(frozen=True, kw_only=True)
class Config(Epochs, Settings):
    """A whole recipe."""

    generator: GeneratorConfig = GeneratorConfig()
    discriminator: PatchConfig = PatchConfig()


def aggan() -> Config:
    """As published: 100 epochs, the rate constant for half of them; from the 31st on, the foreground alone."""
    return Config(
        schedule=Schedule(steps=0, log_every=100, preview_every=5000, validate_every=5000, save_every=250),
        rates=LinearDecay(rate=1e-4, epochs=100, constant=50),
        optimizer=Adam(),
    )


def aggan_slim() -> Config:
    """A quarter of the work at a quarter of the pixels, made for a few hours of two CPU cores in bf16."""
    return replace(
        aggan(),
        schedule=Schedule(steps=20_000, log_every=50, preview_every=1000, validate_every=1000, save_every=250),
        average_decay=0.999,
        crop=128,
        shorter=143,
        generator=GeneratorConfig(width=16, attention_width=16, upsampling="resize"),
        discriminator=PatchConfig(width=32),
    )


def build(config: Config, accelerator: Accelerator, data: Mapping[str, Sequence[Path]]) -> AttentionGuidedTraining:
    """The run of the method aggan. data: folders and shards of pictures of the kinds 'A' and 'B'."""
    torch.manual_seed(config.seed)
    networks = {
        direction: Networks(generator=Generator(config.generator), discriminator=Discriminator(config.discriminator))
        for direction in DIRECTIONS
    }
    return AttentionGuidedTraining(networks, accelerator, *domains(config, config.seed, data), config)
